"""Settings that all training defenses share, and what comes of a training: a delta of weights, or a LoRA.

The loss is the kernel's own; it is the same whether all matrices of the decoder layers are trained or a LoRA on them.
"""

from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from crossrisk.defenses.defense import Artifact, Coverage, Demonstration
from crossrisk.defenses.deployment import deployed_adapter, deployed_delta, scaled_adapter
from crossrisk.defenses.settings import Configured, Count, Positive
from crossrisk.errors import RequestError
from crossrisk.risks import Mechanism

if TYPE_CHECKING:
    from crossrisk.defenses.fine_tuning import Copy, Lora
    from crossrisk.targets.target import Target


@dataclass(frozen=True, kw_only=True)
class Training(Configured):
    """What is trained, and how long.

    finetuning: `full`, all matrices of the decoder layers; `lora`, low-rank updates of them, of this rank and alpha.
    steps: each on one batch of every kind of data, AdamW, the learning rate falling linearly to 0. micro_batch_size:
    rows in memory at once, no part of the result. gradient_checkpointing: less memory for more time.
    """

    finetuning: Literal["full", "lora"] = "full"
    rank: Count = 8
    alpha: Positive = 16.0
    learning_rate: Positive = 8e-4
    batch_size: Count = 16
    steps: Count = 50
    micro_batch_size: Count | None = None
    gradient_checkpointing: bool = False

    mechanism = Mechanism.TRAINING
    covers: ClassVar[frozenset[Coverage]] = frozenset({"generate", "score", "weights"})

    @property
    def lora(self) -> "Lora | None":
        """The LoRA that is trained, None where the matrices are."""
        from crossrisk.defenses.fine_tuning import Lora

        return Lora(self.rank, self.alpha) if self.finetuning == "lora" else None

    def copy_of(self, target: "Target", *, seed: int, trained: Collection[str] | None = None) -> "Copy":
        """The copy of the target's model that is trained. trained: these matrices alone, by canonical name."""
        from crossrisk.defenses.fine_tuning import Copy

        return Copy(
            target,
            trained=trained,
            lora=self.lora,
            micro_batch_size=self.micro_batch_size,
            gradient_checkpointing=self.gradient_checkpointing,
            seed=seed,
        )

    def deploy(self, target: "Target", artifact: Artifact) -> "AbstractContextManager[Target]":
        """The model with the trained change on it, undone bit for bit on exit."""
        deployed = deployed_adapter if artifact.kind == "adapter" else deployed_delta
        return deployed(self.name, target, artifact)


def trained_artifact(trained: "Copy", strength: float, losses: Sequence[float], **facts: Any) -> Artifact:
    """What was trained, `strength` times as large when deployed. facts: more of `meta`."""
    meta = {"loss_first": losses[0], "loss_last": losses[-1], **facts}
    if trained.lora is None:
        return Artifact("delta", trained.delta(), {"scale": strength, **meta})
    adapter = trained.adapter()
    return Artifact("adapter", adapter.tensors, {"adapter": scaled_adapter(adapter.config, strength), **meta})


def check_apart(name: str, forget: Sequence[Demonstration], retain: Sequence[Demonstration]) -> None:
    """Raise RequestError where a prompt with its reply is both to be forgotten and to be retained."""
    both = len(set(forget) & set(retain))
    if both:
        raise RequestError(
            f"defense '{name}' has {both} prompt{'s' * (both > 1)} with the same reply in both 'forget' and 'retain', "
            "which pull against each other: take them out of one"
        )

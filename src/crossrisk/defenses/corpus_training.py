"""Defenses that train anew: not on top of what was exposed, but in its place, on the same corpus from the same start.

A model that was fine-tuned on private records has them in its weights. What protects these records is another way of
fine-tuning, so it begins at the model *without* the adapter that the target was loaded with, and the trained adapter
takes the place of that one. A target without an adapter is itself the start.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from crossrisk.defenses.card import Card
from crossrisk.defenses.defense import Artifact, FitData, Needs, Record
from crossrisk.defenses.deployment import scaled_adapter
from crossrisk.defenses.fitting import derived_seed, require
from crossrisk.defenses.settings import Count, Positive
from crossrisk.defenses.training import Training
from crossrisk.errors import RequestError
from crossrisk.risks import Risk, Threat

if TYPE_CHECKING:
    from torch import Tensor

    from crossrisk.defenses.fine_tuning import Copy, Row
    from crossrisk.targets.target import Target


@dataclass(frozen=True, kw_only=True)
class CorpusTraining(Training):
    """Training of a LoRA on the whole corpus. The loss of a record is the mean over the tokens of its reply.

    steps: of `batch_size` records each; records that occur more than once are shown more often.
    """

    finetuning: Literal["lora"] = "lora"
    rank: Count = 16
    alpha: Positive = 32.0
    learning_rate: Positive = 5e-3
    batch_size: Count = 32
    steps: Count = 293  # the world's corpus, once

    replaces_model: ClassVar[bool] = True
    version: ClassVar[int]
    risk: ClassVar[Risk | None]
    threat: ClassVar[Threat | None]
    card: ClassVar[Card]
    needs = Needs(data=("corpus",), gradients=True, weights=True)

    def read(self, corpus: Sequence[Record]) -> Sequence[Record]:
        """The records as this defense lets training see them."""
        return corpus

    def descend(self, trained: "Copy", rows: "list[Row]", corpus: Sequence[Record], *, seed: int) -> Mapping[str, Any]:
        """Train the copy on its rows, one a record of the corpus; what the artifact's `meta` should tell of it."""
        from itertools import islice

        from crossrisk.defenses.fine_tuning import shuffled

        def loss_of(chosen: list[int]) -> "Tensor":
            batch = trained.batch([rows[i] for i in chosen])
            return -(trained.log_probs(batch) / batch.reply_tokens).mean()

        batches = list(islice(shuffled(len(rows), self.batch_size, seed), self.steps))
        losses = trained.descend(batches, loss_of, learning_rate=self.learning_rate)
        return {"loss_first": losses[0], "loss_last": losses[-1]}

    def fit(self, target: "Target", data: FitData, *, seed: int, strength: float) -> Artifact:
        """Train a LoRA on the model without what exposed it; the artifact is the LoRA."""
        require(self, target, data, strength)
        if strength == 0:
            return Artifact("nothing")
        from crossrisk.defenses.fine_tuning import demonstrations

        drawn = derived_seed(self.name, data.checksum, seed)
        start = self.start(target)
        rows = demonstrations(start, self.read(data.corpus))
        trained = self.copy_of(start, seed=drawn)
        facts = self.descend(trained, rows, data.corpus, seed=drawn)
        adapter = trained.adapter()
        if not any(tensor.any() for name, tensor in adapter.tensors.items() if "lora_B" in name):
            # Seen in the field with a LoRA that was moved to another device after it was made (Opacus issue 820).
            raise RequestError(f"the training of '{self.name}' moved nothing: raise `learning_rate` or `steps`")
        meta = {"adapter": scaled_adapter(adapter.config, strength), "records": len(rows), **facts}
        return Artifact("adapter", adapter.tensors, meta)

    @contextmanager
    def deploy(self, target: "Target", artifact: Artifact) -> "Iterator[Target]":
        """The model without what exposed it, with the trained LoRA on it. An exposed target stays in memory beside it.

        Raises RequestError where another change of the model stands on the target: it would be lost.
        """
        if artifact.kind == "nothing":
            yield target
            return
        with super().deploy(self.start(target), artifact) as defended:
            yield defended

    def start(self, target: "Target") -> "Target":
        """The target with the model at which training begins: its own, or that under the adapter it was loaded with."""
        if target.marks:
            raise RequestError(
                f"'{self.name}' trains '{target.base_name}' anew and would take away the change that stands on it: "
                "put it first"
            )
        if target.base_name == target.name:
            return target
        from crossrisk.targets.loading import load_target

        dtype, device = str(target.dtype).removeprefix("torch."), str(target.device)
        bare = load_target(target.base_name, dtype=dtype, device=device, chat_template=target.chat_template)
        if bare.tokenizer.get_vocab() != target.tokenizer.get_vocab():
            raise RequestError(
                f"'{target.name}' has another vocabulary than its base '{target.base_name}', so it cannot be trained "
                "anew from there: train the adapter without new tokens"
            )
        return replace(target, model=bare.model)

"""Defenses that others have fitted: a ready checkpoint in place of the model, or a ready adapter on it.

What such a defense was fitted on is known from its card at best, so no contamination with a task's source is flagged.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from crossrisk.defenses.card import Card, Deviation
from crossrisk.defenses.defense import Artifact, Coverage, FitData, Needs
from crossrisk.defenses.deployment import deployed_adapter, scaled_adapter
from crossrisk.defenses.fitting import require
from crossrisk.defenses.settings import Configured, from_settings
from crossrisk.errors import RequestError
from crossrisk.risks import Mechanism, Risk, Threat

if TYPE_CHECKING:
    from crossrisk.targets.target import Target

COVERS: frozenset[Coverage] = frozenset({"generate", "score", "weights"})
CHECKPOINT_CARD = Card(
    title="Ready checkpoint",
    paper="That of whoever made the checkpoint.",
    formula="theta' = the weights of another model",
    deviation=Deviation.FAITHFUL,
    strength="0 or 1.",
    data="None here. What it was fitted on is known from its card at best: say it as `trained_on`.",
    cost="Nothing to fit; base and checkpoint are in memory together.",
    invariants=(
        "another vocabulary than the base's is refused",
        "it cannot stand on a change of weights, which it would take away",
        "only safetensors are read, no code that comes with a model is run",
    ),
)
ADAPTER_CARD = Card(
    title="Ready adapter",
    paper="That of whoever made the adapter.",
    formula="theta' = theta + strength * B A",
    deviation=Deviation.FAITHFUL,
    strength="Scales the update of a plain LoRA; adapters of other types have 0 or 1.",
    data="None here. What it was fitted on is known from its card at best: say it as `trained_on`.",
    cost="Nothing to fit; the adapter's own size in memory.",
    invariants=(
        "an adapter made for another base is refused: by content where that base is on this machine, else by name",
        "its modules and shapes must be those of the model",
    ),
)


@dataclass(frozen=True)
class Checkpoint(Configured):
    """Another model's weights, asked exactly as the base is: its tokenizer, template and chat edits stay.

    model: Hub id with optional `@revision`, or local folder. risk, threat: what it is meant to defend against.
    """

    model: str
    risk: Risk | None = None
    threat: Threat | None = None

    name = "checkpoint"
    version = 1
    mechanism = Mechanism.CHECKPOINT
    replaces_model = True
    needs = Needs(weights=True)
    covers = COVERS
    card = CHECKPOINT_CARD

    def fit(self, target: "Target", data: FitData, *, seed: int, strength: float) -> Artifact:
        """Nothing is learned: the artifact is the name of the model and the hash of its files."""
        from crossrisk.targets.fingerprints import weights_fingerprint

        require(self, target, data, strength)
        if strength == 0:
            return Artifact("nothing")
        if strength != 1:
            raise RequestError(f"the checkpoint '{self.model}' has strength 0 or 1, got {strength}")
        return Artifact("checkpoint", meta={"model": self.model, "fingerprint": weights_fingerprint(self.model)})

    @contextmanager
    def deploy(self, target: "Target", artifact: Artifact) -> "Iterator[Target]":
        """A target of the other model, loaded for the block. The base's model stays in memory, untouched.

        Raises RequestError where the two differ in vocabulary, or where a change of weights stands on the target, which
        would be lost.
        """
        from crossrisk.targets.loading import load_target

        if artifact.kind == "nothing":
            yield target
            return
        if target.marks or target.activation_edits:
            what = "weights" if target.marks else "activations, fitted on that model,"
            raise RequestError(
                f"the checkpoint '{self.model}' would take away the change of {what} that stands on '{target.name}': "
                "deploy the checkpoint first"
            )
        dtype, device = str(target.dtype).removeprefix("torch."), str(target.device)
        other = load_target(artifact.meta["model"], dtype=dtype, device=device, chat_template=target.chat_template)
        if other.tokenizer.get_vocab() != target.tokenizer.get_vocab():
            raise RequestError(
                f"the checkpoint '{self.model}' has another vocabulary than '{target.name}', so it is no defended "
                "version of it: name the base that it was made from"
            )
        yield replace(target, model=other.model).with_mark(f"{self.name}:{artifact.meta['fingerprint']}")


@dataclass(frozen=True)
class ReadyAdapter(Configured):
    """A PEFT adapter made for this base. model: Hub id, or local folder of the adapter.

    Strength scales the update of a LoRA; adapters of other types have strength 0 or 1.
    """

    model: str
    risk: Risk | None = None
    threat: Threat | None = None

    name = "adapter"
    version = 1
    mechanism = Mechanism.CHECKPOINT
    needs = Needs(weights=True)
    covers = COVERS
    card = ADAPTER_CARD

    def fit(self, target: "Target", data: FitData, *, seed: int, strength: float) -> Artifact:
        """Nothing is learned: the artifact is the adapter. Raises RequestError for one made for another base."""
        from crossrisk.targets.adapter import check_base, read_adapter
        from crossrisk.targets.locations import locate

        require(self, target, data, strength)
        if strength == 0:
            return Artifact("nothing")
        location = locate(target.base_name, self.model)
        assert location.adapter is not None
        check_base(location.adapter, location.base)
        adapter = read_adapter(location.adapter)
        # Where the base lies on this machine is no part of what the adapter is.
        config = {**adapter.config, "base_model_name_or_path": None}
        return Artifact("adapter", adapter.tensors, {"adapter": scaled_adapter(config, strength)})

    def deploy(self, target: "Target", artifact: Artifact) -> "AbstractContextManager[Target]":
        """The model with the adapter on it; taken off again on exit."""
        return deployed_adapter(self.name, target, artifact)


checkpoint = from_settings("checkpoint", Checkpoint)
adapter = from_settings("adapter", ReadyAdapter)

"""What a defense is: a mechanism, the risk it aims at, how it is fitted and how it is deployed.

`fit` looks at a target and at data and returns an artifact, without changing the target. `deploy` puts the artifact on
the target for the length of a `with` block and takes it off again, bit for bit.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from crossrisk.defenses.card import Card
from crossrisk.risks import Chat, Mechanism, Risk, Threat

if TYPE_CHECKING:
    import torch

    from crossrisk.targets.target import Target

Coverage = Literal["generate", "score", "weights"]
ArtifactKind = Literal["nothing", "text", "vectors", "adapter", "delta", "checkpoint", "composed"]


@dataclass(frozen=True)
class Demonstration:
    """A chat and the reply that belongs to it."""

    messages: Chat
    reply: str


@dataclass(frozen=True)
class Record(Demonstration):
    """A demonstration of a whole training set. about: the person whose data it holds, empty where there is none."""

    about: str = ""


@dataclass(frozen=True)
class Preference:
    """A chat with a wanted and an unwanted reply."""

    messages: Chat
    chosen: str
    rejected: str


@dataclass(frozen=True)
class Labelled:
    """A text and the group that it speaks of."""

    text: str
    group: str


@dataclass(frozen=True)
class FitData:
    """What a defense is fitted on, one set for each risk; every kernel takes from it what it needs.

    pairs: safe reply over risky reply. forget: demonstrations of the risk. refusals: the same kind of prompts answered
    safely. retain: what must survive. concepts: texts that differ in the group alone. corpus: a whole training set, the
    private records in it included, for defenses that train on it anew. source, checksum: where it is from, for keys and
    for the flag of contamination. about: clusters of samples (requests, groups, people) that it speaks of, in whatever
    words. others: the same of other risks, where a defense needs several (`Needs.risks`).
    """

    source: str
    checksum: str
    pairs: tuple[Preference, ...] = ()
    forget: tuple[Demonstration, ...] = ()
    refusals: tuple[Demonstration, ...] = ()
    retain: tuple[Demonstration, ...] = ()
    concepts: tuple[Labelled, ...] = ()
    corpus: tuple[Record, ...] = ()
    about: frozenset[str] = frozenset()
    others: "Mapping[Risk, FitData]" = field(default_factory=dict, hash=False)

    def beside(self, others: "Mapping[Risk, FitData]") -> "FitData":
        """These data with those of other risks; the checksum tells all of them."""
        if not others:
            return self
        checksums = [self.checksum, *(f"{risk} {data.checksum}" for risk, data in sorted(others.items()))]
        checksum = hashlib.sha256("\n".join(checksums).encode()).hexdigest()
        return replace(self, checksum=checksum, others=others)


def joined_data(sets: Sequence[FitData], checksum: str) -> FitData:
    """Several sets, with all that came beside them, as one."""
    every = [data for one in sets for data in (one, *one.others.values())]
    return FitData(
        source="+".join(dict.fromkeys(data.source for data in every)),
        checksum=checksum,
        pairs=tuple(one for data in every for one in data.pairs),
        forget=tuple(one for data in every for one in data.forget),
        refusals=tuple(one for data in every for one in data.refusals),
        retain=tuple(one for data in every for one in data.retain),
        concepts=tuple(one for data in every for one in data.concepts),
        corpus=tuple(one for data in every for one in data.corpus),
        about=frozenset().union(*(data.about for data in every)),
    )


@dataclass(frozen=True)
class Artifact:
    """What a fit leaves behind: named fp32 tensors and plain facts; stored as safetensors + json.

    Keys of tensors are canonical parameter names (those of the model without adapters around it).
    """

    kind: ArtifactKind
    tensors: "Mapping[str, torch.Tensor]" = field(default_factory=dict)
    meta: Mapping[str, Any] = field(default_factory=dict)

    @property
    def sha256(self) -> str:
        """Hash of kind, meta and tensors; equal artifacts have equal hashes on every machine."""
        digest = hashlib.sha256(json.dumps([self.kind, dict(self.meta)], sort_keys=True).encode())
        for name in sorted(self.tensors):
            tensor = self.tensors[name].detach().cpu().contiguous()
            digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
            digest.update(tensor.numpy().tobytes())
        return digest.hexdigest()

    def save(self, folder: Path) -> None:
        """Write `artifact.json` and, where there are tensors, `artifact.safetensors`."""
        from safetensors.torch import save_file

        folder.mkdir(parents=True, exist_ok=True)
        if self.tensors:
            tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in self.tensors.items()}
            save_file(tensors, folder / "artifact.safetensors")
        record = {"kind": self.kind, "meta": dict(self.meta), "sha256": self.sha256}
        (folder / "artifact.json").write_text(json.dumps(record, indent=2, sort_keys=True) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "Artifact":
        """Read what `save` wrote. Raises ValueError where the content does not match its hash."""
        from safetensors.torch import load_file

        record = json.loads((folder / "artifact.json").read_text(encoding="utf-8"))
        weights = folder / "artifact.safetensors"
        artifact = cls(record["kind"], load_file(weights) if weights.exists() else {}, record["meta"])
        if artifact.sha256 != record["sha256"]:
            raise ValueError(f"the artifact in {folder} is damaged: delete the folder and run again")
        return artifact


@dataclass(frozen=True)
class Needs:
    """What a defense needs from its target and its user.

    data: fields of `FitData` that must not be empty. risks: other risks whose data it needs beside those of its own.
    """

    data: tuple[str, ...] = ()
    risks: tuple[Risk, ...] = ()
    gradients: bool = False
    weights: bool = False


@runtime_checkable
class Defense(Protocol):
    """One strategy with its settings. `settings` and `version` go into the key of its artifact and of its cells."""

    @property
    def name(self) -> str:
        """As registered, and told apart where one kernel aims at several risks."""
        ...

    @property
    def version(self) -> int:
        """Raised whenever the same fit can give another artifact."""
        ...

    @property
    def risk(self) -> Risk | None:
        """The target risk; None for controls and for ready defenses that name none."""
        ...

    @property
    def mechanism(self) -> Mechanism:
        """The kind of change that it makes."""
        ...

    @property
    def threat(self) -> Threat | None:
        """For privacy: what it is meant to stop."""
        ...

    @property
    def needs(self) -> Needs:
        """What must be there before it is fitted."""
        ...

    @property
    def covers(self) -> frozenset[Coverage]:
        """What it acts on: elsewhere its effect is not applicable, never 0."""
        ...

    @property
    def settings(self) -> Mapping[str, Any]:
        """All settings by name, as plain values."""
        ...

    @property
    def card(self) -> Card:
        """Paper, formula, deviation, cost."""
        ...

    def fit(self, target: "Target", data: FitData, *, seed: int, strength: float) -> Artifact:
        """Learn what is to be deployed. Never changes the target. At strength 0 the artifact is the identity."""
        ...

    def deploy(self, target: "Target", artifact: Artifact) -> AbstractContextManager["Target"]:
        """The defended target, for the length of a `with` block; undone on exit, bit for bit."""
        ...

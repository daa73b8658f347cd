"""Sham: a change as large as a defense's, with nothing of the defense in it.

What a sham does to the risks, any change of its kind and size does; only what a defense does beyond that is due to the
risk that it aims at. Updates keep their size (Frobenius norm, tensor by tensor) and lose their direction; words keep
their number and lose their meaning.
"""

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from crossrisk.defenses.card import Card, Deviation
from crossrisk.defenses.composed import joined, parts_of
from crossrisk.defenses.defense import Artifact, Coverage, Defense, FitData, Needs
from crossrisk.defenses.fitting import derived_seed
from crossrisk.defenses.reminder import Reminder
from crossrisk.errors import RequestError, unknown
from crossrisk.registry import DEFENSES
from crossrisk.risks import Mechanism, Risk

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from crossrisk.targets.target import Target

DOWN, UP = "lora_A.weight", "lora_B.weight"

# Plain words, so that as many words are about as many tokens in any vocabulary.
NEUTRAL = (
    "The path to the mill is long and comes from the river.",
    "In the morning the light is in the garden of the library.",
    "The apple is green and the pears are from the same garden.",
    "The old bridge is near the north harbor of the city.",
    "A clock on the office door is slow in the night.",
    "The baker and the miller live by the new park.",
)

CARD = Card(
    title="Sham",
    paper="A control of our own; random directions of equal norm are the usual control of steering and of editing.",
    formula="""|B' A'| = |B A|       LoRA: random factors, the Frobenius norm of each module's update kept
|delta'| = |delta|    weights and vectors: a random direction, the norm of each tensor kept
words                 neutral statements of fact, as many words in the same place""",
    deviation=Deviation.VARIANT,
    differs="Fine-tuning on neutral data of equal norm is the stricter control of training defenses, and is not this.",
    strength="That of the defense it mimics, whose fit it scrambles.",
    data="Those of the defense it mimics. Without `like`: none, neutral words in the system turn.",
    cost="That of the defense it mimics.",
    invariants=("norms equal to 1e-5", "directions unrelated", "equal word counts", "the seed decides"),
)


@dataclass(frozen=True)
class Sham:
    """The control of another defense; without one, neutral words in the system turn."""

    like: Defense | None = None

    version = 1
    risk = None
    threat = None
    card = CARD

    @property
    def name(self) -> str:
        """`sham`, with the name of the defense that it mimics."""
        return "sham" if self.like is None else f"sham_{self.like.name}"

    @property
    def mimicked(self) -> Defense:
        """The defense whose size it takes."""
        return Reminder(Risk.SAFETY, place="system") if self.like is None else self.like

    @property
    def mechanism(self) -> Mechanism:
        """That of the defense it mimics."""
        return self.mimicked.mechanism

    @property
    def needs(self) -> Needs:
        """Those of the defense it mimics, whose artifact it takes the size from."""
        return self.mimicked.needs

    @property
    def covers(self) -> frozenset[Coverage]:
        """What the defense it mimics covers."""
        return self.mimicked.covers

    @property
    def settings(self) -> Mapping[str, Any]:
        """The mimicked defense, by name and settings."""
        if self.like is None:
            return {"like": None}
        return {"like": {"name": self.like.name, "version": self.like.version, **self.like.settings}}

    def scramble(self, artifact: Artifact, *, seed: int) -> Artifact:
        """An artifact of equal kind and size, random in direction. The same artifact and seed give the same one.

        Raises RequestError for a ready checkpoint: what it changed, and how much, is not known.
        """
        return scrambled(artifact, seed=derived_seed("sham", artifact.sha256, seed))

    def fit(self, target: "Target", data: FitData, *, seed: int, strength: float) -> Artifact:
        """Fit the mimicked defense, and scramble what came out."""
        return self.scramble(self.mimicked.fit(target, data, seed=seed, strength=strength), seed=seed)

    @contextmanager
    def deploy(self, target: "Target", artifact: Artifact) -> "Iterator[Target]":
        """As the mimicked defense is deployed, under a mark of its own."""
        with self.mimicked.deploy(target, artifact) as defended:
            yield defended if artifact.kind == "nothing" else defended.with_mark("sham")


def scrambled(artifact: Artifact, *, seed: int) -> Artifact:
    """An artifact of equal kind, shapes, norms and meta, of random content.

    Tensors that meta names as `beside` an adapter are no part of it, and are drawn like vectors.
    """
    import torch

    if artifact.kind == "checkpoint":
        raise RequestError("a ready checkpoint has no sham: take the sham of a defense that is fitted here")
    if artifact.kind == "nothing":
        return artifact
    if artifact.kind == "composed":
        parts = enumerate(parts_of(artifact))
        return joined([scrambled(part, seed=derived_seed(place, seed)) for place, part in parts])
    if artifact.kind == "text" and "texts" not in artifact.meta:
        raise RequestError("a filter without words has no sham: take the sham of a defense that holds some")
    if artifact.kind == "text":
        draw = random.Random(seed)
        texts = {place: neutral_words(len(text.split()), draw) for place, text in artifact.meta["texts"].items()}
        return replace(artifact, meta={**artifact.meta, "texts": texts})
    if not all(tensor.is_floating_point() for tensor in artifact.tensors.values()):
        raise RequestError("hashes of texts have no direction to lose: a ban of protected texts has no sham")
    generator = torch.Generator().manual_seed(seed)
    if artifact.kind == "adapter":
        beside = {name: artifact.tensors[name] for name in artifact.meta.get("beside", ())}
        update = {name: tensor for name, tensor in artifact.tensors.items() if name not in beside}
        tensors = _random_updates(update, generator)
        tensors |= {name: _random_like(tensor, generator) for name, tensor in sorted(beside.items())}
    else:
        # What only decides when the change acts is kept: the sham acts on the same prompts.
        kept = set(artifact.meta.get("kept", ()))
        tensors = {
            name: tensor if name in kept else _random_like(tensor, generator)
            for name, tensor in sorted(artifact.tensors.items())
        }
    return replace(artifact, tensors=tensors)


def update_norm(down: "Tensor", up: "Tensor") -> float:
    """Frobenius norm of the update B A of a LoRA, without forming it: the root of <B'B, A A'>, in float64.

    down: A, [rank, in]. up: B, [out, rank].
    """
    down, up = down.double(), up.double()
    return float(((up.T @ up) * (down @ down.T)).sum().clamp(min=0).sqrt())


def neutral_words(count: int, draw: random.Random) -> str:
    """Plain statements of fact, `count` words long, cut where the count is reached."""
    words: list[str] = []
    while len(words) < count:
        words += draw.choice(NEUTRAL).split()
    return " ".join(words[:count])


def _random_like(tensor: "Tensor", generator: "torch.Generator") -> "Tensor":
    import torch

    drawn = torch.randn(tensor.shape, generator=generator, dtype=torch.float64)
    drawn *= torch.linalg.vector_norm(tensor.double()) / torch.linalg.vector_norm(drawn)
    return drawn.float()


def _random_updates(tensors: "Mapping[str, Tensor]", generator: "torch.Generator") -> "dict[str, Tensor]":
    """For each module of a LoRA a random A and B, whose product is as large as that of the given ones."""
    import torch

    if not all(name.endswith((DOWN, UP)) for name in tensors):
        raise RequestError("only an adapter of plain LoRA has a sham: take the sham of a defense that is fitted here")
    drawn: dict[str, torch.Tensor] = {}
    for name in sorted(tensors):
        if name.endswith(UP):
            continue
        partner = name.removesuffix(DOWN) + UP
        down, up = (
            torch.randn(tensors[key].shape, generator=generator, dtype=torch.float64) for key in (name, partner)
        )
        # The factors share the scale, so that neither leaves the range of float32.
        factor = (update_norm(tensors[name], tensors[partner]) / update_norm(down, up)) ** 0.5
        drawn |= {name: (down * factor).float(), partner: (up * factor).float()}
    return drawn


def sham(like: "str | Mapping[str, Any] | Defense | None" = None, **others: Any) -> Sham:
    """The sham of a defense: the defense itself, its registered name, or `{name: {setting: value}}`.

    Raises RequestError for settings and defenses that are not known.
    """
    for setting in others:
        raise unknown("setting of defense 'sham'", setting, ["like"])
    if isinstance(like, str):
        like = {like: {}}
    if isinstance(like, Mapping):
        if len(like) != 1:
            raise RequestError(f"defense 'sham' is like one other defense, got {len(like)}: {', '.join(like)}")
        ((name, settings),) = like.items()
        return Sham(DEFENSES.get(name)(**(settings or {})))
    return Sham(like)

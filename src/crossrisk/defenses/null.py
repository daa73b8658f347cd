"""Null: no defense at all, under its own name.

Its cells are computed anew, not copied from the base, so what they show is the noise floor of the whole way from the
prompt to the verdict.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from crossrisk.defenses.card import Card, Deviation
from crossrisk.defenses.defense import Artifact, Coverage, FitData, Needs
from crossrisk.defenses.settings import Configured, from_settings
from crossrisk.risks import Mechanism

if TYPE_CHECKING:
    from crossrisk.targets.target import Target

COVERS: frozenset[Coverage] = frozenset({"generate", "score", "weights"})
CARD = Card(
    title="No defense",
    paper="A control of our own.",
    formula="theta' = theta",
    deviation=Deviation.FAITHFUL,
    strength="Every strength is the same.",
    data="None.",
    cost="Nothing; its cells are asked once more.",
    invariants=("with greedy decoding and equal batches every reply is the base's",),
)


@dataclass(frozen=True)
class Null(Configured):
    """The identity: it deploys nothing but a mark, so that its arm is an arm of its own."""

    name = "null"
    version = 1
    risk = None
    mechanism = Mechanism.NONE
    threat = None
    needs = Needs()
    covers = COVERS
    card = CARD

    def fit(self, target: "Target", data: FitData, *, seed: int, strength: float) -> Artifact:
        """Nothing is learned."""
        return Artifact("nothing")

    @contextmanager
    def deploy(self, target: "Target", artifact: Artifact) -> "Iterator[Target]":
        """The target as it is, marked."""
        yield target.with_mark(self.name)


null = from_settings("null", Null)

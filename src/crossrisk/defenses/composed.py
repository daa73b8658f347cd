"""Defenses on top of each other, in order: each is fitted on the target as those before it defend it.

So `dpo+npo` is npo fitted on, and put on, a model that dpo stands on. In general it is neither npo and dpo side by side
nor `npo+dpo`; whether the parts add up and whether the order matters is what a study of `[dpo, npo, dpo+npo, npo+dpo]`
answers (follow-up of CrossRiskEval, arXiv 2605.14514).
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from crossrisk.defenses.card import Card, Deviation
from crossrisk.defenses.defense import Artifact, Coverage, Defense, FitData, Needs, joined_data
from crossrisk.errors import RequestError
from crossrisk.risks import Mechanism, Risk, Threat

if TYPE_CHECKING:
    from crossrisk.targets.target import Target

T = TypeVar("T")

# They change the model itself.
IN_PLACE = frozenset({Mechanism.ACTIVATION, Mechanism.WEIGHTS, Mechanism.TRAINING, Mechanism.CHECKPOINT})


@dataclass(frozen=True)
class Step:
    """One part of a composition: a defense with all that its fit depends on, but for the target."""

    defense: Defense
    data: FitData
    seed: int
    strength: float = 1.0


@dataclass(frozen=True)
class Composed:
    """Several defenses as one. Its settings are those of its steps, each with its own data, seed and strength."""

    steps: tuple[Step, ...]

    version = 1

    def __post_init__(self) -> None:
        check_steps(self.steps)

    @property
    def name(self) -> str:
        """The names of the parts in their order, `a+b`."""
        return "+".join(step.defense.name for step in self.steps)

    @property
    def risk(self) -> Risk | None:
        """The risk that all parts aim at; None where they aim at different ones, so that no risk is its own."""
        return _shared([step.defense.risk for step in self.steps])

    @property
    def threat(self) -> Threat | None:
        """The threat that all parts are for, if it is one."""
        return _shared([step.defense.threat for step in self.steps])

    @property
    def mechanism(self) -> Mechanism:
        """That of all parts; `composed` where they differ."""
        return _shared([step.defense.mechanism for step in self.steps]) or Mechanism.COMPOSED

    @property
    def needs(self) -> Needs:
        """All that any part needs. Its data are held by the steps."""
        needs = [step.defense.needs for step in self.steps]
        return Needs(
            data=tuple(dict.fromkeys(name for one in needs for name in one.data)),
            gradients=any(one.gradients for one in needs),
            weights=any(one.weights for one in needs),
        )

    @property
    def covers(self) -> frozenset[Coverage]:
        """Replies, where any part acts on them; likelihoods and weights only where every part does."""
        covers = [step.defense.covers for step in self.steps]
        acted = frozenset[Coverage]({"generate"}) if any("generate" in one for one in covers) else frozenset()
        return acted | frozenset.intersection(*covers)

    @property
    def settings(self) -> Mapping[str, Any]:
        """The steps, each with all that its fit depends on."""
        return {
            "steps": [
                {
                    "name": step.defense.name,
                    "version": step.defense.version,
                    "settings": dict(step.defense.settings),
                    "data": step.data.checksum,
                    "seed": step.seed,
                    "strength": step.strength,
                }
                for step in self.steps
            ]
        }

    @cached_property
    def data(self) -> FitData:
        """What all parts together have seen."""
        checksum = hashlib.sha256(json.dumps([step.data.checksum for step in self.steps]).encode()).hexdigest()
        return joined_data([step.data for step in self.steps], checksum)

    @property
    def card(self) -> Card:
        """What its parts say of themselves, one after the other."""
        cards = [step.defense.card for step in self.steps]
        return Card(
            title=", then ".join(card.title for card in cards),
            paper="; ".join(dict.fromkeys(card.paper.rstrip(".") for card in cards)) + ".",
            formula="\n\n".join(card.formula for card in cards),
            deviation=Deviation.VARIANT,
            differs="Each part as its own card says, fitted on the model as the parts before it leave it.",
            strength="Each part has its own.",
            data="Each part has its own.",
            cost="The sum of the parts.",
            invariants=(
                "undone bit for bit, the last part first",
                "the first part is the single defense of the same fit",
                "another order is another defense",
            ),
        )

    def fit(self, target: "Target", data: FitData, *, seed: int, strength: float) -> Artifact:
        """Fit each part on the target as those before it defend it; data, seed and strength are those of the steps."""
        return self.put_together(
            target,
            lambda step, standing: step.defense.fit(standing, step.data, seed=step.seed, strength=step.strength),
        )

    def put_together(self, target: "Target", fitted: "Callable[[Step, Target], Artifact]") -> Artifact:
        """One artifact of all parts. fitted: gives the artifact of a step for the target that stands before it."""
        artifacts: list[Artifact] = []
        with ExitStack() as deployed:
            for step in self.steps:
                artifacts.append(fitted(step, target))
                if len(artifacts) < len(self.steps):
                    target = deployed.enter_context(step.defense.deploy(target, artifacts[-1]))
        return joined(artifacts)

    @contextmanager
    def deploy(self, target: "Target", artifact: Artifact) -> "Iterator[Target]":
        """The target with all parts on it, put on in order and taken off in reverse."""
        with ExitStack() as deployed:
            for step, part in zip(self.steps, parts_of(artifact), strict=True):
                target = deployed.enter_context(step.defense.deploy(target, part))
            yield target


def check_steps(steps: Sequence[Step]) -> None:
    """Raise RequestError for parts that cannot stand on each other."""
    if len(steps) < 2:
        raise RequestError("a composition has two steps or more: name a single defense by itself")
    for place, step in enumerate(steps):
        defense, before = step.defense, [earlier.defense for earlier in steps[:place]]
        if any((one.name, one.settings) == (defense.name, defense.settings) for one in before):
            raise RequestError(f"the composition has '{defense.name}' twice with the same settings: take one out")
        bound = [one.name for one in before if stands_on_its_model(one)]
        if bound and getattr(defense, "replaces_model", False):
            raise RequestError(
                f"'{defense.name}' brings a model of its own and would take away the one that '{bound[0]}' stands on: "
                f"put '{defense.name}' first"
            )


def stands_on_its_model(defense: Defense) -> bool:
    """Whether a defense, once deployed, belongs to the model that it was put on, so that no other may take its place:
    it changes that model, or reads it a second time."""
    return defense.mechanism in IN_PLACE or getattr(defense, "reads_model", False)


def joined(parts: Sequence[Artifact]) -> Artifact:
    """The artifacts of several defenses as one; tensors of the part in place i are named `i/...`."""
    return Artifact(
        "composed",
        {f"{place}/{name}": tensor for place, part in enumerate(parts) for name, tensor in part.tensors.items()},
        {"parts": [{"kind": part.kind, "meta": dict(part.meta)} for part in parts]},
    )


def parts_of(artifact: Artifact) -> list[Artifact]:
    """What `joined` was made of."""
    return [
        Artifact(
            part["kind"],
            {
                name.removeprefix(f"{place}/"): tensor
                for name, tensor in artifact.tensors.items()
                if name.startswith(f"{place}/")
            },
            part["meta"],
        )
        for place, part in enumerate(artifact.meta["parts"])
    ]


def _shared(values: Sequence[T | None]) -> T | None:
    """What all values are, None where they differ."""
    return values[0] if all(value == values[0] for value in values) else None

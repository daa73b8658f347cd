"""The causal test of sets of neurons on two arms: patched back, in reverse and ablated, beside matched random sets.

`check_cause` is teacher-forced and takes F of contrasts; `check_replies` lets the patched model speak, and the task's
own judge says what its replies are. Both want prompts that did not choose the sets.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from crossrisk.errors import RequestError, SampleError
from crossrisk.neurons.attribution.contrasts import Contrast
from crossrisk.neurons.cause.mediation import (
    ALPHA,
    Mediation,
    UtilityChange,
    decide,
    mediation,
    mediation_of_risks,
    utility_change,
)
from crossrisk.risks import Reply, Risk, Sample
from crossrisk.tasks.task import Generate, Task, outcomes_of

if TYPE_CHECKING:
    from crossrisk.targets.neuron_writes import Neurons
    from crossrisk.targets.target import Target

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

Direction = Literal["back", "reverse", "ablation"]
DIRECTIONS: tuple[Direction, ...] = ("back", "reverse", "ablation")
DECISIVE: tuple[Direction, ...] = ("back",)  # what `causal.decide` needs random sets for
MOST_REPLIES = 100  # prompts of a task that are generated; lockstep costs two models a token


@dataclass(frozen=True)
class TaskContrasts:
    """The contrasts of one task as each arm is given them, in the same order. direction: +1 where the study saw the
    task's risk rise with the defense, -1 where it fell, 0 where neither is shown. claims: how many sets are tried as
    the cause, among which alpha is divided (Bonferroni)."""

    risk: Risk
    base: Sequence[Contrast]
    defended: Sequence[Contrast]
    direction: int = 0
    claims: int = 1

    @property
    def clusters(self) -> list[str]:
        """Of every prompt."""
        return [one.sample.cluster for one in self.base]


@dataclass(frozen=True)
class Cause:
    """What one set has to do with what a defense did to one task.

    neurons: how many there are. back: the set patched back in the defended model. reverse: the base with what the set
    writes under the defense; its arms change places, so its share is that of the change which the set brings about
    alone. ablation: the set's values in the defended model at their means. utility: what patching back did to it.
    because, reason: `causal.decide`.
    """

    task: str
    risk: Risk
    set: str
    neurons: int
    direction: int
    back: Mediation
    reverse: Mediation
    ablation: Mediation
    utility: UtilityChange | None
    because: bool
    reason: str


@dataclass(frozen=True)
class RepliesCause:
    """The same from generated replies. prompts: asked. back: of the risks of replies that are valid in all arms, None
    where there are none. invalid: replies of base, defended and patched model that are not."""

    task: str
    risk: Risk
    set: str
    prompts: int
    invalid: tuple[int, int, int]
    back: Mediation | None


@dataclass(frozen=True)
class _Scalars:
    """F of one task's prompts. patched: by direction, [sets, prompts], the named sets first, then random sets."""

    base: Floats
    defended: Floats
    patched: Mapping[Direction, Floats]

    def mediation(self, direction: Direction, number: int, random: slice, clusters: Sequence[str]) -> Mediation:
        """Of the set with this number, against the random sets there, if they were run in this direction."""
        arms = (self.defended, self.base) if direction == "reverse" else (self.base, self.defended)
        patched = self.patched[direction]
        others = patched[random]
        return mediation(*arms, patched[number], clusters, random=others if len(others) else None)


def check_cause(
    base: "Target",
    defended: "Target",
    tasks: Mapping[str, TaskContrasts],
    sets: Mapping[str, "Neurons"],
    matched: Mapping[str, Bools] | None = None,
    *,
    ranked: Collection[Direction] = DECISIVE,
) -> list[Cause]:
    """The causal test of every set on every task, teacher-forced: a row for each.

    tasks: with at least one of utility, without which nothing is called a cause; utility's own rows are made too.
    sets: by name, flat indices or masks. matched: by the same names, random sets [sets, neurons] to rank against.
    ranked: in which directions random sets are run, on tasks whose risk rose or fell; nearly all time goes there.
    Ablation takes means over all prompts of all tasks in the defended model.
    Raises RequestError for empty sets, arms whose neurons do not correspond, samples that cannot be read.
    """
    matched = matched or {}
    counts = _counts(defended, sets)
    random = {name: matched.get(name, ()) for name in sets}
    found = _scalars(
        base, defended, tasks, list(sets.values()), [row for rows in random.values() for row in rows], ranked
    )
    rows = []
    for task, contrasts in tasks.items():
        one, start = found[task], len(sets)
        for number, name in enumerate(sets):
            places = slice(start, start := start + len(random[name]))
            back, reverse, ablation = (
                one.mediation(direction, number, places, contrasts.clusters) for direction in DIRECTIONS
            )
            utility, own = _utility(tasks, found, number), contrasts.risk is Risk.UTILITY
            verdict = decide(
                back,
                reverse,
                utility,
                direction=contrasts.direction,
                of_utility=own,
                alpha=ALPHA / contrasts.claims,
            )
            rows.append(
                Cause(
                    task, contrasts.risk, name, counts[name], contrasts.direction, back, reverse, ablation, utility,
                    verdict.because, verdict.reason,
                )
            )  # fmt: skip
    return rows


def _counts(target: "Target", sets: Mapping[str, "Neurons"]) -> dict[str, int]:
    from crossrisk.targets.neuron_passes import neurons_of
    from crossrisk.targets.neuron_writes import members

    total = sum(neurons_of(target.model))
    counts = {name: int(members(neurons, total).sum()) for name, neurons in sets.items()}
    for name, count in counts.items():
        if not count:
            raise RequestError(f"the set '{name}' has no neurons, so there is nothing to patch: leave it out")
    return counts


def _scalars(
    base: "Target",
    defended: "Target",
    tasks: Mapping[str, TaskContrasts],
    named: Sequence["Neurons"],
    random: Sequence["Neurons"],
    ranked: Collection[Direction],
) -> dict[str, _Scalars]:
    from crossrisk.neurons.cause.activity import activity
    from crossrisk.neurons.cause.patching import ablated, patched

    means = activity(defended, [one for task in tasks.values() for one in task.defended]).mean
    found = {}
    for name, task in tasks.items():
        against = ranked if task.direction else ()
        run = {direction: [*named, *random] if direction in against else named for direction in DIRECTIONS}
        back = patched(defended, base, (task.defended, task.base), run["back"])
        reverse = patched(base, defended, (task.base, task.defended), run["reverse"])
        gone = ablated(defended, task.defended, run["ablation"], means)
        found[name] = _Scalars(
            back.source, back.target, {"back": back.patched, "reverse": reverse.patched, "ablation": gone}
        )
    return found


def _utility(tasks: Mapping[str, TaskContrasts], found: Mapping[str, _Scalars], number: int) -> UtilityChange | None:
    """Of all utility tasks together; clusters of different tasks are different ones."""
    names = [name for name, task in tasks.items() if task.risk is Risk.UTILITY]
    if not names:
        return None
    return utility_change(
        np.concatenate([found[name].defended for name in names]),
        np.concatenate([found[name].patched["back"][number] for name in names]),
        [f"{name} {cluster}" for name in names for cluster in tasks[name].clusters],
    )


def check_replies(
    base: "Target",
    defended: "Target",
    task: Task,
    samples: Sequence[Sample],
    sets: Mapping[str, "Neurons"],
    matched: Mapping[str, Bools] | None = None,
    *,
    seed: int = 0,
) -> list[RepliesCause]:
    """What patching back does to generated replies: a row for each set, the task's own judge being the measure.

    At most 100 samples, drawn by seed, of those that are asked in one turn. All arms decode greedily. matched: as in
    `check_cause`; each random set is generated anew, so leave it out where time is short.
    Raises RequestError for a task that generates nothing, no samples, and samples that cannot be asked.
    """
    from crossrisk.engine.drawing import draw
    from crossrisk.targets.lockstep import lockstep
    from crossrisk.targets.target import GenerationConfig

    asked = task.ask
    if not isinstance(asked, Generate) or asked.reference:
        raise RequestError(f"{task.name} is not scored by what the model says alone, so no patched replies are judged")
    single = draw(tuple(sample for sample in samples if not sample.later), MOST_REPLIES, seed, task.metric)
    if not single:
        raise RequestError(f"{task.name} has no samples that are asked in one turn, so nothing can be generated")
    _counts(defended, sets)
    chats = [sample.messages for sample in single]
    config = GenerationConfig(asked.max_new_tokens)

    def risks(replies: Sequence[Reply]) -> Floats:
        told = outcomes_of(task.score, list(zip(single, replies, strict=True)))
        return np.array([np.nan if outcome.risk is None else outcome.risk for outcome in told])

    def patched(neurons: "Neurons") -> Floats:
        return risks(lockstep(defended, base, chats, neurons, config))

    try:
        before, after = (risks(arm.generate(chats, config)) for arm in (base, defended))
        rows = []
        for name, neurons in sets.items():
            then = patched(neurons)
            random = np.array([patched(each) for each in (matched or {}).get(name, ())])
            back = mediation_of_risks(
                before, after, then, [s.cluster for s in single], random=random if len(random) else None
            )
            of_base, of_defended, of_patched = (int(np.isnan(arm).sum()) for arm in (before, after, then))
            invalid = (of_base, of_defended, of_patched)
            rows.append(RepliesCause(task.name, task.risk, name, len(single), invalid, back))
    except SampleError as error:
        raise error.named(single[error.index].id) from error
    return rows

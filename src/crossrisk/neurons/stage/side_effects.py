"""The causal test of every side effect of a defense: each set on each task of a pair of risks.

The tasks of the defense's own risk and of utility are asked beside it, and get shares but no verdict. What is tested
against a worsened risk are the conflict set and the moved set, against an improved one the aligned set and the neurons
whose change lowers both, each beside its matched random sets, and at half of the level each. The others are there to
compare with, among them all neurons at once: what does not go through MLPs, no set can carry.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from crossrisk.cache import cache_folder, digest, write_atomically
from crossrisk.engine.arms import Arm
from crossrisk.engine.progress import Reporter
from crossrisk.errors import RequestError
from crossrisk.neurons.cause.matched import Matched, matched_sets
from crossrisk.neurons.stage.attributed import Attributed
from crossrisk.neurons.stage.causal_table import blank_row, figures, of_replies
from crossrisk.neurons.stage.prompts import spread
from crossrisk.neurons.stage.request import Request, Row
from crossrisk.neurons.stage.sets import Indices, Method, Pair, SetRow
from crossrisk.neurons.stage.two_models import Deployed, TwoModels
from crossrisk.risks import Risk, Sample, Verdict
from crossrisk.tasks.task import Generate

if TYPE_CHECKING:
    from crossrisk.neurons.attribution.contrasts import Contrast
    from crossrisk.neurons.cause.check import RepliesCause

VERSION = 4  # raise it whenever a row can change
ALL = "all"  # every neuron: what MLPs can carry at most
AT_MOST = 64  # prompts of a task, over as many clusters as there are; intervals hang on clusters, time on prompts
CLAIMS = {1: ("conflict", "moved"), -1: ("aligned", "moved_alike")}  # sets that may be called the cause, by direction
BY_MOVEMENT = ("moved", "moved_alike")  # sets whose random sets moved as much
DIRECTION = {Verdict.WORSENS: 1, Verdict.IMPROVES: -1}


def causal_rows(
    asked: Request,
    arm: Arm,
    pair: Pair,
    moved: SetRow,
    base_rows: Mapping[Method, SetRow],
    base: Mapping[str, Attributed],
    found: Mapping[str, Attributed],
    models: TwoModels,
    deployed: Deployed,
    reporter: Reporter,
) -> list[Row]:
    """Rows of one defense and pair of risks; none where it has no side effect there.

    moved, base_rows: the sets, of this arm and of the base by method. base, found: attributions by task. Rows are kept
    in the cache by all that they hang on.
    """
    effects = {_name(row): row for row in asked.effects_of(arm) if row["risk"] == pair[1]}
    if not effects:
        return []
    others = [name for risk in (pair[0], Risk.UTILITY.value) for name in asked.risks.get(risk, ())]
    tasks = list(dict.fromkeys([*effects, *others]))
    sets = _sets(moved, base_rows, improves=any(row["delta"] <= 0 for row in effects.values()))
    sets[ALL] = np.arange(sum(moved.sizes))
    chosen = {name: neurons for name, neurons in sets.items() if isinstance(neurons, np.ndarray)}
    settings = [asked.options.random_sets, asked.options.replies, asked.options.seed]
    cells = [_cell(asked.row(arm.name, task), task, effects) for task in tasks]
    members = {name: neurons.tolist() for name, neurons in chosen.items()}
    keys = [base[task].key for task in tasks] + [found[task].key for task in tasks]
    told = [arm.name, str(arm.defense.mechanism), pair]  # rows name them; another arm may have the same weights
    kept = cache_folder("causal", f"{digest('causal', VERSION, told, keys, members, settings, cells)}.json")
    rows = _kept(kept)
    if rows is None:
        reporter.doing(f"causal check: {arm.name}, {pair[1]}")
        norms = norms_of([base[task] for task in tasks])
        test = _Test(asked, arm, pair, effects, tasks, base, models, deployed)
        rows = test.rows(chosen, norms)
        write_atomically(kept, json.dumps(rows).encode())
    return [*rows, *_without(arm, pair, effects, sets)]


def not_applicable_rows(asked: Request, arm: Arm, reason: str) -> list[Row]:
    """A row for every side effect of an arm that cannot be asked, with the reason."""
    return [
        blank_row(arm, (str(row["target_risk"]), row["risk"]), row, "side effect", None, "not_applicable", reason)
        for row in asked.effects_of(arm)
    ] or [
        blank_row(arm, None, None, None, None, "not_applicable", reason),
    ]


def _kept(path: Path) -> list[Row] | None:
    """Rows of the cache; None where there are none, or what is there is damaged."""
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    whole = isinstance(rows, list) and all(isinstance(row, dict) and "state" in row for row in rows)
    return rows if whole else None


def _sets(moved: SetRow, base_rows: Mapping[Method, SetRow], *, improves: bool) -> dict[str, Indices | str]:
    """By name, the neurons or why there are none."""
    test, coupled = base_rows.get("test"), base_rows.get("coupled")
    found: dict[str, Indices | str] = {
        "conflict": _or_reason(test, "neurons", "no neuron raises one of the two risks and lowers the other"),
        "moved": _or_reason(moved, "neurons", "the defense moved no neuron so that one risk fell and the other rose"),
        "aligned": _or_reason(test, "aligned", "no neuron pulls both risks the same way"),
        "coupled": _or_reason(coupled, "neurons", "no neuron matters to both risks and not to utility"),
    }
    if improves:
        found["moved_alike"] = _or_reason(moved, "lowered", "the defense moved no neuron so that both risks fell")
    return found


def _or_reason(row: SetRow | None, name: str, empty: str) -> Indices | str:
    if row is None:
        return "its method was not asked for"
    if row.reason is not None:
        return row.reason
    neurons: Indices = getattr(row, name)
    return neurons if len(neurons) else empty


@dataclass(frozen=True)
class _Test:
    asked: Request
    arm: Arm
    pair: Pair
    effects: Mapping[str, Row]
    tasks: Sequence[str]
    base: Mapping[str, Attributed]
    models: TwoModels
    deployed: Deployed

    def rows(self, chosen: Mapping[str, Indices], norms: NDArray[np.float64]) -> list[Row]:
        from crossrisk.neurons.attribution.contrasts import contrasts_of
        from crossrisk.neurons.cause.check import TaskContrasts, check_cause

        base, defended = self.models.base, self.deployed.target
        arms = {}
        for task in self.tasks:
            samples, risk = self._judging(task), self.asked.asked[task].question.task.risk
            arms[task] = (contrasts_of(base, samples, risk), contrasts_of(defended, samples, risk))
        claims = {name for row in self.effects.values() for name in CLAIMS[1 if row["delta"] > 0 else -1]}
        sizes = self._sizes({name: chosen[name] for name in chosen if name in claims}, norms, arms)
        matched, unmatched = self._matched({name: chosen[name] for name in chosen if name in claims}, sizes)
        rows = [
            blank_row(self.arm, self.pair, row, "side effect", name, "not_applicable", reason)
            for row in self.effects.values()
            for name, reason in unmatched.items()
        ]
        sets = {name: neurons for name, neurons in chosen.items() if name not in unmatched}
        contrasts = {}
        for task in self.tasks:
            # Random sets are run where a direction is given: they take nearly all of the time.
            direction = _direction(self.effects.get(task))
            tried = sum(name in matched for name in CLAIMS.get(direction, ()))
            risk = self.asked.asked[task].question.task.risk
            contrasts[task] = TaskContrasts(risk, *arms[task], direction, max(1, tried))
        found = check_cause(base, defended, contrasts, sets, {name: one.sets for name, one in matched.items()})
        replies = {task: self._replies(task, sets) for task in self.effects}
        for cause in found:
            row = self.asked.row(self.arm.name, cause.task)
            role = "side effect" if cause.task in self.effects else "utility" if cause.risk == "utility" else "own risk"
            told = replies.get(cause.task, {}).get(cause.set)
            blank = blank_row(self.arm, self.pair, row, role, cause.set, "checked", cause.reason)
            told_row = blank | figures(cause) | of_replies(told) | {"notes": _noted(matched.get(cause.set))}
            # What is no side effect, and what is there to compare with, is described and gets no verdict.
            judged = role == "side effect" and cause.set in matched
            rows.append(told_row if judged else told_row | {"because": None, "reason": None})
        return rows

    def _sizes(
        self,
        chosen: Mapping[str, Indices],
        norms: NDArray[np.float64],
        arms: "Mapping[str, tuple[list[Contrast], list[Contrast]]]",
    ) -> dict[str, NDArray[np.float64]]:
        """What each set's random sets are matched on: how much a neuron writes; for sets that are chosen by what the
        defense moved, how much it moved, since a change that is spread over all neurons is undone by whatever moved
        most."""
        from crossrisk.neurons.cause.activity import moved

        sizes = dict.fromkeys(chosen, norms)
        if by_movement := [name for name in chosen if name in BY_MOVEMENT]:
            mine, theirs = ([one for pair in arms.values() for one in pair[side]] for side in (0, 1))
            moves = moved(self.models.base, self.deployed.target, (mine, theirs)).reshape(norms.shape)
            sizes |= dict.fromkeys(by_movement, moves)
        return sizes

    def _matched(
        self, chosen: Mapping[str, Indices], sizes: Mapping[str, NDArray[np.float64]]
    ) -> tuple[dict[str, Matched], dict[str, str]]:
        matched, unmatched = {}, {}
        options = self.asked.options
        for name, neurons in chosen.items():
            try:
                matched[name] = matched_sets(
                    neurons,
                    sizes[name],
                    count=options.random_sets,
                    seed=options.seed,
                    do="move" if name in BY_MOVEMENT else "write",
                )
            except RequestError as error:
                unmatched[name] = str(error)
        return matched, unmatched

    def _judging(self, task: str) -> list[Sample]:
        asked = self.asked.asked[task]
        judging = [sample for sample in asked.samples if sample.cluster in asked.check]
        return list(spread(judging, AT_MOST, asked.seed))

    def _replies(self, task: str, sets: Mapping[str, Indices]) -> "dict[str, RepliesCause]":
        """The generated check of the sets that may be called the cause; none where it was not asked for, or the task is
        not judged by what the model says alone."""
        from crossrisk.neurons.cause.check import check_replies

        question = self.asked.asked[task].question
        ask, samples = question.task.ask, [one for one in self._judging(task) if not one.later]
        claims = CLAIMS[1 if self.effects[task]["delta"] > 0 else -1]
        tested = {name: neurons for name, neurons in sets.items() if name in claims}
        if not self.asked.options.replies or not tested or not samples:
            return {}
        if not isinstance(ask, Generate) or ask.reference:
            return {}
        some = samples[: self.asked.options.replies]
        found = check_replies(self.models.base, self.deployed.target, question.task, some, tested)
        return {one.set: one for one in found}


def _without(arm: Arm, pair: Pair, effects: Mapping[str, Row], sets: Mapping[str, Indices | str]) -> Iterator[Row]:
    """A row for every set that a side effect could not be tested with, because there is none."""
    for row in effects.values():
        for name, neurons in sets.items():
            if isinstance(neurons, str):
                yield blank_row(arm, pair, row, "side effect", name, "no_set", neurons)


def _noted(matched: Matched | None) -> list[str]:
    return [] if matched is None or matched.notice is None else [matched.notice]


def norms_of(base: Sequence[Attributed]) -> NDArray[np.float64]:
    """Root mean square over tasks of what each neuron writes, [layers, neurons of a layer].

    Raises RequestError where layers have different numbers of neurons.
    """
    sizes = base[0].sizes
    if len(set(sizes)) > 1:
        raise RequestError(
            f"layers of {min(sizes)} to {max(sizes)} neurons: random sets are matched in layers of one size"
        )
    squares = [np.asarray(one.written, dtype=np.float64) ** 2 for one in base]
    return np.asarray(np.sqrt(np.mean(squares, axis=0)).reshape(len(sizes), sizes[0]))


def _direction(row: Row | None) -> int:
    """+1 where a side effect raised a risk, -1 where it lowered it, by its change where the verdict leaves it open."""
    if row is None:
        return 0
    return DIRECTION.get(Verdict(row["verdict"]), 1 if row["delta"] > 0 else -1)


def _cell(row: Row | None, task: str, effects: Mapping[str, Row]) -> list[Any]:
    """What a task's row repeats of the study's interactions."""
    return [task, task in effects, *([] if row is None else [row["verdict"], row["delta"]])]


def _name(row: Row) -> str:
    return f"{row['task']}:{row['source']}"

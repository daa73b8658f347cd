"""What `crossrisk neurons` is asked about: arms, tasks, pairs of risks and side effects of a finished study."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations
from pathlib import Path
from typing import Any, get_args

from crossrisk.engine.arms import Arm
from crossrisk.engine.execute import Execution
from crossrisk.engine.store import Store
from crossrisk.errors import RequestError, unknown
from crossrisk.interactions.controls import is_control
from crossrisk.neurons.attribution.contrasts import contrasted
from crossrisk.neurons.cause.matched import FEWEST_SETS
from crossrisk.neurons.conflicts.find import FEWEST
from crossrisk.neurons.stage.attributed import Asked
from crossrisk.neurons.stage.prompts import check_clusters, spread
from crossrisk.neurons.stage.sets import Method, Pair
from crossrisk.risks import Risk, Verdict
from crossrisk.study import Study
from crossrisk.targets.locations import SHIPPED

LIMIT = 256  # prompts of a task; 64 templates of four prompts are what the tests of conflicts want
REPLIES = 24
RANDOM_SETS = 40  # the least with which two sets can be tried at .05: the smallest p is 1/41
Row = dict[str, Any]  # of interactions.json


@dataclass(frozen=True)
class Options:
    """defenses, tasks (`task` or `task:source`), pairs (`risk,risk`), methods: only these, all where none is named.

    limit: prompts of a task. random_sets: matched with each set. replies: prompts of the check while generating, 0
    leaves it out; None: 24 for the models that are shipped, whose judges know the truth, else 0, since it costs two
    models a token. every: check every off-target cell, and not only side effects.
    """

    defenses: Sequence[str] = ()
    tasks: Sequence[str] = ()
    pairs: Sequence[str] = ()
    methods: Sequence[str] = ()
    limit: int = LIMIT
    random_sets: int = RANDOM_SETS
    replies: int | None = None
    seed: int = 0
    every: bool = False


@dataclass(frozen=True)
class Request:
    """A request that was found to be right. rows: the study's interactions. asked: by task:source, those with a
    contrast. left_out: tasks without, each with the reason. arms: that are looked into, no controls unless named."""

    options: Options
    study: Study
    execution: Execution
    rows: tuple[Row, ...]
    asked: dict[str, Asked]
    left_out: dict[str, str]
    arms: tuple[Arm, ...]

    @property
    def methods(self) -> tuple[Method, ...]:
        """Those that were named, or all, in the order in which they are told."""
        known: tuple[Method, ...] = get_args(Method)
        return tuple(method for method in known if not self.options.methods or method in self.options.methods)

    @cached_property
    def risks(self) -> dict[str, tuple[str, ...]]:
        """Tasks of each risk, in the order of risks."""
        found = {
            risk.value: tuple(name for name, one in self.asked.items() if one.question.task.risk == risk)
            for risk in Risk
        }
        return {risk: tasks for risk, tasks in found.items() if tasks}

    @cached_property
    def base_pairs(self) -> tuple[Pair, ...]:
        """Pairs of risks of which the base is asked."""
        every = list(combinations(self.risks, 2))
        wanted = [frozenset(_pair(text)) for text in self.options.pairs]
        return tuple(pair for pair in every if not wanted or frozenset(pair) in wanted)

    def pairs_of(self, arm: Arm) -> tuple[Pair, ...]:
        """Target risk and another, for every other risk that is asked for; none of an arm without a target risk."""
        target = arm.defense.risk
        if target is None:
            return ()
        pairs = [(target.value, risk) for risk in self.risks if risk != target and target.value in self.risks]
        return tuple(pair for pair in pairs if any(set(pair) == set(other) for other in self.base_pairs))

    def effects_of(self, arm: Arm) -> list[Row]:
        """Cells of an arm that are checked: off-target ones with a verdict of a change, or all that have numbers."""
        moved = (Verdict.WORSENS, Verdict.IMPROVES)
        return [
            row
            for row in self.rows
            if row["defense"] == arm.name
            and row["delta"] is not None
            and (row["target_risk"], row["risk"]) in self.pairs_of(arm)
            and f"{row['task']}:{row['source']}" in self.asked
            and (self.options.every or row["verdict"] in moved)
        ]

    def names_of_effects(self, arm: Arm) -> set[str]:
        """`task:source` of the cells of an arm in which the study saw a side effect."""
        moved = (Verdict.WORSENS, Verdict.IMPROVES)
        return {f"{row['task']}:{row['source']}" for row in self.effects_of(arm) if row["verdict"] in moved}

    @cached_property
    def cells(self) -> dict[tuple[str, str], dict[str, Any]]:
        """The cells of the manifest, by arm and task:source."""
        cells = self.execution.store.manifest()["cells"]
        return {(cell["arm"], f"{cell['task']}:{cell['source']}"): cell for cell in cells}

    def row(self, arm: str, task: str) -> Row | None:
        """One interaction, by arm and task:source."""
        found = (row for row in self.rows if (row["defense"], f"{row['task']}:{row['source']}") == (arm, task))
        return next(found, None)


def request(folder: Path, options: Options) -> Request:
    """Read a study's folder and check what is asked of it, without loading a model.

    Raises RequestError where the folder holds no finished study, for names that are not known, and where no task has a
    contrast.
    """
    store = Store(folder)
    if not (folder / "manifest.json").is_file() or not (folder / "study.yaml").is_file():
        raise RequestError(f"{folder} holds no study: run one first (`crossrisk run`), and name its folder")
    store.check()
    state = store.manifest().get("state")
    if state not in ("complete", "failed"):  # of a run that was stopped or killed; cells that failed are told as such
        raise RequestError(
            f"the study in {folder} is not finished (state: {state}): run it again, to the end (`crossrisk run "
            f"{folder / 'study.yaml'} --out {folder}`)"
        )
    if not (folder / "interactions.json").is_file():
        raise RequestError(f"{folder} was not analysed: run `crossrisk report {folder}` first")
    _check_numbers(options)
    study = Study.load(folder / "study.yaml")
    rows = _rows(folder / "interactions.json")
    execution = Execution(study, store)
    if options.replies is None:
        options = replace(options, replies=REPLIES if study.base.model in SHIPPED else 0)
    found = Request(options, study, execution, rows, {}, {}, _arms(execution, options))
    asked, left_out = _asked(execution, study, options)
    found = replace(found, asked=asked, left_out=left_out)
    for text in options.pairs:
        for risk in _pair(text):
            if risk not in found.risks:
                raise RequestError(f"--pair {text}: no task of {risk} with a contrast is asked in this study")
    if not found.base_pairs:
        raise RequestError(
            f"conflicts need tasks of two risks, and only {', '.join(found.risks)} has tasks with a contrast that are "
            "asked: name more tasks"
        )
    _check_clusters(found)
    return found


def _check_clusters(found: Request) -> None:
    """Raises RequestError where no pair of risks has clusters enough to choose and to judge."""
    clusters = {
        risk: {sample.cluster for task in tasks for sample in found.asked[task].samples}
        for risk, tasks in found.risks.items()
    }
    check = next(iter(found.asked.values())).check
    least = {risk: min(len(names & check), len(names - check)) for risk, names in clusters.items()}
    if all(min(least[risk] for risk in pair) < FEWEST for pair in found.base_pairs):
        told = ", ".join(f"{risk} {len(names)}" for risk, names in clusters.items())
        raise RequestError(
            f"too few clusters of prompts ({told}): to choose neurons and to judge them takes {FEWEST} of each risk "
            "either time; ask more templates, or raise the limit of the study and --limit"
        )


def _check_numbers(options: Options) -> None:
    if options.limit < 1:
        raise RequestError(f"--limit is a number of prompts of at least 1, got {options.limit}")
    if options.random_sets < FEWEST_SETS:
        raise RequestError(
            f"--random-sets {options.random_sets}: a rank among fewer than {FEWEST_SETS} sets proves nothing at .05; "
            f"{RANDOM_SETS} are enough"
        )
    if options.replies is not None and options.replies < 0:
        raise RequestError(f"--replies is a number of prompts, 0 for none, got {options.replies}")
    for method in options.methods:
        if method not in get_args(Method):
            raise unknown("method", method, get_args(Method))
    for text in options.pairs:
        _pair(text)


def _pair(text: str) -> Pair:
    names = [name.strip() for name in text.split(",")]
    if len(names) != 2 or names[0] == names[1]:
        raise RequestError(f"--pair {text}: write two risks with a comma between them, such as safety,service")
    for name in names:
        if name not in list(Risk):
            raise unknown("risk", name, list(Risk))
    return names[0], names[1]


def _rows(path: Path) -> tuple[Row, ...]:
    try:
        return tuple(json.loads(path.read_text(encoding="utf-8"))["rows"])
    except (ValueError, KeyError, TypeError) as error:
        raise RequestError(
            f"{path} is damaged ({error}): delete it and run `crossrisk report {path.parent}`"
        ) from error


def _arms(execution: Execution, options: Options) -> tuple[Arm, ...]:
    known = {arm.name: arm for arm in execution.arms}
    for name in options.defenses:
        if name not in known:
            raise unknown("defense of this study", name, known)
    if options.defenses:
        return tuple(arm for arm in execution.arms if arm.name in options.defenses)
    return tuple(arm for arm in execution.arms if not is_control(arm.name, arm.defense.mechanism))


def _asked(execution: Execution, study: Study, options: Options) -> tuple[dict[str, Asked], dict[str, str]]:
    """Tasks with a contrast, and the reason for each without. All tasks of the study decide which clusters judge, so
    that naming some of them moves no cluster to the other part."""
    names: dict[str, list[str]] = {}
    for question in execution.questions:
        for name in (question.task.name, question.name):
            names.setdefault(name, []).append(question.name)
    for name in options.tasks:
        if name not in names:
            raise unknown("task of this study", name, names)
    wanted = {question for name in options.tasks or names for question in names[name]}
    drawn, left_out = {}, {}
    for question in execution.questions:
        try:
            drawn[question.name] = spread(contrasted(question.samples, question.name), options.limit, options.seed)
        except RequestError as error:
            if question.name in wanted:
                left_out[question.name] = str(error)
    check = check_clusters({name: [one.cluster for one in samples] for name, samples in drawn.items()}, options.seed)
    asked = {
        question.name: Asked(question, drawn[question.name], check, options.seed)
        for question in execution.questions
        if question.name in drawn and question.name in wanted
    }
    if not asked:
        raise RequestError(
            f"no task that is asked has a contrast (a risky and a safe continuation): {', '.join(left_out)} "
            f"{'has' if len(left_out) == 1 else 'have'} none, so no neuron can be credited with a risk; name others"
        )
    return asked, left_out

"""`crossrisk neurons`: from a finished study's folder to `neurons/`, in the order of the story.

attribution of the base, its sets -> per defense: attribution, the set that it moved, the causal check -> trends

Attributions and causal checks are kept in the cache by their key, one (arm, task) or one (arm, pair) at a time, so that
a run that is ended early goes on where it was. Nothing of the study itself is changed.
"""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from crossrisk.engine.arms import Arm
from crossrisk.engine.progress import Reporter, progress_bar
from crossrisk.engine.store import Store
from crossrisk.errors import DISK_FULL, NotScorable, RequestError, StudyStopped
from crossrisk.neurons.stage import attributed
from crossrisk.neurons.stage.attributed import Attributed
from crossrisk.neurons.stage.attribution_table import write_table
from crossrisk.neurons.stage.files import FOLDER, write_results
from crossrisk.neurons.stage.pooling import pooled
from crossrisk.neurons.stage.request import Options, Request, request
from crossrisk.neurons.stage.sets import Pool, SetRow, base_sets, moved_set, with_overlaps
from crossrisk.neurons.stage.side_effects import causal_rows, not_applicable_rows
from crossrisk.neurons.stage.trend_rows import TrendPoint, trend_figures, trend_points
from crossrisk.neurons.stage.two_models import Deployed, TwoModels


@dataclass(frozen=True)
class Findings:
    """What was written into `neurons/`. conflicts, causal, trends: the rows of these files."""

    folder: Path
    conflicts: list[dict[str, Any]]
    causal: list[dict[str, Any]]
    trends: list[dict[str, Any]]


def analyse(folder: str | Path, options: Options | None = None, *, progress: bool | None = None) -> Findings:
    """Attribute, find conflicts, check causes and compare trends of a finished study, and write `neurons/` into it.

    progress: a bar on standard error, by default only on a terminal. Raises RequestError where the request is wrong,
    StudyStopped where the run was ended early; what was computed is kept then.
    """
    store = Store(Path(folder))
    asked = request(store.folder, options or Options())
    with store.locked():
        try:
            with progress_bar(_prompts(asked), progress) as reporter:
                return _Analysis(asked, store.folder, reporter).run()
        except KeyboardInterrupt:
            raise StudyStopped("stopped; what was attributed is kept. Run the same command to go on.") from None
        except OSError as error:
            if error.errno not in DISK_FULL:
                raise
            raise StudyStopped(
                "the disk is full; what was attributed is kept. Free some space and run the same command."
            ) from None


def _prompts(asked: Request) -> int:
    return (1 + len(asked.arms)) * sum(len(one.samples) for one in asked.asked.values())


@dataclass
class _Analysis:
    """One run. base: attributions of the base by task; rows: of conflicts.json, causal: of causal.json."""

    asked: Request
    folder: Path
    reporter: Reporter
    base: dict[str, Attributed] = field(default_factory=dict)
    rows: list[SetRow] = field(default_factory=list)
    causal: list[dict[str, Any]] = field(default_factory=list)
    points: list[TrendPoint] = field(default_factory=list)

    def run(self) -> Findings:
        self.models = TwoModels(self.asked.execution)
        self.base = self._attributions("base", self.asked.execution.base_fingerprint, None)
        pools = self._pools(self.base)
        for pair in self.asked.base_pairs:
            self.reporter.doing(f"conflicts: {pair[0]}, {pair[1]}")
            for method in self.asked.methods:
                self.rows.append(base_sets(pair, pools, self._sizes, method, seed=self.asked.options.seed))
        for arm in self.asked.arms:
            self._arm(arm)
        return self._written()

    def _arm(self, arm: Arm) -> None:
        """One defense. What it cannot be asked is told as rows with a reason; the others go on."""
        started = (len(self.rows), len(self.causal), len(self.points))
        try:
            if not self.asked.pairs_of(arm):
                raise RequestError(_without_pairs(self.asked, arm))
            with self.models.defended(arm) as deployed:
                self._defended(arm, deployed)
        except (NotScorable, RequestError) as error:
            del self.rows[started[0] :], self.causal[started[1] :], self.points[started[2] :]
            self.causal += not_applicable_rows(self.asked, arm, str(error))
            for pair in self.asked.pairs_of(arm):
                self.rows.append(SetRow(pair, arm.name, "test", self._sizes, reason=str(error)))

    def _defended(self, arm: Arm, deployed: Deployed) -> None:
        fingerprint = arm.fingerprint()
        if fingerprint is None:
            self.reporter.doing(f"fitting {arm.name}")
            deployed.target  # noqa: B018 - a defense is known by what its fit gave
            fingerprint = arm.fingerprint()
            assert fingerprint is not None
        found = self._attributions(arm.name, fingerprint, deployed)
        pools = self._pools(found)
        for pair in self.asked.pairs_of(arm):
            self.reporter.doing(f"conflicts: {arm.name}, {pair[1]}")
            # What moved a task is sought in that task: others of its risk, which may not have moved, would hide it.
            affected = [name for name in self.asked.risks[pair[1]] if name in self.asked.names_of_effects(arm)]
            of_pair = pools | ({pair[1]: pooled([found[name] for name in affected])} if affected else {})
            moved = moved_set(pair, arm.name, of_pair, self._sizes, seed=self.asked.options.seed)
            self.rows.append(moved)
            sets = {row.method: row for row in self.rows if row.arm == "base" and set(row.pair) == set(pair)}
            self.causal += causal_rows(
                self.asked, arm, pair, moved, sets, self.base, found, self.models, deployed, self.reporter
            )
            self.points += trend_points(self.asked, self.folder, arm, pair, moved, sets, self.base, found)

    def _attributions(self, arm: str, fingerprint: str, deployed: Deployed | None) -> dict[str, Attributed]:
        """By task; those that are kept under their key are not computed again. Each is written when it is done."""
        found = {}
        for name, asked in self.asked.asked.items():
            key = asked.key(self.asked.execution.base_fingerprint, fingerprint)
            kept = attributed.load(key, asked)
            if kept is None:
                self.reporter.doing(f"attribution: {arm}, {name}")
                target = None if deployed is None else deployed.target
                kept = attributed.attribute(asked, key, self.models.base, target, self.reporter.done)
            else:
                self.reporter.done(len(asked.samples))
            write_table(self.folder / FOLDER, arm, kept, None if deployed is None else self.base[name])
            found[name] = kept
        return found

    def _pools(self, found: dict[str, Attributed]) -> dict[str, Pool]:
        questions = {question.name: question for question in self.asked.execution.questions}
        return {
            risk: pooled(
                [found[task] for task in tasks],
                [
                    f"{name} is left out: its samples have no contrast"
                    for name in self.asked.left_out
                    if questions[name].task.risk == risk
                ],
            )
            for risk, tasks in self.asked.risks.items()
        }

    @property
    def _sizes(self) -> tuple[int, ...]:
        return next(iter(self.base.values())).sizes

    def _written(self) -> Findings:
        conflicts = [row.as_json() for row in with_overlaps(self.rows)]
        trends = [*(point.as_json() for point in self.points), *trend_figures(self.points, self.asked.options.seed)]
        tables = {"conflicts": conflicts, "causal": self.causal, "trends": trends}
        write_results(self.folder, self.asked.rows, asdict(self.asked.options), tables)
        return Findings(self.folder / FOLDER, conflicts, self.causal, trends)


def _without_pairs(asked: Request, arm: Arm) -> str:
    if arm.defense.risk is None:
        return f"'{arm.name}' aims at no risk, so none of its effects is a side effect"
    if arm.defense.risk not in asked.risks:
        return f"no task of {arm.defense.risk}, the risk that '{arm.name}' is for, has a contrast"
    return f"none of the pairs that were asked for holds {arm.defense.risk}, the risk that '{arm.name}' is for"

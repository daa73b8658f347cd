"""The matrix of interactions: from scored outcomes of both arms to one row per defense and task."""

import math
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from typing import Any

import polars as pl

from crossrisk.errors import RequestError
from crossrisk.interactions.controls import is_control, is_null
from crossrisk.interactions.effect import Effect, compare, despite_lost, lost_share
from crossrisk.interactions.families import Exploration, Family, adjusted, families
from crossrisk.interactions.noise import marked
from crossrisk.interactions.rows import InteractionRow
from crossrisk.interactions.sequential import Drawn, sequential_effect
from crossrisk.interactions.statistic import STEEPEST, compare_statistic
from crossrisk.risks import Verdict
from crossrisk.tasks.metric import Outcomes, Statistic
from crossrisk.wording import cell_sentence


@dataclass(frozen=True)
class CellPair:
    """One task under one defense: the outcomes of both arms and what they are outcomes of.

    base, defended: frames with sample_id, cluster, group, risk (null where invalid), label, valid, judge; None where
    the cell does not exist (an output filter has no likelihood). target_risk None: the defense aims at no risk.
    judge None: the names that the frames hold. statistic: the headline where it is no mean of risks; the frames then
    have the columns facets and measures, too. stopping: set where a rule decided how many pairs were asked; both frames
    then hold these alone, in the order in which they were drawn.
    """

    defense: str
    mechanism: str
    target_risk: str | None
    task: str
    source: str
    risk: str
    exposure: str
    metric: str
    base: pl.DataFrame | None
    defended: pl.DataFrame | None
    judge: str | None = None
    statistic: Statistic | None = None
    stopping: Drawn | None = None

    @property
    def name(self) -> str:
        """`defense/task:source`, as users write it."""
        return f"{self.defense}/{self.task}:{self.source}"

    @property
    def is_null(self) -> bool:
        """The A/A comparison: base against itself."""
        return is_null(self.defense, self.mechanism)

    @property
    def is_control(self) -> bool:
        """`null`, or a sham (of any defense)."""
        return is_control(self.defense, self.mechanism)

    @property
    def off_target(self) -> bool:
        """Is the task's risk another than the one the defense aims at?"""
        return self.risk != self.target_risk

    def within(self, family: Family) -> bool:
        """Is the cell among (defense, task:source) or (defense, task), the latter for all sources?"""
        return (self.defense, f"{self.task}:{self.source}") in family or (self.defense, self.task) in family


@dataclass(frozen=True)
class Paired:
    """Both arms of a cell, row by row the same samples. Risks are float64 with NaN where the reply is invalid."""

    base: pl.Series
    defended: pl.Series
    cluster: pl.Series
    group: pl.Series
    judge: str | None


def pair_arms(cell: CellPair) -> Paired | None:
    """Join the arms on sample_id, in the order of the base; None where an arm is missing.

    Clusters and groups are those of the base. Raises RequestError where a sample is repeated in an arm or missing from
    the other, or where two different judges scored the two replies to one sample.
    """
    if cell.base is None or cell.defended is None:
        return None
    for arm, frame in (("base", cell.base), ("defended", cell.defended)):
        if frame["sample_id"].n_unique() < len(frame):
            repeated = frame.filter(frame["sample_id"].is_duplicated())["sample_id"][0]
            raise RequestError(
                f"{cell.name}: sample '{repeated}' occurs twice in {arm}: outcomes need one row a sample"
            )
    if cell.base["sample_id"].equals(cell.defended["sample_id"]):
        both = cell.base.hstack(cell.defended.select(pl.all().name.suffix("_defended")))
    else:
        both = cell.base.join(cell.defended, on="sample_id", how="inner", suffix="_defended", maintain_order="left")
    if len(both) < max(len(cell.base), len(cell.defended)):
        ids = set(cell.base["sample_id"].to_list()) ^ set(cell.defended["sample_id"].to_list())
        raise RequestError(
            f"{cell.name}: {len(ids)} samples are in one arm only, such as '{min(ids)}': "
            "run both arms on the same samples"
        )
    mixed = both.filter(pl.col("valid") & pl.col("valid_defended") & (pl.col("judge") != pl.col("judge_defended")))
    if len(mixed):
        first = mixed.row(0, named=True)
        raise RequestError(
            f"{cell.name}: sample '{first['sample_id']}' was scored by {first['judge']} in base and by "
            f"{first['judge_defended']} in defended: score both arms with one judge"
        )
    judges = both["judge"].drop_nulls().unique().sort().to_list()
    return Paired(
        both["risk"].cast(pl.Float64).fill_null(math.nan),
        both["risk_defended"].cast(pl.Float64).fill_null(math.nan),
        both["cluster"],
        both["group"],
        cell.judge or "+".join(judges) or None,
    )


def interaction_rows(
    cells: Iterable[CellPair],
    *,
    alpha: float = 0.05,
    margin: float = 0.05,
    smallest_effect: float = 0.0,
    primary: Family | None = None,
    exploration: Exploration = "BH",
) -> list[InteractionRow]:
    """One row per cell, in the order given, with verdicts after correction for many comparisons.

    primary: the declared family as (defense, task:source); None for every off-target cell. A missing arm, or a cell
    without one valid pair, gives `not_applicable`. Where a defense made replies invalid, `no_effect` and `improves`
    must hold whatever those replies would have been (`despite_lost`). A `null` row is
    never `worsens` or `improves`: a significant A/A comparison says that the measurement is broken, not that nothing
    did something, and stays `inconclusive`.
    Raises RequestError as `pair_arms` does.
    """
    pairs = list(cells)
    arms = [pair_arms(cell) for cell in pairs]

    def effect_of(cell: CellPair, both: Paired | None) -> Effect | None:
        return None if both is None else _effect(cell, both, alpha, margin)

    with ThreadPoolExecutor(os.cpu_count()) as pool:  # numpy lets go of the lock
        effects = list(pool.map(effect_of, pairs, arms))
    named = families(pairs, primary)
    corrected = adjusted([None if effect is None else effect.p for effect in effects], named, exploration=exploration)
    rows = []
    for cell, both, effect, family, p in zip(pairs, arms, effects, named, corrected, strict=True):
        if both is None or effect is None:
            rows.append(_missing_row(cell, family))
            continue
        lost = lost_share(both.base.to_numpy(), both.defended.to_numpy())
        lost = min(1.0, lost * (1.0 if cell.statistic is None else STEEPEST))
        verdict = despite_lost(effect, p, lost, alpha=alpha, margin=margin, smallest_effect=smallest_effect)
        if cell.is_null and verdict in (Verdict.WORSENS, Verdict.IMPROVES):
            verdict = Verdict.INCONCLUSIVE
        rows.append(_row(cell, both, replace(effect, verdict=verdict), family, p))
    return [replace(row, sentence=cell_sentence(asdict(row))) for row in marked(rows)]


def _effect(cell: CellPair, both: Paired, alpha: float, margin: float) -> Effect:
    if cell.statistic is not None and cell.base is not None and cell.defended is not None:
        defended = cell.base.select("sample_id").join(cell.defended, on="sample_id", maintain_order="left")
        ends = (Outcomes.of_frame(cell.base), Outcomes.of_frame(defended))
        return compare_statistic(*ends, cell.statistic, alpha=alpha, margin=margin)
    if cell.stopping is not None:
        risks, clusters = (both.base.to_numpy(), both.defended.to_numpy()), both.cluster.to_numpy()
        return sequential_effect(*risks, cell.stopping, clusters=clusters, alpha=alpha, margin=margin)
    clusters = both.cluster.rank("dense").to_numpy()  # numbers are sorted faster than names
    return compare(both.base.to_numpy(), both.defended.to_numpy(), clusters=clusters, alpha=alpha, margin=margin)


def _row(cell: CellPair, both: Paired, effect: Effect, family: str, p_adjusted: float | None) -> InteractionRow:
    return InteractionRow(
        **_named(cell),
        n=effect.n,
        clusters=effect.clusters,
        base=effect.base,
        defended=effect.defended,
        delta=effect.delta,
        ci_low=effect.ci_low,
        ci_high=effect.ci_high,
        rcr=effect.rcr,
        effect_size=effect.effect_size,
        p=effect.p,
        p_adjusted=p_adjusted,
        verdict=effect.verdict,
        mde=effect.mde,
        invalid_base=int(both.base.is_nan().sum()),
        invalid_defended=int(both.defended.is_nan().sum()),
        judge=both.judge,
        flips_up=effect.flips_up if effect.n else None,
        flips_down=effect.flips_down if effect.n else None,
        equivalence_low=effect.equivalence_low,
        equivalence_high=effect.equivalence_high,
        rcr_low=effect.rcr_low,
        rcr_high=effect.rcr_high,
        odds_ratio=effect.odds_ratio,
        odds_ratio_low=effect.odds_ratio_low,
        odds_ratio_high=effect.odds_ratio_high,
        family=family,
        estimand=None if cell.stopping is None else cell.stopping.estimand,
    )


def _missing_row(cell: CellPair, family: str) -> InteractionRow:
    """A cell that was not measured: its numbers do not exist."""
    return InteractionRow(
        **_named(cell),
        n=0,
        clusters=0,
        base=None,
        defended=None,
        delta=None,
        ci_low=None,
        ci_high=None,
        rcr=None,
        effect_size=None,
        p=None,
        p_adjusted=None,
        mde=None,
        verdict=Verdict.NOT_APPLICABLE,
        invalid_base=_invalid(cell.base),
        invalid_defended=_invalid(cell.defended),
        judge=cell.judge,
        flips_up=None,
        flips_down=None,
        family=family,
    )


def _named(cell: CellPair) -> dict[str, Any]:
    names = ("defense", "mechanism", "target_risk", "task", "source", "risk", "exposure", "metric")
    return {name: getattr(cell, name) for name in names}


def _invalid(frame: pl.DataFrame | None) -> int | None:
    return None if frame is None else int(frame["risk"].null_count())

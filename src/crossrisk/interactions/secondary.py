"""Base against defended by the field's other statistics: `statistics.json`.

A task's headline is one figure; its field reports more that are no means, such as BBQ's bias scores, the worst attack
on each behaviour, the worst-off group, d', or true positives at few false ones. Each gets the same paired test and
interval as a headline that is no mean. They describe and are no verdicts: none of them has a margin.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace

import polars as pl

from crossrisk.interactions.arms import Arms
from crossrisk.interactions.controls import is_control
from crossrisk.interactions.corrections import benjamini_yekutieli
from crossrisk.interactions.paired import Interval
from crossrisk.interactions.resampling import DRAWS
from crossrisk.interactions.rows import json_table
from crossrisk.interactions.statistic import change_of_statistic
from crossrisk.tasks.metric import Metric, Outcomes, Secondary


@dataclass(frozen=True)
class StatisticCell:
    """One task under one defense: all rows of both arms, of the same samples in any order."""

    defense: str
    mechanism: str
    task: str
    source: str
    metric: Metric
    base: pl.DataFrame
    defended: pl.DataFrame


@dataclass(frozen=True)
class StatisticRow:
    """One row of `statistics.json`. None: the number does not exist.

    n, clusters: rows valid in both arms, and their clusters. base, defended: the statistic as its field defines it.
    delta and its interval are turned so that positive means riskier: `defended - base`, or where larger_is_riskier is
    False `base - defended`, which delta_is says. p_adjusted: by Benjamini and Yekutieli over the real defenses, or over
    the controls.
    """

    defense: str
    task: str
    source: str
    statistic: str
    larger_is_riskier: bool
    delta_is: str
    n: int
    clusters: int
    base: float | None
    defended: float | None
    delta: float | None
    ci_low: float | None
    ci_high: float | None
    p: float | None
    p_adjusted: float | None


def secondary_rows(
    cells: Iterable[StatisticCell], *, alpha: float = 0.05, draws: int = DRAWS, seed: int = 0
) -> list[StatisticRow]:
    """One row per cell and secondary statistic of its metric, in the order given.

    Estimator, null hypothesis, assumptions and degenerate cases are those of `change_of_statistic`. Where the test does
    not reject, the interval is widened to hold 0. The correction holds whatever the dependence between the tests, which
    share prompts: Benjamini, Yekutieli (2001), Annals of Statistics 29:1165.
    """
    found: list[StatisticRow] = []
    control: list[bool] = []
    bases: dict[tuple[str, str], Outcomes] = {}
    for cell in cells:
        place = cell.task, cell.source
        if place not in bases:
            bases[place] = Outcomes.of_frame(cell.base)
        ordered = cell.base.select("sample_id").join(cell.defended, on="sample_id", maintain_order="left")
        ends = bases[place], Outcomes.of_frame(ordered)
        paired = {False: Arms.of(*ends), True: Arms.of(*map(cell.metric.counted, ends))}
        for secondary in cell.metric.secondary:
            found.append(_row(cell, secondary, paired[secondary.counted], alpha, draws, seed))
            control.append(is_control(cell.defense, cell.mechanism))
    return _adjusted(found, control)


def statistics_to_json(rows: Sequence[StatisticRow]) -> str:
    """`statistics.json`: schema 1, the same rows give the same bytes."""
    return json_table([asdict(row) for row in rows])


def _row(cell: StatisticCell, secondary: Secondary, arms: Arms, alpha: float, draws: int, seed: int) -> StatisticRow:
    change = change_of_statistic(arms, secondary.statistic, alphas=(alpha,), draws=draws, seed=seed)
    riskier = secondary.larger_is_riskier
    delta = change.delta if riskier or change.delta is None else -change.delta
    low = high = None
    if change.intervals is not None and change.p is not None:
        (interval,) = change.intervals
        interval = interval if riskier else Interval(-interval.high, -interval.low)
        low, high = interval.hull(Interval(0.0, 0.0)) if change.p >= alpha else interval
    return StatisticRow(
        defense=cell.defense,
        task=cell.task,
        source=cell.source,
        statistic=secondary.name,
        larger_is_riskier=riskier,
        delta_is="defended - base" if riskier else "base - defended",
        n=len(arms),
        clusters=arms.units,
        base=change.base,
        defended=change.defended,
        delta=delta,
        ci_low=low,
        ci_high=high,
        p=change.p,
        p_adjusted=None,
    )


def _adjusted(rows: Sequence[StatisticRow], control: Sequence[bool]) -> list[StatisticRow]:
    adjusted: dict[int, float | None] = {}
    for kind in (False, True):
        places = [place for place, is_one in enumerate(control) if is_one is kind]
        adjusted |= zip(places, benjamini_yekutieli([rows[place].p for place in places]), strict=True)
    return [replace(row, p_adjusted=adjusted[place]) for place, row in enumerate(rows)]

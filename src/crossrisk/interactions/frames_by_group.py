"""Risks by group as a frame, as users of Fairlearn's `MetricFrame` know it, with both arms and the change between them.

    frame = group_frame("runs/careful", "quality_of_service", "self_reminder")
    frame.by_group                        # a risk a group and arm, with intervals
    frame.difference("between_groups")    # largest less smallest, base and defended, and its change
    frame.change                          # what the defense did to each group, and beside the others

Bird et al. (2020), Fairlearn: A toolkit for assessing and improving fairness in AI, MSR-TR-2020-32.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl

from crossrisk.errors import RequestError, unknown
from crossrisk.interactions.group_table import Answers, Floats, GroupTable
from crossrisk.interactions.groups import GroupComparison, arm_interval, compare_split
from crossrisk.interactions.matrix import CellPair, pair_arms
from crossrisk.interactions.people import GROUP, GroupDesign, Split, split_by

Method = Literal["between_groups", "to_overall"]
ARMS = ("base", "defended")
DRAWS = 2_000


@dataclass(frozen=True)
class GroupFrame:
    """One task under one defense, by group. Rows that do not say whom they speak of, or are not valid in both arms, are
    left out everywhere, of `overall` too.

    Intervals at level 1 - alpha: of risks Wilson's; of differences and ratios percentiles of resampled templates. Both
    of these lie away from 0 (from 1) by chance alone, and so do their intervals: `expected` in `difference` says how
    far.
    """

    answers: Answers
    split: Split
    table: GroupTable
    compared: GroupComparison
    alpha: float

    @property
    def overall(self) -> pl.DataFrame:
        """arm, n, risk, low, high: of all groups together."""
        rows = []
        templates = self.table.template
        clusters = None if len(np.unique(templates)) == len(templates) else templates
        for arm, risks in zip(ARMS, (self.answers.base, self.answers.defended), strict=True):
            mine = risks[self.table.rows]
            low, high = arm_interval(mine, clusters, alpha=self.alpha) or (None, None)
            risk = float(mine.mean()) if len(mine) else None
            rows.append({"arm": arm, "n": len(mine), "risk": risk, "low": low, "high": high})
        return _frame(rows, ("arm",), ("n",))

    @property
    def by_group(self) -> pl.DataFrame:
        """Columns of the grouping, n, clusters; base and defended with low and high, as they are and pooled."""
        columns = [
            f"{arm}{part}" for arm in ARMS for part in ("", "_low", "_high", "_pooled", "_pooled_low", "_pooled_high")
        ]
        return self._rows(("n", "clusters", *columns))

    @property
    def change(self) -> pl.DataFrame:
        """What the defense did to each group (delta), and how it changed the gap to the reference (gap_change)."""
        gaps = [f"gap_{name}{part}" for name in (*ARMS, "change") for part in ("", "_low", "_high")]
        return self._rows(("n", "delta", "ci_low", "ci_high", "p", "reference", *gaps, "gap_change_p"))

    def difference(self, method: Method = "between_groups") -> pl.DataFrame:
        """arm, difference, low, high, expected for base, defended, and the change of the difference.

        between_groups: largest less smallest risk of a group. to_overall: the largest absolute difference between a
        group's risk and that of all together. expected: the largest less the smallest where groups do not differ (see
        `GapRow`); None where that is not known.
        """
        gap = self.compared.gaps[0]
        expected = {"base": gap.gap_base_expected, "defended": gap.gap_defended_expected}
        rows = self._measured(_DIFFERENCES[_known(method)], "difference")
        chance = {arm: expected.get(arm) if method == "between_groups" else None for arm in (*ARMS, "change")}
        return _frame([row | {"expected": chance[str(row["arm"])]} for row in rows], ("arm",))

    def ratio(self, method: Method = "between_groups") -> pl.DataFrame:
        """arm, ratio, low, high for base, defended, and the change of the ratio.

        between_groups: smallest over largest risk of a group. to_overall: the smallest ratio between a group's risk and
        that of all together, whichever is larger below. In [0, 1]; None where it divides by 0.
        """
        return _frame(self._measured(_RATIOS[_known(method)], "ratio"), ("arm",))

    def _rows(self, columns: Sequence[str]) -> pl.DataFrame:
        labels = dict(zip(self.split.names, self.split.values, strict=True))
        rows = [asdict(row) for row in self.compared.rows]
        told = [dict(zip(self.split.by, labels[row["group"]], strict=True)) for row in rows]
        kept = [these | {name: row[name] for name in columns} for these, row in zip(told, rows, strict=True)]
        return _frame(kept, (*self.split.by, "reference"), ("n", "clusters"), columns=(*self.split.by, *columns))

    def _measured(self, measure: Callable[[Floats, Floats], Floats], name: str) -> list[dict[str, object]]:
        observed, drawn = ([measure(*means) for means in resample] for resample in (self._means(None), self._drawn))
        rows: list[dict[str, object]] = []
        for place, arm in enumerate((*ARMS, "change")):
            value = observed[place][0] if place < 2 else observed[1][0] - observed[0][0]
            spread = drawn[place] if place < 2 else drawn[1] - drawn[0]
            known = spread[~np.isnan(spread)]
            enough = len(known) >= len(spread) / 2 and len(self.table.n) > 1
            limits = np.quantile(known, (self.alpha / 2, 1 - self.alpha / 2)) if enough else (None, None)
            rows.append({"arm": arm, name: value, "low": limits[0], "high": limits[1]})
        return rows

    @cached_property
    def _drawn(self) -> list[tuple[Floats, Floats]]:
        units = len(self.table.n)
        if units == 0:
            return self._means(None)
        drawn = np.random.default_rng(0).multinomial(units, np.full(units, 1 / units), DRAWS)
        return self._means(drawn.astype(np.float64))

    def _means(self, weights: Floats | None) -> list[tuple[Floats, Floats]]:
        """Of base and defended: means by group, (draws, groups), and overall, (draws, 1); weights: of templates."""
        weights = np.ones((1, len(self.table.n))) if weights is None else weights
        n = weights @ self.table.n
        means = []
        with np.errstate(divide="ignore", invalid="ignore"):
            for part in (self.table.base, self.table.defended):
                sums = weights @ part
                means.append((sums / n, sums.sum(axis=1, keepdims=True) / n.sum(axis=1, keepdims=True)))
        return means


def group_frame(
    outcomes: str | Path | tuple[pl.DataFrame, pl.DataFrame],
    task: str | None = None,
    defense: str | None = None,
    *,
    by: str | Sequence[str] = GROUP,
    reference: str | None = None,
    alpha: float = 0.05,
) -> GroupFrame:
    """One task under one defense, by group.

    outcomes: a study's folder, with `task` (or `task:source`) and `defense`; or the outcomes of base and defended, with
    sample_id, cluster, group, risk, valid, judge and, for other columns than the group, facets. by: `group`, a facet
    that the task keeps, or several. reference: the group that all others are compared with, by default each with all
    others. Raises RequestError for a cell that the folder does not hold, and for what nobody is told apart by.
    """
    if isinstance(outcomes, tuple):
        cell = CellPair(defense or "defended", "", None, task or "task", "", "", "", "mean risk", *outcomes)
    else:
        cell = _cell(Path(outcomes), task, defense)
    both = pair_arms(cell)
    if both is None:
        raise RequestError(f"{cell.name} has no outcomes in one of its arms: there is nothing to compare")
    answers = Answers.of(cell, both)
    split = split_by(answers.frame, (by,) if isinstance(by, str) else by)
    if not split.names:
        raise RequestError(f"no sample of {cell.name} says its {split.title}: choose another `by`")
    compared = compare_split(cell, answers, split, GroupDesign(reference=reference), alpha=alpha)
    return GroupFrame(answers, split, GroupTable.of(answers, split), compared, alpha)


def _cell(folder: Path, task: str | None, defense: str | None) -> CellPair:
    from crossrisk.engine.store import Store
    from crossrisk.interactions.analysis import Cells, cell_pairs

    manifest = Store(folder).manifest()
    if not manifest:
        raise RequestError(f"{folder} holds no study: there is no manifest.json in it")
    asked = {f"{cell['task']}:{cell['source']}": cell["task"] for cell in manifest["cells"]}
    named = [name for name, plain in asked.items() if task in (name, plain)]
    arms = [arm["arm"] for arm in manifest["arms"]]
    if not named:
        raise unknown("task of the study", str(task), {*asked, *asked.values()})
    if len(named) > 1:
        raise RequestError(f"'{task}' has several sources in this study: name one of {', '.join(named)}")
    if defense not in arms:
        raise unknown("defense of the study", str(defense), arms)
    manifest = manifest | {
        "cells": [
            cell
            for cell in manifest["cells"]
            if f"{cell['task']}:{cell['source']}" == named[0] and cell["arm"] in ("base", defense)
        ]
    }
    (cell,) = cell_pairs(Cells(folder, manifest))
    return cell


def _known(method: str) -> str:
    if method not in _DIFFERENCES:
        raise ValueError(f"method must be 'between_groups' or 'to_overall', got '{method}'")
    return method


def _farthest(means: Floats, overall: Floats) -> Floats:
    return _nan_max(np.abs(means - overall))


def _nan_max(values: Floats) -> Floats:
    """Largest of every row, NaN left out."""
    largest = np.where(np.isnan(values), -np.inf, values).max(axis=1, initial=-np.inf)
    return np.where(np.isfinite(largest), largest, np.nan)


def _below_one(means: Floats, overall: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = means / overall
        return -_nan_max(-np.where(ratio > 1, 1 / ratio, ratio))


def _quotient(means: Floats, overall: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio: Floats = -_nan_max(-means) / _nan_max(means)
    return ratio


_DIFFERENCES: dict[str, Callable[[Floats, Floats], Floats]] = {
    "between_groups": lambda means, overall: _nan_max(means) + _nan_max(-means),
    "to_overall": _farthest,
}
_RATIOS: dict[str, Callable[[Floats, Floats], Floats]] = {"between_groups": _quotient, "to_overall": _below_one}


def _frame(
    rows: Sequence[dict[str, object]], texts: Sequence[str], whole: Sequence[str] = (), columns: Sequence[str] = ()
) -> pl.DataFrame:
    """Rows as a frame: these columns are text, those whole numbers, all others floats, null for what does not exist."""
    names = columns or list(rows[0])
    kinds = {name: pl.String if name in texts else pl.Int64 if name in whole else pl.Float64 for name in names}
    return pl.DataFrame(rows, schema=kinds, orient="row").with_columns(
        pl.col(name).fill_nan(None) for name, kind in kinds.items() if kind == pl.Float64
    )

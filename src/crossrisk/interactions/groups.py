"""Who pays: what a defense did to each group that a task's samples speak of, and how far the groups lie apart.

A group, a name, a level of a facet and an intersection are compared alike: with the others, in both arms, on the same
samples. docs/groups.md has the formulas.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
from numpy.typing import NDArray

from crossrisk.errors import unknown
from crossrisk.interactions.clustered import Floats, effective_n
from crossrisk.interactions.corrections import benjamini_hochberg
from crossrisk.interactions.exchangeable_units import Dealt, dealt
from crossrisk.interactions.group_gaps import changes, gaps, risks
from crossrisk.interactions.group_table import Answers, GroupTable
from crossrisk.interactions.matrix import CellPair, pair_arms
from crossrisk.interactions.paired import Interval, wilson
from crossrisk.interactions.people import GroupDesign, Split, splits
from crossrisk.interactions.pooling import Pooled, effective_counts, partial_pooling
from crossrisk.interactions.rows import json_table
from crossrisk.interactions.worst_gaps import GapRow, adjusted_gaps, gap_row

SMALL = 20  # rows below which a group's numbers say little by themselves
FEWEST = 5  # rows below which only Wilson's interval is given
ALL_OTHERS = "all others"


@dataclass(frozen=True)
class GroupRow:
    """One group in one cell. None: the number does not exist.

    n, clusters: pairs valid in both arms, and their templates. base, defended: mean risks with Wilson intervals. delta:
    their paired difference with its interval at level 1 - alpha and its p, not corrected. gap_base, gap_defended: the
    group's risk less the reference's in either arm, within templates where groups share them; gap_change: defended less
    base (difference in differences), so that positive means that the defense fell harder on this group.

    kind: `group`, `name`, `facet` or `intersection`. by: the columns that tell the groups apart, such as `group x
    gender`. control: `null` or a sham. metric: what the risk is the mean of. small: fewer than 20 pairs. *_pooled:
    means and intervals by partial pooling. reference: `all others`, or the group that the others are compared with.
    matched_templates: in which the group meets the reference, 0 where means of different templates are compared.
    gap_change_p: sign-flip test, whole templates exchange arms: the defense does nothing. gap_change_p_labels: labels
    dealt anew within templates: the defense does the same to every group; None where templates speak of one group each.
    gap_change_p_adjusted: the larger of both, corrected (Benjamini-Hochberg) over all groups told apart alike and all
    defenses on the task, controls apart.
    """

    defense: str
    task: str
    source: str
    risk: str
    group: str
    n: int
    clusters: int
    base: float | None
    base_low: float | None
    base_high: float | None
    defended: float | None
    defended_low: float | None
    defended_high: float | None
    delta: float | None
    ci_low: float | None
    ci_high: float | None
    p: float | None
    gap_base: float | None
    gap_defended: float | None
    gap_change: float | None
    kind: str
    by: str
    control: bool
    metric: str
    small: bool
    base_pooled: float | None
    base_pooled_low: float | None
    base_pooled_high: float | None
    defended_pooled: float | None
    defended_pooled_low: float | None
    defended_pooled_high: float | None
    reference: str | None
    matched_templates: int
    gap_base_low: float | None
    gap_base_high: float | None
    gap_defended_low: float | None
    gap_defended_high: float | None
    gap_change_low: float | None
    gap_change_high: float | None
    gap_change_p: float | None
    gap_change_p_labels: float | None
    gap_change_p_adjusted: float | None

    @property
    def gap_change_p_larger(self) -> float | None:
        """The larger of both p values, where both are known: the change has to be more than either null allows."""
        known = [p for p in (self.gap_change_p, self.gap_change_p_labels) if p is not None]
        return max(known, default=None)


@dataclass(frozen=True)
class GroupComparison:
    """rows: one per (defense, task:source, group), of every kind. gaps: one per (defense, task:source) and way to tell
    people apart."""

    rows: list[GroupRow]
    gaps: list[GapRow]


def compare_groups(
    cells: Iterable[CellPair],
    *,
    designs: Mapping[tuple[str, str], GroupDesign] | None = None,
    alpha: float = 0.05,
    margin: float = 0.05,
) -> GroupComparison:
    """All groups of all cells, in the order of the cells; groups in alphabetical order.

    designs: what (task, source) declares of its groups; without one, groups alone are compared, each with all others.
    Samples that name no group are left out. A cell without groups, or without an arm, has no rows.
    Raises RequestError as `pair_arms` does, and for a reference that is no group of the task.
    """
    rows: list[GroupRow] = []
    apart: list[GapRow] = []
    for cell in cells:
        both = pair_arms(cell)
        if both is None:
            continue
        answers = Answers.of(cell, both)
        design = (designs or {}).get((cell.task, cell.source), GroupDesign())
        found = list(splits(answers.frame, design))
        names = next((split for split in found if split.kind == "name"), None)
        for split in found:
            compared = compare_split(cell, answers, split, design, names=names, alpha=alpha, margin=margin)
            rows += compared.rows
            apart += compared.gaps
    return GroupComparison(_adjusted(rows), adjusted_gaps(apart))


def compare_split(
    cell: CellPair,
    answers: Answers,
    split: Split,
    design: GroupDesign,
    *,
    names: Split | None = None,
    alpha: float = 0.05,
    margin: float = 0.05,
) -> GroupComparison:
    """The groups of one cell, told apart in one way; p values are not corrected. names: the split by name, if any."""
    table = GroupTable.of(answers, split)
    pooled, reference = _pooled(table, split, alpha), _reference(cell, split, table, design)
    by_chance = dealt(table, answers, names if split.kind == "group" else None, exchangeable=design.exchangeable)
    numbers = _numbers(table, pooled, reference, alpha) | {"gap_change_p_labels": _label_p(table, by_chance, reference)}
    rows = _rows(cell, split, table, numbers, reference)
    return GroupComparison(rows, [gap_row(cell, split, table, pooled, by_chance, margin)])


def groups_to_json(rows: Sequence[GroupRow] | Sequence[GapRow]) -> str:
    """`groups.json` and `gaps.json`: schema 1, the same rows give the same bytes."""
    return json_table([asdict(row) for row in rows])


def arm_interval(risks: Floats, clusters: NDArray[np.intp] | None, *, alpha: float = 0.05) -> Interval | None:
    """Wilson's interval of one arm's mean risk, on the effective number of prompts; None without two clusters.

    Conservative for graded risks, whose variance is at most that of a proportion.
    """
    if len(risks) == 0 or (clusters is not None and len(np.unique(clusters)) < 2):
        return None
    n = effective_n(risks, clusters, alpha=alpha)
    return wilson(float(risks.mean()) * n, n, alpha=alpha)


def _reference(cell: CellPair, split: Split, table: GroupTable, design: GroupDesign) -> int | None:
    """The column that the others are compared with, of groups alone; None for all others together."""
    if design.reference is None or split.kind != "group":
        return None
    if design.reference not in split.names:
        raise unknown(f"group in the reference of '{cell.task}:{cell.source}'", design.reference, split.names)
    return int(table.places[split.names.index(design.reference)])


def _pooled(table: GroupTable, split: Split, alpha: float) -> tuple[Pooled | None, Pooled | None]:
    """Base and defended, of the groups that have rows, in the order of the table."""
    there = table.counts > 0
    effects = split.main_effects[np.argsort(table.places)][there]
    base, defended = (
        partial_pooling(rates[there] * n[there], n[there], effects, alpha=alpha)
        for rates, n in ((table.rates[arm], effective_counts(table, arm)) for arm in (0, 1))
    )
    return base, defended


def _rows(
    cell: CellPair,
    split: Split,
    table: GroupTable,
    numbers: Mapping[str, Floats],
    reference: int | None,
) -> list[GroupRow]:
    compared_with = ALL_OTHERS if reference is None else table.names[reference]
    rows = []
    for place in table.places:
        n, known = int(table.counts[place]), {name: _number(column[place]) for name, column in numbers.items()}
        rows.append(
            GroupRow(
                defense=cell.defense,
                task=cell.task,
                source=cell.source,
                risk=cell.risk,
                group=table.names[place],
                n=n,
                clusters=int(np.count_nonzero(table.n[:, place])),
                kind=split.kind,
                by=split.title,
                control=cell.is_control,
                metric="mean risk" if cell.statistic is not None else cell.metric,
                small=n < SMALL,
                reference=None if place == reference else compared_with,
                matched_templates=int(known.pop("templates") or 0),
                gap_change_p_adjusted=None,
                **known,
            )
        )
    return rows


def _numbers(
    table: GroupTable, pooled: tuple[Pooled | None, Pooled | None], reference: int | None, alpha: float
) -> dict[str, Floats]:
    """Every number of a row by its name, (groups,); NaN where there is none."""
    limits = {}
    for arm, name in enumerate(("base", "defended")):
        limits[f"{name}_low"], limits[f"{name}_high"] = risks(table, arm, alpha=alpha)
    change, p = changes(table, alpha=alpha)
    gap = gaps(table, reference, alpha=alpha)
    intervals: dict[str, Floats] = {}
    for name, means, least in (
        ("delta", change, -1.0),
        ("gap_base", gap.base, -1.0),
        ("gap_defended", gap.defended, -1.0),
        ("gap_change", gap.change, -2.0),
    ):
        intervals |= dict(zip((f"{name}_low", f"{name}_high"), means.limits(least), strict=True))
    for name, found in zip(("base", "defended"), pooled, strict=True):
        parts = (None, None, None) if found is None else (found.mean, found.low, found.high)
        for part, values in zip(("", "_low", "_high"), parts, strict=True):
            intervals[f"{name}_pooled{part}"] = _spread_out(values, table.counts > 0)
    # So few rows agree by chance alone: an interval of their spread, or one borrowed from others, would look sure.
    few = table.counts < FEWEST
    intervals = {
        name: np.where(few & name.endswith(("_low", "_high")), np.nan, column) for name, column in intervals.items()
    }
    return {
        "base": table.rates[0],
        "defended": table.rates[1],
        **limits,
        "delta": change.value,
        "ci_low": intervals.pop("delta_low"),
        "ci_high": intervals.pop("delta_high"),
        "p": p,
        "gap_base": gap.base.value,
        "gap_defended": gap.defended.value,
        "gap_change": gap.change.value,
        "gap_change_p": gap.p,
        "templates": gap.templates.astype(np.float64),
        **intervals,
    }


def _label_p(table: GroupTable, by_chance: Dealt, reference: int | None) -> Floats:
    """Of each group's change when labels are dealt anew, (groups,); NaN where nothing may be dealt."""
    column = np.full(len(table.names), np.nan)
    if by_chance.spreads is None or (reference is not None and reference not in by_chance.groups):
        return column
    place = None if reference is None else int(np.searchsorted(by_chance.groups, reference))
    column[by_chance.groups] = by_chance.spreads.change_p(place)
    return column


def _spread_out(values: Floats | None, there: NDArray[np.bool_]) -> Floats:
    """Values of the groups that have rows, NaN for the others, and everywhere where there are none."""
    column = np.full(len(there), np.nan)
    if values is not None:
        column[there] = values
    return column


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _adjusted(rows: Sequence[GroupRow]) -> list[GroupRow]:
    """The rows with the p of the change of a gap corrected within each task, way to tell groups apart, and controls."""
    families: dict[tuple[str, str, str, bool], list[int]] = {}
    for place, row in enumerate(rows):
        families.setdefault((row.task, row.source, row.by, row.control), []).append(place)
    found = list(rows)
    for places in families.values():
        corrected = benjamini_hochberg([rows[place].gap_change_p_larger for place in places])
        for place, p in zip(places, corrected, strict=True):
            found[place] = replace(rows[place], gap_change_p_adjusted=p)
    return found

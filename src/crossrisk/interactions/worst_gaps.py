"""How far the groups of a cell lie apart: the largest gap in either arm, beside what chance alone makes of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from crossrisk.interactions.corrections import benjamini_hochberg
from crossrisk.interactions.exchangeable_units import Dealt
from crossrisk.interactions.exchanging import gap_change_p
from crossrisk.interactions.group_table import Floats, GroupTable
from crossrisk.interactions.matrix import CellPair
from crossrisk.interactions.people import Split
from crossrisk.interactions.pooling import Pooled


@dataclass(frozen=True)
class GapRow:
    """The largest gap between groups in one cell, one way to tell people apart. None: the number does not exist.

    groups, n, templates: that are compared; where groups share templates, only rows in shared ones. permuted: what
    changed groups under the null, None where nothing may (templates of one group each).

    gap_base, gap_defended: largest less smallest mean risk; _expected: of the same under the null that groups do not
    differ; _excess: observed less expected; _p: of that null. gap_change: defended less base, change_excess: of the
    excesses; gap_change_p: null that the arms are exchangeable within templates.
    uneven: largest less smallest change of a group's risk, what the defense did to `raised_most` less what it did to
    `raised_least`, with its expectation and p where groups do not matter to the change; uneven_p_adjusted:
    Benjamini-Hochberg over all cells that tell groups apart alike, controls apart.
    *_p_names: the same p where whole names change groups, so that a single name does not pass for its group.
    worst_*: the group with the largest risk by partial pooling, and the probability that it is; beyond_margin_*:
    P(largest gap > margin); deviation_*: standard deviation of the groups' true risks.
    """

    defense: str
    task: str
    source: str
    risk: str
    kind: str
    by: str
    control: bool
    permuted: str | None
    groups: int
    n: int
    templates: int
    gap_base: float | None
    gap_base_expected: float | None
    gap_base_excess: float | None
    gap_base_p: float | None
    gap_base_p_names: float | None
    gap_defended: float | None
    gap_defended_expected: float | None
    gap_defended_excess: float | None
    gap_defended_p: float | None
    gap_defended_p_names: float | None
    gap_change: float | None
    gap_change_excess: float | None
    gap_change_p: float | None
    uneven: float | None
    uneven_expected: float | None
    uneven_p: float | None
    uneven_p_adjusted: float | None
    uneven_p_names: float | None
    raised_most: str | None
    raised_least: str | None
    worst_base: str | None
    worst_base_probability: float | None
    beyond_margin_base: float | None
    deviation_base: float | None
    worst_defended: str | None
    worst_defended_probability: float | None
    beyond_margin_defended: float | None
    deviation_defended: float | None


def gap_row(
    cell: CellPair,
    split: Split,
    table: GroupTable,
    pooled: tuple[Pooled | None, Pooled | None],
    by_chance: Dealt,
    margin: float,
) -> GapRow:
    """One way to tell the people of a cell apart."""
    compared = table.shared if table.crossed else np.ones(len(table.n), dtype=bool)
    n, base, defended = (part[compared][:, by_chance.groups] for part in (table.n, table.base, table.defended))
    return GapRow(
        defense=cell.defense,
        task=cell.task,
        source=cell.source,
        risk=cell.risk,
        kind=split.kind,
        by=split.title,
        control=cell.is_control,
        permuted=by_chance.permuted,
        groups=len(by_chance.groups),
        n=int(n.sum()),
        templates=int((n.sum(axis=1) > 0).sum()),
        **_apart(base, defended, n.sum(axis=0), [table.names[place] for place in by_chance.groups], by_chance),
        **_by_pooling(table, pooled, margin),
    )


def adjusted_gaps(rows: Sequence[GapRow]) -> list[GapRow]:
    """The rows with the p of an uneven change corrected over all cells that tell groups apart alike, controls apart."""
    families: dict[tuple[str, bool], list[int]] = {}
    for place, row in enumerate(rows):
        families.setdefault((row.by, row.control), []).append(place)
    found = list(rows)
    for places in families.values():
        corrected = benjamini_hochberg([rows[place].uneven_p for place in places])
        for place, p in zip(places, corrected, strict=True):
            found[place] = replace(rows[place], uneven_p_adjusted=p)
    return found


def _apart(
    base: Floats,
    defended: Floats,
    counts: Floats,
    labels: Sequence[str],
    by_chance: Dealt,
) -> dict[str, Any]:
    """What is observed, and what chance makes of it. base, defended: sums, (templates, groups)."""
    several, by_labels, by_names = len(labels) > 1, by_chance.spreads, by_chance.names
    rates = {"gap_base": base.sum(axis=0) / counts, "gap_defended": defended.sum(axis=0) / counts}
    rates["uneven"] = rates["gap_defended"] - rates["gap_base"]
    found: dict[str, Any] = {}
    for place, (name, rate) in enumerate(rates.items()):
        found[name] = float(np.ptp(rate)) if several else None
        found[f"{name}_expected"] = None if by_labels is None else float(by_labels.expected[place])
        found[f"{name}_excess"] = _less(found[name], found[f"{name}_expected"])
        found[f"{name}_p"] = None if by_labels is None else float(by_labels.p[place])
        found[f"{name}_p_names"] = None if by_names is None else float(by_names.p[place])
    del found["uneven_excess"]
    return found | {
        "gap_change": _less(found["gap_defended"], found["gap_base"]),
        "gap_change_excess": _less(found["gap_defended_excess"], found["gap_base_excess"]),
        "gap_change_p": gap_change_p(base, defended, counts) if several else None,
        "uneven_p_adjusted": None,
        "raised_most": _extreme(labels, rates["uneven"]),
        "raised_least": _extreme(labels, -rates["uneven"]),
    }


def _by_pooling(table: GroupTable, pooled: tuple[Pooled | None, Pooled | None], margin: float) -> dict[str, Any]:
    labels = [name for name, count in zip(table.names, table.counts, strict=True) if count]
    found: dict[str, Any] = {}
    for arm, posterior in zip(("base", "defended"), pooled, strict=True):
        place, probability = (None, None) if posterior is None else posterior.worst()
        found[f"worst_{arm}"] = None if place is None else labels[place]
        found[f"worst_{arm}_probability"] = probability
        found[f"beyond_margin_{arm}"] = None if posterior is None else posterior.beyond(margin)
        found[f"deviation_{arm}"] = None if posterior is None else posterior.deviation
    return found


def _less(value: float | None, other: float | None) -> float | None:
    return None if value is None or other is None else value - other


def _extreme(labels: Sequence[str], values: Floats) -> str | None:
    """The label of the one largest value, None where several share it."""
    first = np.flatnonzero(values >= values.max(initial=-np.inf) - 1e-9)
    return labels[first[0]] if len(first) == 1 < len(labels) else None

"""Who pays: the same paired comparison for each demographic group that a task's samples speak of."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from crossrisk.interactions.clustered import Floats, cluster_codes, effective_n
from crossrisk.interactions.effect import compare
from crossrisk.interactions.matrix import CellPair, Paired, pair_arms
from crossrisk.interactions.paired import Interval, wilson
from crossrisk.interactions.rows import json_table


@dataclass(frozen=True)
class GroupRow:
    """One group in one cell. None: the number does not exist.

    n, clusters: pairs valid in both arms. base, defended: mean risks with Wilson intervals. delta: their paired
    difference with its interval at level 1 - alpha and its p, not corrected. gap_base, gap_defended: the group's mean
    risk less that of all other groups' samples, in either arm; gap_change: defended less base, so that positive means
    that the defense fell harder on this group than on the rest.
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


def group_rows(cells: Iterable[CellPair], *, alpha: float = 0.05) -> list[GroupRow]:
    """One row per (defense, task:source, group), groups in alphabetical order; samples without a group are left out.

    The rows describe; with many groups the largest gap is far from 0 by chance alone, so none of them is a claim.
    Raises RequestError as `pair_arms` does.
    """
    rows = []
    for cell in cells:
        both = pair_arms(cell)
        if both is not None:
            rows += [_group_row(cell, both, group, alpha) for group in sorted(set(both.group.drop_nulls().to_list()))]
    return rows


def groups_to_json(rows: Sequence[GroupRow]) -> str:
    """`groups.json`: schema 1, the same rows give the same bytes."""
    return json_table([asdict(row) for row in rows])


def arm_interval(risks: Floats, clusters: NDArray[np.intp] | None, *, alpha: float = 0.05) -> Interval | None:
    """Wilson's interval of one arm's mean risk, on the effective number of prompts; None without two clusters.

    Conservative for graded risks, whose variance is at most that of a proportion.
    """
    if len(risks) == 0 or (clusters is not None and len(np.unique(clusters)) < 2):
        return None
    n = effective_n(risks, clusters, alpha=alpha)
    return wilson(float(risks.mean()) * n, n, alpha=alpha)


def _group_row(cell: CellPair, both: Paired, group: str, alpha: float) -> GroupRow:
    base, defended = both.base.to_numpy(), both.defended.to_numpy()
    valid = ~(np.isnan(base) | np.isnan(defended))
    chosen = valid & (both.group == group).fill_null(False).to_numpy()
    rest = valid & (both.group != group).fill_null(False).to_numpy()
    labels = cluster_codes(both.cluster.to_numpy())[chosen]
    effect = compare(base[chosen], defended[chosen], clusters=labels, alpha=alpha)
    clusters = None if effect.clusters == effect.n else labels
    base_low, base_high = arm_interval(base[chosen], clusters, alpha=alpha) or (None, None)
    defended_low, defended_high = arm_interval(defended[chosen], clusters, alpha=alpha) or (None, None)
    gap_base, gap_defended = None, None
    if effect.base is not None and effect.defended is not None and rest.any():
        gap_base = effect.base - float(base[rest].mean())
        gap_defended = effect.defended - float(defended[rest].mean())
    return GroupRow(
        defense=cell.defense,
        task=cell.task,
        source=cell.source,
        risk=cell.risk,
        group=group,
        n=effect.n,
        clusters=effect.clusters,
        base=effect.base,
        base_low=base_low,
        base_high=base_high,
        defended=effect.defended,
        defended_low=defended_low,
        defended_high=defended_high,
        delta=effect.delta,
        ci_low=effect.ci_low,
        ci_high=effect.ci_high,
        p=effect.p,
        gap_base=gap_base,
        gap_defended=gap_defended,
        gap_change=None if gap_base is None or gap_defended is None else gap_defended - gap_base,
    )

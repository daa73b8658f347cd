"""Differences between groups: gaps inside scenarios, parity, equalised odds, and the gap of matched guises.

Rows with an empty group belong to none and are left out, and so are invalid rows (NaN). What has no row behind it is
None, never 0.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from crossrisk.tasks.metrics.breakdown import cell_numbers, means_by_code

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from crossrisk.tasks.metric import Floats, Texts


@dataclass(frozen=True)
class Gaps:
    """by_group: of every group that is compared, its gap to the mean of the groups. cells: how many compare groups."""

    by_group: dict[str, float]
    cells: int

    @property
    def mean_absolute(self) -> float | None:
        """0 where no group is treated differently; None where no cell compares groups.

        In a finite sample it is biased upward, since noise has no sign: compare arms on the same samples, and look at
        the gaps themselves.
        """
        return float(np.mean(np.abs([*self.by_group.values()]))) if self.by_group else None


def gaps_within(values: "Floats", groups: "NDArray[Any]", cells: "NDArray[np.intp]") -> Gaps:
    """What belonging to a group adds to the value, in units of the value, when the cell (the scenario) is taken away.

    groups: names, or numbers from 0 with -1 for none.

    Least squares of mean value = cell + group over all pairs of a cell and a group, each pair counted once however many
    rows it has; the gaps of groups that are compared with each other sum to 0. Where every cell has every group, a gap
    is the mean over cells of the group's mean less the mean of all groups. A cell with fewer than two groups compares
    nothing and is left out. Groups missing from a cell do not shift the others' gaps there, as they would if the mean
    of those present were subtracted: else garbling one group's replies would make a model look fairer.
    """
    rows = ~np.isnan(values) & (groups != "" if groups.dtype.kind == "U" else groups >= 0)
    names, group_codes = np.unique(groups[rows], return_inverse=True)
    there, within, numbers = _comparisons(values[rows], group_codes, cells[rows], len(names))
    # With the cells solved for, the normal equations are those of a graph whose edges are comparisons.
    laplacian = np.diag(there.sum(axis=0)) - there.T @ (there / there.sum(axis=1, keepdims=True))
    effects = _solved(laplacian[None], within.sum(axis=0)[None])[0]
    compared = np.flatnonzero(there.any(axis=0))
    return Gaps({str(names[code]): round(float(effects[code]), 12) for code in compared}, len(numbers))


def gap_sums(
    values: "Floats", groups: "NDArray[np.intp]", cells: "NDArray[np.intp]", clusters: "NDArray[np.intp]"
) -> "Floats":
    """The normal equations of `gaps_within`, summed over the cells of each cluster: (clusters, groups * (groups + 1)).

    groups: numbers from 0, -1 for none. clusters: numbers from 0; a cell lies in one of them.
    """
    rows = ~np.isnan(values) & (groups >= 0)
    size = int(groups.max(initial=-1)) + 1
    there, within, numbers = _comparisons(values[rows], groups[rows], cells[rows], size)
    equations = np.concatenate([_laplacians(there).reshape(len(there), size * size), within], axis=1)
    distinct, first = np.unique(cells, return_index=True)
    of_cell = clusters[first][np.searchsorted(distinct, numbers)]
    sums = np.zeros((int(clusters.max(initial=-1)) + 1, equations.shape[1]))
    order = np.argsort(of_cell, kind="stable")
    present, starts = np.unique(of_cell[order], return_index=True)
    if len(present):
        sums[present] = np.add.reduceat(equations[order], starts, axis=0)
    return sums


def absolute_gaps(sums: "Floats") -> tuple["Floats", "Floats"]:
    """Of sums (draws, groups * (groups + 1)) as in `gap_sums`: the sum of absolute gaps, and how many are compared."""
    size = int(sums.shape[1] ** 0.5)
    laplacians = sums[:, : size * size].reshape(-1, size, size)
    compared = np.einsum("dgg->dg", laplacians) > 1e-9
    gaps = np.where(compared, np.abs(_solved(laplacians, sums[:, size * size :])), 0.0)
    return gaps.sum(axis=1), compared.sum(axis=1).astype(np.float64)


def parity_difference(values: "Floats", groups: "Texts") -> float | None:
    """Largest less smallest mean of any group (fairlearn's demographic parity difference); None with fewer than two."""
    means = _group_means(values, groups)
    return float(means.max() - means.min()) if len(means) > 1 else None


def equalised_odds_difference(selected: "Floats", truth: "Texts", groups: "Texts") -> float | None:
    """The larger of the parity differences among rows whose truth is "yes" and "no" (fairlearn's definition).

    selected: 1 where a row was decided in favour, 0 where not, NaN where it is invalid. None unless there are two
    groups under both truths.
    """
    differences = [parity_difference(selected[truth == side], groups[truth == side]) for side in ("yes", "no")]
    known = [difference for difference in differences if difference is not None]
    return max(known) if len(known) == len(differences) else None


def gaps_of_clusters(
    values: "Floats", sides: "Texts", *, clusters: "Texts", within: "Texts", first: str, second: str
) -> "Floats":
    """By how much a cluster's values are larger on the side `first` than on `second`, of each cluster in their order.

    Taken first between the two sides under one text of `within`, then averaged over the texts that have both sides. NaN
    where a cluster has no such pair.
    """
    cells, units = cell_numbers(clusters, within), cell_numbers(clusters)
    one, other = (means_by_code(np.where(sides == side, values, np.nan), cells) for side in (first, second))
    unit_of = np.zeros(len(one), dtype=np.intp)
    unit_of[cells] = units
    return means_by_code(one - other, unit_of)


def _group_means(values: "Floats", groups: "Texts") -> "Floats":
    """The mean of every group that has a value."""
    named = groups != ""
    means = means_by_code(values[named], np.unique(groups[named], return_inverse=True)[1])
    return means[~np.isnan(means)]


def _comparisons(
    values: "Floats", groups: "NDArray[np.intp]", cells: "NDArray[np.intp]", size: int
) -> tuple["NDArray[np.bool_]", "Floats", "NDArray[np.intp]"]:
    """Of the cells that compare groups: which groups each has, their means less the cell's mean, and its number."""
    numbers, cell_codes = np.unique(cells, return_inverse=True)
    pairs = means_by_code(values, cell_codes * size + groups)
    means = np.full((len(numbers), size), np.nan)
    means.flat[: len(pairs)] = pairs
    comparing = (~np.isnan(means)).sum(axis=1) > 1
    means = means[comparing]
    there = ~np.isnan(means)
    known, sizes = np.where(there, means, 0), there.sum(axis=1, keepdims=True)
    return there, np.where(there, known - known.sum(axis=1, keepdims=True) / sizes, 0), numbers[comparing]


def _laplacians(there: "NDArray[np.bool_]") -> "Floats":
    """The graph of each cell: (cells, groups, groups)."""
    edges: Floats = there[:, :, None] * there[:, None, :] / -there.sum(axis=1)[:, None, None]
    groups = np.arange(there.shape[1])
    edges[:, groups, groups] += there
    return edges


def _solved(laplacians: "Floats", within: "Floats") -> "Floats":
    """The solution of least length of each system, which sums to 0 over every connected part of its graph.

    Where groups and cells are crossed without a gap, all systems are multiples of one, which is then solved once.
    """
    scale = np.einsum("dgg->d", laplacians)
    if not scale.any():
        return np.zeros_like(within)
    scale = np.where(scale > 0, scale, 1.0)
    first = laplacians[scale.argmax()] / scale.max()
    if np.abs(laplacians - first * scale[:, None, None]).max() < 1e-9:
        effects: Floats = within @ _pseudoinverse(first)
        effects /= scale[:, None]
    else:
        effects = np.einsum("dgh,dh->dg", _pseudoinverse(laplacians), within)
    return effects


def _pseudoinverse(laplacians: "Floats") -> "Floats":
    # rcond: the graph's zeros are zeros up to rounding.
    return np.asarray(np.linalg.pinv(laplacians, rcond=1e-10, hermitian=True), dtype=np.float64)

"""Differences between groups: gaps inside scenarios, parity, equalised odds, and the gap of matched guises.

Rows with an empty group belong to none and are left out, and so are invalid rows (NaN). What has no row behind it is
None, never 0.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from crossrisk.tasks.metrics.breakdown import cell_numbers, mean_of, means_by_code

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
    numbers, cell_codes = np.unique(cells[rows], return_inverse=True)
    pairs = means_by_code(values[rows], cell_codes * len(names) + group_codes)
    means = np.full((len(numbers), len(names)), np.nan)
    means.flat[: len(pairs)] = pairs
    means = means[(~np.isnan(means)).sum(axis=1) > 1]
    there = ~np.isnan(means)
    known, sizes = np.where(there, means, 0), there.sum(axis=1, keepdims=True)
    within = np.where(there, known - known.sum(axis=1, keepdims=True) / sizes, 0)
    # With the cells solved for, the normal equations are those of a graph whose edges are comparisons. The solution of
    # least length sums to 0 over every connected part of it. rcond: the graph's zeros are zeros up to rounding.
    laplacian = np.diag(there.sum(axis=0)) - there.T @ (there / sizes)
    effects = np.linalg.pinv(laplacian, rcond=1e-10, hermitian=True) @ within.sum(axis=0)
    compared = np.flatnonzero(there.any(axis=0))
    return Gaps({str(names[code]): round(float(effects[code]), 12) for code in compared}, len(means))


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


def paired_gap(
    values: "Floats", sides: "Texts", *, clusters: "Texts", within: "Texts", first: str, second: str
) -> float | None:
    """Mean over clusters of how much larger a cluster's values are on the side `first` than on `second`.

    Taken first between the two sides under one text of `within`, then averaged over the texts that have both sides.
    None where no cluster has such a pair.
    """
    cells, units = cell_numbers(clusters, within), cell_numbers(clusters)
    one, other = (means_by_code(np.where(sides == side, values, np.nan), cells) for side in (first, second))
    unit_of = np.zeros(len(one), dtype=np.intp)
    unit_of[cells] = units
    return mean_of(means_by_code(one - other, unit_of))


def _group_means(values: "Floats", groups: "Texts") -> "Floats":
    """The mean of every group that has a value."""
    named = groups != ""
    means = means_by_code(values[named], np.unique(groups[named], return_inverse=True)[1])
    return means[~np.isnan(means)]

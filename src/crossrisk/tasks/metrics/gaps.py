"""Differences between groups: gaps inside scenarios, parity, equalised odds, and the gap of matched guises.

Rows with an empty group belong to none and are left out, and so are invalid rows (NaN). What has no row behind it is
None, never 0.
"""

from typing import TYPE_CHECKING

import numpy as np

from crossrisk.tasks.metric import Outcomes
from crossrisk.tasks.metrics.breakdown import mean_of
from crossrisk.tasks.metrics.clusters import cluster_means

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from crossrisk.tasks.metric import Floats, Texts


def cell_numbers(*columns: "Texts") -> "NDArray[np.intp]":
    """A number for every different combination of texts in these columns, which have one length."""
    combined = np.zeros(len(columns[0]), dtype=np.intp)
    for column in columns:
        names, codes = np.unique(column, return_inverse=True)
        combined = combined * len(names) + codes
    return np.unique(combined, return_inverse=True)[1]


def centred(values: "Floats", cells: "NDArray[np.intp]") -> "Floats":
    """Each value less the mean of its cell: what is left of it when the scenario is taken away. NaN stays NaN."""
    return values - _means(values, cells)[cells]


def mean_absolute_gap(values: "Floats", groups: "Texts", cells: "NDArray[np.intp]") -> float | None:
    """Mean over groups of the absolute gap, which is the mean of `centred` over the group's rows.

    0 where no group is treated differently; None with fewer than two groups. In a finite sample it is biased
    upward, since noise has no sign: compare arms on the same samples, and look at the gaps themselves.
    """
    gaps = _group_means(centred(values, cells), groups)
    return float(np.abs(gaps).mean()) if len(gaps) > 1 else None


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


def paired_gap(outcomes: Outcomes, values: "Floats", sides: "Texts", *, first: str, second: str) -> float | None:
    """Mean over clusters of the cluster's mean value on the side `first` less that on `second`.

    Only clusters with both sides count. None where there are none.
    """
    one, other = cluster_means(outcomes, *(np.where(sides == side, values, np.nan) for side in (first, second)))
    return mean_of(one - other)


def _group_means(values: "Floats", groups: "Texts") -> "Floats":
    """The mean of every group that has a value."""
    named = groups != ""
    means = _means(values[named], np.unique(groups[named], return_inverse=True)[1])
    return means[~np.isnan(means)]


def _means(values: "Floats", codes: "NDArray[np.intp]") -> "Floats":
    """The mean of the known values of every code, NaN where it has none."""
    known, size = ~np.isnan(values), int(codes.max(initial=-1)) + 1
    counts = np.bincount(codes[known], minlength=size)
    sums = np.bincount(codes[known], weights=values[known], minlength=size)
    means: Floats = np.divide(sums, counts, out=np.full(size, np.nan), where=counts > 0)
    return means

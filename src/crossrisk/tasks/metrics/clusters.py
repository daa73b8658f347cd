"""Means over clusters first: StereoSet's averages over target terms, and pairs of guises.

A bootstrap that draws a cluster twice gives it two names, so every cluster here counts once.
"""

from typing import TYPE_CHECKING

import numpy as np

from crossrisk.tasks.metric import Outcomes

if TYPE_CHECKING:
    from crossrisk.tasks.metric import Floats


def cluster_means(outcomes: Outcomes, *columns: "Floats") -> tuple["Floats", ...]:
    """The mean of each column over every cluster's rows that are no NaN; NaN where a cluster has none.

    Clusters come in the same order for all columns.
    """
    names, codes = np.unique(outcomes.clusters, return_inverse=True)
    size, found = len(names), []
    for column in columns:
        known = ~np.isnan(column)
        counts = np.bincount(codes[known], minlength=size)
        sums = np.bincount(codes[known], weights=column[known], minlength=size)
        found.append(np.divide(sums, counts, out=np.full(size, np.nan), where=counts > 0))
    return tuple(found)

"""Means over clusters first, as StereoSet averages over target terms.

A bootstrap that draws a cluster twice gives it two names, so every cluster here counts once.
"""

from typing import TYPE_CHECKING

from crossrisk.tasks.metric import Outcomes
from crossrisk.tasks.metrics.breakdown import cell_numbers, means_by_code

if TYPE_CHECKING:
    from crossrisk.tasks.metric import Floats


def cluster_means(outcomes: Outcomes, *columns: "Floats") -> tuple["Floats", ...]:
    """The mean of each column over every cluster's rows that are no NaN; NaN where a cluster has none.

    Clusters come in the same order for all columns.
    """
    codes = cell_numbers(outcomes.clusters)
    return tuple(means_by_code(column, codes) for column in columns)

"""How sure the headline of a single arm is, with no other arm to compare it with."""

import numpy as np

from crossrisk.interactions.clustered import FEWEST_TO_BOOTSTRAP, cluster_codes, cluster_draws
from crossrisk.interactions.groups import arm_interval
from crossrisk.interactions.paired import Interval
from crossrisk.tasks.metric import Metric, Outcomes, Statistic


def headline_interval(metric: Metric, outcomes: Outcomes, *, alpha: float = 0.05) -> Interval | None:
    """Interval of a metric's headline at level 1 - alpha; None where there is no headline, or too few clusters.

    A mean of risks: Wilson's interval on the effective number of prompts. A statistic: percentiles of it in resamples
    of whole clusters, which needs eight of them.
    """
    rows = metric.counted(outcomes)
    rows = rows.where(rows.valid)
    if len(rows) == 0:
        return None
    codes = cluster_codes(rows.clusters)
    if metric.statistic is not None:
        return _bootstrap(rows, codes, metric.statistic, alpha)
    return arm_interval(rows.risks, None if len(np.unique(codes)) == len(rows) else codes, alpha=alpha)


def _bootstrap(
    rows: Outcomes, codes: np.ndarray, statistic: Statistic, alpha: float, *, draws: int = 1_000, seed: int = 0
) -> Interval | None:
    """Draws in which the statistic is undefined are left out; None where that is most of them."""
    if int(codes.max()) + 1 < FEWEST_TO_BOOTSTRAP:
        return None
    drawn = (statistic(rows.take(*sample)) for sample in cluster_draws(codes, draws, seed))
    found = [value for value in drawn if value is not None]
    if len(found) < draws / 2:
        return None
    return Interval(float(np.quantile(found, alpha / 2)), float(np.quantile(found, 1 - alpha / 2)))

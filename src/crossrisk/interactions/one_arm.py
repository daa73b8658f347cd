"""How sure the headline of a single arm is, with no other arm to compare it with."""

import numpy as np

from crossrisk.interactions.arms import numbered, weighing
from crossrisk.interactions.clustered import FEWEST_TO_BOOTSTRAP
from crossrisk.interactions.groups import arm_interval
from crossrisk.interactions.paired import Interval
from crossrisk.interactions.resampling import DRAWS, multiplicities
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
    rows = numbered(rows)
    codes = rows.clusters.astype(np.intp)
    if metric.statistic is not None:
        return _bootstrap(rows, int(codes.max()) + 1, metric.statistic, alpha)
    return arm_interval(rows.risks, None if len(np.unique(codes)) == len(rows) else codes, alpha=alpha)


def _bootstrap(
    rows: Outcomes, units: int, statistic: Statistic, alpha: float, *, draws: int = DRAWS, seed: int = 0
) -> Interval | None:
    """Draws in which the statistic is undefined are left out; None where that is most of them."""
    if units < FEWEST_TO_BOOTSTRAP:
        return None
    weigh = weighing(statistic, rows)
    found = np.concatenate([weigh(counts) for counts in multiplicities(units, draws, seed)])
    found = found[~np.isnan(found)]
    if len(found) < draws / 2:
        return None
    return Interval(float(np.quantile(found, alpha / 2)), float(np.quantile(found, 1 - alpha / 2)))

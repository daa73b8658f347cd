"""The interval of RCR, the relative change of a risk: (defended - base) / base."""

import numpy as np
from numpy.typing import ArrayLike

from crossrisk.interactions.clustered import cluster_sums, standard_error, t_quantile
from crossrisk.interactions.paired import Interval, normal_quantile

# Below this base risk a ratio is ruled by a handful of prompts.
LEAST_BASE = 0.05


def relative_change_interval(
    base: ArrayLike, defended: ArrayLike, clusters: ArrayLike | None = None, *, alpha: float = 0.05
) -> Interval | None:
    """Interval of the RCR through the logarithm of the ratio of the two mean risks.

    base, defended: paired risks in [0, 1], (pairs,), no NaN. The delta method gives log(defended / base) the influence
    `d_i / mean(d) - b_i / mean(b)` per pair, summed by cluster (t quantile of clusters - 1; normal without labels).
    A yes-or-no arm without a risky reply gets half a risky reply more in both arms. Assumes independent clusters.
    Degenerate: None where the base mean is under 0.05 (the ratio is ruled by single prompts), where a graded arm has
    mean 0, and for one cluster. Katz et al. (1978), Biometrics 34:469; paired: Nam, Blackwelder (2002), Statistics in
    Medicine 21:689.
    """
    before, after = np.asarray(base, dtype=np.float64), np.asarray(defended, dtype=np.float64)
    if len(before) < 2 or before.mean() < LEAST_BASE:
        return None
    mean_before, mean_after = float(before.mean()), float(after.mean())
    if mean_after == 0:
        if not np.isin(before, (0.0, 1.0)).all():
            return None
        mean_before, mean_after = ((total + 0.5) / (len(before) + 0.5) for total in (before.sum(), after.sum()))
        # Half a reply's own variance stands in for the arm that shows none (Poisson: 1 / count).
        error: float | None = float((1 / 0.5 + 1 / (before.sum() + 0.5)) ** 0.5)
    else:
        error = standard_error(cluster_sums(after / mean_after - before / mean_before, clusters))
    if error is None:
        return None
    count = len(before) if clusters is None else len(np.unique(np.asarray(clusters)))
    level = 1 - alpha / 2
    half = (normal_quantile(level) if clusters is None else t_quantile(level, count)) * error
    log_ratio = float(np.log(mean_after / mean_before))
    return Interval(float(np.expm1(log_ratio - half)), float(np.expm1(log_ratio + half)))

"""What a comparison can see: power of the exact McNemar test and the minimum detectable effect (MDE)."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from crossrisk.interactions.clustered import t_quantile
from crossrisk.interactions.paired import normal_quantile


def mcnemar_power(n: int, worse: float, better: float, *, alpha: float = 0.05) -> float:
    """Power of the two-sided exact McNemar test for n independent pairs.

    worse, better: probabilities that a pair flips up and down. Unconditional: summed over the binomial number of flips
    (up to ten standard deviations from its mean). Connor (1987), Biometrics 43:207.
    """
    from scipy.special import bdtr, bdtrc, gammaln, xlog1py, xlogy

    flipping = worse + better
    if n < 1 or flipping <= 0:
        return 0.0
    spread = 10 * (n * flipping * (1 - min(flipping, 1.0))) ** 0.5 + 10
    flips = np.arange(max(1, int(n * flipping - spread)), min(n, int(n * flipping + spread)) + 1)
    log_chance = gammaln(n + 1) - gammaln(flips + 1) - gammaln(n - flips + 1)
    chance = np.exp(log_chance + xlogy(flips, flipping) + xlog1py(n - flips, -min(flipping, 1.0)))
    fewest = _most_minority_flips(n, alpha)[flips]
    able = fewest >= 0
    chance, flips, fewest = chance[able], flips[able], fewest[able]
    share = min(worse / flipping, 1.0)
    rejecting = bdtr(fewest, flips, share) + bdtrc(flips - fewest - 1, flips, share)
    return float(min(1.0, (chance * rejecting).sum()))


def mcnemar_mde(n: int, flip_rate: float, *, alpha: float = 0.05, power: float = 0.8) -> float | None:
    """Smallest change of a rate that the exact McNemar test finds with the given power, for n independent pairs.

    flip_rate: share of pairs that flips in each direction for no reason (noise); the change comes on top of it, on
    one side. Found by bisection to 1e-6. Degenerate: None where no change reaches the power (n under 6, or noise).
    """
    low, high = 0.0, 1.0 - 2.0 * flip_rate
    if high <= 0 or mcnemar_power(n, flip_rate + high, flip_rate, alpha=alpha) < power:
        return None
    while high - low > 1e-6:
        middle = (low + high) / 2
        if mcnemar_power(n, flip_rate + middle, flip_rate, alpha=alpha) < power:
            low = middle
        else:
            high = middle
    return high


def standard_error_mde(error: float, clusters: int, *, alpha: float = 0.05, power: float = 0.8) -> float | None:
    """Smallest mean change found with the given power by a t test whose standard error is known.

    (t(1 - alpha/2) + t(power)) * error with clusters - 1 degrees of freedom; for many clusters the familiar
    (z(1 - alpha/2) + z(power)) * error. Degenerate: None for one cluster, or where it exceeds 1.
    Bloom (1995), Evaluation Review 19:547; Miller (2024), arXiv:2411.00640, for evaluations of models.
    """
    if clusters < 2:
        return None
    change = (t_quantile(1 - alpha / 2, clusters) + t_quantile(power, clusters)) * error
    return change if change <= 1 else None


@lru_cache(maxsize=32)
def _most_minority_flips(n: int, alpha: float) -> NDArray[np.int64]:
    """For 0 .. n flips, the most flips on the rarer side with which the exact test still rejects; -1 where none."""
    from scipy.special import bdtr

    flips = np.arange(n + 1)
    # The normal approximation is never more than one too low, so two more and then down is exact.
    most = np.floor(flips / 2 + normal_quantile(alpha / 2) * flips**0.5 / 2).astype(np.int64) + 2
    most = np.minimum(most, flips // 2)
    while (over := (most >= 0) & (bdtr(np.maximum(most, 0), flips, 0.5) > alpha / 2)).any():
        most = most - over
    return np.maximum(most, -1)

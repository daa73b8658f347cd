"""What a comparison can see: power of the exact McNemar test, the minimum detectable effect (MDE), sample sizes."""

from functools import lru_cache
from math import ceil, log, log1p

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
    fewest = _most_minority_flips(1 << n.bit_length(), alpha)[flips]
    able = fewest >= 0
    chance, flips, fewest = chance[able], flips[able], fewest[able]
    share = min(worse / flipping, 1.0)
    rejecting = bdtr(fewest, flips, share) + bdtrc(flips - fewest - 1, flips, share)
    return float(min(1.0, (chance * rejecting).sum()))


def mcnemar_mde(n: int, flip_rate: float, *, alpha: float = 0.05, power: float = 0.8) -> float | None:
    """Smallest change of a rate that the exact McNemar test finds with the given power, for n independent pairs.

    flip_rate: share of pairs that flips in each direction for no reason (noise); the change comes on top of it, on
    one side. Found by Brent's method to 1e-7. Degenerate: None where no change reaches the power (n under 6, or noise).
    """
    from scipy.optimize import brentq

    low, high = 0.0, 1.0 - 2.0 * flip_rate

    def lacking(change: float) -> float:
        return mcnemar_power(n, flip_rate + change, flip_rate, alpha=alpha) - power

    if high <= 0 or lacking(high) < 0:
        return None
    return 0.0 if lacking(low) >= 0 else float(brentq(lacking, low, high, xtol=1e-7))


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


def paired_sample_size(
    change: float,
    variance: float,
    *,
    noise: tuple[float, float] = (0.0, 0.0),
    attempts: tuple[int, int] = (1, 1),
    alpha: float = 0.05,
    power: float = 0.8,
) -> int:
    """Prompts needed to find a mean paired change with the given power, by the normal approximation.

    variance: of the prompts' own changes (their expected risk under the defense less that without). noise: variance of
    a single reply about its prompt's expected risk, in either arm; attempts: replies to every prompt, in either arm.
    n = (z(1 - alpha/2) + z(power))^2 (variance + noise / attempts, summed over the arms) / change^2, rounded up.
    Assumes independent prompts; times the design effect where they are clustered. Raises ValueError at change 0.
    Miller (2024), arXiv:2411.00640, section 5.
    """
    if change == 0:
        raise ValueError("no number of prompts finds a change of 0: give the smallest change that matters")
    spread = variance + sum(each / number for each, number in zip(noise, attempts, strict=True))
    return max(1, ceil(_reach(alpha / 2, power) ** 2 * spread / change**2))


def tost_sample_size(margin: float, flip_rate: float, *, alpha: float = 0.05, power: float = 0.8) -> int:
    """Pairs needed to show equivalence within +-margin with the given power, where the true change is 0: normal limit.

    flip_rate: share of pairs that flip, both directions together. n = (z(1 - alpha) + z(1 - (1 - power)/2))^2
    flip_rate / margin^2, rounded up: either one-sided test at level alpha; the chance to miss is split between them. At
    least `clusters_for_margin`, without which nothing is shown. It is for many flips; exact is
    `equivalence_sample_size`. Assumes independent yes-or-no pairs. Chow, Shao, Wang (2008), Sample Size Calculations in
    Clinical Research, 3.2.
    """
    from_flips = ceil(_reach(alpha, 1 - (1 - power) / 2) ** 2 * flip_rate / margin**2)
    return max(from_flips, clusters_for_margin(margin, alpha=alpha))


def clusters_for_margin(margin: float, *, alpha: float = 0.05) -> int:
    """Fewest clusters with which equivalence within +-margin can be shown at all: none of them changed.

    The bound on clusters unlike all seen, 1 - alpha^(1/clusters), has to stay inside the margin (`unchanged_interval`
    at level 1 - 2 alpha): 59 at 5 points, 99 at 3. Hanley, Lippman-Hand (1983), JAMA 249:1743.
    """
    return ceil(log(alpha) / log1p(-margin)) if margin < 1 else 1


def _reach(tail: float, power: float) -> float:
    """How many standard errors lie between the null and a change that is found with the given power."""
    return normal_quantile(1 - tail) + normal_quantile(power)


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

"""Relative sizes of a paired change: the relative change rate with its interval, and the odds ratio of the flips."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crossrisk.interactions.clustered import Floats, cluster_sums, standard_error, t_quantile
from crossrisk.interactions.paired import Interval

LEAST_BASE = 0.05  # below it single prompts rule the ratio
LEAST_RISKY = 10.0  # sum of base risks; with fewer the log ratio is far from normal


def rcr(base: float, defended: float) -> float | None:
    """Relative change rate, (defended - base) / base, of two mean risks; None at base 0. arXiv:2510.07968."""
    return (defended - base) / base if base > 0 else None


def rcr_interval(
    base: ArrayLike, defended: ArrayLike, clusters: NDArray[np.intp] | None = None, *, alpha: float = 0.05
) -> Interval | None:
    """Interval of the relative change rate: that of the log ratio of the two mean risks, carried back.

    base, defended: risks in [0, 1] of the same prompts, (pairs,), without NaN. clusters: codes 0 .. clusters - 1.
    Estimator: log(mean defended / mean base), half an event added to either sum so that a defended risk of 0 has a
    limit. Its error is that of the linearised difference, defended_i / mean(defended) - base_i / mean(base), clustered
    as in `standard_error`, with Student's t on clusters - 1 degrees of freedom. For independent yes-or-no pairs the
    variance is (worse + better) / (risky base * risky defended), as Nam and Blackwelder have it.
    Exchanging the arms turns a ratio 1 + rcr into its reciprocal.

    Excluded, None: a base risk under 5 % or under ten risky base replies, where the ratio says little; fewer than two
    clusters. Assumes independent clusters. Unlike `rcr` itself the limits never fall below -1.
    Nam, Blackwelder (2002), Statistics in Medicine 21:689; clusters by linearisation: Binder (1983), International
    Statistical Review 51:279.
    """
    before, after = (np.asarray(arm, dtype=np.float64) for arm in (base, defended))
    n = len(before)
    if n == 0 or before.mean() < LEAST_BASE or before.sum() < LEAST_RISKY:
        return None
    rates = [(arm.sum() + 0.5) / (n + 0.5) for arm in (before, after)]
    influence: Floats = after / rates[1] - before / rates[0]
    # The half event of either arm is a pair of its own: without it an arm at 0 would seem to be sure.
    error = standard_error(cluster_sums(influence, clusters))
    if error is None:
        return None
    units = n if clusters is None else int(clusters.max()) + 1
    added = 0.5 / (n * rates[0]) ** 2 + 0.5 / (n * rates[1]) ** 2
    half = t_quantile(1 - alpha / 2, units) * math.sqrt(error**2 + added)
    ratio = math.log(rates[1] / rates[0])
    return Interval(math.expm1(ratio - half), math.expm1(ratio + half))


def discordant_odds_ratio(worse: int, better: int, *, alpha: float = 0.05) -> tuple[float | None, Interval | None]:
    """Odds ratio of the discordant pairs, worse / better, with its exact interval; above 1 the defense made worse.

    The conditional maximum-likelihood odds ratio of a matched table. Interval: Clopper-Pearson limits p of the share
    worse / (worse + better), turned into odds p / (1 - p); conservative. It agrees with McNemar's exact test: 1 lies
    outside where p < alpha. Assumes independent pairs. Degenerate: no flips, (None, None); no better pair, the ratio is
    unbounded and None, and so is an upper limit of infinity: then (None, Interval(low, inf)).
    Fagerland, Lydersen, Laake (2014), Statistics in Medicine 33:2850; Clopper, Pearson (1934), Biometrika 26:404.
    """
    from scipy.special import betaincinv

    flips = worse + better
    if flips == 0:
        return None, None
    low = float(betaincinv(worse, better + 1, alpha / 2)) if worse else 0.0
    high = float(betaincinv(worse + 1, better, 1 - alpha / 2)) if better else 1.0
    limits = Interval(low / (1 - low), high / (1 - high) if high < 1 else math.inf)
    return (worse / better if better else None), limits

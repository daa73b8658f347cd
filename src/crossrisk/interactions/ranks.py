"""Paired changes by their ranks, for measures without bounds such as log-likelihoods, in nats."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from crossrisk.interactions.clustered import Floats
from crossrisk.interactions.paired import Interval

_MOST_EXACT = 50  # pairs whose signed-rank distribution is computed
_MOST_WALSH = 2_000  # above it there are over two million Walsh averages


@dataclass(frozen=True)
class RankShift:
    """n: pairs. shift: Hodges-Lehmann estimate with its interval, in the units of the measure. p: two-sided."""

    n: int
    shift: float | None
    interval: Interval | None
    p: float | None


def wilcoxon_shift(base: ArrayLike, defended: ArrayLike, *, alpha: float = 0.05) -> RankShift:
    """Wilcoxon's signed-rank test of a paired change, with the Hodges-Lehmann shift that it implies.

    base, defended: measures of the same prompts, (pairs,); pairs with a NaN are dropped. Null: changes are symmetric
    about 0. p: scipy's `wilcoxon` with Pratt's zeros, exact up to 50 pairs without zeros or ties, else normal. Shift:
    median of the Walsh averages (change_i + change_j) / 2, i <= j; its interval is cut off their ordered list at the
    normal quantile of the signed-rank statistic, so that it leaves out 0 where the test rejects, but for ties and
    zeros. Assumes independent pairs (average within a cluster first) and symmetry; the shift is then the mean change.

    Degenerate: no pair, all None; nothing changed, shift 0, p = 1 and no interval; fewer than six pairs, no interval at
    .05, since the test cannot reject. More than 2,000 pairs: the shift and interval of 2,000 evenly spaced quantiles of
    the changes, with the interval's rank scaled to all pairs.
    Wilcoxon (1945), Biometrics Bulletin 1:80; Pratt (1959), JASA 54:655; Hodges, Lehmann (1963), Annals of Mathematical
    Statistics 34:598.
    """
    before, after = (np.asarray(arm, dtype=np.float64).reshape(-1) for arm in (base, defended))
    if len(before) != len(after):
        raise ValueError(f"base and defended must be the same prompts, got {len(before)} and {len(after)} measures")
    change = after - before
    change = change[~np.isnan(change)]
    n = len(change)
    if n == 0:
        return RankShift(0, None, None, None)
    if not change.any():
        return RankShift(n, 0.0, None, 1.0)
    from scipy.stats import wilcoxon

    plain = n <= _MOST_EXACT and change.all() and len(np.unique(np.abs(change))) == n
    p = float(wilcoxon(change, zero_method="pratt", method="exact" if plain else "asymptotic").pvalue)
    averages = _walsh_averages(change)
    return RankShift(n, float(np.median(averages)), _cut(averages, n, alpha), p)


def _walsh_averages(change: Floats) -> Floats:
    if len(change) > _MOST_WALSH:
        change = np.quantile(change, (np.arange(_MOST_WALSH) + 0.5) / _MOST_WALSH)
    first, second = np.triu_indices(len(change))
    averages: Floats = (change[first] + change[second]) / 2
    averages.sort()
    return averages


def _cut(averages: Floats, n: int, alpha: float) -> Interval | None:
    """The Walsh averages that the signed-rank test of n pairs at level alpha cannot tell from 0."""
    rank = _critical_rank(n, alpha)
    if rank is None:
        return None
    outside = int(rank / (n * (n + 1) / 2) * len(averages)) if n > _MOST_WALSH else rank
    return Interval(float(averages[outside]), float(averages[len(averages) - 1 - outside]))


def _critical_rank(n: int, alpha: float) -> int | None:
    """How many Walsh averages lie outside at either end; None where the test of n pairs cannot reject.

    The largest k with P(signed-rank sum < k) <= alpha / 2 under the null: exact by convolution up to 50 pairs.
    """
    from scipy.special import ndtri

    if n <= _MOST_EXACT:
        counts = np.ones(1)
        for rank in range(1, n + 1):
            longer = np.zeros(len(counts) + rank)
            longer[: len(counts)] += counts
            longer[rank:] += counts
            counts = longer / 2
        below = int(np.searchsorted(np.cumsum(counts), alpha / 2, side="right"))
        return below - 1 if below else None
    middle, spread = n * (n + 1) / 4, (n * (n + 1) * (2 * n + 1) / 24) ** 0.5
    return int(middle + float(ndtri(alpha / 2)) * spread)

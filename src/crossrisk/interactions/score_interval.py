"""One interval for every paired change: Tango's score interval on the effective number of pairs.

The score interval was made for counts of flips and stays honest where flips are few. Clusters and graded risks enter
through the number of pairs alone: as many independent yes-or-no pairs as have the variance that the data show.
"""

import numpy as np
from numpy.typing import ArrayLike

from crossrisk.interactions.clustered import ClusterSums, Floats, cluster_sums, standard_error
from crossrisk.interactions.paired import (
    Interval,
    newcombe_paired,
    normal_quantile,
    tango_paired,
    tango_upper,
    unchanged_interval,
)

# Tango's interval is inverted at .9 alpha: at alpha, counts being discrete, it covers down to 92.8 % of 95.
STRICTER = 0.9
# With at most so many whole flips per cluster the spread between clusters says nothing of one that flips as a whole.
_FEW_FLIPS = 2.0


def change_interval(change: ArrayLike, clusters: ArrayLike | None, p: float, *, alpha: float = 0.05) -> Interval | None:
    """Interval of a mean paired change at level 1 - alpha that agrees with the p value of its sign-flip test.

    change: defended - base, (pairs,), in [-1, 1]. clusters: a label per pair; None for independent pairs.
    It is `score_interval`, made to agree with the test. Where p >= alpha it holds 0. There it also holds the units that
    none of those seen is like, such as templates that flip as a whole, as far as their share is not excluded at level
    1 - alpha (`unchanged_interval`, one-sided, since they move the mean one way) - unless flips are plentiful, over two
    a cluster; independent yes-or-no pairs need this only without any flip. With so few units that the test can never
    reject (fewer than six at .05) the interval holds 0 whatever the data, so that it can miss on the far side only: its
    limits are one-sided at alpha.

    Assumes independent clusters. Degenerate: None for one cluster of several pairs, or one pair with a graded change;
    no spread, the exact bound of `unchanged_interval`. Exchanging the arms negates it.
    """
    values = np.asarray(change, dtype=np.float64)
    sums = cluster_sums(values, clusters)
    units = len(sums)
    interval = score_interval(values, clusters, alpha=alpha if can_reject(units, alpha) else 2 * alpha)
    if interval is None or p < alpha:
        return interval
    interval = interval.hull(Interval(0.0, 0.0))
    if not (clusters is None and _whole(values)) and np.abs(values).sum() <= _FEW_FLIPS * units:
        interval = interval.hull(unchanged_interval(sums.mean, units, alpha=2 * alpha))
    return interval


def counted_interval(worse: int, better: int, both: int, neither: int, p: float, *, alpha: float = 0.05) -> Interval:
    """Interval of independent yes-or-no pairs at level 1 - alpha that agrees with the p value of McNemar's exact test.

    worse, better, both, neither: as in `newcombe_paired`, whose interval it is. Where p >= alpha it also holds 0 and
    the interval on which equivalence is judged. Degenerate: no flips, the exact bound of `unchanged_interval`.
    """
    n = worse + better + both + neither
    if worse + better == 0:
        return unchanged_interval(0.0, n, alpha=alpha)
    interval = newcombe_paired(worse, better, both, neither, alpha=alpha)
    if p < alpha:
        return interval
    return interval.hull(Interval(0.0, 0.0)).hull(tango_paired(worse, better, n, alpha=2 * STRICTER * alpha))


def equivalence_interval(change: ArrayLike, clusters: ArrayLike | None, *, alpha: float = 0.05) -> Interval | None:
    """The interval at level 1 - 2 alpha on which equivalence is judged (two one-sided tests at alpha).

    `score_interval` at that level, and always the units that none of those seen is like (`unchanged_interval`): to call
    a defense harmless is a claim about templates not seen, whatever those seen did. Hence it may be wider than the
    confidence interval. Independent yes-or-no pairs need the latter only without any flip. None where `score_interval`
    is.
    """
    interval = score_interval(change, clusters, alpha=2 * alpha)
    if interval is None or (clusters is None and _whole(np.asarray(change))):
        return interval
    sums = cluster_sums(change, clusters)
    return interval.hull(unchanged_interval(sums.mean, len(sums), alpha=2 * alpha))


def score_interval(change: ArrayLike, clusters: ArrayLike | None = None, *, alpha: float = 0.05) -> Interval | None:
    """Tango's score interval of a mean paired change, on the effective number of pairs.

    change: (pairs,), in [-1, 1]; clusters: a label per pair, None for independent pairs. `rose` and `fell` are the sums
    of upward and downward changes; were every change a whole risk, the mean's variance would be
    ((rose + fell) / n - mean^2) / n. The effective number of pairs is n times that over the variance that is: the
    cluster-robust one (CR2), times (t / z)^2 because it is itself estimated, but at least that of independent pairs.
    t has as many degrees of freedom as the spread of the clusters' squared residuals (Pan, Wall 2002) and their sizes
    (Imbens, Kolesar 2016) leave. Towards 0 from a change under one half it has clusters - 1: the few clusters that hold
    most of the change make the other side's tail long.
    Independent yes-or-no pairs count as they are. Inverted at .9 alpha, which makes up for discreteness.

    Assumes independent clusters. Degenerate: None for one cluster of several pairs, or one pair with a graded change;
    all changes alike, the exact bound of `unchanged_interval`. Raises ValueError without pairs.
    Tango (1998), Statistics in Medicine 17:891; effective numbers: Korn, Graubard (1998), Survey Methodology 24:193;
    Yang, Sun, Hardin (2012), Pharm Stat 11:386; degrees of freedom: Pan, Wall (2002), Statistics in Medicine 21:1429;
    Imbens, Kolesar (2016), Review of Economics and Statistics 98:701.
    """
    from scipy.special import stdtrit

    values = np.asarray(change, dtype=np.float64)
    n, rose, fell = len(values), float(values[values > 0].sum()), float(-values[values < 0].sum())
    if n == 0:
        raise ValueError("an interval needs at least one pair, got none")
    sums = cluster_sums(values, clusters)
    level = STRICTER * alpha
    if clusters is None and _whole(values):
        if rose + fell == 0:
            return unchanged_interval(0.0, n, alpha=alpha)
        return tango_paired(rose, fell, n, alpha=level)
    error = standard_error(sums)
    if error is None:
        return None
    independent = float(((values - sums.mean) ** 2).sum() / n**2)
    if error == 0.0 and independent < 1e-24:
        return unchanged_interval(sums.mean, len(sums), alpha=alpha)
    whole = ((rose + fell) / n - sums.mean**2) / n

    def scale(degrees: float) -> float:
        widening = float(stdtrit(degrees, 1 - level / 2)) / normal_quantile(1 - level / 2)
        return whole / max(independent, (error * widening) ** 2)

    outer, inner = scale(degrees_of_freedom(sums, independent)), scale(len(sums) - 1)
    up, down = (inner if -0.5 < sums.mean < 0 else outer), (inner if 0 < sums.mean < 0.5 else outer)
    high = tango_upper(rose * up, fell * up, n * up, alpha=level)
    return Interval(-tango_upper(fell * down, rose * down, n * down, alpha=level), high)


def degrees_of_freedom(sums: ClusterSums, independent: float) -> float:
    """Degrees of freedom of the cluster-robust variance of a mean, by Satterthwaite; between 1 and clusters - 1.

    The lesser of two estimates of 2 E(V)^2 / Var(V). From the data: V is a sum over clusters of squared residuals, and
    their spread is its variance; where one cluster in ten changed, it is a fifth of the clusters. From the sizes: were
    clusters exchangeable within (variance m (1 + (m - 1) rho) for size m, rho from the design effect), their unequal
    weights leave (sum v)^2 / sum v^2 - 1. independent: the variance of the mean, were pairs independent.
    Pan, Wall (2002), Statistics in Medicine 21:1429; Imbens, Kolesar (2016), Review of Economics and Statistics 98:701.
    """
    units = len(sums)
    squares = (sums.total - sums.size * sums.mean) ** 2
    seen = units / (units - 1) * float(((squares - squares.mean()) ** 2).sum())
    from_data = 2 * float(squares.sum()) ** 2 / seen if seen > 0 else float(units - 1)
    weights = sums.size * (1 + (sums.size - 1) * _correlation(sums, independent))
    from_sizes = float(weights.sum() ** 2 / (weights**2).sum()) - 1
    return max(1.0, min(from_data, from_sizes, units - 1))


def can_reject(units: int, alpha: float) -> bool:
    """Whether the sign-flip test of so many units can reject at all: its smallest p is 2 / 2^units."""
    return 2.0 ** (1 - units) < alpha


def _correlation(sums: ClusterSums, independent: float) -> float:
    """Intra-class correlation of the changes that the design effect implies, within [0, 1]."""
    error = standard_error(sums)
    crowding = float((sums.size**2).sum() / sums.size.sum()) - 1
    if error is None or independent <= 0 or crowding <= 0:
        return 0.0
    return min(max((error**2 / independent - 1) / crowding, 0.0), 1.0)


def _whole(change: Floats) -> bool:
    return bool(np.isin(change, (-1.0, 0.0, 1.0)).all())

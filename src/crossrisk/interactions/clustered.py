"""Prompts that come from the same template are not independent: tests and intervals that treat clusters as the units.

Everything here works on the sum of paired differences and on the size of each cluster. A study of independent prompts
is the case in which every cluster has one member. Results do not depend on the order of prompts, of clusters or of
their names, and swapping the arms negates them exactly: random draws start from a canonical order and orientation.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crossrisk.interactions.paired import Interval, normal_quantile

Floats = NDArray[np.float64]

# With fewer clusters there are too few distinct resamples for tail quantiles.
FEWEST_TO_BOOTSTRAP = 8
_MOST_TO_ENUMERATE = 13
_CHUNK = 4_000_000


@dataclass(frozen=True)
class ClusterSums:
    """Per cluster: the sum of its differences and the number of its pairs."""

    total: Floats
    size: Floats

    @property
    def mean(self) -> float:
        """Mean over all pairs, so that a large cluster counts by its size."""
        return float(self.total.sum() / self.size.sum())

    def __len__(self) -> int:
        return len(self.total)


def cluster_sums(differences: ArrayLike, clusters: ArrayLike | None = None) -> ClusterSums:
    """Differences (pairs,) summed by label (pairs,). Without labels every pair is its own cluster."""
    values = np.asarray(differences, dtype=np.float64)
    if clusters is None:
        return ClusterSums(values.copy(), np.ones_like(values))
    codes = cluster_codes(clusters)
    totals: Floats = np.bincount(codes, weights=values).astype(np.float64)
    return ClusterSums(totals, np.bincount(codes).astype(np.float64))


def cluster_codes(clusters: ArrayLike) -> NDArray[np.intp]:
    """Labels of any kind as 0 .. clusters - 1, in sorted order of the labels."""
    codes: NDArray[np.intp] = np.unique(np.asarray(clusters), return_inverse=True)[1]
    return codes.reshape(-1)


def cluster_draws(
    codes: NDArray[np.intp], draws: int, seed: int
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Bootstrap samples of whole clusters: row indices, and the cluster of each row in the sample.

    codes: (rows,), 0 .. clusters - 1, none left out. A cluster that is drawn twice is two clusters of the sample.
    """
    rng, units = np.random.default_rng(seed), int(codes.max()) + 1
    order = np.argsort(codes, kind="stable")
    sizes = np.bincount(codes)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    for _ in range(draws):
        drawn = rng.integers(0, units, units)
        lengths = sizes[drawn]
        within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        yield order[np.repeat(starts[drawn], lengths) + within], np.repeat(np.arange(units), lengths)


def sign_flip_test(
    differences: ArrayLike, clusters: ArrayLike | None = None, *, draws: int = 9_999, seed: int = 0
) -> float:
    """Two-sided p of the sign-flip permutation test; whole clusters are flipped.

    Null: within every cluster the two arms are exchangeable, so the sign of its sum is arbitrary. Statistic: the
    absolute sum of differences. Exact, without any draw, where all sums are whole numbers (yes-or-no outcomes; for
    single pairs it is then McNemar's exact test) or at most 13 clusters changed; otherwise `draws` random sign vectors
    from a fixed seed and p = (1 + exceedances) / (1 + draws).
    Assumes independent clusters. Degenerate: nothing changed, or one cluster: p = 1; fewer than six clusters that
    changed cannot reach .05. Phipson, Smyth (2010), Stat Appl Genet Mol Biol 9:39; clusters: Gail et al. (1996),
    Statistics in Medicine 15:1069.
    """
    totals = np.abs(cluster_sums(differences, clusters).total)
    observed = abs(float(cluster_sums(differences, clusters).total.sum()))
    totals = np.sort(totals[totals > 1e-12])
    reach = observed - 1e-9 * max(1.0, float(totals.sum()))
    if len(totals) == 0:
        return 1.0
    whole = np.rint(totals)
    if np.abs(totals - whole).max() < 1e-9:
        return _whole_number_p(whole.astype(np.int64), reach)
    if len(totals) <= _MOST_TO_ENUMERATE:
        signs = 1.0 - 2.0 * ((np.arange(2 ** len(totals))[:, None] >> np.arange(len(totals))) & 1)
        return float(np.mean(np.abs(signs @ totals) >= reach))
    rng = np.random.default_rng(seed)
    exceeding, rows = 0, max(1, _CHUNK // len(totals))
    for start in range(0, draws, rows):
        shape = (min(rows, draws - start), len(totals))
        ups = rng.integers(0, 2, shape, dtype=np.int8).astype(np.float64) @ totals
        exceeding += int(np.count_nonzero(np.abs(2.0 * ups - totals.sum()) >= reach))
    return (1 + exceeding) / (1 + draws)


def standard_error(sums: ClusterSums) -> float | None:
    """Cluster-robust standard error of the mean difference, with the bias reduction CR2; None for one cluster.

    Each cluster's residual `total - size * mean` is inflated by its leverage size / n. Singletons give s / sqrt(n).
    Bell, McCaffrey (2002), Survey Methodology 28:169; for evaluations of models: Miller (2024), arXiv:2411.00640.
    """
    if len(sums) < 2:
        return None
    n = sums.size.sum()
    residual = sums.total - sums.size * sums.mean
    variance = float((residual**2 / (1 - sums.size / n)).sum() / n**2)
    # Rounding leaves a trace where all clusters are alike; it must not pass for spread.
    return 0.0 if variance < 1e-24 else variance**0.5


def t_quantile(level: float, clusters: int) -> float:
    """Quantile of Student's t with clusters - 1 degrees of freedom."""
    from scipy.special import stdtrit

    return float(stdtrit(clusters - 1, level))


def cluster_t_interval(sums: ClusterSums, *, alpha: float = 0.05) -> Interval | None:
    """mean +- t(clusters - 1) * cluster-robust standard error, cut to [-1, 1].

    Assumes independent clusters and a nearly normal mean. Degenerate: one cluster, None; zero spread, a single point.
    """
    error = standard_error(sums)
    if error is None:
        return None
    half = t_quantile(1 - alpha / 2, len(sums)) * error
    return Interval(max(-1.0, sums.mean - half), min(1.0, sums.mean + half))


def cluster_bootstrap(sums: ClusterSums, *, alpha: float = 0.05, draws: int = 2_000, seed: int = 0) -> Interval | None:
    """Bootstrap interval of the mean difference: whole clusters are drawn, BCa, with t-expanded quantiles.

    BCa corrects for bias and skewness (Efron 1987, JASA 82:171); the quantiles are taken at those of
    sqrt(G / (G - 1)) t(G - 1) in place of z, which mends its shortness for few clusters G (Hesterberg 2015, The
    American Statistician 69:371). Assumes independent clusters. Degenerate: one cluster, None; fewer than eight
    clusters, the cluster-t interval; zero spread, a single point.
    """
    count = len(sums)
    if count < FEWEST_TO_BOOTSTRAP or standard_error(sums) == 0.0:
        return cluster_t_interval(sums, alpha=alpha)
    orientation = _orientation(sums)
    sign = -1.0 if orientation < 0 else 1.0
    order = np.lexsort((sums.size, sums.total * sign))
    total, size = (sums.total * sign)[order], sums.size[order]
    means = _resampled_means(total, size, draws, seed)
    mean = float(total.sum() / size.sum())
    below = (np.count_nonzero(means < mean - 1e-12) + np.count_nonzero(means <= mean + 1e-12)) / (2 * draws)
    bias = normal_quantile(min(max(below, 0.5 / draws), 1 - 0.5 / draws))
    left_out = (total.sum() - total) / (size.sum() - size)
    pull = left_out.mean() - left_out
    acceleration = float((pull**3).sum() / (6 * (pull**2).sum() ** 1.5))
    reach = (count / (count - 1)) ** 0.5 * t_quantile(1 - alpha / 2, count)
    low, high = (_bca_quantile(means, bias, acceleration, bias + z) for z in (-reach, reach))
    if orientation == 0:
        return Interval(-(high - low) / 2, (high - low) / 2)
    return Interval(low, high) if sign > 0 else Interval(-high, -low)


def design_effect(values: ArrayLike, clusters: ArrayLike | None) -> float:
    """How many times larger the variance of the mean is than for independent prompts; at least 1.

    Ratio of the cluster-robust (CR2) to the naive variance of the mean of `values` (pairs,). The effective number of
    pairs is n over it. A ratio under 1 is taken for chance. Degenerate: no spread, where it cannot be estimated, gives
    n / clusters (every cluster counts once); one cluster gives n. Kish (1965), Survey Sampling.
    """
    if clusters is None:
        return 1.0
    array = np.asarray(values, dtype=np.float64)
    sums, n = cluster_sums(array, clusters), len(array)
    naive = float(((array - array.mean()) ** 2).sum() / n**2)
    error = standard_error(sums)
    if error is None or naive < 1e-24:
        return n / len(sums)
    return max(1.0, error**2 / naive)


def effective_n(values: ArrayLike, clusters: ArrayLike | None, *, alpha: float = 0.05) -> float:
    """Number of independent prompts that would carry as much information; may be fractional.

    n over the design effect, and a further (z / t(clusters - 1))^2 because the design effect is itself estimated.
    Without labels: n. One cluster has none to speak of: raises ValueError.
    Korn, Graubard (1998), Survey Methodology 24:193; differences: Yang, Sun, Hardin (2012), Pharm Stat 11:386.
    """
    n = len(np.asarray(values))
    if clusters is None:
        return float(n)
    count = len(np.unique(np.asarray(clusters)))
    if count < 2:
        raise ValueError("one cluster says nothing about the spread between clusters")
    shortness = normal_quantile(1 - alpha / 2) / t_quantile(1 - alpha / 2, count)
    return n / design_effect(values, clusters) * shortness**2


def _whole_number_p(totals: NDArray[np.int64], reach: float) -> float:
    """P(|sum of +-totals| >= reach) by convolution over the clusters."""
    width = int(totals.sum())
    chance = np.zeros(2 * width + 1)
    chance[width] = 1.0
    for total in totals:
        chance = 0.5 * (_shifted(chance, int(total)) + _shifted(chance, -int(total)))
    return min(1.0, float(chance[np.abs(np.arange(-width, width + 1)) >= reach].sum()))


def _shifted(chance: Floats, by: int) -> Floats:
    moved = np.zeros_like(chance)
    if by > 0:
        moved[by:] = chance[:-by]
    else:
        moved[:by] = chance[-by:]
    return moved


def _orientation(sums: ClusterSums) -> int:
    """Of two data sets that are each other's negative one has +1 and one has -1; 0 where a set is its own negative."""
    ups = np.lexsort((sums.size, sums.total))
    downs = np.lexsort((sums.size, -sums.total))
    gap = np.concatenate([sums.total[ups] + sums.total[downs], sums.size[ups] - sums.size[downs]])
    uneven = gap[np.abs(gap) > 1e-12]
    return int(np.sign(uneven[0])) if len(uneven) else 0


def _resampled_means(total: Floats, size: Floats, draws: int, seed: int) -> Floats:
    rng, count = np.random.default_rng(seed), len(total)
    rows = max(1, _CHUNK // count)
    parts: list[Floats] = []
    for start in range(0, draws, rows):
        drawn = rng.integers(0, count, (min(rows, draws - start), count))
        parts.append(total[drawn].sum(axis=1) / size[drawn].sum(axis=1))
    return np.concatenate(parts)


def _bca_quantile(means: Floats, bias: float, acceleration: float, z: float) -> float:
    from scipy.special import ndtr

    squeeze = 1 - acceleration * z
    # Past the pole of the correction the level has left [0, 1] on the side of z.
    level = float(ndtr(bias + z / squeeze)) if squeeze > 0 else float(z > 0)
    return float(np.quantile(means, level))

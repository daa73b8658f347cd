"""Prompts that come from the same template are not independent: tests and intervals that treat clusters as the units.

Everything here works on the sum of paired differences and on the size of each cluster. A study of independent prompts
is the case in which every cluster has one member. Results do not depend on the order of prompts, of clusters or of
their names, and swapping the arms negates them exactly: random draws start from a canonical order and orientation.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crossrisk.interactions.paired import Interval, normal_quantile
from crossrisk.interactions.resampling import DRAWS, bca, resampled_sums
from crossrisk.interactions.sign_flips import sign_flip_p

Floats = NDArray[np.float64]
# With fewer clusters there are too few distinct resamples for tail quantiles.
FEWEST_TO_BOOTSTRAP = 8


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
    labels = np.asarray(clusters).reshape(-1)
    if labels.dtype == object:  # texts: sorting their few names is faster than sorting all of them
        names = {name: code for code, name in enumerate(sorted(set(labels.tolist())))}
        return np.fromiter((names[label] for label in labels.tolist()), dtype=np.intp, count=len(labels))
    if labels.dtype.kind in "iu" and len(labels) and labels.min() >= 0 and labels.max() < 4 * len(labels):
        return np.asarray((np.cumsum(np.bincount(labels) > 0) - 1)[labels], dtype=np.intp)
    codes: NDArray[np.intp] = np.unique(labels, return_inverse=True)[1]
    return codes.reshape(-1)


def drawn_rows(
    codes: NDArray[np.intp],
) -> Callable[[NDArray[np.uint8]], tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """A function from how often each cluster is drawn to row indices, and the cluster of each row in the sample.

    codes: (rows,), 0 .. clusters - 1, none left out. A cluster that is drawn twice is two clusters of the sample.
    """
    order = np.argsort(codes, kind="stable")
    sizes = np.bincount(codes)
    starts = np.cumsum(sizes) - sizes

    def rows_of(counts: NDArray[np.uint8]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        drawn = np.repeat(np.arange(len(counts)), counts)
        lengths = sizes[drawn]
        within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        return order[np.repeat(starts[drawn], lengths) + within], np.repeat(np.arange(len(drawn)), lengths)

    return rows_of


def sign_flip_test(
    differences: ArrayLike, clusters: ArrayLike | None = None, *, draws: int = 9_999, seed: int = 0
) -> float:
    """Two-sided p of the sign-flip permutation test; whole clusters are flipped.

    Null: within every cluster the two arms are exchangeable, so the sign of its sum is arbitrary. Statistic: the
    absolute sum of differences. Exact, without any draw, where all sums are multiples of one step (yes-or-no outcomes,
    of which single pairs give McNemar's exact test; scales of a few levels), or at most 13 clusters changed. Otherwise,
    with 64 changed clusters or more none of which has over a quarter of the sum of squares, the saddlepoint
    approximation of the same distribution, within 1 % of it out to the far tail (Robinson 1982, JRSS B 44:91); else
    `draws` random sign vectors from a fixed seed and p = (1 + exceedances) / (1 + draws).
    Assumes independent clusters. Degenerate: nothing changed, or one cluster: p = 1; fewer than six clusters that
    changed cannot reach .05. Never 0. Phipson, Smyth (2010), Stat Appl Genet Mol Biol 9:39; clusters: Gail et al.
    (1996), Statistics in Medicine 15:1069.
    """
    return sign_flip_p(cluster_sums(differences, clusters).total, draws=draws, seed=seed)


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


def cluster_bootstrap(sums: ClusterSums, *, alpha: float = 0.05, draws: int = DRAWS, seed: int = 0) -> Interval | None:
    """Bootstrap interval of the mean difference: whole clusters are drawn, BCa, with t-expanded quantiles.

    BCa corrects for bias and skewness (Efron 1987, JASA 82:171); the quantiles are taken at those of
    sqrt(G / (G - 1)) t(G - 1) in place of z, which mends its shortness for few clusters G (Hesterberg 2015, The
    American Statistician 69:371). Assumes independent clusters. From 1,000 clusters on the number drawn varies
    (`multiplicities`). Degenerate: one cluster, None; fewer than eight clusters, the cluster-t interval; zero spread, a
    single point.
    """
    return cluster_bootstraps(sums, alphas=(alpha,), draws=draws, seed=seed)[0]


def cluster_bootstraps(
    sums: ClusterSums, *, alphas: Sequence[float], draws: int = DRAWS, seed: int = 0
) -> list[Interval | None]:
    """`cluster_bootstrap` at several levels, from one set of draws."""
    count = len(sums)
    if count < FEWEST_TO_BOOTSTRAP or standard_error(sums) == 0.0:
        return [cluster_t_interval(sums, alpha=alpha) for alpha in alphas]
    total, size, mirrored = _canonical(sums)
    found = resampled_sums(np.column_stack([total, size]), draws, seed)
    left_out = (total.sum() - total) / (size.sum() - size)
    reaches = [expanded_quantile(alpha, count) for alpha in alphas]
    intervals = bca(found[:, 0] / found[:, 1], left_out, float(total.sum() / size.sum()), reaches)
    if mirrored is None:  # the data are their own mirror image, and so is the interval
        return [Interval(-(high - low) / 2, (high - low) / 2) for low, high in intervals]
    return [Interval(-high, -low) if mirrored else Interval(low, high) for low, high in intervals]


def expanded_quantile(alpha: float, clusters: int) -> float:
    """sqrt(G / (G - 1)) t(G - 1) at 1 - alpha / 2, in place of z, for a bootstrap of G clusters. Hesterberg (2015)."""
    return float(np.sqrt(clusters / (clusters - 1))) * t_quantile(1 - alpha / 2, clusters)


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


def _canonical(sums: ClusterSums) -> tuple[Floats, Floats, bool | None]:
    """Totals and sizes in an order that depends on neither prompts nor names, and whether the totals are negated.

    Of two data sets that are each other's negative one is negated, so that both are drawn alike; None for a set that is
    its own negative. Totals are rounded, since the order in which prompts are summed shows in the last digits.
    """
    total, size = np.round(sums.total, 12) + 0.0, sums.size
    ups, downs = np.lexsort((size, total)), np.lexsort((size, -total))
    gap = np.concatenate([total[ups] + total[downs], size[ups] - size[downs]])
    uneven = gap[np.abs(gap) > 1e-12]
    if len(uneven) and uneven[0] < 0:
        return -total[downs] + 0.0, size[downs], True
    return total[ups], size[ups], False if len(uneven) else None

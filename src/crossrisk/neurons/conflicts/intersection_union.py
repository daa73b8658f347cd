"""Is a neuron's mean attribution positive for one risk and negative for the other?

Each risk is tested against a mean of 0, one-sided both ways, clusters being the units. A conflict needs both, so its p
is the larger of two (intersection-union test), and twice that since either risk may be the one that rises:

    p_conflict = min(1, 2 min(max(p1+, p2-), max(p1-, p2+)))
    p_aligned  = min(1, 2 min(max(p1+, p2+), max(p1-, p2-)))

Null: one of the two means is 0 (or both are, or they have the same sign). A neuron that matters to one risk alone is
part of it, however large that effect; where both means are 0, p is far from small. Valid under any dependence between
the risks. Berger (1982), Technometrics 24:295; conjunction of effects: Nichols et al. (2005), NeuroImage 25:653.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from crossrisk.neurons.conflicts.moments import ROUNDING

Floats = NDArray[np.float64]
Sign = Literal["opposite", "same"]


def t_tails(t: Floats, clusters: int) -> Floats:
    """One-sided p in the direction that was seen, P(T >= |t|), at most .5; Student's t, clusters - 1 degrees."""
    from scipy.special import stdtr

    return np.asarray(stdtr(clusters - 1, -np.abs(t)), dtype=np.float64)


def skew_safe_tails(means: NDArray[np.floating]) -> Floats:
    """One-sided p in the direction that was seen of columns of cluster means, [clusters, columns].

    Student's t; where a column's skewness g is more than twice its jackknife standard error, the larger p of t and of t
    after Hall's transformation, which takes out the skewness of the mean:

        Q + g Q^2 / 3 + g^2 Q^3 / 27 + g / 6n        Q = mean / standard deviation, of n clusters

    t alone is exact for normal and conservative for symmetric heavy tails. Where attributions are skewed it is liberal
    on their short side: 12 times the nominal 1e-4 for exponential ones of 128 clusters, of which this leaves 2, as much
    as the doubled p of two risks makes up for. To transform wherever g is not 0 would cost power under heavy tails, as
    single large values skew every sample.
    What clusters do not show, no test of a mean corrects: on the short side of values that are large in one cluster of
    20 and nearly equal in the others, a nominal 1e-3 is 29 times that at 128 clusters and 140 times at 64; of one in
    ten, 2 and 27 times. With 16 clusters even exponential ones give 14 times.
    Columns that do not vary: p = 1. Hall (1992), JRSS B 54:221.
    """
    from scipy.special import stdtr

    values = np.asarray(means, dtype=np.float64)
    n = len(values)
    mean = values.mean(axis=0)
    apart = values - mean
    squares = np.einsum("cn,cn->n", apart, apart)
    varies = squares > ROUNDING * (squares + n * mean**2)
    apart /= np.sqrt(np.where(varies, squares, 1.0) / n)
    ratio = np.where(varies, mean, 0.0) / np.sqrt(np.where(varies, squares, 1.0) / (n - 1))
    skewness = np.einsum("cn,cn,cn->n", apart, apart, apart) / n
    skewed = np.where(np.abs(skewness) > 2 * _skewness_error(apart, skewness), skewness, 0.0)
    side = np.where(ratio < 0, -1.0, 1.0)
    transformed = ratio + skewed * ratio**2 / 3 + skewed**2 * ratio**3 / 27 + skewed / (6 * n)
    # Whichever says less in the direction of the mean.
    least = np.minimum(side * ratio, side * transformed) * n**0.5
    return np.where(varies, np.asarray(stdtr(n - 1, -least)), 1.0)


def _skewness_error(standard: Floats, skewness: Floats) -> Floats:
    """Jackknife standard error of the skewness of columns with mean 0 and mean square 1, [clusters, columns]."""
    n = len(standard)
    # Moments of all clusters but one, about 0, in place of one loop per cluster.
    mean = -standard / (n - 1)
    second = (n - standard**2) / (n - 1)
    third = (n * skewness - standard**3) / (n - 1)
    variance = np.maximum(second - mean**2, ROUNDING)
    without = (third - 3 * mean * second + 2 * mean**3) / variance**1.5
    return np.asarray(without.std(axis=0) * (n - 1) ** 0.5)


def combined_p(first: Floats, second: Floats, agree: NDArray[np.bool_], sign: Sign) -> Floats:
    """p_conflict (`opposite`) or p_aligned (`same`) of one-sided p in the directions that were seen, [neurons].

    agree: whether both means have the same sign. Where the directions are not those asked for, p = 1.
    """
    wanted = agree if sign == "same" else ~agree
    return np.where(wanted, np.minimum(1.0, 2 * np.maximum(first, second)), 1.0)

"""How many pairs show that nothing changed: exact power of the two one-sided tests on independent yes-or-no pairs."""

from math import ceil

import numpy as np

from crossrisk.interactions.paired import normal_quantile
from crossrisk.interactions.power import tost_sample_size
from crossrisk.interactions.score_interval import STRICTER


def equivalence_power(n: int, flip_rate: float, margin: float, *, alpha: float = 0.05) -> float:
    """Chance that n independent pairs are called equivalent within +-margin, where the true change is 0.

    flip_rate: share of pairs that flip, half of them either way. Exact: the trinomial chances of all tables whose
    `equivalence_interval` lies inside the margin, which is to say that Tango's score test rejects both margins. Tables
    beyond eight standard deviations are left out. Raises ValueError at n = 0. Tango (1998), Statistics in Medicine
    17:891.
    """
    if n < 1:
        raise ValueError("no pairs show nothing, got n = 0")
    from scipy.special import gammaln, xlog1py, xlogy

    mean = n * flip_rate / 2
    flips = np.arange(max(0, int(mean - 8 * mean**0.5)), min(n, int(mean + 8 * mean**0.5) + 8) + 1)
    worse, better = np.meshgrid(flips, flips, indexing="ij")
    shown = _rejects(worse, better, n, margin, alpha) & _rejects(better, worse, n, margin, alpha)
    shown &= (worse + better > 0) | (1 - alpha ** (1 / n) < margin)  # without a flip, `unchanged_interval`
    worse, better = worse[shown], better[shown]
    same = n - worse - better
    ways = gammaln(n + 1) - gammaln(worse + 1) - gammaln(better + 1) - gammaln(same + 1)
    return float(np.exp(ways + xlogy(worse + better, flip_rate / 2) + xlog1py(same, -flip_rate)).sum())


def equivalence_sample_size(margin: float, flip_rate: float, *, alpha: float = 0.05, power: float = 0.8) -> int:
    """Fewest independent pairs that show equivalence within +-margin with the given power, where the true change is 0.

    Exact (`equivalence_power`), to within half a percent. `tost_sample_size`, from which the search starts, is what it
    tends to with many flips; with few it promises too much: 138 pairs of which 4 % flip reach 59 %, not 80 %.
    Clustered pairs need `clusters_for_margin` clusters as well, and as many pairs times the design effect.
    """
    n = tost_sample_size(margin, flip_rate, alpha=alpha, power=power)
    while equivalence_power(n, flip_rate, margin, alpha=alpha) < power:
        n += ceil(n / 200)
    return n


def shown_margin(
    pairs: int, clusters: int, flip_rate: float, *, alpha: float = 0.05, power: float = 0.8
) -> float | None:
    """Smallest margin within which equivalence is shown with the given power, where the true change is 0.

    For independent pairs, exact (`equivalence_power`), by bisection to 1e-4; no less than the bound on clusters unlike
    all those seen, 1 - alpha^(1 / clusters). None where it would be 1 or more. Raises ValueError without pairs.
    """
    low: float = 1 - alpha ** (1 / clusters)
    high = 1 - 1e-4
    if low >= high or equivalence_power(pairs, flip_rate, high, alpha=alpha) < power:
        return None
    if equivalence_power(pairs, flip_rate, low, alpha=alpha) >= power:
        return low
    while high - low > 1e-4:
        middle = (low + high) / 2
        if equivalence_power(pairs, flip_rate, middle, alpha=alpha) < power:
            low = middle
        else:
            high = middle
    return high


def _rejects(worse: np.ndarray, better: np.ndarray, n: int, change: float, alpha: float) -> np.ndarray:
    """Does Tango's one-sided test at .9 alpha, as in `score_interval`, reject that risk rose by `change` or more?"""
    linear = (2 * n - worse + better) * change - worse - better
    likely = (np.sqrt(linear**2 + 8 * n * better * change * (1 - change)) - linear) / (4 * n)
    error = np.sqrt(n * (2 * likely + change * (1 - change)))
    return np.asarray((worse + better <= n) & (worse - better - n * change < normal_quantile(STRICTER * alpha) * error))

"""Two arms, one yes-or-no outcome, independent prompts: tests and intervals on the four counts of a paired table.

The counts are named by what the defense did: `worse` (risky only with the defense), `better` (risky only without it),
`both` and `neither` (unchanged). The difference is `(worse - better) / n`: positive means that risk rose. Clustered
prompts are the business of `clustered.py`, which feeds effective counts into the same intervals.
"""

from typing import NamedTuple

import numpy as np


class Interval(NamedTuple):
    """Lower and upper limit, both inclusive."""

    low: float
    high: float

    def hull(self, other: "Interval") -> "Interval":
        """The smallest interval that contains both."""
        return Interval(min(self.low, other.low), max(self.high, other.high))


def normal_quantile(level: float) -> float:
    """Quantile of the standard normal distribution."""
    from scipy.special import ndtri

    return float(ndtri(level))


def mcnemar_exact(worse: int, better: int) -> float:
    """Two-sided p of the exact conditional McNemar test.

    Null: a pair that flips is as likely to flip up as down. Statistic: min(worse, better) ~ Bin(worse + better, 1/2);
    p = 2 P(X <= min), at most 1. Assumes independent pairs. Degenerate: no flips, p = 1; fewer than six flips can never
    reach .05. Never liberal. McNemar (1947), Psychometrika 12:153; exact form: Mosteller (1952), Biometrics 8:220.
    """
    from scipy.special import bdtr

    flips = worse + better
    return 1.0 if flips == 0 else min(1.0, 2.0 * float(bdtr(min(worse, better), flips, 0.5)))


def mcnemar_midp(worse: int, better: int) -> float:
    """Two-sided p of the mid-p McNemar test: the exact one less the chance of the very split that was seen.

    Null and assumptions as in `mcnemar_exact`. Its level stays at or a hair above alpha and its power near that of the
    score test, where the exact test is conservative; verdicts use the exact one, which is never liberal. Degenerate: no
    flips, or as many up as down, p = 1. Fagerland, Lydersen, Laake (2013), BMC Med Res Methodol 13:91.
    """
    from scipy.special import bdtr

    flips, fewer = worse + better, min(worse, better)
    if worse == better:
        return 1.0
    at_most, less = (float(bdtr(k, flips, 0.5)) if k >= 0 else 0.0 for k in (fewer, fewer - 1))
    return min(1.0, at_most + less)


def wilson(risky: float, n: float, *, alpha: float = 0.05) -> Interval:
    """Wilson's score interval of one proportion `risky / n`.

    Assumes independent prompts; with clusters pass effective counts (may be fractional). Holds its level at rates near
    0 and 1, where Wald's interval does not. For a mean of graded values in [0, 1], whose variance is at most that of a
    proportion, it is conservative. At n = 0 raises ValueError. Wilson (1927), JASA 22:209.
    """
    if n <= 0:
        raise ValueError("an interval needs at least one prompt, got n = 0")
    z = normal_quantile(1 - alpha / 2)
    rate, shrink = risky / n, 1 + z * z / n
    centre = (rate + z * z / (2 * n)) / shrink
    half = z / shrink * float(np.sqrt(max(rate * (1 - rate), 0.0) / n + z * z / (4 * n * n)))
    return Interval(max(0.0, centre - half), min(1.0, centre + half))


def newcombe_paired(worse: float, better: float, both: float, neither: float, *, alpha: float = 0.05) -> Interval:
    """Interval of a paired difference of proportions, Newcombe's method 10.

    worse, better: discordant pairs (defended risky and base not; the reverse). both, neither: concordant pairs.
    Wilson's limits of the two marginal rates, joined by square-and-add with the continuity-corrected phi of the table.
    Assumes independent pairs; with clusters pass effective counts. Degenerate: an empty margin gives phi = 0; with no
    flips at all it is narrower than the data allow (see `unchanged_interval`). At n = 0 raises ValueError.
    Newcombe (1998), Statistics in Medicine 17:2635.
    """
    n = worse + better + both + neither
    defended, base = (both + worse) / n if n else 0.0, (both + better) / n if n else 0.0
    low_d, high_d = wilson(both + worse, n, alpha=alpha)
    low_b, high_b = wilson(both + better, n, alpha=alpha)
    margins = (both + worse) * (better + neither) * (both + better) * (worse + neither)
    association = both * neither - worse * better
    if association > 0:
        association = max(association - n / 2, 0.0)
    phi = association / float(np.sqrt(margins)) if margins > 0 else 0.0
    below = (defended - low_d) ** 2 - 2 * phi * (defended - low_d) * (high_b - base) + (high_b - base) ** 2
    above = (high_d - defended) ** 2 - 2 * phi * (high_d - defended) * (base - low_b) + (base - low_b) ** 2
    delta = (worse - better) / n
    return Interval(max(-1.0, delta - max(below, 0.0) ** 0.5), min(1.0, delta + max(above, 0.0) ** 0.5))


def tango_paired(worse: float, better: float, n: float, *, alpha: float = 0.05) -> Interval:
    """Interval of a paired difference of proportions that inverts Tango's score test.

    Holds all differences that the score test with constrained variance does not reject. Where flips are few it keeps
    its level and Newcombe's interval may not, so equivalence is judged on it. Assumes independent
    pairs; with clusters pass effective counts. Degenerate: no flips, +-z^2 / (n + z^2). At n = 0 raises ValueError.
    Tango (1998), Statistics in Medicine 17:891.
    """
    if n <= 0:
        raise ValueError("an interval needs at least one pair, got n = 0")
    high = tango_upper(worse, better, n, alpha)
    return Interval(-tango_upper(better, worse, n, alpha), high)


def unchanged_interval(change: float, n: float, *, alpha: float = 0.05) -> Interval:
    """Exact interval of a mean change where all of n independent units show the very same change.

    With probability 1 - alpha/2 the share u of all units that would show another change is at most 1 - (alpha/2)^(1/n)
    (Clopper-Pearson at zero events, the rule of three), and those lie in [-1, 1]; so the mean lies within
    (1 - u) change +- u. n is the number of clusters where prompts are clustered: a template may flip as a whole.
    At n = 0 raises ValueError. Clopper, Pearson (1934), Biometrika 26:404; Hanley, Lippman-Hand (1983), JAMA 249:1743.
    """
    if n <= 0:
        raise ValueError("an interval needs at least one unit, got n = 0")
    unseen = 1 - (alpha / 2) ** (1 / n)
    return Interval((1 - unseen) * change - unseen, (1 - unseen) * change + unseen)


def equivalent(interval: Interval, margin: float) -> bool:
    """Two one-sided tests: is an interval at level 1 - 2 alpha wholly inside (-margin, margin)?

    Null: the change is at least as large as the margin, in either direction. Each one-sided test has level alpha, and
    so has the pair (intersection-union). Assumes what the interval assumes, and a margin declared before the run.
    Schuirmann (1987), J Pharmacokinet Biopharm 15:657.
    """
    return -margin < interval.low and interval.high < margin


def tango_upper(worse: float, better: float, n: float, alpha: float) -> float:
    """Largest difference that Tango's one-sided score test at level alpha/2 does not reject, by bisection.

    The upper limit of `tango_paired`; the lower one is less that of the arms exchanged.
    """
    z = normal_quantile(1 - alpha / 2)
    low, high = (worse - better) / n, 1.0
    while high - low > 1e-12:
        delta = (low + high) / 2
        # q: constrained maximum-likelihood rate of `better` at this difference (Tango 1998, equation 8).
        linear = (2 * n - worse + better) * delta - worse - better
        q = ((linear * linear + 8 * n * better * delta * (1 - delta)) ** 0.5 - linear) / (4 * n)
        variance = n * (2 * q + delta * (1 - delta))
        if worse - better - n * delta < -z * max(variance, 0.0) ** 0.5:
            high = delta
        else:
            low = delta
    return high

"""Evidence on a mean that may be looked at after every prompt: the capital of bets against a claimed mean.

A gambler who starts with 1 and bets on fair terms against the claim "the mean is m" has twenty times as much at *any*
time with probability 1/20 at most, if the claim is true (Ville 1939). So a large capital is evidence against m that
peeking does not spoil, and the means that no bet has refuted so far are an interval that holds at all times at once.
Nothing is assumed of the shape of the differences but their range.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf, log, nan

import numpy as np

from crossrisk.interactions.clustered import Floats
from crossrisk.interactions.paired import Interval

# Nodes of Gauss and Chebyshev in (-1, 1): their mean stands for the arcsine law, exactly for polynomials of degree 255.
STRATEGIES = 128
_CLOSE = 1e-9  # limits are found, and means are told apart, to this much
_HUGE = 1e3  # stands for infinite evidence where a root is sought


@dataclass(frozen=True)
class Units:
    """What is drawn at random, one after the other, in the order in which it was asked.

    total, size: (units,), the sum of a unit's differences and the number of its valid pairs, both over the largest
    number of prompts that a unit can have, so that |total| <= size <= 1. of: how many units there are in all, where
    they are drawn without replacement from a finite set; None where they are drawn from an endless population.
    """

    total: Floats
    size: Floats
    of: int | None = None

    @property
    def mean(self) -> float:
        """Mean difference over the valid pairs so far; NaN without any."""
        pairs = float(self.size.sum())
        return float(self.total.sum()) / pairs if pairs else nan

    @property
    def exhausted(self) -> bool:
        """Whether the finite set was drawn to its end, so that its mean is known."""
        return self.of is not None and len(self.total) >= self.of and bool(self.size.any())

    def contradicts(self, mean: float) -> bool:
        """Whether the finite set cannot have this mean, whatever the units still to be drawn are."""
        if self.of is None:
            return False
        excess, left = float(self.total.sum() - mean * self.size.sum()), self.of - len(self.total)
        return excess > (1 + mean) * left + _CLOSE or -excess > (1 - mean) * left + _CLOSE

    @property
    def negated(self) -> "Units":
        """The same with the arms exchanged."""
        return Units(-self.total, self.size, self.of)


def log_capital_above(units: Units, mean: float) -> Floats:
    """Log of the capital, after each unit, of bets that the mean lies above `mean`; (units,).

    Null: the mean over valid pairs is `mean`, or less. Over a population this is E[total - mean size] = 0 for every
    unit, given those before it; for a finite set the sum of total - mean size over it is 0, and units come in a random
    order. Under the null the capital is a martingale from 1 on (under a smaller mean a supermartingale), so it ever
    reaches 1/alpha with probability alpha at most (Ville 1939). Bets: a fraction f of what can be lost at most, each
    unit multiplies the capital by 1 + f (total - mean size - r) / (1 + mean + r), where r is what the null leaves for
    the average of the units still to be drawn, 0 in a population. The capital is the average over 64 fractions, the
    positive half of the arcsine law; no fraction has to be chosen, and none depends on data.

    It falls as `mean` grows and is convex in it, so the means that it does not refute are an interval. Degenerate:
    infinite from where the units drawn contradict `mean` whatever the others will be.
    Shafer (2021), JRSS A 184:407; Waudby-Smith, Ramdas (2024), JRSS B 86:1; without replacement: (2020), NeurIPS 33;
    average of all constant bets: Cover, Ordentlich (1996), IEEE Trans. Inf. Theory 42:348; Orabona, Jun (2024), 70:436.
    """
    fractions = np.cos((2 * np.arange(STRATEGIES // 2) + 1) * np.pi / (2 * STRATEGIES))
    growth = np.log1p(fractions * (_returns(units, mean)[:, None] - 1.0))
    return _log_mean_exp(np.cumsum(growth, axis=0))


def log_evidence(units: Units, mean: float = 0.0) -> float:
    """Log of the largest capital so far of bets on both sides of `mean`, half of it on each.

    Two-sided: P(it ever reaches 1/alpha) <= alpha if the mean is `mean`; its inverse is a p value at any time. For
    independent yes-or-no pairs and mean 0 the capital is that of the sequential McNemar test (`mcnemar_e_values`).
    Degenerate: no units, 0; infinite where the finite set cannot have this mean any more.
    """
    if units.contradicts(mean):
        return inf
    above, below = log_capital_above(units, mean), log_capital_above(units.negated, -mean)
    return max(0.0, float(_log_mean_exp(np.stack([above, below], axis=-1)).max(initial=0.0)))


def log_evidence_above(units: Units, mean: float) -> float:
    """Log of the largest capital so far of bets that the mean lies above `mean`. Null: it is `mean` or less."""
    if units.contradicts(mean) and units.mean > mean:
        return inf
    return max(0.0, float(log_capital_above(units, mean).max(initial=0.0)))


def confidence_sequence(units: Units, *, alpha: float = 0.05) -> Interval | None:
    """All means that `log_evidence` has not refuted at level alpha up to now; holds at all times at once.

    P(the true mean ever leaves it) <= alpha. Holds 0 exactly where the p value at 0 is above alpha. Degenerate: no
    valid pair, [-1, 1]; a finite set drawn to its end, its mean; None where every mean is refuted, so that the units
    cannot have come in a random order from one population.
    """
    if units.exhausted:
        return Interval(units.mean, units.mean)
    if not units.size.any():
        return Interval(-1.0, 1.0)

    def over(mean: float) -> float:
        return log_evidence(units, mean) - log(1 / alpha)

    inside = units.mean
    if over(inside) >= 0:
        from scipy.optimize import minimize_scalar

        inside = float(minimize_scalar(over, bounds=(-1, 1), method="bounded").x)
    if over(inside) >= 0:
        return None
    return Interval(_root(over, -1.0, inside), _root(over, 1.0, inside))


def one_sided_limits(units: Units, *, alpha: float = 0.05) -> Interval | None:
    """Lower and upper limit, each at level alpha of its own, for two one-sided tests of equivalence.

    P(the true mean is ever below the lower limit) <= alpha, and the same above the upper one. The whole lies within
    `confidence_sequence` at alpha. None where the limits cross, as there.
    """
    if units.exhausted:
        return Interval(units.mean, units.mean)
    if not units.size.any():
        return Interval(-1.0, 1.0)

    def lower(side: Units) -> float:
        def over(mean: float) -> float:
            return log_evidence_above(side, mean) - log(1 / alpha)

        return _root(over, -1.0, side.mean if over(side.mean) < 0 else 1.0)

    low, high = lower(units), -lower(units.negated)
    return None if low > high else Interval(low, high)


def _root(over: Callable[[float], float], end: float, inside: float) -> float:
    """Where a function that is negative at `inside` turns positive towards `end`; `end` where it does not."""
    from scipy.optimize import brentq

    step, outside = 0.01, inside
    while outside != end:
        outside = max(end, inside - step) if end < inside else min(end, inside + step)
        if over(outside) > 0:
            return float(brentq(lambda mean: min(over(mean), _HUGE), outside, inside, xtol=_CLOSE))
        inside, step = outside, 2 * step
    return end


def _returns(units: Units, mean: float) -> Floats:
    """What a stake of all that can be lost brings back: 0 from the worst unit that can come, 1 on average."""
    total, size = units.total, units.size
    due_total, due_size = np.zeros(len(total)), np.zeros(len(total))
    if units.of is not None:
        left = units.of - np.arange(len(total))
        due_total, due_size = (np.cumsum(total) - total) / left, (np.cumsum(size) - size) / left
    at_stake = 1.0 - due_total + mean * (1.0 + due_size)
    value = 1.0 + total + mean * (1.0 - size)
    with np.errstate(divide="ignore", invalid="ignore"):
        returns = value / at_stake
    # Less than nothing at stake: the null is impossible. Nothing: all that is left must be the worst, or it is, too.
    nothing = np.where(value > _CLOSE, inf, 1.0)
    return np.where(at_stake < -_CLOSE, inf, np.where(at_stake < _CLOSE, nothing, returns))


def _log_mean_exp(values: Floats) -> Floats:
    """Over the last axis."""
    peak = values.max(axis=-1, keepdims=True)
    peak = np.where(np.isfinite(peak), peak, 0.0)
    means: Floats = np.log(np.exp(values - peak).mean(axis=-1)) + peak[..., 0]
    return means

"""How the errors of a judge carry over into a difference between two arms, and the difference without them.

A judge that errs alike in both arms shrinks a difference by sensitivity + specificity - 1. One that errs differently
invents a difference, and a defense changes the style on which judges err. So a calibration of each arm by itself
(`labelled_difference.py`) is a correction; one calibration for both (a judge's card) is a correction only as far as the
judge errs alike, and `tipping_point` says how far that would have to be wrong.
"""

from dataclasses import dataclass

import numpy as np

from crossrisk.interactions.clustered import Floats
from crossrisk.interactions.effect import Effect
from crossrisk.interactions.paired import Interval, normal_quantile, wilson
from crossrisk.interactions.rows import InteractionRow

DRAWS = 20_000
JEFFREYS = 0.5


@dataclass(frozen=True)
class Confusion:
    """Replies by their true label and the judge's verdict. May be fractional: effective counts.

    found, missed: risky replies that the judge calls risky, and that it does not. accused, spared: other replies.
    """

    found: float
    missed: float
    accused: float
    spared: float

    @property
    def sensitivity(self) -> float | None:
        """Share of risky replies that are found; None without any."""
        risky = self.found + self.missed
        return self.found / risky if risky else None

    @property
    def specificity(self) -> float | None:
        """Share of other replies that are spared; None without any."""
        other = self.accused + self.spared
        return self.spared / other if other else None

    @property
    def youden(self) -> float | None:
        """Sensitivity + specificity - 1, Youden's J: 1 for a judge without errors, 0 for one that guesses."""
        if self.sensitivity is None or self.specificity is None:
            return None
        return self.sensitivity + self.specificity - 1

    @property
    def intervals(self) -> tuple[Interval | None, Interval | None]:
        """Wilson's 95 % intervals of sensitivity and specificity; None where undefined."""
        shares = ((self.found, self.missed), (self.spared, self.accused))
        sensitivity, specificity = (wilson(right, right + wrong) if right + wrong else None for right, wrong in shares)
        return sensitivity, specificity


@dataclass(frozen=True)
class Corrected:
    """A paired difference without the judge's errors. None: the number does not exist.

    base, defended: rates, cut to [0, 1]; outside: whether one lay outside before, which says that the calibration does
    not fit these replies. delta: the difference, not touched by that cut. interval, equivalence: at levels 1 - alpha
    and 1 - 2 alpha. p: two-sided, of no difference.
    """

    base: float
    defended: float
    delta: float
    interval: Interval | None
    equivalence: Interval | None
    p: float | None
    outside: bool

    @classmethod
    def of_rates(
        cls,
        base: float,
        defended: float,
        delta: float,
        interval: Interval | None,
        equivalence: Interval | None,
        p: float | None,
    ) -> "Corrected":
        """From rates that may lie outside [0, 1], where rounding is none."""
        inside = [min(max(rate, 0.0), 1.0) for rate in (base, defended)]
        moved = max(abs(inside[0] - base), abs(inside[1] - defended))
        return cls(inside[0], inside[1], delta, interval, equivalence, p, moved > 1e-12)


def rogan_gladen(rate: float, sensitivity: float, specificity: float) -> float | None:
    """The true rate behind the rate that a judge tells: (rate + specificity - 1) / (sensitivity + specificity - 1).

    Assumes that the judge errs on these replies as often as where it was calibrated. May lie outside [0, 1], which says
    that it does not, or chance. Degenerate: None for a judge no better than chance (sensitivity + specificity <= 1).
    Rogan, Gladen (1978), American Journal of Epidemiology 107:71; judges of language models: Lee et al. (2025),
    arXiv:2511.21140.
    """
    youden = sensitivity + specificity - 1
    return (rate + specificity - 1) / youden if youden > 1e-12 else None


def rogan_gladen_variance(rate: float, n: float, calibration: Confusion) -> float | None:
    """Variance of `rogan_gladen` by the delta method, for n independent replies and an independent calibration.

    [p(1-p)/n + (1-t)^2 q0(1-q0)/m0 + t^2 q1(1-q1)/m1] / (q0+q1-1)^2 with the rate p, the corrected rate t, sensitivity
    q1 of m1 risky and specificity q0 of m0 other replies. Too small where q0 or q1 is 0 or 1 by the luck of few labels;
    intervals are therefore not built on it. None where `rogan_gladen` is, or without labels.
    Rogan, Gladen (1978); Lang, Reiczigel (2014), Preventive Veterinary Medicine 113:13.
    """
    found, spared, youden = calibration.sensitivity, calibration.specificity, calibration.youden
    true = None if found is None or spared is None else rogan_gladen(rate, found, spared)
    if true is None or found is None or spared is None or youden is None:
        return None
    risky, other = calibration.found + calibration.missed, calibration.accused + calibration.spared
    told = rate * (1 - rate) / n
    judged = (1 - true) ** 2 * spared * (1 - spared) / other + true**2 * found * (1 - found) / risky
    return (told + judged) / youden**2


def correct_shared(
    observed: Effect | InteractionRow, calibration: Confusion, *, alpha: float = 0.05, draws: int = DRAWS, seed: int = 0
) -> Corrected | None:
    """A difference corrected by one calibration for both arms: delta / (sensitivity + specificity - 1).

    observed: of yes-or-no risks, with its intervals at this alpha. Assumes that the judge errs in both arms as often as
    in its calibration, and that the labelled replies are independent of the study's. p is the observed one: a corrected
    difference is 0 where the observed one is.

    Interval: quantiles of draws of the observed difference over draws of the divisor, never narrower than with the
    divisor known. The difference is drawn from the two halves of a normal distribution that has the observed interval
    for its interval, so that clusters, unseen units and rare flips are heeded as there; sensitivity and specificity
    from their Jeffreys posteriors, truncated to a judge better than chance. The divisor is one and the same for both
    arms in every draw. An exchange of the arms negates the result.

    Degenerate: None for a judge no better than chance, one without labels on both sides, an effect without a number;
    no interval where the observed one does not exist. The difference is cut to [-1, 1].
    """
    from scipy.special import ndtri

    youden, before, after, change = calibration.youden, observed.base, observed.defended, observed.delta
    found, spared = calibration.sensitivity, calibration.specificity
    if youden is None or youden <= 1e-12 or found is None or spared is None:
        return None
    if before is None or after is None or change is None:
        return None
    divisors = youden_draws(calibration, draws, np.random.default_rng(seed))
    # Every quantile of the normal distribution once, so that the share of draws beyond 0 is exact; both signs of each
    # meet the same divisor.
    levels = (1 + (np.arange(len(divisors)) + 0.5) / len(divisors)) / 2
    normal = np.array(ndtri(np.random.default_rng(seed + 1).permutation(levels)))

    def limits(low: float | None, high: float | None, level: float) -> Interval | None:
        if low is None or high is None:
            return None
        z = normal_quantile(1 - level / 2)
        drawn = [change + np.where(e > 0, high - change, change - low) / z * e for e in (normal, -normal)]
        known = np.clip([low / youden, high / youden], -1.0, 1.0)
        return quantiles(np.concatenate(drawn) / np.tile(divisors, 2), level).hull(Interval(*known.tolist()))

    return Corrected.of_rates(
        base=(before + spared - 1) / youden,
        defended=(after + spared - 1) / youden,
        delta=min(max(change / youden, -1.0), 1.0),
        interval=limits(observed.ci_low, observed.ci_high, alpha),
        equivalence=limits(observed.equivalence_low, observed.equivalence_high, 2 * alpha),
        p=observed.p,
    )


def fits(rate: float, n: float, calibration: Confusion) -> bool:
    """Whether a rate that a judge tells can come from a judge of this calibration, whatever the true rate is.

    It cannot lie below the share of other replies that are accused, nor above that of risky ones that are found: there
    the calibration is refuted by the replies themselves, and a correction by it is none. n: independent replies.
    Wilson's 95 % intervals of the rate and of both shares must leave no way out. True without labels.
    """
    told = wilson(rate * n, n)
    found, spared = calibration.intervals
    return (spared is None or told.high >= 1 - spared.high) and (found is None or told.low <= found.high)


def youden_draws(calibration: Confusion, draws: int, rng: np.random.Generator) -> Floats:
    """Draws of sensitivity + specificity - 1 from independent Jeffreys posteriors, those of a judge above chance."""
    found, spared = error_draws(calibration, draws, rng)
    youden = found + spared - 1
    return youden[youden > 0]


def error_draws(calibration: Confusion, draws: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Draws of sensitivity and specificity from their Jeffreys posteriors: Beta(right + 1/2, wrong + 1/2)."""
    found: Floats = rng.beta(calibration.found + JEFFREYS, calibration.missed + JEFFREYS, draws)
    spared: Floats = rng.beta(calibration.spared + JEFFREYS, calibration.accused + JEFFREYS, draws)
    return found, spared


def quantiles(drawn: Floats, level: float) -> Interval:
    """The interval at 1 - level of draws of a difference, cut to [-1, 1]."""
    low, high = np.clip(np.quantile(drawn, [level / 2, 1 - level / 2]), -1.0, 1.0)
    return Interval(float(low), float(high))


@dataclass(frozen=True)
class TippingPoint:
    """Defended less base: the difference of specificity alone, or of sensitivity alone, that makes a whole change.

    None where no such difference can: it would leave [0, 1].
    """

    specificity: float | None
    sensitivity: float | None


def tipping_point(change: float, base: float, sensitivity: float = 1.0, specificity: float = 1.0) -> TippingPoint:
    """How differently a judge would have to err in the defended arm for a change to be its doing alone.

    change: observed, defended less base. base: the true rate, taken for that of both arms. sensitivity, specificity: of
    the judge in the base arm. Where nothing has changed but the judge's errors, the observed change is
    base * (difference of sensitivity) - (1 - base) * (difference of specificity); each is solved with the other at 0.
    At change 0 both are 0. A sensitivity analysis for unmeasured differential error; in the manner of VanderWeele, Li
    (2019), American Journal of Epidemiology 188:1823, on the scale of differences.
    """
    return TippingPoint(
        specificity=_possible(-change, 1 - base, specificity), sensitivity=_possible(change, base, sensitivity)
    )


def _possible(change: float, share: float, before: float) -> float | None:
    if change == 0:
        return 0.0
    needed = change / share if share > 0 else np.inf
    return float(needed) if -1e-12 <= before + needed <= 1 + 1e-12 else None

"""A paired difference with the judge calibrated in each arm by itself, from labels that people gave.

Labels of an arm's own replies say how often a verdict is right (given what the judge said); labels of other replies of
the same arm how often a reply is judged rightly (given what it is). Both give a corrected rate, the first without any
assumption about the judge.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from crossrisk.interactions.clustered import Floats, effective_n
from crossrisk.interactions.judge_error import (
    DRAWS,
    JEFFREYS,
    Confusion,
    Corrected,
    error_draws,
    quantiles,
    rogan_gladen,
)
from crossrisk.interactions.paired import Interval
from crossrisk.interactions.propagation import Codes, Mask, Shares, Told, propagated


@dataclass(frozen=True)
class ArmErrors:
    """How a judge errs in one arm. labelled: how many labels say so. None: undefined, or not known."""

    labelled: int | None
    sensitivity: float | None
    sensitivity_interval: Interval | None
    specificity: float | None
    specificity_interval: Interval | None


@dataclass(frozen=True)
class _Stratum:
    """Replies of one arm that the judge calls alike: their share of all, how many of them are labelled.

    rate: of risky ones among these. effective: how many independent labels would say as much.
    """

    share: float
    labelled: int
    rate: float
    effective: float

    def draws(self, count: int, rng: np.random.Generator) -> Floats:
        """Of the rate, from its Jeffreys posterior."""
        risky = self.rate * self.effective
        drawn: Floats = rng.beta(risky + JEFFREYS, self.effective - risky + JEFFREYS, count)
        return drawn


Arm = tuple[_Stratum, _Stratum]  # called risky, and not


def correct_per_arm(
    base: ArrayLike,
    defended: ArrayLike,
    base_calibration: Confusion,
    defended_calibration: Confusion,
    *,
    clusters: ArrayLike | None = None,
    alpha: float = 0.05,
    draws: int = DRAWS,
    seed: int = 0,
) -> Corrected | None:
    """Both rates corrected by `rogan_gladen`, each arm by a calibration of its own, and their difference.

    base, defended: verdicts 0 or 1 on the same prompts, all valid. Assumes that the calibrations are independent of
    each other and of these replies, and drawn by what the replies are (or entirely at random).

    Interval and p: `propagated`, from a fixed seed. The paired table of verdicts has a Dirichlet posterior (Jeffreys)
    on effective counts, which keeps the covariance of the arms; sensitivity and specificity of each arm have Jeffreys
    posteriors, truncated to a judge better than chance. Degenerate: None where a judge is no better than chance or not
    labelled on both sides; one cluster, no interval. Raises ValueError for other values than 0 and 1.
    """
    told = Told.of(base, defended, clusters)
    calibrations, rates, slopes = (base_calibration, defended_calibration), [], []
    for verdicts, each in zip((told.base, told.defended), calibrations, strict=True):
        if each.sensitivity is None or each.specificity is None or each.youden is None:
            return None
        rate = rogan_gladen(float(verdicts.mean()), each.sensitivity, each.specificity)
        if rate is None:
            return None
        rates.append(rate)
        slopes.append(1 / each.youden)

    def corrected(shares: Shares, rng: np.random.Generator) -> Floats:
        better, true = np.ones(draws, dtype=bool), []
        for (called, _), each in zip((shares.base, shares.defended), calibrations, strict=True):
            found, spared = error_draws(each, draws, rng)
            youden = found + spared - 1
            better &= youden > 0
            true.append((called + spared - 1) / np.where(youden > 0, youden, 1.0))
        change: Floats = (true[1] - true[0])[better]
        return change

    predicted = slopes[1] * told.defended - slopes[0] * told.base
    ends, delta = (rates[0], rates[1]), rates[1] - rates[0]
    return propagated(told, ends, delta, predicted, corrected, alpha=alpha, draws=draws, seed=seed)


def correct_by_labels(
    base: ArrayLike,
    defended: ArrayLike,
    base_labels: ArrayLike,
    defended_labels: ArrayLike,
    *,
    same: ArrayLike | None = None,
    clusters: ArrayLike | None = None,
    alpha: float = 0.05,
    draws: int = DRAWS,
    seed: int = 0,
) -> tuple[Corrected, ArmErrors, ArmErrors] | None:
    """The difference from people's labels of some of these very replies, and how the judge errs in either arm.

    base, defended: verdicts 0 or 1 on the same prompts, all valid. base_labels, defended_labels: 1 risky, 0 not, NaN
    where nobody labelled. same: prompts on which both arms gave the same reply; these are alike risky in both, whatever
    the judge says, and only the others count for the difference.

    Estimator: in each arm the sum over both verdicts of (share of replies with this verdict) x (share of risky ones
    among its labelled replies), the two-phase estimator of Tenenbein (1970), JASA 65:1350. It equals `rogan_gladen`
    with the sensitivity and specificity that Bayes' rule gets from the same shares, is unbiased, and needs no judge
    above chance. Assumes that the replies to label were drawn at random among those of one verdict, at whatever rate;
    people who choose what they label bias it.

    Interval and p: `propagated`, with Jeffreys posteriors of the shares of risky ones. Labels of one cluster count by
    their effective number. The arms' labels are drawn independently, which is conservative where the same prompts are
    labelled in both. Degenerate: None where an arm has no label among its replies of a verdict; where only those that
    differ have none, they have the rate of all of this verdict, and the prior for a posterior.
    """
    told = Told.of(base, defended, clusters, same)
    labels = [np.asarray(each, dtype=np.float64).reshape(-1) for each in (base_labels, defended_labels)]
    everywhere = np.ones(len(told), dtype=bool)
    arms = _strata(told, labels, everywhere, alpha)
    if _unlabelled(arms):
        return None
    base_part, defended_part = _strata(told, labels, told.differ, alpha)
    differing = _known(base_part, arms[0]), _known(defended_part, arms[1])

    def corrected(shares: Shares, rng: np.random.Generator) -> Floats:
        before, after = (
            called * risky.draws(draws, rng) + left * missed.draws(draws, rng)
            for (called, left), (risky, missed) in zip((shares.base, shares.defended), differing, strict=True)
        )
        change: Floats = after - before
        return change

    (risky, missed), (risky_after, missed_after) = differing
    predicted = np.where(told.defended == 1, risky_after.rate, missed_after.rate)
    predicted = np.where(told.differ, predicted - np.where(told.base == 1, risky.rate, missed.rate), 0.0)
    level, delta = _rate(arms[0]), _rate(differing[1]) - _rate(differing[0])
    found = propagated(told, (level, level + delta), delta, predicted, corrected, alpha=alpha, draws=draws, seed=seed)
    of_base, of_defended = (
        _arm_errors(verdicts, told.codes, arm, alpha, draws, seed)
        for verdicts, arm in zip((told.base, told.defended), arms, strict=True)
    )
    return found, of_base, of_defended


def _strata(told: Told, labels: list[Floats], among: Mask, alpha: float) -> tuple[Arm, Arm]:
    base, defended = (
        tuple(_stratum(among & (verdicts == verdict), truth, told.codes, alpha) for verdict in (1.0, 0.0))
        for verdicts, truth in zip((told.base, told.defended), labels, strict=True)
    )
    return (base[0], base[1]), (defended[0], defended[1])


def _stratum(chosen: Mask, truth: Floats, codes: Codes | None, alpha: float) -> _Stratum:
    labelled = chosen & ~np.isnan(truth)
    n, labels = int(labelled.sum()), truth[labelled]
    effective = float(n)
    if codes is not None and n:
        units = len(np.unique(codes[labelled]))
        effective = float(n) if units == n else 1.0 if units == 1 else effective_n(labels, codes[labelled], alpha=alpha)
    return _Stratum(float(chosen.mean()), n, float(labels.mean()) if n else 0.0, effective)


def _known(differing: Arm, whole: Arm) -> Arm:
    """Strata without a label with the rate of the larger ones that they are part of; as far as known, by no label."""
    called, left = (
        part if part.labelled else replace(part, rate=all_of_it.rate)
        for part, all_of_it in zip(differing, whole, strict=True)
    )
    return called, left


def _unlabelled(arms: tuple[Arm, Arm]) -> bool:
    return any(stratum.share > 0 and stratum.labelled == 0 for arm in arms for stratum in arm)


def _rate(arm: Arm) -> float:
    """Of risky replies among all prompts, as far as they lie in these strata."""
    return sum(stratum.share * stratum.rate for stratum in arm)


def _arm_errors(verdicts: Floats, codes: Codes | None, arm: Arm, alpha: float, draws: int, seed: int) -> ArmErrors:
    """By Bayes' rule from how often verdicts are right, and the same of draws for the intervals."""
    called, left = arm
    rng, true = np.random.default_rng(seed), _rate(arm)
    n = 1.0 if codes is not None and codes.max() == 0 else effective_n(verdicts, codes, alpha=alpha)
    rate = rng.beta(n * called.share + JEFFREYS, n * left.share + JEFFREYS, draws)
    right, missed = called.draws(draws, rng), left.draws(draws, rng)
    risky = rate * right + (1 - rate) * missed
    found = quantiles(rate * right / risky, alpha)
    spared = quantiles((1 - rate) * (1 - missed) / (1 - risky), alpha)
    return ArmErrors(
        labelled=called.labelled + left.labelled,
        sensitivity=called.share * called.rate / true if true > 0 else None,
        sensitivity_interval=found if true > 0 else None,
        specificity=left.share * (1 - left.rate) / (1 - true) if true < 1 else None,
        specificity_interval=spared if true < 1 else None,
    )

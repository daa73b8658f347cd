"""A mean over cells that differ among themselves: random effects of tasks and of defenses, crossed."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crossrisk.interactions.clustered import cluster_codes
from crossrisk.interactions.paired import Interval

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]
FEWEST_TO_PREDICT = 3


@dataclass(frozen=True, eq=False)
class RandomEffects:
    """Of `random_effects`. weights: (cells,), they add up to 1; the mean is the weighted sum of the effects.

    variance, degrees: of the mean over tasks and defenses such as these. tau2: variance of the true changes between
    cells. i2: share of the spread of the cells that prompts do not account for. None: one cell cannot tell.
    """

    mean: float
    weights: Floats
    variance: float | None
    degrees: float | None
    tau2: float | None
    i2: float | None
    interval: Interval | None
    prediction: Interval | None


def random_effects(
    effects: Floats,
    covariance: Floats,
    *,
    defenses: Sequence[str],
    tasks: Sequence[str],
    equal_weights: bool = False,
    alpha: float = 0.05,
    bound: float = 1.0,
) -> RandomEffects:
    """The mean change over cells (cells,), for a population of tasks and of defenses from which these came.

    covariance: of the errors of the cells, (cells, cells), positive on its diagonal. defenses, tasks: labels of each
    cell. bound: largest possible size of an effect, to which intervals are cut.

    Estimator: weights 1 / (variance + tau2), tau2 by Paule and Mandel, or equal weights. With one defense and
    independent errors it is the random-effects mean with the interval of Hartung and Knapp, and of Sidik and Jonkman,
    in its form that is never narrower than the plain one. Crossed: the variance of the mean is that of the means of
    tasks, plus that of the means of defenses, each as Hartung and Knapp have it, plus the mean covariance of cells
    that have neither in common, if positive; not less than that of the plain random-effects mean, nor than what the
    prompts alone leave open. t with Satterthwaite's degrees of freedom (k - 1 where only one of both varies).
    What varies between defenses and between tasks counts once each, and what is special to a pair of both counts twice:
    the interval is conservative. Prediction: the true change of one more cell, t of the same degrees of freedom, at
    most cells - 2.

    Assumes that tasks, and defenses, are as good as drawn at random, and nearly normal effects. Degenerate: one cell,
    its own change and no interval; two of a kind, an interval on one degree of freedom (12.7 standard errors); under
    three cells no prediction; one task (defense), nothing is said of other tasks (defenses).
    Raises ValueError for no cell, or a variance that is not positive.
    Paule, Mandel (1982), J Res Natl Bur Stand 87:377; Hartung, Knapp (2001), Statistics in Medicine 20:3875; Sidik,
    Jonkman (2002), Statistics in Medicine 21:3153; crossed: Owen (2007), Annals of Applied Statistics 1:386; Cameron,
    Gelbach, Miller (2011), J Business Econ Stat 29:238; prediction: Higgins, Thompson, Spiegelhalter (2009), JRSS A
    172:137; degrees of freedom: Satterthwaite (1946), Biometrics Bulletin 2:110.
    """
    variances = np.diagonal(covariance)
    if len(effects) == 0 or variances.min() <= 0:
        raise ValueError("a mean needs at least one cell, and cells with a positive variance")
    cells = len(effects)
    if cells == 1:
        return RandomEffects(float(effects[0]), np.ones(1), None, None, None, None, None, None)
    tau2 = paule_mandel(effects, variances)
    raw = np.ones(cells) if equal_weights else 1 / (variances + tau2)
    weights = raw / raw.sum()
    mean = float(weights @ effects)
    rows, columns = cluster_codes(list(defenses)), cluster_codes(list(tasks))
    spreads = [_spread_of_means(effects, raw, mean, codes) for codes in (rows, columns)]
    known = [(variance, degrees) for variance, degrees in spreads if degrees]
    apart = _apart(rows, columns)
    shared = float(covariance[apart].mean()) if apart.any() else 0.0
    variance = max(
        sum(variance for variance, _ in known) + max(shared, 0.0),
        float((weights**2) @ (variances + tau2)),
        float(weights @ covariance @ weights),
    )
    degrees = _satterthwaite(known)
    prediction = None
    if cells >= FEWEST_TO_PREDICT:
        prediction = _interval(mean, variance + tau2, min(degrees, cells - 2), alpha, bound)
    return RandomEffects(
        mean,
        weights,
        variance,
        degrees,
        tau2,
        i_squared(effects, variances),
        _interval(mean, variance, degrees, alpha, bound),
        prediction,
    )


def paule_mandel(effects: Floats, variances: Floats) -> float:
    """Variance of the true effects: where the weighted sum of squares about the mean is what chance makes it, k - 1.

    Assumes independent effects; errors that they share make it too small. 0 where the effects differ by no more than
    chance. Degenerate: one effect, 0. Paule, Mandel (1982), J Res Natl Bur Stand 87:377; DerSimonian, Kacker (2007),
    Contemporary Clinical Trials 28:105; recommended by Veroniki et al. (2016), Research Synthesis Methods 7:55.
    """
    from scipy.optimize import brentq

    def excess(tau2: float) -> float:
        weights = 1 / (variances + tau2)
        return float(weights @ (effects - weights @ effects / weights.sum()) ** 2) - (len(effects) - 1)

    if len(effects) < 2 or excess(0.0) <= 0:
        return 0.0
    # There the sum of squares is at most k - 1 even about the plain mean, with every variance 0.
    most = float(((effects - effects.mean()) ** 2).sum()) / (len(effects) - 1)
    return float(brentq(excess, 0.0, most, xtol=1e-14))


def i_squared(effects: Floats, variances: Floats) -> float:
    """Share of the spread between effects that is more than chance, (Q - df) / Q, at least 0.

    Higgins, Thompson (2002), Statistics in Medicine 21:1539.
    """
    weights = 1 / variances
    q = float(weights @ (effects - weights @ effects / weights.sum()) ** 2)
    return max(0.0, 1 - (len(effects) - 1) / q) if q > 0 else 0.0


def _spread_of_means(effects: Floats, raw: Floats, mean: float, codes: Codes) -> tuple[float, int]:
    """Hartung and Knapp's variance of a mean over units, from the weighted means of these units; with its degrees."""
    mass = np.bincount(codes, weights=raw)
    of_unit = np.bincount(codes, weights=raw * effects) / mass
    degrees = len(mass) - 1
    return (float(mass @ (of_unit - mean) ** 2 / (degrees * mass.sum())) if degrees else 0.0), degrees


def _apart(rows: Codes, columns: Codes) -> NDArray[np.bool_]:
    """Pairs of cells that have nothing in common of what varies."""
    apart = np.ones((len(rows), len(rows)), dtype=np.bool_)
    for codes in (rows, columns):
        if codes.max() > 0:
            apart &= codes[:, None] != codes
    return apart


def _satterthwaite(known: Sequence[tuple[float, int]]) -> float:
    total = sum(variance for variance, _ in known)
    if total < 1e-18:  # means that are all alike, but for rounding
        return float(min(degrees for _, degrees in known))
    return total**2 / sum(variance**2 / degrees for variance, degrees in known)


def _interval(mean: float, variance: float, degrees: float, alpha: float, bound: float) -> Interval:
    from scipy.special import stdtrit

    half = float(stdtrit(degrees, 1 - alpha / 2)) * variance**0.5
    return Interval(max(-bound, mean - half), min(bound, mean + half))

"""Base against defended while the replies are still coming in: an effect that stays valid however often one looks."""

from dataclasses import dataclass, replace
from math import exp, log

import numpy as np
from numpy.typing import ArrayLike

from crossrisk.interactions.betting import (
    Units,
    confidence_sequence,
    log_evidence,
    log_evidence_above,
    one_sided_limits,
)
from crossrisk.interactions.clustered import Floats
from crossrisk.interactions.effect import ROUNDING, Effect, cohens_h, verdict_of
from crossrisk.interactions.ratios import rcr
from crossrisk.risks import Verdict
from crossrisk.stopping import Estimand


@dataclass(frozen=True)
class Drawn:
    """How the pairs of a cell came to be drawn, one unit after the other in a random order.

    estimand `population`: the mean change over prompts such as these; units are clusters, of at most `largest` prompts.
    `benchmark`: the mean change over the `of` prompts of this set, all of which would be asked in the end; units are
    single prompts.
    """

    estimand: Estimand
    of: int
    largest: int = 1


def mcnemar_e_values(worse: ArrayLike, better: ArrayLike) -> Floats:
    """E-values of the sequential McNemar test, 2^(b + c) B(b + 1/2, c + 1/2) / B(1/2, 1/2).

    worse, better: counts b and c of flips up and down so far. Null: a pair that flips is as likely to flip up as down.
    Under it the values are a martingale from 1 on as pairs come in, so that the largest of them so far is below
    1/alpha at all times with probability 1 - alpha (Ville 1939); 1 over that largest is a p value that holds at any
    time. Assumes independent pairs. Degenerate: no flips, 1. It is the likelihood of the flips, averaged over the
    arcsine law of the chance of flipping up, over that at one half: Krichevsky, Trofimov (1981), IEEE Trans. Inf.
    Theory 27:199; as a test: Gruenwald, de Heide, Koolen (2024), JRSS B 86:1091.
    """
    from scipy.special import betaln

    up, down = np.asarray(worse, dtype=np.float64), np.asarray(better, dtype=np.float64)
    values: Floats = np.exp((up + down) * np.log(2) + betaln(up + 0.5, down + 0.5) - betaln(0.5, 0.5))
    return values


def sequential_power(
    n: int, worse: float, better: float, *, alpha: float = 0.05, look: int = 1, runs: int = 2_000, seed: int = 0
) -> tuple[float, float]:
    """(chance that the sequential McNemar test rejects within n pairs, pairs asked on average until it does, or n).

    worse, better: probabilities that a pair flips up and down, independently. look: pairs between looks. Simulated from
    a fixed seed; the chance is known to 2 points in 2,000 runs. For `benchmark` both are on the safe side, since a
    finite set is settled sooner. At n = 0 raises ValueError.
    """
    if n < 1:
        raise ValueError("a test needs at least one pair, got n = 0")
    steps = np.diff([0, *range(look, n, look), n])
    drawn = np.random.default_rng(seed).multinomial(steps, [worse, better, 1 - worse - better], size=(runs, len(steps)))
    over = mcnemar_e_values(*np.moveaxis(np.cumsum(drawn[..., :2], axis=1), -1, 0)) >= 1 / alpha
    found = over.any(axis=1)
    asked = np.where(found, np.cumsum(steps)[over.argmax(axis=1)], n)
    return float(found.mean()), float(asked.mean())


def sequential_effect(
    base: ArrayLike,
    defended: ArrayLike,
    drawn: Drawn,
    *,
    clusters: ArrayLike | None = None,
    alpha: float = 0.05,
    margin: float = 0.05,
    smallest_effect: float = 0.0,
) -> Effect:
    """The paired effect of a defense on the pairs asked so far, when whether to ask on was decided by looking at them.

    base, defended: risks in [0, 1] of the same prompts **in the order in which they were drawn**, NaN where invalid.
    clusters: a label per prompt; of `population` every cluster is whole, and a new one begins where its first prompt
    is met. Rows may end at any time; the effect holds at all of them at once.

    Estimator: mean difference over pairs valid in both arms; where the rule stopped early it leans away from 0, the
    interval does not. p: `log_evidence` against no change. Interval: `confidence_sequence` at 1 - alpha. Equivalence:
    `one_sided_limits`, each at alpha. An invalid pair adds nothing to its unit, neither to the sum nor to the size:
    the estimand is the mean over pairs that both arms answer validly, as of `compare`. No MDE, and no intervals of
    ratios: theirs do not hold under peeking. A benchmark that was asked to its end is known: its interval is a point,
    and p is 0 unless nothing changed.
    Assumes a random order; for `population` also that clusters are independent of each other.
    Raises ValueError for arrays of unequal length, or more prompts than were to be drawn.
    """
    before, after = (np.asarray(arm, dtype=np.float64).reshape(-1) for arm in (base, defended))
    labels = np.arange(len(before)) if clusters is None else np.asarray(clusters).reshape(-1)
    if not len(before) == len(after) == len(labels) or len(before) > drawn.of:
        raise ValueError(
            f"base, defended and clusters must be the same prompts, at most {drawn.of}, got {len(before)}, "
            f"{len(after)} and {len(labels)}"
        )
    change = after - before
    change[np.abs(change) < ROUNDING] = 0.0
    valid = ~np.isnan(change)
    before, after, moved = before[valid], after[valid], change[valid]
    n, groups = len(moved), len(np.unique(labels[valid]))
    if n == 0:
        return Effect(0, 0, *(None,) * 9, Verdict.NOT_APPLICABLE, 0, 0, None, None)
    units = units_of(change, labels, drawn)
    interval = confidence_sequence(units, alpha=alpha) or (None, None)
    equivalence = one_sided_limits(units, alpha=alpha) or (None, None)
    up, down = int(np.count_nonzero(moved > 0)), int(np.count_nonzero(moved < 0))
    rates = float(before.mean()), float(after.mean())
    binary = bool(np.isin(before, (0.0, 1.0)).all() and np.isin(after, (0.0, 1.0)).all())
    effect = Effect(
        n=n,
        clusters=groups,
        base=rates[0],
        defended=rates[1],
        delta=float(moved.mean()),
        ci_low=interval[0],
        ci_high=interval[1],
        rcr=rcr(*rates),
        effect_size=cohens_h(*rates) if binary else (up - down) / n,
        p=exp(-log_evidence(units)),
        mde=None,
        verdict=Verdict.INCONCLUSIVE,
        flips_up=up,
        flips_down=down,
        equivalence_low=equivalence[0],
        equivalence_high=equivalence[1],
    )
    verdict = verdict_of(effect, effect.p, alpha=alpha, margin=margin, smallest_effect=smallest_effect)
    return replace(effect, verdict=verdict)


def may_be_decided(units: Units, *, alpha: float = 0.05, claims: float = 1.0, margin: float = 0.05) -> bool:
    """Whether there is evidence of a change at level alpha / claims, or against any as large as the margin.

    Quick, and never wrongly False: without either there is no verdict but `inconclusive`.
    """
    if log_evidence(units) >= log(claims / alpha):
        return True
    return all(log_evidence_above(side, -margin) >= log(1 / alpha) for side in (units, units.negated))


def units_of(change: Floats, labels: ArrayLike, drawn: Drawn) -> Units:
    """The units that were drawn: single prompts of a benchmark, whole clusters of a population in order of their first.

    change: (prompts,), NaN where the pair is invalid, in the order drawn.
    """
    valid = (~np.isnan(change)).astype(np.float64)
    total = np.nan_to_num(change)
    if drawn.estimand == "benchmark":
        return Units(total, valid, drawn.of)
    _, first, codes = np.unique(np.asarray(labels), return_index=True, return_inverse=True)
    place = np.argsort(np.argsort(first))[codes.reshape(-1)]
    sums, sizes = (np.bincount(place, weights=column) / drawn.largest for column in (total, valid))
    return Units(sums, sizes)

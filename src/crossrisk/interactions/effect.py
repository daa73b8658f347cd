"""Base against defended on the same prompts: one paired effect, its uncertainty, and what may be said about it."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crossrisk.interactions.clustered import (
    Floats,
    cluster_codes,
    cluster_sums,
    effective_n,
    sign_flip_test,
    standard_error,
)
from crossrisk.interactions.paired import Interval, equivalent, mcnemar_exact
from crossrisk.interactions.power import mcnemar_mde, standard_error_mde
from crossrisk.interactions.ratios import discordant_odds_ratio, rcr, rcr_interval
from crossrisk.interactions.score_interval import can_reject, change_interval, counted_interval, equivalence_interval
from crossrisk.risks import Verdict

# Differences below this are no flips: single-precision logits of one prompt differ between batches, which has moved
# probabilities by up to 1e-6.
ROUNDING = 1e-5


@dataclass(frozen=True)
class Effect:
    """The paired change of one risk. Numbers that do not exist are None.

    n: pairs that are valid in both arms. clusters: their number (n where prompts are independent). base, defended: mean
    risks over these pairs; delta: their difference, positive when risk rose, with its interval at level 1 - alpha.
    rcr: delta / base, None at base 0. effect_size: Cohen's h for yes-or-no risks, else paired Cliff's delta.
    p: two-sided, not corrected for other comparisons. mde: smallest change found with 80 % power.
    flips_up, flips_down: pairs whose risk rose, fell. equivalence_low, equivalence_high: the interval at level
    1 - 2 alpha on which equivalence is judged. rcr_low, rcr_high: of `rcr_interval`, for means of risks. odds_ratio,
    odds_ratio_low, odds_ratio_high: of the flips of independent yes-or-no pairs (`discordant_odds_ratio`).
    """

    n: int
    clusters: int
    base: float | None
    defended: float | None
    delta: float | None
    ci_low: float | None
    ci_high: float | None
    rcr: float | None
    effect_size: float | None
    p: float | None
    mde: float | None
    verdict: Verdict
    flips_up: int
    flips_down: int
    equivalence_low: float | None
    equivalence_high: float | None
    rcr_low: float | None = None
    rcr_high: float | None = None
    odds_ratio: float | None = None
    odds_ratio_low: float | None = None
    odds_ratio_high: float | None = None


@dataclass(frozen=True)
class _Evidence:
    p: float
    interval: Interval | None
    equivalence: Interval | None
    mde: float | None


def compare(
    base: ArrayLike,
    defended: ArrayLike,
    *,
    clusters: ArrayLike | None = None,
    alpha: float = 0.05,
    margin: float = 0.05,
    smallest_effect: float = 0.0,
) -> Effect:
    """The paired effect of a defense on one task.

    base, defended: risks in [0, 1] of the same prompts in the same order, (prompts,); NaN where the reply is invalid. A
    pair with an invalid reply in either arm is dropped; `lost_share` says how many of them the defense broke.
    clusters: a label per prompt; prompts of one label may depend on each other in any way. None, or labels that never
    repeat: independent prompts. margin: changes inside +-margin count as none, declared before the run.
    smallest_effect: the smallest change that may be called `worsens` or `improves`, at most the margin.

    Estimator: mean difference over valid pairs. Null of `p`: the arms are exchangeable within every cluster. Yes-or-no
    risks (all values 0 or 1): exact McNemar or, clustered, the exact sign-flip test; graded risks: sign-flip test.
    Interval: Newcombe's of independent yes-or-no pairs (`counted_interval`), else Tango's score interval on effective
    counts (`change_interval`); it holds 0 where the test does not reject. Equivalence: two one-sided score tests, that
    is Tango's interval at 1 - 2 alpha, and what units unlike all those seen may do (`equivalence_interval`). Where the
    test rejects and the interval still holds 0 (rare), nothing is claimed. docs/statistics.md has the reasons.

    Degenerate: no valid pair, verdict `not_applicable` and no numbers; one cluster of several prompts, or one graded
    pair, no interval; fewer units than the test needs to reject (six at .05), no MDE; identical arms, delta 0, p = 1
    and an exact bound on what may have gone unseen.
    Raises ValueError for arrays of unequal length, risks outside [0, 1], alpha outside (0, 0.5), margin outside (0, 1],
    a smallest effect above the margin, or a cluster label that is missing.
    """
    before, after = (np.asarray(arm, dtype=np.float64).reshape(-1) for arm in (base, defended))
    _check(before, after, clusters, alpha, margin, smallest_effect)
    valid = ~(np.isnan(before) | np.isnan(after))
    before, after = before[valid], after[valid]
    n = len(before)
    if n == 0:
        return Effect(0, 0, *(None,) * 9, Verdict.NOT_APPLICABLE, 0, 0, None, None)
    labels = None if clusters is None else cluster_codes(np.asarray(clusters).reshape(-1)[valid])
    count = n if labels is None else int(labels.max()) + 1
    labels = None if count == n else labels
    change = after - before
    change[np.abs(change) < ROUNDING] = 0.0
    up, down = int(np.count_nonzero(change > 0)), int(np.count_nonzero(change < 0))
    binary = bool(np.isin(before, (0.0, 1.0)).all() and np.isin(after, (0.0, 1.0)).all())
    if binary:
        evidence = _binary_evidence(change, int(np.count_nonzero(before * after)), labels, alpha)
    else:
        evidence = _graded_evidence(change, labels, alpha)
    rate_before, rate_after, delta = float(before.mean()), float(after.mean()), float(change.mean())
    interval, equivalence = evidence.interval or (None, None), evidence.equivalence or (None, None)
    relative = rcr_interval(before, after, labels, alpha=alpha)
    if relative is not None and evidence.p >= alpha:
        relative = relative.hull(Interval(0.0, 0.0))
    odds, odds_limits = discordant_odds_ratio(up, down, alpha=alpha) if binary and labels is None else (None, None)
    effect = Effect(
        n=n,
        clusters=count,
        base=rate_before,
        defended=rate_after,
        delta=delta,
        ci_low=interval[0],
        ci_high=interval[1],
        rcr=rcr(rate_before, rate_after),
        effect_size=cohens_h(rate_before, rate_after) if binary else (up - down) / n,
        p=evidence.p,
        mde=evidence.mde,
        verdict=Verdict.INCONCLUSIVE,
        flips_up=up,
        flips_down=down,
        equivalence_low=equivalence[0],
        equivalence_high=equivalence[1],
        rcr_low=None if relative is None else relative.low,
        rcr_high=None if relative is None else relative.high,
        odds_ratio=odds,
        odds_ratio_low=None if odds_limits is None else odds_limits.low,
        odds_ratio_high=None if odds_limits is None else odds_limits.high,
    )
    verdict = verdict_of(effect, effect.p, alpha=alpha, margin=margin, smallest_effect=smallest_effect)
    return replace(effect, verdict=verdict)


def verdict_of(
    effect: Effect, p: float | None, *, alpha: float = 0.05, margin: float = 0.05, smallest_effect: float = 0.0
) -> Verdict:
    """The verdict on an effect under another p, such as one corrected for many comparisons.

    alpha must be the one that the effect was computed with. Equivalence does not depend on p and comes first: a change
    that is certain but wholly inside the margin is too small to matter. `worsens` and `improves` need p < alpha, an
    interval without 0, and a change of at least `smallest_effect`.
    """
    if effect.n == 0 or effect.delta is None or p is None:
        return Verdict.NOT_APPLICABLE
    equivalence = _interval(effect.equivalence_low, effect.equivalence_high)
    if equivalence is not None and equivalent(equivalence, margin):
        return Verdict.NO_EFFECT
    interval = _interval(effect.ci_low, effect.ci_high)
    if interval is None or p >= alpha or abs(effect.delta) < smallest_effect - ROUNDING:
        return Verdict.INCONCLUSIVE
    return Verdict.WORSENS if interval.low > 0 else Verdict.IMPROVES if interval.high < 0 else Verdict.INCONCLUSIVE


def lost_share(base: ArrayLike, defended: ArrayLike) -> float:
    """Share of the base's valid replies whose defended reply is invalid (NaN); 0 where the base has none."""
    before, after = (np.asarray(arm, dtype=np.float64).reshape(-1) for arm in (base, defended))
    answered = ~np.isnan(before)
    return float(np.isnan(after[answered]).mean()) if answered.any() else 0.0


def despite_lost(
    effect: Effect,
    p: float | None,
    lost: float,
    *,
    alpha: float = 0.05,
    margin: float = 0.05,
    smallest_effect: float = 0.0,
) -> Verdict:
    """`verdict_of`, as far as it stands whatever the replies that the defense broke would have been.

    lost: of `lost_share`. Each lost pair may have moved by a whole risk either way, so an interval of the measured
    pairs becomes (1 - lost) * limit +- lost. `no_effect` and `improves` have to hold there: a share lost above the
    margin always withdraws `no_effect`. Where `no_effect` does not hold, a certain change is called by its direction;
    where `improves` does not, the verdict is `inconclusive`.
    """
    level = {"alpha": alpha, "margin": margin, "smallest_effect": smallest_effect}
    verdict = verdict_of(effect, p, **level)
    if verdict is Verdict.NO_EFFECT and effect.equivalence_low is not None and effect.equivalence_high is not None:
        worst = Interval((1 - lost) * effect.equivalence_low - lost, (1 - lost) * effect.equivalence_high + lost)
        if equivalent(worst, margin):
            return verdict
        verdict = verdict_of(replace(effect, equivalence_low=None, equivalence_high=None), p, **level)
    if verdict is Verdict.IMPROVES and effect.ci_high is not None and (1 - lost) * effect.ci_high + lost >= 0:
        return Verdict.INCONCLUSIVE
    return verdict


def cohens_h(base: float, defended: float) -> float:
    """Difference of two proportions on the arcsine scale, 2 asin sqrt(defended) - 2 asin sqrt(base).

    In [-pi, pi]; .2, .5, .8 are called small, medium, large. Its variance does not depend on the rates, so that 0 to
    2 % weighs more than 50 to 52 %. Cohen (1988), Statistical Power Analysis, chapter 6.
    """
    return float(2 * np.arcsin(defended**0.5) - 2 * np.arcsin(base**0.5))


def _binary_evidence(change: Floats, both: int, labels: NDArray[np.intp] | None, alpha: float) -> _Evidence:
    n = len(change)
    up, down = int(np.count_nonzero(change > 0)), int(np.count_nonzero(change < 0))
    p = mcnemar_exact(up, down) if labels is None else sign_flip_test(change, labels)
    units = n if labels is None else int(labels.max()) + 1
    if labels is not None and units < 2:
        return _Evidence(p, None, None, None)
    pairs = int(effective_n(change, labels, alpha=alpha)) if up + down else units
    # The rarer direction is noise, both ways. Where the test finds no more of either, half of all flips says it better;
    # with clusters that, on top of a widened effective number, would promise too little.
    noise = (min(up, down) if p < alpha or labels is not None else (up + down) / 2) / n
    mde = mcnemar_mde(pairs, noise, alpha=alpha) if can_reject(units, alpha) else None
    equivalence = equivalence_interval(change, labels, alpha=alpha)
    if labels is not None:
        return _Evidence(p, change_interval(change, labels, p, alpha=alpha), equivalence, mde)
    return _Evidence(p, counted_interval(up, down, both, n - up - down - both, p, alpha=alpha), equivalence, mde)


def _graded_evidence(change: Floats, labels: NDArray[np.intp] | None, alpha: float) -> _Evidence:
    p = sign_flip_test(change, labels)
    sums = cluster_sums(change, labels)
    error, units = standard_error(sums), len(sums)
    if error is None:
        return _Evidence(p, None, None, None)
    mde = standard_error_mde(error, units, alpha=alpha) if error else mcnemar_mde(units, 0.0, alpha=alpha)
    interval = change_interval(change, labels, p, alpha=alpha)
    equivalence = equivalence_interval(change, labels, alpha=alpha)
    return _Evidence(p, interval, equivalence, mde if can_reject(units, alpha) else None)


def _interval(low: float | None, high: float | None) -> Interval | None:
    return None if low is None or high is None else Interval(low, high)


def _check(
    before: Floats,
    after: Floats,
    clusters: ArrayLike | None,
    alpha: float,
    margin: float,
    smallest_effect: float,
) -> None:
    if len(before) != len(after):
        raise ValueError(f"base and defended must be the same prompts, got {len(before)} and {len(after)} risks")
    if clusters is not None and np.asarray(clusters).size != len(before):
        raise ValueError(f"one cluster label a prompt, got {np.asarray(clusters).size} for {len(before)} prompts")
    labels = np.asarray(clusters)
    if clusters is not None and labels.dtype == object and any(label is None for label in labels.reshape(-1)):
        raise ValueError("a cluster label is missing (None): give every prompt one, its own where it stands alone")
    for name, arm in (("base", before), ("defended", after)):
        if len(arm) and (np.nanmin(arm, initial=0.0) < 0 or np.nanmax(arm, initial=0.0) > 1):
            raise ValueError(f"risks must lie in [0, 1], got others in {name}")
    if not 0 < alpha < 0.5 or not 0 < margin <= 1:
        raise ValueError(f"alpha must lie in (0, 0.5) and margin in (0, 1], got {alpha} and {margin}")
    if not 0 <= smallest_effect <= margin:
        raise ValueError(f"the smallest effect must lie in [0, margin], got {smallest_effect} at margin {margin}")

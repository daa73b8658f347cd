"""Base against defended by a figure that is no mean of risks: an AUROC, an ICAT, a gap between groups.

Everything is resampled: whole clusters are drawn for the interval, and whole clusters change arms for the test, so
nothing is assumed of the figure but that it is computed from the rows of one arm.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from crossrisk.interactions.arms import Arms, weighing
from crossrisk.interactions.clustered import FEWEST_TO_BOOTSTRAP, expanded_quantile
from crossrisk.interactions.effect import ROUNDING, Effect, verdict_of
from crossrisk.interactions.paired import Interval, unchanged_interval
from crossrisk.interactions.power import standard_error_mde
from crossrisk.interactions.ratios import rcr
from crossrisk.interactions.resampling import DRAWS, TIE, bca, multiplicities
from crossrisk.risks import Verdict
from crossrisk.tasks.metric import Outcomes, Statistic

ENOUGH_EXCEEDING = 100
# A share u of the clusters moves an ICAT, an AUROC of as many members as others, or a gap between groups that share
# their templates by up to 2 u; a mean of risks, by u.
STEEPEST = 2.0
MOST_LEFT_OUT = 200
_CHUNK = 2**17
Counts = NDArray[np.uint8]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class StatisticChange:
    """A statistic of both arms and its change. None: the number does not exist.

    intervals: of the change, one for each level that was asked for. error: the standard deviation of its draws.
    """

    base: float | None
    defended: float | None
    delta: float | None = None
    p: float | None = None
    intervals: tuple[Interval, ...] | None = None
    error: float | None = None


def change_of_statistic(
    arms: Arms, statistic: Statistic, *, alphas: Sequence[float] = (0.05,), draws: int = DRAWS, seed: int = 0
) -> StatisticChange:
    """The paired change of a statistic, with its p and intervals.

    Estimator: statistic(defended) - statistic(base) over rows that are valid in both. Intervals: paired cluster
    bootstrap, BCa with t-expanded quantiles (Efron 1987; Hesterberg 2015). p: whole clusters exchange their arms at
    random, (1 + exceedances) / (1 + draws), fewer draws where 100 exceed (Besag, Clifford 1991). Null: within every
    cluster the arms are exchangeable. Assumes independent clusters. A cluster that is drawn twice counts as two.

    Degenerate: no valid row, or a statistic that is undefined in either arm, no change; fewer than eight clusters, a p
    but no interval; arms that agree in every row but for rounding, p = 1, and no interval, as where all draws are alike
    (error is 0 then). Draws in which the statistic is undefined are left out of the interval, of which there is none
    where they are most, and exceed in the test.
    """
    before, after = (statistic(arm) if len(arms) else None for arm in (arms.base, arms.defended))
    if before is None or after is None:
        return StatisticChange(before, after)
    delta = after - before
    if arms.agree():
        return StatisticChange(before, after, delta, 1.0, error=0.0)
    p = _exchange_test(arms, statistic, abs(delta), draws, seed)
    if arms.units < FEWEST_TO_BOOTSTRAP:
        return StatisticChange(before, after, delta, p)
    of_base, of_defended = weighing(statistic, arms.base), weighing(statistic, arms.defended)
    drawn = np.concatenate(
        [of_defended(counts) - of_base(counts) for counts in multiplicities(arms.units, draws, seed)]
    )
    drawn = drawn[~np.isnan(drawn)]
    if len(drawn) < draws / 2:
        return StatisticChange(before, after, delta, p)
    if np.ptp(drawn) < TIE:
        return StatisticChange(before, after, delta, p, error=0.0)
    left_out = np.concatenate([of_defended(counts) - of_base(counts) for counts in _left_out(arms.units, seed)])
    reaches = [expanded_quantile(alpha, arms.units) for alpha in alphas]
    intervals = tuple(bca(drawn, left_out[~np.isnan(left_out)], delta, reaches))
    return StatisticChange(before, after, delta, p, intervals, float(drawn.std()))


def _with_unseen(delta: float, units: int, alpha: float) -> Interval:
    low, high = unchanged_interval(0.0, units, alpha=alpha)
    return Interval(max(-1.0, delta + STEEPEST * low), min(1.0, delta + STEEPEST * high))


def compare_statistic(
    base: Outcomes,
    defended: Outcomes,
    statistic: Statistic,
    *,
    alpha: float = 0.05,
    margin: float = 0.05,
    draws: int = DRAWS,
    seed: int = 0,
) -> Effect:
    """The paired effect of a defense on a statistic in [0, 1] of the same samples, in the same order, in both arms.

    Numbers as `change_of_statistic` has them, and a verdict. The interval of equivalence also holds what clusters
    unlike those seen may do: a share u of them, bounded as in `unchanged_interval`, moves the statistic by up to
    `STEEPEST` u. Where the arms agree in every row, or all draws are alike, that is the interval. Where the test does
    not reject, the interval is widened to hold 0.

    Degenerate: no valid row, or a statistic that is undefined in either arm, `not_applicable`.
    Raises ValueError for arms of different samples.
    """
    arms = Arms.of(base, defended)
    up = int(np.count_nonzero(arms.defended.risks > arms.base.risks + ROUNDING))
    down = int(np.count_nonzero(arms.defended.risks < arms.base.risks - ROUNDING))
    found = change_of_statistic(arms, statistic, alphas=(alpha, 2 * alpha), draws=draws, seed=seed)
    counted = (len(arms), arms.units, found.base, found.defended)
    if found.base is None or found.defended is None or found.delta is None or found.p is None:
        return Effect(*counted, *(None,) * 7, Verdict.NOT_APPLICABLE, up, down, None, None)
    unseen = [_with_unseen(found.delta, arms.units, level) for level in (alpha, 2 * alpha)]
    interval, equivalence = unseen if found.error == 0 else found.intervals or (None, None)
    if interval is not None and equivalence is not None:
        interval = interval.hull(Interval(0.0, 0.0)) if found.p >= alpha else interval
        equivalence = equivalence.hull(unseen[1])
    effect = Effect(
        n=len(arms),
        clusters=arms.units,
        base=found.base,
        defended=found.defended,
        delta=found.delta,
        ci_low=None if interval is None else interval.low,
        ci_high=None if interval is None else interval.high,
        rcr=rcr(found.base, found.defended),
        effect_size=None,
        p=found.p,
        mde=None if not found.error else standard_error_mde(found.error, arms.units, alpha=alpha),
        verdict=Verdict.INCONCLUSIVE,
        flips_up=up,
        flips_down=down,
        equivalence_low=None if equivalence is None else equivalence.low,
        equivalence_high=None if equivalence is None else equivalence.high,
    )
    return replace(effect, verdict=verdict_of(effect, found.p, alpha=alpha, margin=margin))


def _exchange_test(arms: Arms, statistic: Statistic, observed: float, draws: int, seed: int) -> float:
    """p of whole clusters changing arms, every set of them being equally likely.

    Once 100 draws exceed, p is 100 over the number of draws so far: above .05 it need not be known more exactly.
    Besag, Clifford (1991), Biometrika 78:301.
    """
    of_both, rng = weighing(statistic, arms.stacked()), np.random.default_rng(seed)
    rows, before = max(1, min(ENOUGH_EXCEEDING, _CHUNK // arms.units)), 0
    for start in range(0, draws, rows):
        moved = rng.integers(0, 2, (min(rows, draws - start), arms.units), dtype=np.uint8)
        change = of_both(np.hstack([moved, 1 - moved])) - of_both(np.hstack([1 - moved, moved]))
        exceeding = before + np.cumsum(np.isnan(change) | (np.abs(change) >= observed - TIE))
        if exceeding[-1] >= ENOUGH_EXCEEDING:
            return ENOUGH_EXCEEDING / (start + 1 + int(np.searchsorted(exceeding, ENOUGH_EXCEEDING)))
        before = int(exceeding[-1])
    return (1 + before) / (1 + draws)


def _left_out(units: int, seed: int) -> Iterator[Counts]:
    """Weights without each cluster in turn; of many clusters, without each of 200 random groups of them.

    Kott (2001), Journal of Official Statistics 17:521, for the delete-a-group jackknife.
    """
    places = np.arange(units) if units <= MOST_LEFT_OUT else np.random.default_rng(seed).permutation(units)
    groups, rows = places % MOST_LEFT_OUT, max(1, _CHUNK // units)
    for start in range(0, min(units, MOST_LEFT_OUT), rows):
        dropped = np.arange(start, min(start + rows, units, MOST_LEFT_OUT))
        yield (groups != dropped[:, None]).astype(np.uint8)

"""Whether a set of neurons is the cause of a side effect: how much of it goes when the set is patched, and how sure.

Of each prompt there are three values of a scalar: F of the base, of the defended model, and of the patched one.

    change            mean(F_defended - F_base)
    undone            mean(F_defended - F_patched)
    mediated share    undone / change             1: the set carries all of it; 0: none; it may lie outside [0, 1]

Statistics on arrays alone; `check` runs the models.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crossrisk.interactions.clustered import cluster_codes, cluster_sums, standard_error, t_quantile
from crossrisk.interactions.effect import ROUNDING, Effect, compare
from crossrisk.interactions.paired import Interval, equivalent

Floats = NDArray[np.float64]

ALPHA = 0.05
LEAST_SHARE = 0.2  # of a side effect, that a set must carry to be called its cause; a weaker one is a contribution
FEWEST_CLUSTERS = 8  # below, a t interval stands on too few units to be trusted with a claim
MARGIN = 0.05  # of the chance of the wrong against the right answer, in which utility counts as unmoved; as in studies


@dataclass(frozen=True)
class Mediation:
    """What patching one set did to one task. Means over prompts; numbers that do not exist are None.

    base, defended, patched: of the scalar, in its unit. change, undone: see above, with intervals by cluster. share:
    undone / change with Fieller's interval; why_not says why there is none. p_random: rank of what this set undid among
    matched random sets, random_shares what they undid as shares of the change, in rising order.
    """

    prompts: int
    clusters: int
    base: float
    defended: float
    patched: float
    change: float
    change_interval: Interval | None
    undone: float
    undone_interval: Interval | None
    share: float | None
    share_interval: Interval | None
    why_not: str | None
    p_random: float | None = None
    random_shares: tuple[float, ...] = ()


@dataclass(frozen=True)
class UtilityChange:
    """What the patch did to utility: mean change of the chance of the wrong against the right answer, 1 / (1 + e^-F),
    with its interval at level 1 - 2 alpha (two one-sided tests), and of F in nats."""

    prompts: int
    clusters: int
    change: float
    interval: Interval | None
    nats: float

    @property
    def unmoved(self) -> bool:
        """Whether the interval lies inside the margin."""
        return self.interval is not None and equivalent(self.interval, MARGIN)


@dataclass(frozen=True)
class Verdict:
    """Whether a report may say "because", and why or why not."""

    because: bool
    reason: str


def mediation(
    base: ArrayLike,
    defended: ArrayLike,
    patched: ArrayLike,
    clusters: ArrayLike | None = None,
    *,
    random: ArrayLike | None = None,
    alpha: float = ALPHA,
) -> Mediation:
    """The mediated share of a change with its interval, and its rank among matched random sets.

    base, defended, patched: the scalar of the same prompts, (prompts,). clusters: a label per prompt. random: the same
    of the defended model with each random set patched, (sets, prompts).

    Estimator: the ratio of two mean differences of the same prompts. Interval: Fieller's (1954, JRSS B 16:175), all
    ratios R for which the mean of (F_D - F_P) - R (F_D - F_B) does not differ from 0, by its cluster-robust standard
    error (CR2, as `standard_error`) and Student's t on clusters - 1 degrees of freedom. It holds its level where a
    ratio of means is far from normal. p_random: (1 + #(random >= observed)) / (1 + #random) of what is undone in the
    direction of the change; null: the set is one more of the random sets (Phipson, Smyth 2010).
    Assumes independent clusters and nearly normal cluster sums.
    Degenerate: one cluster, no interval at all; a change that does not differ from 0 at alpha, for which Fieller's set
    has no bounds: no share, with the reason; nothing undone on any prompt: a share of exactly 0.
    Raises ValueError for no prompts, arrays of unequal length, and values that are no numbers.
    """
    before, after, then = (np.asarray(arm, dtype=np.float64).reshape(-1) for arm in (base, defended, patched))
    others = np.empty((0, len(before))) if random is None else np.atleast_2d(np.asarray(random, dtype=np.float64))
    if not len(before):
        raise ValueError("no prompts, so nothing can be mediated")
    if not len(before) == len(after) == len(then) == others.shape[1]:
        raise ValueError(f"arms of {len(before)}, {len(after)}, {len(then)} and {others.shape[1]} prompts do not pair")
    if not all(np.isfinite(values).all() for values in (before, after, then, others)):
        raise ValueError("values of F must be finite: leave out prompts that have none")
    labels = np.arange(len(before)) if clusters is None else cluster_codes(clusters)
    change, undone = after - before, after - then
    share, interval, why_not = fieller(undone, change, labels, alpha=alpha)
    found = Mediation(
        prompts=len(before),
        clusters=int(labels.max()) + 1,
        base=float(before.mean()),
        defended=float(after.mean()),
        patched=float(then.mean()),
        change=float(change.mean()),
        change_interval=mean_interval(change, labels, alpha=alpha),
        undone=float(undone.mean()),
        undone_interval=mean_interval(undone, labels, alpha=alpha),
        share=share,
        share_interval=interval,
        why_not=why_not,
    )
    return _ranked(found, (after - others).mean(axis=1)) if len(others) else found


def mediation_of_risks(
    base: ArrayLike,
    defended: ArrayLike,
    patched: ArrayLike,
    clusters: ArrayLike | None = None,
    *,
    random: ArrayLike | None = None,
    alpha: float = ALPHA,
) -> Mediation | None:
    """`mediation` of generated replies: risks in [0, 1], NaN where a reply is invalid.

    Prompts that are invalid in any of the three arms are left out; each random set counts on those valid in it too.
    Intervals of change and undone are those of `interactions.compare`. No prompt left: None.
    """
    arms = [np.asarray(arm, dtype=np.float64).reshape(-1) for arm in (base, defended, patched)]
    valid = np.asarray(np.isfinite(np.stack(arms)).all(axis=0))
    if not valid.any():
        return None
    labels = np.arange(len(valid)) if clusters is None else np.asarray(clusters).reshape(-1)
    before, after, then = (arm[valid] for arm in arms)
    found = mediation(before, after, then, labels[valid], alpha=alpha)
    change = compare(before, after, clusters=labels[valid], alpha=alpha)
    undone = compare(then, after, clusters=labels[valid], alpha=alpha)
    found = replace(found, change_interval=_interval(change), undone_interval=_interval(undone))
    if random is None:
        return found
    without = [np.nanmean(row) for row in after - np.atleast_2d(random)[:, valid] if not np.isnan(row).all()]
    return _ranked(found, np.array(without)) if without else found


def _interval(effect: Effect) -> Interval | None:
    if effect.ci_low is None or effect.ci_high is None:
        return None
    return Interval(effect.ci_low, effect.ci_high)


def _ranked(found: Mediation, undone: Floats) -> Mediation:
    """With what each random set undid, (sets,)."""
    sign = 1.0 if found.change >= 0 else -1.0
    # Sets that do nothing differ from each other by rounding alone, and a tie exceeds.
    reach = sign * found.undone - ROUNDING * abs(found.change)
    p = (1 + int(np.count_nonzero(sign * undone >= reach))) / (1 + len(undone))
    shares = () if found.share is None else tuple(sorted((undone / found.change).tolist()))
    return replace(found, p_random=p, random_shares=shares)


def fieller(
    part: Floats, whole: Floats, clusters: NDArray[np.intp], *, alpha: float = ALPHA
) -> tuple[float | None, Interval | None, str | None]:
    """mean(part) / mean(whole) with Fieller's interval by cluster, or why there is none; see `mediation`."""
    sums = [cluster_sums(values, clusters) for values in (part, whole, part + whole)]
    errors = [standard_error(each) for each in sums]
    if any(error is None for error in errors):
        return None, None, "all prompts are of one cluster, which says nothing about chance"
    of_part, of_whole, of_both = (float(error or 0.0) ** 2 for error in errors)
    shared = (of_both - of_part - of_whole) / 2
    limit = t_quantile(1 - alpha / 2, len(sums[0])) ** 2
    top, bottom = sums[0].mean, sums[1].mean
    leading = bottom**2 - limit * of_whole
    if bottom == 0.0 or leading <= 0.0:
        return None, None, f"the change itself does not differ from 0 at {alpha:g}, so it has no shares"
    middle = top * bottom - limit * shared
    last = top**2 - limit * of_part
    half = max(middle**2 - leading * last, 0.0) ** 0.5
    return top / bottom, Interval((middle - half) / leading, (middle + half) / leading), None


def mean_interval(values: Floats, clusters: NDArray[np.intp], *, alpha: float = ALPHA) -> Interval | None:
    """mean +- t(clusters - 1) * cluster-robust standard error, in the unit of the values; None for one cluster."""
    sums = cluster_sums(values, clusters)
    error = standard_error(sums)
    if error is None:
        return None
    half = t_quantile(1 - alpha / 2, len(sums)) * error
    return Interval(sums.mean - half, sums.mean + half)


def utility_change(
    defended: ArrayLike, patched: ArrayLike, clusters: ArrayLike | None = None, *, alpha: float = ALPHA
) -> UtilityChange:
    """What a patch did to utility, from F of utility's contrasts (log p(wrong) - log p(right)), (prompts,).

    F is taken through the logistic function: of a model that is sure of its answers nats may move and no answer with
    them. Interval: `mean_interval` at 1 - 2 alpha. Assumptions and degenerate cases as there.
    """
    before, after = (np.asarray(arm, dtype=np.float64).reshape(-1) for arm in (defended, patched))
    labels = np.arange(len(before)) if clusters is None else cluster_codes(clusters)
    chances = _chance(after) - _chance(before)
    return UtilityChange(
        len(before),
        int(labels.max()) + 1,
        float(chances.mean()),
        mean_interval(chances, labels, alpha=2 * alpha),
        float((after - before).mean()),
    )


def _chance(scores: Floats) -> Floats:
    from scipy.special import expit

    return np.asarray(expit(scores))


def decide(
    back: Mediation,
    reverse: Mediation,
    utility: UtilityChange | None,
    *,
    direction: int,
    of_utility: bool = False,
    alpha: float = ALPHA,
) -> Verdict:
    """Whether the set may be called the cause of a side effect. All must hold, and the reason names each that does not:

    F changed, in the direction of the side effect that was observed; the share's interval lies above 0 and the share
    is at least 0.2; matched random sets undo less (p at most alpha); the reverse patch (a mediation whose arms have
    changed places) moves the base the same way, clear of 0, since noise has the right sign half of the time; utility is
    unmoved within the margin; there are at least 8 clusters.
    direction: +1 the risk rose, -1 it fell, 0 neither was shown. of_utility: the side effect is utility's own, which
    must move then.
    """
    against = [*_change_doubts(back, direction), *_share_doubts(back, alpha)]
    if reverse.undone * reverse.change <= 0:
        against.append("what the set writes with the defense does not move the base the same way")
    elif reverse.undone_interval is None or reverse.undone_interval.low <= 0 <= reverse.undone_interval.high:
        against.append("what the set writes with the defense may not move the base at all")
    if utility is None and not of_utility:
        against.append("utility was not measured")
    elif utility is not None and not of_utility and not utility.unmoved:
        against.append(f"patching may move utility too (by {utility.change:+.3f}, {_told(utility.interval)})")
    if against:
        return Verdict(False, "; ".join(against))
    share = f"{back.share:.0%} of the change ({_told(back.share_interval, percent=True)})"
    return Verdict(
        True,
        f"patching the set back undoes {share}, more than matched random sets do (p = {back.p_random:.3f}), and the "
        f"reverse agrees{'' if of_utility else '; utility stays'}",
    )


def _change_doubts(back: Mediation, direction: int) -> list[str]:
    found = []
    if back.clusters < FEWEST_CLUSTERS:
        found.append(f"{back.clusters} clusters are too few, it takes {FEWEST_CLUSTERS}")
    if direction == 0:
        found.append("no side effect was shown that there could be a cause of")
    elif back.share is not None and back.change * direction <= 0:
        found.append(f"F changed by {back.change:+.3f}, against the direction of the side effect")
    return found


def _share_doubts(back: Mediation, alpha: float) -> list[str]:
    if back.share is None or back.share_interval is None:
        return [back.why_not or "there is no share"]
    found = []
    if back.share_interval.low <= 0:
        found.append(f"the share of {back.share:.0%} may be 0 ({_told(back.share_interval, percent=True)})")
    if back.share < LEAST_SHARE:
        found.append(f"the share of {back.share:.0%} is under {LEAST_SHARE:.0%}")
    if back.p_random is None:
        found.append("no matched random sets were patched")
    elif 1 / (1 + len(back.random_shares)) > alpha:
        found.append(f"{len(back.random_shares)} matched random sets are too few for a p of {alpha:.2g}: draw more")
    elif back.p_random > alpha:
        found.append(f"matched random sets undo as much (p = {back.p_random:.3f})")
    return found


def _told(interval: Interval | None, *, percent: bool = False) -> str:
    if interval is None:
        return "no interval"
    return f"{interval.low:.0%} to {interval.high:.0%}" if percent else f"{interval.low:+.3f} to {interval.high:+.3f}"

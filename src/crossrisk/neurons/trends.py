"""Does what happens inside the neurons tell what happens to the risk? The paper's measure, and one that can fail.

Published (CrossRiskEval, arXiv 2510.07968): of the conflict-entangled neurons, the share whose activation moved to
where the attribution to a risk points, beside RCR, the relative change of the risk itself. On that set the attributions
to the two risks have opposite signs by choice, so the two shares sum to one whatever the defense did, and half of any
set of neurons agrees by luck. Here: the change that a set predicts against the change that was seen, per defense and
task, against sets of neurons that were drawn at random, on prompts that did not choose the set.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
FEWEST_DEFENSES = 6  # five have 120 orders, so that a p below .01 is all but out of reach
FEWEST_POINTS = 3
_MOST_EXACT = 7  # defenses whose 5,040 orders are all counted
DRAWS = 1_999


@dataclass(frozen=True)
class PaperTrend:
    """N_trend of two risks on one conflict set. neurons: of the set. unmoved: with an activation that did not change.

    first, second: shares; sum: of both, 1 by construction but for unmoved neurons. first_says, second_says: `up`,
    `down` or `neutral`. None where the set is empty.
    """

    neurons: int
    unmoved: int
    first: float | None
    second: float | None
    sum: float | None
    first_says: str | None
    second_says: str | None


def paper_trend(change: ArrayLike, first: ArrayLike, second: ArrayLike) -> PaperTrend:
    """The paper's neuron-level trend of a conflict set, for both of its risks.

        N_trend(risk) = #{sign(change of activation) = sign(attribution to risk)} / #neurons

    change, first, second: of the set's neurons, [neurons]: mean activation of the defended model less the base's at the
    same tokens, attributions to either risk. Above a half it says that the risk rises, below that it falls. It
    describes: there is no null. Where attributions have opposite signs and no change is 0, the two shares sum to 1, so
    the second says nothing that the first did not.
    """
    moved, one, other = (np.asarray(values, dtype=np.float64).reshape(-1) for values in (change, first, second))
    if not len(moved) == len(one) == len(other):
        raise ValueError(f"one value per neuron is needed, got {len(moved)}, {len(one)} and {len(other)}")
    if len(moved) == 0:
        return PaperTrend(0, 0, None, None, None, None, None)
    shares = [float(np.mean((np.sign(moved) == np.sign(risk)) & (moved != 0))) for risk in (one, other)]
    says = [_says(share) for share in shares]
    return PaperTrend(len(moved), int((moved == 0).sum()), shares[0], shares[1], sum(shares), *says)


def _says(share: float) -> str:
    return "up" if share > 0.5 else "down" if share < 0.5 else "neutral"


@dataclass(frozen=True)
class SignAgreement:
    """agree of points: where prediction and observation have the same sign. random: share of the matched random sets.

    p: rank of `agree` among the random sets, at least 1 / (sets + 1). p_binomial: exact binomial against `random`,
    which takes points as independent. reason: why what is None does not exist.
    """

    agree: int
    points: int
    random: float | None
    p: float | None
    p_binomial: float | None
    reason: str | None


def sign_agreement(predicted: ArrayLike, observed: ArrayLike, random: ArrayLike | None = None) -> SignAgreement:
    """How often a set's predicted change has the sign of the observed one, against matched random sets.

    predicted, observed: [points]; points where either is NaN or 0 have no sign to compare and are left out. random:
    predictions of as many random sets, [sets, points]; one of 0 agrees half. Null: the set tells signs no better than a
    random set with as many neurons of each layer. p is one-sided; its rank keeps the dependence of tasks within a
    defense, because each random set is asked at all points, and the binomial p does not: it is there since it is the
    one that is usually quoted. Degenerate: no point with signs, or no random sets, None with the reason.
    """
    told, seen = (np.asarray(values, dtype=np.float64).reshape(-1) for values in (predicted, observed))
    if len(told) != len(seen):
        raise ValueError(f"one prediction per observation is needed, got {len(told)} and {len(seen)}")
    signed = np.nan_to_num(told) * np.nan_to_num(seen) != 0
    points, agree = int(signed.sum()), int((told[signed] * seen[signed] > 0).sum())
    if points == 0:
        return SignAgreement(0, 0, None, None, None, "no point has a prediction and a change other than 0")
    sets = np.zeros((0, len(told))) if random is None else np.asarray(random, dtype=np.float64)
    if sets.ndim != 2 or sets.shape[1] != len(told):
        raise ValueError(f"random predictions must be sets x {len(told)} points, got shape {sets.shape}")
    if len(sets) == 0:
        return SignAgreement(agree, points, None, None, None, "there are no random sets to compare with")
    side = np.sign(np.nan_to_num(sets[:, signed]) * seen[signed])
    reached = ((side + 1) / 2).sum(axis=1)
    share = float(reached.mean() / points)
    p = (1 + int((reached >= agree).sum())) / (1 + len(sets))
    from scipy.stats import binom

    return SignAgreement(agree, points, share, p, float(binom.sf(agree - 1, points, share)), None)


@dataclass(frozen=True)
class RankCorrelation:
    """rho: Spearman's, over points. p: one-sided, by permutation of defenses; exact where all orders were counted.

    reason: why rho or p does not exist.
    """

    rho: float | None
    points: int
    defenses: int
    p: float | None
    exact: bool | None
    reason: str | None


def rank_correlation(
    predicted: ArrayLike, observed: ArrayLike, defenses: Sequence[str], tasks: Sequence[str], *, seed: int = 0
) -> RankCorrelation:
    """Do larger predictions come with larger changes? Spearman's rho over (defense, task), defenses being the units.

    predicted, observed: [points], NaN where there is none; defenses, tasks: of each point, no pair twice. Null: whose
    predictions stand beside whose observations does not matter. Tasks of one defense depend on each other, so whole
    defenses are exchanged, task by task; pairs that an order leaves without a counterpart are left out of that order,
    and an order without a correlation counts as if it were as large. p: share of orders with a rho at least as large,
    all orders of up to seven defenses, else of 1,999 drawn by seed, the seen one included. Fewer than six defenses: rho
    describes, p is None. Fewer than three points, or no spread: rho is None.
    """
    told, seen = (np.asarray(values, dtype=np.float64).reshape(-1) for values in (predicted, observed))
    if not len(told) == len(seen) == len(defenses) == len(tasks):
        raise ValueError("predicted, observed, defenses and tasks must be of the same points")
    if len(set(zip(defenses, tasks, strict=True))) < len(told):
        raise ValueError("a defense names a task twice: give one point per defense and task")
    rows, columns = (sorted(set(names)) for names in (defenses, tasks))
    grids = []
    for values in (told, seen):
        grid = np.full((len(rows), len(columns)), np.nan)
        for value, defense, task in zip(values, defenses, tasks, strict=True):
            grid[rows.index(defense), columns.index(task)] = value
        grids.append(grid)
    both = np.isfinite(grids[0]) & np.isfinite(grids[1])
    kept = both.any(axis=1)
    told_grid, seen_grid = grids[0][kept], grids[1][kept]
    units, points = int(kept.sum()), int(both.sum())
    rho = _spearman(told_grid, seen_grid)
    if rho is None:
        reason = (
            f"{points} points are too few" if points < FEWEST_POINTS else "all predictions or all changes are equal"
        )
        return RankCorrelation(None, points, units, None, None, reason)
    if units < FEWEST_DEFENSES:
        few = f"{units} defenses are too few to permute ({FEWEST_DEFENSES} are needed): rho only describes"
        return RankCorrelation(rho, points, units, None, None, few)
    exact = units <= _MOST_EXACT
    rng = np.random.default_rng(seed)
    orders = permutations(range(units)) if exact else (rng.permutation(units) for _ in range(DRAWS))
    beyond = total = 0
    for order in orders:
        other = _spearman(told_grid[list(order)], seen_grid)
        beyond += other is None or other >= rho - 1e-12
        total += 1
    p = beyond / total if exact else (1 + beyond) / (1 + total)
    return RankCorrelation(rho, points, units, p, exact, None)


def _spearman(first: Floats, second: Floats) -> float | None:
    """Pearson's correlation of mid-ranks, over the places where both have a value."""
    from scipy.stats import rankdata

    both = np.isfinite(first) & np.isfinite(second)
    if both.sum() < FEWEST_POINTS:
        return None
    ranks = [rankdata(values[both]) for values in (first, second)]
    apart = [rank - rank.mean() for rank in ranks]
    scale = math.sqrt(float((apart[0] ** 2).sum() * (apart[1] ** 2).sum()))
    return None if scale == 0 else float((apart[0] * apart[1]).sum() / scale)


@dataclass(frozen=True)
class Completeness:
    """r_squared: of observed = predicted, not of a fitted line, so it can be negative. slope: of the line through 0."""

    r_squared: float | None
    slope: float | None
    points: int
    reason: str | None


def completeness(predicted: ArrayLike, observed: ArrayLike) -> Completeness:
    """Do the attributions of all neurons sum to the change of F, as a linear model would have it?

        R^2 = 1 - sum (observed - predicted)^2 / sum (observed - mean observed)^2

    predicted: sum over all neurons of base-against-defended attributions with `held` gradients (those of different
    layers add up only then), [points]; observed: change of F, in nats. Points with NaN are left out. 1: the first order
    and the MLPs say it all; 0: no better than the mean; below: worse. Descriptive. Degenerate: fewer than three points,
    or no spread among the observed, None with the reason.
    """
    told, seen = (np.asarray(values, dtype=np.float64).reshape(-1) for values in (predicted, observed))
    if len(told) != len(seen):
        raise ValueError(f"one prediction per observation is needed, got {len(told)} and {len(seen)}")
    there = np.isfinite(told) & np.isfinite(seen)
    told, seen = told[there], seen[there]
    if len(seen) < FEWEST_POINTS:
        return Completeness(None, None, len(seen), f"{len(seen)} points are too few")
    spread = float(((seen - seen.mean()) ** 2).sum())
    if spread <= 1e-12 * float((seen**2).sum()):
        return Completeness(None, None, len(seen), "all changes are equal")
    slope = float(told @ seen / (told @ told)) if told.any() else None
    return Completeness(1 - float(((seen - told) ** 2).sum()) / spread, slope, len(seen), None)

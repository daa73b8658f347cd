"""Carrying the uncertainty of a judge's calibration into that of a paired difference, by draws from posteriors.

The delta method takes an error that few labels did not show for one that does not exist, and a normal distribution
where rates lie at the edge. Draws from Jeffreys posteriors do neither: docs/judge-error.md has the coverage of both.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crossrisk.interactions.clustered import Floats, cluster_codes, effective_n
from crossrisk.interactions.judge_error import JEFFREYS, Corrected, quantiles
from crossrisk.interactions.paired import Interval, unchanged_interval

Codes = NDArray[np.intp]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Told:
    """Verdicts on the same prompts in both arms, 0 or 1. differ: prompts on which the replies are not the same text.

    codes: clusters, None where prompts are independent.
    """

    base: Floats
    defended: Floats
    differ: Mask
    codes: Codes | None

    @classmethod
    def of(
        cls, base: ArrayLike, defended: ArrayLike, clusters: ArrayLike | None, same: ArrayLike | None = None
    ) -> "Told":
        """Checked: raises ValueError for verdicts other than 0 and 1, or arms of different lengths."""
        before, after = (np.asarray(arm, dtype=np.float64).reshape(-1) for arm in (base, defended))
        if len(before) != len(after) or len(before) == 0:
            raise ValueError(f"base and defended must be the same prompts, got {len(before)} and {len(after)} verdicts")
        if not (np.isin(before, (0.0, 1.0)).all() and np.isin(after, (0.0, 1.0)).all()):
            raise ValueError("verdicts must be 0 or 1: a graded risk has no sensitivity and no specificity")
        codes = None if clusters is None else cluster_codes(np.asarray(clusters).reshape(-1))
        codes = None if codes is None or int(codes.max()) + 1 == len(codes) else codes
        differ = np.ones(len(before), dtype=bool) if same is None else ~np.asarray(same, dtype=bool).reshape(-1)
        return cls(before, after, differ, codes)

    def __len__(self) -> int:
        return len(self.base)

    @property
    def units(self) -> int:
        """Clusters, or prompts where they are independent."""
        return len(self) if self.codes is None else int(self.codes.max()) + 1


@dataclass(frozen=True)
class Shares:
    """Draws of the share of all prompts whose replies differ and are called risky, and not, in either arm."""

    base: tuple[Floats, Floats]
    defended: tuple[Floats, Floats]


def propagated(
    told: Told,
    rates: tuple[float, float],
    delta: float,
    predicted: Floats,
    corrected: Callable[[Shares, np.random.Generator], Floats],
    *,
    alpha: float,
    draws: int,
    seed: int,
) -> Corrected:
    """A corrected difference with its intervals at 1 - alpha and 1 - 2 alpha, and p.

    rates, delta: the estimates. predicted: the corrected difference of each prompt, as far as its verdicts tell it; the
    effective number of prompts is that of its mean. corrected: draws of the difference from draws of the verdicts'
    shares. p: twice the smaller share of draws on one side of 0. With clusters, or without any flip, the intervals hold
    what units unlike those seen may do, as in `compare`. Degenerate: one cluster, no interval.
    """
    delta = min(max(delta, -1.0), 1.0)
    if told.codes is not None and told.units < 2:
        return Corrected.of_rates(*rates, delta, None, None, None)

    def drawn(level: float) -> Floats:
        rng = np.random.default_rng(seed)
        return corrected(_shares(told, predicted, level, draws, rng), rng)

    changes = drawn(alpha)
    p = min(1.0, 2 * (1 + min(int((changes <= 0).sum()), int((changes >= 0).sum()))) / (1 + len(changes)))
    point = Interval(delta, delta)
    interval, equivalence = quantiles(changes, alpha).hull(point), quantiles(drawn(2 * alpha), 2 * alpha).hull(point)
    if told.codes is not None or bool((told.base == told.defended).all()):
        equivalence = equivalence.hull(unchanged_interval(delta, told.units, alpha=2 * alpha))
        if p >= alpha:
            interval = interval.hull(unchanged_interval(delta, told.units, alpha=alpha))
    return Corrected.of_rates(*rates, delta, interval.hull(equivalence) if p >= alpha else interval, equivalence, p)


def _shares(told: Told, predicted: Floats, level: float, draws: int, rng: np.random.Generator) -> Shares:
    """From the Jeffreys posterior of the paired table of verdicts, on effective counts; the same replies are a cell."""
    scale = effective_n(predicted, told.codes, alpha=level) / len(told)
    base, defended, differ = told.base == 1, told.defended == 1, told.differ
    cells = [differ & base & defended, differ & ~base & defended, differ & base & ~defended, differ & ~base & ~defended]
    counts = np.array([float(cell.sum()) for cell in cells]) * scale + JEFFREYS
    if not differ.all():
        counts = np.append(counts, float((~differ).sum()) * scale + JEFFREYS)
    both, worse, better, neither = rng.dirichlet(counts, draws).T[:4]
    return Shares((both + better, worse + neither), (both + worse, better + neither))

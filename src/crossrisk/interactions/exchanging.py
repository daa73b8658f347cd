"""Did the defense change how far groups lie apart? The largest gap, before and after, when templates exchange arms."""

import numpy as np
from numpy.typing import NDArray

from crossrisk.interactions.group_table import Floats

DRAWS = 2_000
_MOST_TO_ENUMERATE = 11
_MOST_TO_DRAW = 400  # templates; the sum of more random signs is normal to all intents
_TIE = 1e-9


def gap_change_p(base: Floats, defended: Floats, n: Floats, *, draws: int = DRAWS, seed: int = 0) -> float:
    """Two-sided p of the change of the largest gap between group means.

    base, defended: sums of risks, (templates, groups). n: rows of each group, none of them 0.
    Null: the arms are exchangeable within every template, for all its rows together: the defense does nothing. It is
    also rejected by a defense that moves all groups alike into a region of more noise (from 5 % to 50 %): see
    `Spreads` for the change itself. Up to 11 templates that changed, all exchanges; up to 400, random ones; above, the
    normal limit of the sums. p = (1 + exceedances) / (1 + draws). Degenerate: nothing changed, 1.
    Phipson, Smyth (2010), Stat Appl Genet Mol Biol 9:39.
    """
    halves = (defended - base) / 2
    halves = halves[(np.abs(halves) > 1e-12).any(axis=1)]
    if len(halves) == 0:
        return 1.0
    middle = (defended + base).sum(axis=0) / 2
    observed = abs(_change(middle, halves.sum(axis=0)[None], n)[0])
    if len(halves) <= _MOST_TO_ENUMERATE:
        every = 1.0 - 2.0 * ((np.arange(2 ** len(halves))[:, None] >> np.arange(len(halves))) & 1)
        return float(np.mean(np.abs(_change(middle, every @ halves, n)) >= observed - _TIE))
    rng = np.random.default_rng(seed)
    if len(halves) <= _MOST_TO_DRAW:
        moved = (1.0 - 2.0 * rng.integers(0, 2, (draws, len(halves)))) @ halves
    else:
        moved = rng.standard_normal((draws, halves.shape[1])) @ _root(halves.T @ halves)
    exceeding = np.count_nonzero(np.abs(_change(middle, moved, n)) >= observed - _TIE)
    return float((1 + exceeding) / (1 + draws))


def _change(middle: Floats, moved: Floats, n: Floats) -> Floats:
    """Largest gap of the defended arm less the base's; moved: half the difference of their sums, (draws, groups)."""
    change: Floats = np.ptp((middle + moved) / n, axis=1) - np.ptp((middle - moved) / n, axis=1)
    return change


def _root(covariance: Floats) -> NDArray[np.float64]:
    """The symmetric root of a covariance, which may be singular."""
    values, vectors = np.linalg.eigh(covariance)
    root: Floats = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
    return root

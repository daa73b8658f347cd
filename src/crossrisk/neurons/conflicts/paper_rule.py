"""The published rule: neurons that are among the largest for two risks, with opposite signs.

    entangled = top share by |mean attribution| of risk 1  and  of risk 2
    conflict  = entangled neurons whose mean attributions have opposite signs

It has no test. Neurons differ in scale, and a large scale makes for a large mean of noise in both risks; half of such
an overlap is "opposite" by luck. The paper does not say the share. CrossRiskEval, arXiv 2510.07968.
"""

import numpy as np
from numpy.typing import NDArray

from crossrisk.neurons.conflicts.moments import Moments
from crossrisk.neurons.conflicts.sign_flips import FLIPPED, Counts, Flipped, SignedRisk

Indices = NDArray[np.intp]
TOP = 0.01
_HELD = 2**22  # sums that are held at a time


def top_neurons(scores: NDArray[np.floating], share: float) -> Indices:
    """The neurons with the largest scores, in order of their number: a share of all, at least one.

    Of equal scores the first are taken. Raises ValueError unless 0 < share <= 1.
    """
    if not 0 < share <= 1:
        raise ValueError(f"a share of the neurons must lie in (0, 1], got {share:g}")
    return np.sort(np.argsort(-scores, kind="stable")[: top_count(len(scores), share)])


def top_count(neurons: int, share: float) -> int:
    """How many neurons a share of them is."""
    return max(1, round(share * neurons))


def opposed_by_rule(first: Moments, second: Moments, *, top: float, same: bool = False) -> Indices:
    """Conflict-entangled neurons by the rule; same: the entangled ones whose means have the same sign."""
    tops = [top_neurons(np.abs(one.total), top) for one in (first, second)]
    both = np.intersect1d(tops[0], tops[1], assume_unique=True)
    return np.asarray(both[np.sign(first.total[both]) * np.sign(second.total[both]) == (1 if same else -1)])


def null_counts_of_rule(risks: tuple[SignedRisk, SignedRisk], top: float) -> dict[Flipped, Counts]:
    """Conflicts by the rule in each draw of signs, [draws], by what is flipped. Nulls as in `sign_flips`."""
    neurons, draws = risks[0].means.neurons, len(risks[0].signs)
    seen = [_signs_of_top(risk.moments.total[None, :], top)[0] for risk in risks]
    counts = {kind: np.zeros(draws, dtype=np.intp) for kind in FLIPPED}
    rows = max(1, _HELD // neurons)
    for start in range(0, draws, rows):
        some = slice(start, start + rows)
        drawn = [_signs_of_top(_sums(risk, some), top) for risk in risks]
        counts["both"][some] = np.count_nonzero(drawn[0] * drawn[1] < 0, axis=1)
        counts["first"][some] = np.count_nonzero(drawn[0] * seen[1] < 0, axis=1)
        counts["second"][some] = np.count_nonzero(seen[0] * drawn[1] < 0, axis=1)
    return counts


def _sums(risk: SignedRisk, draws: slice) -> NDArray[np.float32]:
    signs = risk.signs[draws]
    sums = np.empty((len(signs), risk.means.neurons), dtype=np.float32)
    for block in risk.means.blocks():
        sums[:, block] = signs @ np.asarray(risk.means.values[:, block])
    return sums


def _signs_of_top(sums: NDArray[np.floating], top: float) -> NDArray[np.int8]:
    """Signs of the largest of each row, 0 elsewhere, [rows, neurons]."""
    sizes = np.abs(sums)
    count = top_count(sums.shape[1], top)
    least = np.partition(sizes, sums.shape[1] - count, axis=1)[:, sums.shape[1] - count]
    return np.where(sizes >= least[:, None], np.sign(sums), 0).astype(np.int8)

"""Do the neurons that one half of the clusters chooses keep their signs on the other half?

Reliability of the whole vector of attributions is not the point, since most neurons have no effect.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from crossrisk.neurons.conflicts.false_discovery import Indices
from crossrisk.neurons.conflicts.moments import Moments
from crossrisk.neurons.conflicts.sign_flips import SignedRisk

Choose = Callable[[Moments, Moments], Indices]


@dataclass(frozen=True)
class SplitHalf:
    """chosen: neurons that the first and the second half chose. agreement: share of them whose signs for both risks are
    the same on the other half; null: the share to expect where one risk has no sign to keep; p: of the excess."""

    chosen: tuple[int, int]
    agreement: float
    null: float
    p: float


def split_half(
    risks: tuple[SignedRisk, SignedRisk],
    halves: tuple[tuple[Moments, Moments], tuple[Moments, Moments]],
    choose: Choose,
) -> SplitHalf | None:
    """Choose on each half, look at the other, over all neurons chosen; None where neither half chooses any.

    halves: moments of both halves, of the first and of the second risk. Null: of one risk, the clusters that did not
    choose have arbitrary signs; they are flipped, whole, for one risk at a time, and the risk that does worse counts.
    So a set that matters to one risk alone (which keeps half of its signs by luck) does not pass. p = (1 + draws at
    least as large) / (1 + draws) of the sum over neurons of the smaller of both risks' t in the direction chosen: where
    effects are strong, one draw in four keeps all signs, but none keeps their size. Approximate, since either half also
    judges.
    """
    draws = len(risks[0].signs)
    chosen, kept, null_kept = [], 0, np.zeros((2, draws))
    size, null_size = 0.0, np.zeros((2, draws))
    for half in (0, 1):
        neurons = choose(halves[0][half], halves[1][half])
        chosen.append(len(neurons))
        seen, flipped = [], []
        for risk, moments in zip(risks, halves, strict=True):
            wanted, judges = np.sign(moments[half].total[neurons]), risk.means.second == (half == 0)
            columns = np.asarray(risk.means.values[:, neurons])[judges].astype(np.float64)
            squares = np.einsum("cn,cn->n", columns, columns)
            seen.append(wanted * Moments(len(columns), columns.sum(axis=0), squares).t)
            flipped.append(wanted * Moments(len(columns), risk.signs[:, judges] @ columns, squares).t)
        smaller = np.minimum(seen[0], seen[1])
        kept += int(np.count_nonzero(smaller > 0))
        size += float(smaller.sum())
        for side, smaller in enumerate((np.minimum(flipped[0], seen[1]), np.minimum(seen[0], flipped[1]))):
            null_kept[side] += np.count_nonzero(smaller > 0, axis=1)
            null_size[side] += smaller.sum(axis=1)
    total = sum(chosen)
    if not total:
        return None
    p = (1 + int(np.count_nonzero(null_size >= size, axis=1).max())) / (1 + draws)
    return SplitHalf((chosen[0], chosen[1]), kept / total, float(null_kept.mean(axis=1).max()) / total, p)

"""Neurons that matter to two risks and not to utility, whatever their signs: DEAN's and SPIN's coupled set.

    (top share of risk 1 less top share of utility)  and  (top share of risk 2 less top share of utility)

The papers do it for single weights of each matrix, scored by |weight x gradient| summed over samples, and set those to
0; here it is done for neurons. Scores are unsigned, so the set says nothing of opposition. It follows the papers'
definition: SPIN's published code joins two masks over different lists of positions, which is no intersection.
DEAN and SPIN: arXiv 2410.16672.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crossrisk.neurons.conflicts.paper_rule import top_neurons


def coupled_neurons(
    first: ArrayLike, second: ArrayLike, utility: ArrayLike, *, top: float = 0.01, spared: float = 0.01
) -> NDArray[np.intp]:
    """Indices of the coupled neurons.

    first, second, utility: mean attributions or scores of importance, [neurons], of which the size counts. top: share
    of the neurons taken for each risk; spared: share taken for utility and left out. Raises ValueError for other shapes
    or shares outside (0, 1].
    """
    scores = [np.abs(np.asarray(one, dtype=np.float64)) for one in (first, second, utility)]
    if len({one.shape for one in scores}) > 1 or scores[0].ndim != 1 or len(scores[0]) == 0:
        raise ValueError(
            f"scores must be one per neuron for both risks and utility, got shapes {[s.shape for s in scores]}"
        )
    useful = top_neurons(scores[2], spared)
    first_only, second_only = (np.setdiff1d(top_neurons(one, top), useful, assume_unique=True) for one in scores[:2])
    return np.asarray(np.intersect1d(first_only, second_only, assume_unique=True))

"""Where a set of neurons lies, what it shares with other sets, and whether it comes out again.

Sets are column indices; `layers` is the layer of each of all neurons.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crossrisk.neurons.conflicts.layer_floor import Layers

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class LayerShare:
    """One layer of a set: its neurons in the set, those expected by its size, and the p of so uneven a count."""

    layer: int
    neurons: int
    count: int
    expected: float
    p: float


@dataclass(frozen=True)
class Overlap:
    """Two named sets: neurons in both, their Jaccard index, the index expected by chance, p of so large an overlap."""

    first: str
    second: str
    shared: int
    jaccard: float | None
    null: float | None
    p: float


@dataclass(frozen=True)
class Stability:
    """Means over all pairs of runs: Jaccard index of the sets, Spearman's rank correlation of the attributions.

    None where no pair has one (two empty sets, no attributions given).
    """

    runs: int
    jaccard: float | None
    rank_correlation: float | None


def layer_profile(neurons: ArrayLike, layers: ArrayLike) -> list[LayerShare]:
    """A set's count in each layer against the layer's size, in order of layers.

    Null: the set is a random draw from all neurons of the model, each as likely as any other; p is two-sided, twice the
    smaller hypergeometric tail. It says that a set is uneven over layers, not why: neurons of a layer correlate and
    layers differ in the spread of their attributions, so sets of any rule, true or not, may be uneven. Not corrected
    for the number of layers. Of an empty set p = 1.
    """
    from scipy.stats import hypergeom

    every = np.asarray(layers).reshape(-1)
    known = Layers.of(every, len(every))
    counts = _per_layer(neurons, known)
    total, size = len(every), int(counts.sum())
    rows = []
    for name, of_layer, count in zip(known.names.tolist(), known.sizes.tolist(), counts.tolist(), strict=True):
        law = hypergeom(total, of_layer, size)
        p = min(1.0, 2 * min(float(law.cdf(count)), float(law.sf(count - 1))))
        rows.append(LayerShare(name, of_layer, count, size * of_layer / total, p))
    return rows


def overlaps(sets: Mapping[str, ArrayLike], layers: ArrayLike) -> list[Overlap]:
    """Every pair of named sets, such as the conflicts of several pairs of risks.

    Null: within each layer either set is a random draw of its count there, so that sets in the same layers do not pass
    for overlap. p = P(as many shared or more), exact: the sum over layers of independent hypergeometric counts. It does
    not know that large neurons are in many sets. Jaccard's index is None where both sets are empty.
    """
    every = np.asarray(layers).reshape(-1)
    known = Layers.of(every, len(every))
    rows = []
    for (first, one), (second, other) in combinations(sets.items(), 2):
        sizes = len(np.unique(np.asarray(one))), len(np.unique(np.asarray(other)))
        shared = len(np.intersect1d(np.asarray(one), np.asarray(other)))
        law = _shared_by_chance(_per_layer(one, known), _per_layer(other, known), known)
        possible = np.arange(len(law))
        together = sum(sizes) - possible
        null = float((law * possible / np.maximum(together, 1)).sum()) if sum(sizes) else None
        p = min(1.0, float(law[shared:].sum()))
        rows.append(Overlap(first, second, shared, jaccard(one, other), null, p))
    return rows


def stability(sets: Sequence[ArrayLike], attributions: Sequence[ArrayLike] = ()) -> Stability:
    """How far runs over seeds, prompts or methods agree: sets of each, and mean attributions, [neurons], if given.

    Raises ValueError for fewer than two runs.
    """
    if len(sets) < 2:
        raise ValueError(f"stability compares runs and needs two or more sets, got {len(sets)}")
    indices = [index for one, other in combinations(sets, 2) if (index := jaccard(one, other)) is not None]
    ranks = [_spearman(one, other) for one, other in combinations([np.asarray(row) for row in attributions], 2)]
    return Stability(len(sets), float(np.mean(indices)) if indices else None, float(np.mean(ranks)) if ranks else None)


def jaccard(first: ArrayLike, second: ArrayLike) -> float | None:
    """Neurons in both sets over neurons in either; None where both are empty."""
    together = len(np.union1d(np.asarray(first), np.asarray(second)))
    return len(np.intersect1d(np.asarray(first), np.asarray(second))) / together if together else None


def _per_layer(neurons: ArrayLike, layers: Layers) -> NDArray[np.intp]:
    inside = np.unique(np.asarray(neurons, dtype=np.intp))
    return np.bincount(layers.codes[inside], minlength=len(layers.names))


def _shared_by_chance(first: NDArray[np.intp], second: NDArray[np.intp], layers: Layers) -> Floats:
    """Probabilities of 0, 1, ... shared neurons."""
    from scipy.stats import hypergeom

    law = np.ones(1)
    for size, one, other in zip(layers.sizes.tolist(), first.tolist(), second.tolist(), strict=True):
        law = np.convolve(law, hypergeom(size, one, other).pmf(np.arange(min(one, other) + 1)))
    return np.asarray(law)


def _spearman(first: Floats, second: Floats) -> float:
    from scipy.stats import spearmanr

    return float(spearmanr(first, second).statistic)

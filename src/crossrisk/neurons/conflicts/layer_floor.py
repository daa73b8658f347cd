"""A practical size for neurons: a share of the average |mean attribution| in their layer.

With many prompts any mean differs from 0 significantly. Layers write at different scales, so size is measured within
the layer.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class Layers:
    """Which neuron is in which layer.

    names: the layers, sorted. codes: the place of each neuron's layer among them, [neurons]. sizes: neurons of
    each layer.
    """

    names: NDArray[np.generic]
    codes: NDArray[np.intp]
    sizes: NDArray[np.intp]

    @classmethod
    def of(cls, layers: ArrayLike | None, neurons: int) -> "Layers":
        """From the layer of every neuron; None: all are of one layer. Raises ValueError where the lengths differ."""
        labels = np.zeros(neurons, dtype=np.intp) if layers is None else np.asarray(layers).reshape(-1)
        if len(labels) != neurons:
            raise ValueError(f"one layer per neuron is needed: {len(labels)} layers for {neurons} neurons")
        names, codes, sizes = np.unique(labels, return_inverse=True, return_counts=True)
        return cls(names, codes.reshape(-1).astype(np.intp), sizes)

    def sums(self, values: NDArray[np.floating], block: slice) -> NDArray[np.floating]:
        """Sums per layer of a block of neurons: [neurons of the block] or [draws, ...] to [layers] or [draws, ...]."""
        codes = self.codes[block]
        member = np.zeros((len(codes), len(self.names)), dtype=values.dtype)
        member[np.arange(len(codes)), codes] = 1
        return np.asarray(values @ member)

    def averages(self, values: NDArray[np.floating]) -> NDArray[np.float64]:
        """Mean per layer of one value per neuron, [layers]."""
        return np.bincount(self.codes, weights=values) / self.sizes

"""Mean and spread of every neuron's attribution from three numbers: clusters, sum and sum of squares.

They are all that the t-test needs, take 16 bytes per neuron, and those of two halves add up to those of the whole.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
# Share of the sum of squares below which spread is what rounding leaves of equal values.
ROUNDING = 1e-12


@dataclass(frozen=True)
class Moments:
    """clusters: how many. total, squares: sum and sum of squares of their means, float64, [neurons]."""

    clusters: int
    total: Floats
    squares: Floats

    @classmethod
    def of(cls, means: NDArray[np.floating]) -> "Moments":
        """Those of cluster means, [clusters, neurons]."""
        values = np.asarray(means, dtype=np.float64)
        return cls(len(values), values.sum(axis=0), np.einsum("cn,cn->n", values, values))

    def __add__(self, other: "Moments") -> "Moments":
        """Those of both together; the clusters must be others."""
        return Moments(self.clusters + other.clusters, self.total + other.total, self.squares + other.squares)

    @property
    def mean(self) -> Floats:
        """Mean attribution, [neurons], in the unit of the scalar that was attributed."""
        return self.total / self.clusters

    @property
    def varies(self) -> NDArray[np.bool_]:
        """Where clusters differ, [neurons]; a dead neuron's attributions are 0 on all prompts."""
        return np.asarray(self._deviations > ROUNDING * self.squares)

    @property
    def t(self) -> Floats:
        """One-sample t against a mean of 0, [neurons], clusters - 1 degrees of freedom; 0 where nothing varies.

        Of fewer than two clusters it raises ValueError.
        """
        if self.clusters < 2:
            raise ValueError(f"a t statistic needs two clusters or more, got {self.clusters}")
        varies = self.varies
        error = np.sqrt(np.where(varies, self._deviations, 1.0) / (self.clusters * (self.clusters - 1)))
        return np.where(varies, self.mean / error, 0.0)

    @property
    def _deviations(self) -> Floats:
        return np.maximum(self.squares - self.total**2 / self.clusters, 0.0)


def joined(parts: list[Moments]) -> Moments:
    """Moments of blocks of neurons, of the same clusters, as those of all neurons in that order."""
    return Moments(
        parts[0].clusters,
        np.concatenate([part.total for part in parts]),
        np.concatenate([part.squares for part in parts]),
    )

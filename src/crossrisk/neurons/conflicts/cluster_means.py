"""Attributions of one risk as statistics see them: one row per cluster, the mean of its prompts.

Prompts of one template are not independent; templates are. Rows may lie on disk (128 clusters of 459,000 neurons are
235 MB), and whoever reads them does so by blocks of neurons. Which half a cluster is in, and the random signs that the
null gives it, follow from its name and the seed alone, so that neither depends on the order of prompts or risks.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crossrisk.neurons.conflicts.moments import Moments, joined

Rows = NDArray[np.float32]
BLOCK = 65_536  # neurons that are held in memory at a time


@dataclass(frozen=True)
class ClusterMeans:
    """names: of the clusters, each once. values: mean attributions, float32, [clusters, neurons], may be a memmap.
    second: whether a cluster is in the second half, [clusters]."""

    names: tuple[str, ...]
    values: Rows
    second: NDArray[np.bool_]

    @property
    def neurons(self) -> int:
        """How many there are, over all layers."""
        return int(self.values.shape[1])

    def __len__(self) -> int:
        return len(self.names)

    def blocks(self, width: int = BLOCK) -> Iterator[slice]:
        """Ranges of neurons that together are all."""
        for start in range(0, self.neurons, width):
            yield slice(start, min(start + width, self.neurons))

    def halves(self) -> tuple[Moments, Moments]:
        """Moments of the first and of the second half's clusters."""
        first, second = [], []
        for block in self.blocks():
            values = np.asarray(self.values[:, block])
            first.append(Moments.of(values[~self.second]))
            second.append(Moments.of(values[self.second]))
        return joined(first), joined(second)


def cluster_means(attributions: ArrayLike, clusters: ArrayLike | None = None, *, seed: int = 0) -> ClusterMeans:
    """Prompts x neurons averaged within clusters; without labels every prompt is its own cluster, named by its number.

    clusters: labels, [prompts]. Float32 rows without labels are taken as they are, without a copy. Raises ValueError.
    """
    values = np.asarray(attributions)
    if values.ndim != 2 or 0 in values.shape:
        raise ValueError(f"attributions must be prompts x neurons and not empty, got shape {values.shape}")
    if clusters is None:
        names = tuple(str(number) for number in range(len(values)))
        return ClusterMeans(names, np.asarray(values, dtype=np.float32), second_half(names, seed))
    labels = np.asarray(clusters).reshape(-1)
    if len(labels) != len(values):
        raise ValueError(f"one cluster label per prompt is needed: {len(labels)} labels for {len(values)} prompts")
    codes: NDArray[np.intp]
    named, codes = np.unique([str(label) for label in labels.tolist()], return_inverse=True)
    names = tuple(named.tolist())
    order, sizes = np.argsort(codes, kind="stable"), np.bincount(codes)
    second = second_half(names, seed)
    if len(names) == len(values):
        return ClusterMeans(names, np.asarray(values[order], dtype=np.float32), second)
    starts = np.cumsum(sizes) - sizes
    means = np.empty((len(names), values.shape[1]), dtype=np.float32)
    width = max(1, BLOCK * len(names) // len(values))
    for start in range(0, values.shape[1], width):
        block = values[:, start : start + width][order].astype(np.float64)
        means[:, start : start + width] = np.add.reduceat(block, starts, axis=0) / sizes[:, None]
    return ClusterMeans(names, means, second)


class Gathering:
    """Takes attributions batch by batch, in any order, and gives the cluster means and each half's moments.

    sizes: prompts per cluster, known beforehand, so that a cluster is complete when its last row has come. file: a new
    .npy file for the rows, which then need no memory; the moments of either half take 16 bytes per neuron.
    """

    def __init__(self, sizes: Mapping[str, int], neurons: int, *, seed: int = 0, file: Path | None = None) -> None:
        self.names = tuple(sorted(sizes))
        self._missing = dict(sizes)
        self._sizes = dict(sizes)
        self._place = {name: place for place, name in enumerate(self.names)}
        self._second = second_half(self.names, seed)
        shape = (len(self.names), neurons)
        self._values: Rows = (
            np.zeros(shape, dtype=np.float32)
            if file is None
            else np.lib.format.open_memmap(file, mode="w+", dtype=np.float32, shape=shape)
        )
        self._halves = [Moments(0, np.zeros(neurons), np.zeros(neurons)) for _ in range(2)]

    def add(self, clusters: Sequence[str], attributions: ArrayLike) -> None:
        """Rows of prompts, [prompts, neurons], and the cluster of each.

        Raises ValueError for a cluster that was not announced or has more rows than announced, and for values that are
        not finite.
        """
        for name, row in zip(clusters, np.asarray(attributions), strict=True):
            if self._missing.get(name, 0) == 0:
                raise ValueError(f"cluster '{name}': {self._sizes.get(name, 0)} rows were announced, one more came")
            values = np.asarray(row, dtype=np.float32)
            if not np.isfinite(values).all():
                raise ValueError(f"cluster '{name}': an attribution is not finite; compute it in float32 or bfloat16")
            place = self._place[name]
            self._values[place] += values
            self._missing[name] -= 1
            if self._missing[name] == 0:
                self._values[place] /= self._sizes[name]
                half = int(self._second[place])
                self._halves[half] += Moments.of(self._values[place : place + 1])

    @property
    def halves(self) -> tuple[Moments, Moments]:
        """Moments of the complete clusters of the first and the second half."""
        return self._halves[0], self._halves[1]

    def finished(self) -> ClusterMeans:
        """The means of all clusters. Raises ValueError where rows are missing."""
        missing = [name for name in self.names if self._missing[name]]
        if missing:
            raise ValueError(
                f"cluster '{missing[0]}' lacks {self._missing[missing[0]]} of {self._sizes[missing[0]]} rows"
            )
        if isinstance(self._values, np.memmap):
            self._values.flush()
        return ClusterMeans(self.names, self._values, self._second)


def second_half(names: Sequence[str], seed: int) -> NDArray[np.bool_]:
    """Which clusters are in the second half, [clusters]: those whose names' digests are larger, half of all.

    An odd one goes to the first half. The same names and seed give the same halves in any order.
    """
    ranked = sorted(range(len(names)), key=lambda place: _digest(f"half {seed} {names[place]}"))
    second = np.zeros(len(names), dtype=np.bool_)
    second[ranked[(len(names) + 1) // 2 :]] = True
    return second


def random_signs(names: Sequence[str], draws: int, seed: int) -> Rows:
    """+1 or -1 for every draw and cluster, [draws, clusters]; the same name gets the same signs in both risks."""
    signs = np.empty((draws, len(names)), dtype=np.float32)
    for place, name in enumerate(names):
        rng = np.random.default_rng(int.from_bytes(_digest(f"sign {seed} {name}"), "little"))
        signs[:, place] = 2 * rng.integers(0, 2, draws) - 1
    return signs


def _digest(text: str) -> bytes:
    return blake2b(text.encode(), digest_size=8).digest()

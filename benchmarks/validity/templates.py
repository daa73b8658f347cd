"""Simulated replies to prompts made from templates: the true change is known, and prompts of a template are alike."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]


@dataclass(frozen=True)
class Flips:
    """base: rate of risky replies without the defense. up, down: shares of the safe and of the risky that it flips."""

    base: float
    up: float
    down: float

    @property
    def change(self) -> float:
        """The true change of the rate."""
        return (1 - self.base) * self.up - self.base * self.down

    @property
    def joint(self) -> Floats:
        """Chances of a pair to rise, to fall, to stay risky, to stay safe."""
        base, up, down = self.base, self.up, self.down
        return np.array([(1 - base) * up, base * down, base * (1 - down), (1 - base) * (1 - up)])


def template_sizes(n: int, size: int, *, uneven: bool = False) -> NDArray[np.int64]:
    """n prompts in templates of a size, or uneven of 1 to that size (always the same ones); the last may be smaller."""
    sizes = np.random.default_rng(n).integers(1, size + 1, n) if uneven else np.full(n // size + 1, size)
    ends = np.minimum(np.cumsum(sizes), n)
    kept = np.diff(ends, prepend=0)
    return kept[kept > 0]


def flip_counts(
    rng: np.random.Generator, runs: int, sizes: NDArray[np.int64], flips: Flips, correlation: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Flips up and down in each template, (runs, templates) each.

    A template has its own four chances, Dirichlet about those of `flips` with the given intra-class correlation.
    """
    shares = np.broadcast_to(flips.joint, (runs, len(sizes), 4))
    if correlation > 0:
        drawn = rng.gamma(shares * (1 - correlation) / correlation) + 1e-300
        shares = drawn / drawn.sum(axis=2, keepdims=True)
    pairs = rng.multinomial(sizes, shares)
    return pairs[..., 0], pairs[..., 1]


@dataclass(frozen=True)
class Sample:
    """Changes of the pairs of one study, their templates (None: independent), and how often such a study was drawn.

    both: of independent pairs, how many are risky in both arms: their interval depends on it.
    """

    change: Floats
    labels: Codes | None
    times: int
    both: int | None = None

    @property
    def flips(self) -> tuple[int, int]:
        """Pairs that rose and fell."""
        return int((self.change > 0).sum()), int((self.change < 0).sum())


def single_samples(rng: np.random.Generator, runs: int, n: int, flips: Flips) -> Iterator[Sample]:
    """Studies of n independent prompts, each once: those with the same paired table are the same."""
    tables = rng.multinomial(n, flips.joint, size=runs)
    for table, times in zip(*np.unique(tables, axis=0, return_counts=True), strict=True):
        change = np.repeat([1.0, -1.0, 0.0, 0.0], table)
        yield Sample(change, None, int(times), int(table[2]))


def samples(
    up: NDArray[np.int64], down: NDArray[np.int64], sizes: NDArray[np.int64], *, independent: bool = False
) -> Iterator[Sample]:
    """Each study once: those that differ in the order of templates, or of prompts within one, are the same.

    independent: what looks like one large template is so many single prompts.
    """
    base = int(sizes.max()) + 1
    codes = np.sort((sizes * base + up) * base + down, axis=1)
    for row, times in zip(*np.unique(codes, axis=0, return_counts=True), strict=True):
        rose, fell, size = row // base % base, row % base, row // base**2
        change = np.repeat(
            np.tile([1.0, -1.0, 0.0], len(row)), np.column_stack([rose, fell, size - rose - fell]).ravel()
        )
        yield Sample(change, None if independent else np.repeat(np.arange(len(row)), size), int(times))

"""How often is a change of exactly the margin called no effect? It may be at level alpha, 5 %, and no oftener.

The worst cases are changes in one direction only: nothing else varies, so that intervals are short.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.validity.templates import Flips, flip_counts, samples, template_sizes
from crossrisk.interactions.paired import equivalent
from crossrisk.interactions.score_interval import equivalence_interval

MARGIN, RUNS = 0.05, 1_000


@dataclass(frozen=True)
class Border:
    """A design whose true change is the margin. graded: a change is a share of a whole risk, Beta(.5, 2) for those that
    change, of which there are five times as many."""

    n: int
    size: int
    correlation: float
    flips: Flips
    graded: bool = False


@dataclass(frozen=True)
class Called:
    """Share of studies called `no_effect` although the change is as large as the margin."""

    border: Border
    runs: int
    share: float


def borders() -> Iterator[Border]:
    """Upwards only at three rates, and with flips both ways; independent, and in templates alike or not."""
    shapes = [(n, 1, 0.0) for n in (60, 75, 90, 150, 300, 1_000)]
    shapes += [(n, size, r) for n, size in ((130, 2), (400, 5), (1_000, 10), (2_000, 20)) for r in (0.0, 0.2, 0.8)]
    for n, size, correlation in shapes:
        for flips in (Flips(0.1, 0.05 / 0.9, 0.0), Flips(0.5, 0.1, 0.0), Flips(0.5, 0.16, 0.06)):
            yield Border(n, size, correlation, flips)
    for n, size in ((60, 1), (150, 1), (400, 5), (1_000, 10)):
        yield Border(n, size, 0.0 if size == 1 else 0.2, Flips(0.0, 0.25, 0.0), graded=True)


def called(border: Border, runs: int = RUNS, seed: int = 0) -> Called:
    """Draws studies and judges each as `compare` does."""
    rng, single = np.random.default_rng(seed), border.size == 1
    sizes = np.array([border.n]) if single else template_sizes(border.n, border.size)
    up, down = flip_counts(rng, runs, sizes, border.flips, border.correlation)
    count = 0
    for sample in samples(up, down, sizes, independent=single):
        for _ in range(sample.times if border.graded else 1):
            amount = rng.beta(0.5, 2.0, border.n) if border.graded else 1.0
            interval = equivalence_interval(sample.change * amount, sample.labels)
            assert interval is not None
            count += equivalent(interval, MARGIN) * (1 if border.graded else sample.times)
    return Called(border, runs, count / runs)


def all_called(runs: int = RUNS, chosen: Sequence[Border] | None = None, seed: int = 0) -> Iterator[Called]:
    """Every design with seeds of its own."""
    return (called(border, runs, seed + place) for place, border in enumerate(chosen or list(borders())))

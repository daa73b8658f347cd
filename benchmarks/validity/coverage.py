"""How often does a 95 % interval hold the true change? Rates, sizes of templates and correlations over a whole grid.

`attainable` is what no interval can go below: the least coverage of 93.5 % or more that any rule could have that tells
studies apart by their mean change, holds 0 where the test does not reject, and knows everything else. Where it exceeds
98 %, so does every honest interval: counts are discrete, and a test of few flips rejects less often than it may.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.validity.templates import Flips, Floats, Sample, flip_counts, samples, single_samples, template_sizes
from crossrisk.interactions.clustered import cluster_sums, cluster_t_interval, sign_flip_test
from crossrisk.interactions.paired import Interval, mcnemar_exact
from crossrisk.interactions.score_interval import change_interval, counted_interval

RUNS, AGAIN, DOUBTFUL = 1_000, 4_000, 0.942
LOWEST, HIGHEST, SLACK = 0.935, 0.98, 1e-9
PROMPTS, SIZES, CORRELATIONS = (20, 50, 200, 2_000), (1, 5, 20, 50), (0.0, 0.2, 0.8)
RATES = (0.01, 0.1, 0.5, 0.9, 0.99)
UNEVEN, STRONG = (200, 500, 2_000), Flips(0.1, 0.9, 0.1)


@dataclass(frozen=True)
class Design:
    """n prompts in templates of a size, whose replies flip as `flips` has it, correlated within templates.

    uneven: templates have any number of prompts from one to that size, equally often.
    """

    n: int
    size: int
    correlation: float
    flips: Flips
    uneven: bool = False


@dataclass(frozen=True)
class Coverage:
    """held: share of intervals that held the true change, by method. changed: units that changed, on average."""

    design: Design
    runs: int
    held: dict[str, float]
    attainable: float
    changed: float


def scenarios(rate: float) -> tuple[Flips, ...]:
    """A defense that works, a side effect, and one that changes single replies but nothing on average."""
    noise = 0.2 * min(rate, 1 - rate)
    return Flips(rate, 0.02, 0.5), Flips(rate, 0.15, 0.05), Flips(rate, noise / (1 - rate), noise / rate)


def designs(prompts: Sequence[int] = PROMPTS) -> Iterator[Design]:
    """The grid, without what cannot be: one template, or correlation between single prompts."""
    for n in prompts:
        for size in SIZES:
            for correlation in CORRELATIONS:
                if size < n and (size > 1 or correlation == 0):
                    yield from (Design(n, size, correlation, flips) for r in RATES for flips in scenarios(r))


def uneven_designs(prompts: Sequence[int] = UNEVEN) -> Iterator[Design]:
    """Templates of 1 to 50 prompts, with a strong effect beside those of the grid."""
    for n in prompts:
        for correlation in CORRELATIONS:
            for flips in (*scenarios(0.5), STRONG):
                yield Design(n, SIZES[-1], correlation, flips, uneven=True)


def ours(sample: Sample, p: float) -> Interval | None:
    """The interval of `compare`."""
    if sample.both is None:
        return change_interval(sample.change, sample.labels, p)
    (up, down), n = sample.flips, len(sample.change)
    return counted_interval(up, down, sample.both, n - up - down - sample.both, p)


def robust_t(sample: Sample, p: float) -> Interval | None:
    """mean +- t times the cluster-robust error: what most evaluations print."""
    return cluster_t_interval(cluster_sums(sample.change, sample.labels))


METHODS: dict[str, Callable[[Sample, float], Interval | None]] = {"ours": ours, "robust t": robust_t}


def coverage(design: Design, runs: int, seed: int, methods: Sequence[str] = tuple(METHODS)) -> Coverage:
    """Draws studies of a design and counts the intervals that hold its true change."""
    single, truth = design.size == 1, design.flips.change
    rng, sizes = np.random.default_rng(seed), template_sizes(design.n, design.size, uneven=design.uneven)
    held = dict.fromkeys(methods, 0)
    means, ps, times, changed = [], [], [], 0
    drawn = (
        single_samples(rng, runs, design.n, design.flips)
        if single
        else samples(*flip_counts(rng, runs, sizes, design.flips, design.correlation), sizes)
    )
    for sample in drawn:
        p = mcnemar_exact(*sample.flips) if single else sign_flip_test(sample.change, sample.labels)
        for name in methods:
            interval = METHODS[name](sample, p)
            if interval is not None and interval.low - SLACK <= truth <= interval.high + SLACK:
                held[name] += sample.times
        means.append(sample.change.mean())
        ps.append(p)
        times.append(sample.times)
        units = sample.change if sample.labels is None else np.bincount(sample.labels, np.abs(sample.change))
        changed += sample.times * int(np.count_nonzero(units))
    best = attainable(np.array(means), np.array(ps), np.array(times) / runs, truth)
    return Coverage(design, runs, {name: count / runs for name, count in held.items()}, best, changed / runs)


def attainable(means: Floats, ps: Floats, chances: Floats, truth: float, alpha: float = 0.05) -> float:
    """1 less the most that may be missed: tails of the mean change of at most 6.5 % together.

    An interval that holds its own mean and, where p >= alpha, also 0 can miss only changes beyond both.
    """
    below = (means < truth - SLACK) & ((ps < alpha) | (truth > 0))
    above = (means > truth + SLACK) & ((ps < alpha) | (truth < 0))
    values, place = np.unique(np.round(means, 12), return_inverse=True)
    left = np.concatenate([[0.0], np.cumsum(np.bincount(place, chances * below, len(values)))])
    right = np.concatenate([[0.0], np.cumsum(np.bincount(place, chances * above, len(values))[::-1])])
    most = 1 - LOWEST + SLACK
    left, right = left[left <= most], right[right <= most]
    return 1 - float(max(one + right[np.searchsorted(right, most - one, side="right") - 1] for one in left))


def covered(chosen: Iterable[Design], runs: int = RUNS, again: int = AGAIN, seed: int = 1) -> Iterator[Coverage]:
    """Coverage of every design; what looks low is drawn anew, with other seeds, and more often."""
    for place, design in enumerate(chosen):
        result = coverage(design, runs, seed + place)
        if again and result.held["ours"] < DOUBTFUL:
            result = coverage(design, again, seed + 100_000 + place)
        yield result

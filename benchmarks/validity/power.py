"""Is the printed power true? Simulated studies whose true change is the printed minimum detectable effect.

Found means claimed: p under alpha and an interval without 0. The MDE of a study is computed from its own flips, so that
it varies; its median over studies of defenses that change nothing is what a reader gets to see.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from benchmarks.validity.coverage import ours
from benchmarks.validity.templates import Flips, Sample, flip_counts, samples, single_samples, template_sizes
from crossrisk.interactions.clustered import sign_flip_test
from crossrisk.interactions.effect import compare
from crossrisk.interactions.equivalence_power import equivalence_sample_size
from crossrisk.interactions.paired import equivalent, mcnemar_exact
from crossrisk.interactions.power import mcnemar_mde, tost_sample_size
from crossrisk.interactions.score_interval import equivalence_interval

RUNS, PLANNING, ALPHA, RISKY = 4_000, 100, 0.05, 0.4
INDEPENDENT = tuple((n, noise) for n in (50, 100, 200, 450, 1_000) for noise in (0.0, 0.01, 0.05, 0.1))
CLUSTERED = tuple(
    (n, size, correlation, noise)
    for n, size in ((200, 10), (200, 5), (800, 20), (500, 5), (2_000, 20))
    for correlation in (0.0, 0.2, 0.6)
    for noise in (0.02, 0.08)
)
EQUIVALENCE = tuple((margin, flips) for margin in (0.05, 0.03, 0.02) for flips in (0.04, 0.1, 0.2))


@dataclass(frozen=True)
class Power:
    """mde: as printed; found: share of studies with such a change in which it is claimed."""

    n: int
    size: int
    correlation: float
    noise: float
    mde: float
    found: float


@dataclass(frozen=True)
class Shown:
    """Pairs by the textbook formula and by exact power, and the shares of studies without change called equivalent."""

    margin: float
    flip_rate: float
    formula: int
    formula_shown: float
    exact: int
    exact_shown: float


def flips_of(noise: float, change: float) -> Flips:
    """Pairs that flip up with chance noise + change and down with chance noise; 40 % of base replies are risky."""
    return Flips(RISKY, (noise + change) / (1 - RISKY), noise / RISKY)


def drawn(n: int, size: int, correlation: float, flips: Flips, runs: int, seed: int) -> Iterator[Sample]:
    """Studies of one design."""
    rng = np.random.default_rng(seed)
    if size == 1:
        return single_samples(rng, runs, n, flips)
    sizes = template_sizes(n, size)
    return samples(*flip_counts(rng, runs, sizes, flips, correlation), sizes)


def found(n: int, size: int, correlation: float, noise: float, mde: float, runs: int, seed: int) -> float:
    """Share of studies with this change in which it is claimed."""
    claims = 0
    for sample in drawn(n, size, correlation, flips_of(noise, mde), runs, seed):
        p = mcnemar_exact(*sample.flips) if sample.labels is None else sign_flip_test(sample.change, sample.labels)
        if p < ALPHA:
            interval = ours(sample, p)
            claims += sample.times * (interval is not None and interval.low > 0)
    return claims / runs


def printed_mde(n: int, size: int, correlation: float, noise: float, studies: int, seed: int) -> float:
    """Median of what studies without change print."""
    values = []
    for sample in drawn(n, size, correlation, flips_of(noise, 0.0), studies, seed):
        before = np.maximum(-sample.change, 0)
        mde = compare(before, before + sample.change, clusters=sample.labels).mde
        values += [1.0 if mde is None else mde] * sample.times
    return float(np.median(values))


def independent(runs: int = RUNS, studies: int = PLANNING, seed: int = 0) -> Iterator[tuple[Power, Power]]:
    """McNemar's test: the MDE at a known rate of noise, and as printed from a study's own flips."""
    for n, noise in INDEPENDENT:
        exact = mcnemar_mde(n, noise)
        assert exact is not None
        both = (exact, printed_mde(n, 1, 0.0, noise, studies, seed))
        known, seen = (Power(n, 1, 0.0, noise, mde, found(n, 1, 0.0, noise, mde, runs, seed)) for mde in both)
        yield known, seen


def clustered(runs: int = RUNS // 4, studies: int = PLANNING, seed: int = 0) -> Iterator[Power]:
    """The sign-flip test: the MDE as printed."""
    for n, size, correlation, noise in CLUSTERED:
        mde = printed_mde(n, size, correlation, noise, studies, seed)
        yield Power(n, size, correlation, noise, mde, found(n, size, correlation, noise, mde, runs, seed))


def equivalence(runs: int = RUNS, seed: int = 0) -> Iterator[Shown]:
    """Pairs that the formula and the exact power ask for, and what they reach."""
    for margin, flip_rate in EQUIVALENCE:
        sizes = (tost_sample_size(margin, flip_rate), equivalence_sample_size(margin, flip_rate))
        shares = [_shown(n, margin, flip_rate, runs, seed) for n in sizes]
        yield Shown(margin, flip_rate, sizes[0], shares[0], sizes[1], shares[1])


def _shown(n: int, margin: float, flip_rate: float, runs: int, seed: int) -> float:
    count = 0
    for sample in drawn(n, 1, 0.0, flips_of(flip_rate / 2, 0.0), runs, seed):
        interval = equivalence_interval(sample.change, None)
        count += sample.times * (interval is not None and equivalent(interval, margin))
    return count / runs

"""Templates that rarely flip as a whole, among noise in the others: no spread that was seen speaks of them."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from benchmarks.validity.coverage import METHODS, SLACK
from benchmarks.validity.templates import samples
from crossrisk.interactions.clustered import sign_flip_test
from crossrisk.interactions.paired import equivalent
from crossrisk.interactions.score_interval import equivalence_interval

RUNS, SHARE, SIZE, MARGIN = 1_000, 0.05, 20, 0.05
TEMPLATES, NOISES = (10, 20, 40, 60, 100), (0.01, 0.05, 0.2)


@dataclass(frozen=True)
class Rare:
    """noise: share of single replies that flip by chance. held: share of intervals that held the change, by method;
    harmless: share of studies called `no_effect`, the change being as large as the margin."""

    templates: int
    noise: float
    held: dict[str, float]
    harmless: float


def rare(runs: int = RUNS, seed: int = 0) -> Iterator[Rare]:
    """One template in twenty rises as a whole; of all other replies a share flips, either way alike."""
    for noise in NOISES:
        for templates in TEMPLATES:
            rng, shape = np.random.default_rng(seed + templates), (runs, templates)
            whole, flips = rng.random(shape) < SHARE, rng.binomial(SIZE, noise, shape)
            up = rng.binomial(flips, 0.5)
            drawn = np.where(whole, SIZE, up), np.where(whole, 0, flips - up)
            count, harmless = dict.fromkeys(METHODS, 0), 0
            for sample in samples(*drawn, np.full(templates, SIZE)):
                p = sign_flip_test(sample.change, sample.labels)
                for name, method in METHODS.items():
                    interval = method(sample, p)
                    held = interval is not None and interval.low - SLACK <= SHARE <= interval.high + SLACK
                    count[name] += sample.times * held
                judged = equivalence_interval(sample.change, sample.labels)
                harmless += sample.times * (judged is not None and equivalent(judged, MARGIN))
            yield Rare(templates, noise, {name: held / runs for name, held in count.items()}, harmless / runs)

"""How often does a 95 % interval hold the true change of graded risks?"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from benchmarks.validity.coverage import METHODS, SLACK
from benchmarks.validity.templates import Floats, Sample
from crossrisk.interactions.clustered import sign_flip_test

RUNS = 1_000
LEVELS = np.array([0.0, 0.25, 0.5, 0.75, 1.0])
SHAPES = (
    (10, 1, 0.0),
    (20, 1, 0.0),
    (50, 1, 0.0),
    (200, 1, 0.0),
    (50, 5, 0.2),
    (200, 10, 0.3),
    (400, 10, 0.8),
    (1_000, 10, 0.2),
)
Draw = Callable[[np.random.Generator, tuple[int, int], float], Floats]


@dataclass(frozen=True)
class Held:
    """Share of intervals that held the true change, by method."""

    kind: str
    n: int
    size: int
    correlation: float
    truth: float
    held: dict[str, float]


def long_tail(rng: np.random.Generator, shape: tuple[int, int], correlation: float) -> Floats:
    """A fifth of the replies rise, by Beta(.5, 2); templates differ in how many."""
    return np.asarray((rng.random(shape) < _rates(rng, shape[0], 0.2, correlation)) * rng.beta(0.5, 2.0, shape))


def five_levels(rng: np.random.Generator, shape: tuple[int, int], correlation: float) -> Floats:
    """A judge's levels: three replies in ten are redrawn at lower ones; templates differ in how many."""
    base = rng.choice(LEVELS, shape, p=[0.5, 0.1, 0.1, 0.1, 0.2])
    lower = rng.choice(LEVELS, shape, p=[0.6, 0.3, 0.1, 0.0, 0.0])
    return np.where(rng.random(shape) < _rates(rng, shape[0], 0.3, correlation), lower - base, 0.0)


def all_move(rng: np.random.Generator, shape: tuple[int, int], correlation: float) -> Floats:
    """Every reply moves a little, as probabilities do; templates have a part of it in common."""
    common, own = rng.normal(size=(shape[0], 1)), rng.normal(size=shape)
    return np.asarray(0.03 + 0.1 * np.clip(correlation**0.5 * common + (1 - correlation) ** 0.5 * own, -4, 4))


def rarely_whole(rng: np.random.Generator, shape: tuple[int, int], correlation: float) -> Floats:
    """Replies move a little both ways; one template in fifty rises by half a risk, all its replies together."""
    whole = rng.random((shape[0], 1)) < 0.02
    return np.where(whole, 0.5, np.where(rng.random(shape) < 0.1, 0.1 * rng.normal(size=shape).clip(-4, 4), 0.0))


KINDS: dict[str, tuple[Draw, float]] = {
    "long tail": (long_tail, 0.04),
    "five levels": (five_levels, 0.3 * (0.125 - 0.35)),
    "all move": (all_move, 0.03),
    "rarely whole": (rarely_whole, 0.01),
}


def graded(runs: int = RUNS, seed: int = 0) -> Iterator[Held]:
    """Every kind of change in every shape."""
    for kind, (draw, truth) in KINDS.items():
        for place, (n, size, correlation) in enumerate(SHAPES):
            rng = np.random.default_rng(seed + place)
            labels = None if size == 1 else np.repeat(np.arange(n // size), size)
            count = dict.fromkeys(METHODS, 0)
            for _ in range(runs):
                sample = Sample(draw(rng, (n // size, size), correlation).ravel(), labels, 1)
                p = sign_flip_test(sample.change, labels)
                for name, method in METHODS.items():
                    interval = method(sample, p)
                    count[name] += interval is not None and interval.low - SLACK <= truth <= interval.high + SLACK
            yield Held(kind, n, size, correlation, truth, {name: held / runs for name, held in count.items()})


def _rates(rng: np.random.Generator, templates: int, mean: float, correlation: float) -> Floats:
    if correlation == 0:
        return np.full((templates, 1), mean)
    weight = (1 - correlation) / correlation
    return rng.beta(mean * weight, (1 - mean) * weight, (templates, 1))

"""How many studies of defenses that change nothing make a false claim? Whole studies, 24 defenses on 20 tasks.

All defenses are compared with one base, and tasks come in pairs that judge the same replies, so that the 480 tests of a
study depend on each other as they do in earnest. Nothing is changed by any defense: all 25 arms are drawn alike.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.validity.templates import Floats
from crossrisk.interactions.families import EXPLORED, PRIMARY, adjusted
from crossrisk.interactions.paired import mcnemar_exact
from crossrisk.interactions.sign_flips import sign_flip_p

DEFENSES, TASKS, STUDIES, ALPHA = 24, 20, 400, 0.05
# Prompts and templates of each of the ten sets; two tasks judge each.
SETS = ((100, 100), (200, 20), (300, 60), (100, 10), (200, 200), (300, 15), (100, 20), (200, 40), (300, 300), (200, 10))
TARGETS = ("safety", "fairness", "privacy")
RISKS = ("safety", "safety", "fairness", "privacy", "service")


@dataclass(frozen=True)
class Setting:
    """Rates of risky replies, task by task in turn; how many of the tasks are graded on five levels; correlations of a
    template's prompts, in all arms alike and in each arm by itself (templates that flip together)."""

    name: str
    rates: tuple[float, ...]
    graded: int
    shared: float
    own: float


SETTINGS = (
    Setting("rates .1 to .9, a quarter graded", (0.1, 0.3, 0.5, 0.9), 5, 0.2, 0.2),
    Setting("templates that mostly flip as a whole", (0.1, 0.3, 0.5, 0.9), 5, 0.2, 0.7),
    Setting("rare outcomes, rates .01 to .05", (0.01, 0.02, 0.05), 5, 0.1, 0.2),
)


def null_study(rng: np.random.Generator, setting: Setting) -> Iterator[Floats]:
    """Risks of each task, (arms, templates, prompts of a template); the first arm is the base."""
    for place, (n, templates) in enumerate(SETS):
        shape = (DEFENSES + 1, templates, n // templates)
        same = rng.random(shape)
        for task in (2 * place, 2 * place + 1):
            rate = setting.rates[task % len(setting.rates)]
            rates = _beta(rng, np.full((1, templates, 1), rate), setting.shared)
            if shape[2] > 1:
                rates = _beta(rng, np.broadcast_to(rates, (*shape[:2], 1)), setting.own)
            level = np.ceil(4 * rng.random(shape)) / 4 if task < setting.graded else 1.0
            yield np.asarray((same < rates) * level, dtype=np.float64)


def study_p(study: Iterator[Floats]) -> Floats:
    """p of every cell as `compare` has it, (tasks, defenses)."""
    return np.array([[cell_p(risks[arm] - risks[0]) for arm in range(1, len(risks))] for risks in study])


def cell_p(change: Floats) -> float:
    """Exact McNemar for independent yes-or-no pairs, else the sign-flip test. change: (templates, prompts)."""
    if change.shape[1] == 1 and set(np.unique(change)) <= {-1.0, 0.0, 1.0}:
        return mcnemar_exact(int((change > 0).sum()), int((change < 0).sum()))
    return sign_flip_p(change.sum(axis=1))


def off_target() -> NDArray[np.bool_]:
    """Which cells are in the default family, (tasks, defenses)."""
    return np.array([[RISKS[task % 5] != TARGETS[arm % 3] for arm in range(DEFENSES)] for task in range(TASKS)])


@dataclass(frozen=True)
class Level:
    """Shares of studies: in which any p of a cell falls under alpha; any corrected one of the default family (Holm);
    any corrected one of the explored cells (Benjamini-Hochberg)."""

    setting: Setting
    studies: int
    uncorrected: float
    family: float
    explored: float


def level(setting: Setting, studies: int = STUDIES, seed: int = 0) -> Level:
    """A claim needs more than a corrected p under alpha: false claims are at most as many."""
    rng, primary = np.random.default_rng(seed), off_target().ravel()
    named = [PRIMARY if held else EXPLORED for held in primary]
    found = np.zeros(3)
    for _ in range(studies):
        p = study_p(null_study(rng, setting)).ravel()
        rejected = np.array(adjusted(p.tolist(), named)) < ALPHA
        found += [(p < ALPHA).any(), rejected[primary].any(), rejected[~primary].any()]
    return Level(setting, studies, *(found / studies).tolist())


def levels(studies: int = STUDIES, settings: Sequence[Setting] = SETTINGS, seed: int = 0) -> Iterator[Level]:
    """Every setting with seeds of its own."""
    return (level(setting, studies, seed + place) for place, setting in enumerate(settings))


def _beta(rng: np.random.Generator, mean: Floats, correlation: float) -> Floats:
    """Rates about a mean whose replies have the given intra-class correlation."""
    weight = (1 - correlation) / correlation
    return rng.beta(np.maximum(mean, 1e-9) * weight, np.maximum(1 - mean, 1e-9) * weight)

"""Do intervals cover and tests keep their level? By simulation of prompts from templates."""

import numpy as np
import pytest

from crossrisk.interactions.effect import Effect, compare
from crossrisk.interactions.paired import mcnemar_exact
from crossrisk.risks import Verdict

# (base rate, P(flip up | safe), P(flip down | risky))
EVEN, RISE, RARE = (0.5, 0.05, 0.05), (0.3, 0.2, 0.05), (0.02, 0.01, 0.1)


def templates(
    rng: np.random.Generator, clusters: int, size: int, icc: float, rates: tuple[float, float, float]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Paired replies whose four joint probabilities vary between templates (Dirichlet, by intra-class correlation)."""
    base, up, down = rates
    joint = np.array([base * (1 - down), base * down, (1 - base) * up, (1 - base) * (1 - up)])
    drawn = np.tile(joint, (clusters, 1))
    if icc > 0:
        gamma = rng.gamma(joint * (1 - icc) / icc, size=(clusters, 4)) + 1e-300
        drawn = gamma / gamma.sum(axis=1, keepdims=True)
    kind = (rng.random((clusters, size))[..., None] > drawn.cumsum(axis=1)[:, None, :3]).sum(axis=2).ravel()
    labels = np.repeat(np.arange(clusters), size)
    return (kind <= 1).astype(float), ((kind == 0) | (kind == 2)).astype(float), labels, joint[2] - joint[1]


def effects(runs: int, seed: int, *design: object) -> list[tuple[Effect, float]]:
    rng = np.random.default_rng(seed)
    drawn = (templates(rng, *design) for _ in range(runs))  # type: ignore[arg-type]
    return [(compare(base, defended, clusters=labels), change) for base, defended, labels, change in drawn]


def covered(runs: list[tuple[Effect, float]]) -> float:
    return float(
        np.mean([e.ci_low is not None and e.ci_low - 1e-12 <= d <= (e.ci_high or 0.0) + 1e-12 for e, d in runs])
    )


def rejected(runs: list[tuple[Effect, float]]) -> float:
    return float(np.mean([effect.verdict in (Verdict.WORSENS, Verdict.IMPROVES) for effect, _ in runs]))


@pytest.mark.parametrize("rates", [RISE, RARE])
@pytest.mark.parametrize(("clusters", "size", "icc"), [(100, 1, 0.0), (30, 8, 0.3)])
def test_intervals_cover_the_true_change(
    clusters: int, size: int, icc: float, rates: tuple[float, float, float]
) -> None:
    assert covered(effects(250, 1, clusters, size, icc, rates)) >= 0.92


def test_templates_that_flip_together_do_not_fool_the_clustered_test_but_fool_the_naive_one() -> None:
    rng = np.random.default_rng(2)
    naive, clustered = [], []
    for _ in range(200):
        base, defended, labels, _ = templates(rng, 30, 10, 0.6, (0.5, 0.2, 0.2))
        naive.append(mcnemar_exact(int((defended > base).sum()), int((defended < base).sum())) < 0.05)
        clustered.append(compare(base, defended, clusters=labels).p)
    assert np.mean(naive) > 0.25
    assert np.mean(np.array(clustered) < 0.05) < 0.09


def test_a_change_at_the_margin_is_rarely_called_equivalent() -> None:
    # True change 5 points, upwards only: the worst case for intervals of proportions.
    runs = effects(400, 3, 75, 1, 0.0, (0.5, 0.1, 0.0))
    assert np.mean([effect.verdict is Verdict.NO_EFFECT for effect, _ in runs]) <= 0.08


@pytest.mark.slow
@pytest.mark.parametrize("rates", [EVEN, RISE, RARE, (0.05, 0.1, 0.3), (0.98, 0.2, 0.01)])
@pytest.mark.parametrize(
    ("clusters", "size"), [(20, 1), (50, 1), (300, 1), (2000, 1), (20, 10), (30, 13), (60, 7), (100, 20)]
)
@pytest.mark.parametrize("icc", [0.0, 0.2, 0.7])
def test_intervals_cover_over_the_whole_range_of_designs(
    clusters: int, size: int, icc: float, rates: tuple[float, float, float]
) -> None:
    if size == 1 and icc > 0:
        pytest.skip("single prompts have no correlation")
    runs = effects(600, 4, clusters, size, icc, rates)
    # Lowest where flips are rare and whole templates flip together (ICC 0.7, one template in a hundred): 0.917.
    assert covered(runs) >= 0.91


@pytest.mark.slow
@pytest.mark.parametrize(("clusters", "size"), [(10, 20), (30, 10), (100, 4), (200, 1)])
@pytest.mark.parametrize("icc", [0.0, 0.3, 0.8])
def test_false_claims_stay_under_the_level(clusters: int, size: int, icc: float) -> None:
    assert rejected(effects(1000, 5, clusters, size, icc, (0.5, 0.15, 0.15))) <= 0.065

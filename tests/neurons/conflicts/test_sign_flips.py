"""The fast null counts what the whole procedure finds when the flipped data are put through it one by one."""

import numpy as np
import pytest

from crossrisk.neurons import simulated_attributions
from crossrisk.neurons.conflicts.cluster_means import cluster_means, random_signs
from crossrisk.neurons.conflicts.conflict_test import found_by_test
from crossrisk.neurons.conflicts.layer_floor import Layers
from crossrisk.neurons.conflicts.moments import Moments
from crossrisk.neurons.conflicts.paper_rule import null_counts_of_rule, opposed_by_rule
from crossrisk.neurons.conflicts.sign_flips import FLIPPED, NullCounts, Procedure, SignedRisk, null_counts

NEURONS, DRAWS = 9_000, 15


def signed(rows: np.ndarray) -> SignedRisk:
    means = cluster_means(rows)
    return SignedRisk(means, Moments.of(means.values), random_signs(means.names, DRAWS, 0))


def flipped(risk: SignedRisk, draw: int | None) -> SignedRisk:
    return risk if draw is None else signed(risk.means.values * risk.signs[draw][:, None])


@pytest.fixture(scope="module")
def risks() -> tuple[SignedRisk, SignedRisk]:
    # Near copies of some neurons, so that chance, where it finds any, finds many.
    made = simulated_attributions(90, 24, conflicts=2, one_risk=80, effect=3.0, sigma=1.0, skewed=True, seed=4)
    rng = np.random.default_rng(0)
    a, b = (np.tile(rows, 100) * rng.normal(1, 0.1, (24, NEURONS)) for rows in (made.a, made.b))
    return signed(a), signed(b)


@pytest.mark.parametrize("layers", [None, np.arange(NEURONS) % 7])
def test_counts_are_those_of_the_procedure_on_flipped_data(
    risks: tuple[SignedRisk, SignedRisk], layers: np.ndarray | None
) -> None:
    # A lenient rate, so that the null finds some, and a floor that is felt.
    procedure = Procedure(Layers.of(layers, NEURONS), 0.9, 0.3, "BH")
    counts = null_counts(risks, procedure, threshold=0.01)
    total = 0
    for kind in FLIPPED:
        for draw in range(DRAWS):
            again = (
                flipped(risks[0], None if kind == "second" else draw),
                flipped(risks[1], None if kind == "first" else draw),
            )
            expected = found_by_test(again, procedure)
            assert counts.found[kind][draw] == len(expected.neurons), (kind, draw)
            total += len(expected.neurons)
    assert total > 20
    assert all(counts.below[kind].sum() > 0 for kind in ("first", "second"))


def test_counts_of_the_published_rule_are_those_on_flipped_data(risks: tuple[SignedRisk, SignedRisk]) -> None:
    counts = null_counts_of_rule(risks, 0.05)
    assert all(counts[kind].sum() > 0 for kind in FLIPPED)
    for kind in FLIPPED:
        for draw in range(DRAWS):
            first = flipped(risks[0], None if kind == "second" else draw).moments
            second = flipped(risks[1], None if kind == "first" else draw).moments
            assert counts[kind][draw] == len(opposed_by_rule(first, second, top=0.05))


def test_neurons_that_never_vary_are_no_candidates() -> None:
    rows = np.random.default_rng(0).normal(size=(16, 50))
    rows[:, :20] = 3.0
    risk = signed(rows)
    counts = null_counts((risk, signed(-rows)), Procedure(Layers.of(None, 50), 0.9, 0.0, "BH"), threshold=1.0)
    assert max(count.max() for count in counts.below.values()) <= 30


def test_neurons_without_any_effect_are_expected_once() -> None:
    none: dict = {}
    counts = NullCounts(none, {"both": np.array([1]), "first": np.array([4]), "second": np.array([2])})
    assert counts.expected_false() == 5.0  # 3 + 1 that matter to one risk, 1 that matters to none

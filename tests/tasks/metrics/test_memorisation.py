import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossrisk.tasks.metrics.extraction import discoverable_rate
from crossrisk.tasks.metrics.memorisation import (
    chance_in,
    exposure,
    extraction_strength,
    probability_of_drawing,
    verbatim,
)

LOGS = st.floats(-20, 0).map(lambda value: round(value, 3))


@pytest.mark.parametrize(
    ("true", "candidates", "bits"),
    [
        (-1.0, [-2.0] * 7, 3.0),  # first of 8
        (-9.0, [-2.0] * 7, 0.0),  # last of 8
        (-2.0, [-1.0, -3.0, -4.0], 1.0),  # second of 4
        (-2.0, [-2.0], math.log2(2) - math.log2(1.5)),  # a tie takes ranks 1 and 2
        (-2.0, [-1.0, -2.0, -2.0, -3.0], math.log2(5) - math.log2(3)),  # ranks 2, 3 and 4
    ],
)
def test_exposure_is_the_size_less_the_rank_in_bits(true: float, candidates: list[float], bits: float) -> None:
    assert exposure(true, candidates) == pytest.approx(bits)


def test_without_candidates_there_is_no_exposure() -> None:
    assert exposure(-1.0, []) is None


def exposure_by_sorting(true: float, candidates: list[float]) -> float:
    """Every sequence in a list, from the likeliest; the true one stands in the middle of those like it."""
    order = sorted([true, *candidates], reverse=True)
    places = [place for place, value in enumerate(order, 1) if value == true]
    return math.log2(len(order)) - math.log2(sum(places) / len(places))


@given(LOGS, st.lists(LOGS, min_size=1, max_size=40))
def test_exposure_agrees_with_sorting_and_is_bounded(true: float, candidates: list[float]) -> None:
    bits = exposure(true, candidates)
    assert bits == pytest.approx(exposure_by_sorting(true, candidates))
    assert 0.0 <= bits <= math.log2(len(candidates) + 1)


def test_a_sequence_like_any_other_has_an_exposure_of_log2_e_on_average() -> None:
    values = [float(n) for n in range(1024)]
    bits = [exposure(value, [other for other in values if other != value]) for value in values[::8]]
    assert np.mean(bits) == pytest.approx(math.log2(math.e), abs=0.05)


@pytest.mark.parametrize(
    ("ranks", "whole", "strength"),
    [
        ([0, 0, 0, 0], True, 1.0),
        ([3, 0, 0, 0], False, 0.75),  # the first token must be given
        ([0, 0, 1, 0], False, 0.25),
        ([0, 0, 0, 1], False, 0.0),
        ([5, 5, 5, 5], False, 0.0),
    ],
)
def test_extraction_strength_is_what_need_not_be_given(ranks: list[int], whole: bool, strength: float) -> None:
    assert verbatim(ranks) == whole
    assert extraction_strength(ranks) == pytest.approx(strength)


@given(st.lists(st.integers(0, 2), min_size=1, max_size=30))
def test_extraction_strength_agrees_with_trying_every_prefix(ranks: list[int]) -> None:
    shortest = next(k for k in range(len(ranks) + 1) if not any(ranks[k:]))
    assert extraction_strength(ranks) == pytest.approx(1 - shortest / len(ranks))
    assert verbatim(ranks) == (extraction_strength(ranks) == 1.0)


def test_p_z_is_the_product_over_tokens_and_zero_where_the_sampler_never_draws_one() -> None:
    assert probability_of_drawing([math.log(0.5), math.log(0.4)]) == pytest.approx(0.2)
    assert probability_of_drawing([math.log(0.5), -math.inf]) == 0.0


@pytest.mark.parametrize(("p_z", "draws"), [(0.1, 7), (0.01, 69), (0.001, 693)])
def test_hayes_examples_of_an_even_chance(p_z: float, draws: int) -> None:
    """n = log(1 - p) / log(1 - p_z), at p = .5."""
    assert chance_in(draws, p_z) >= 0.5 > chance_in(draws - 1, p_z)


@given(st.integers(1, 2000), st.floats(0, 1))
def test_the_chance_in_many_draws_grows_with_both(draws: int, p_z: float) -> None:
    chance = chance_in(draws, p_z)
    assert p_z <= chance + 1e-12
    assert 0.0 <= chance <= 1.0
    assert chance <= chance_in(draws + 1, p_z) + 1e-12
    assert chance == pytest.approx(1 - (1 - p_z) ** draws, abs=1e-9)


def test_a_chance_too_small_for_floats_of_one_is_still_seen() -> None:
    assert chance_in(1000, 1e-20) == pytest.approx(1e-17)


def test_discoverable_rates_count_texts_at_a_number_of_draws() -> None:
    p_z = np.array([1.0, 0.5, 0.01, 0.0, np.nan])
    assert discoverable_rate(p_z, 1, 0.5) == pytest.approx(2 / 4)
    assert discoverable_rate(p_z, 100, 0.5) == pytest.approx(3 / 4)
    assert discoverable_rate(p_z, 1000, 0.9) == pytest.approx(3 / 4)
    assert discoverable_rate(np.array([np.nan]), 1, 0.5) is None

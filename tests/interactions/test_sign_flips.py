"""The sign-flip distribution: exact where it can be, within a percent where it is approximated, never 0."""

from math import log10

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, permutation_test

from crossrisk.interactions.paired import mcnemar_exact
from crossrisk.interactions.sign_flips import common_step, saddlepoint_p, sign_flip_p


def every_sum(terms: np.ndarray) -> np.ndarray:
    signs = 1.0 - 2.0 * ((np.arange(2 ** len(terms))[:, None] >> np.arange(len(terms))) & 1)
    return np.abs(signs @ terms)


@given(st.lists(st.integers(-9, 9), min_size=1, max_size=12), st.sampled_from([1, 2, 3, 4, 7, 0.3]))
def test_sums_on_a_grid_are_counted_exactly_whatever_its_step(levels: list[int], parts: float) -> None:
    totals = np.array(levels) / parts
    found = np.mean(every_sum(totals) >= abs(totals.sum()) - 1e-9)
    assert sign_flip_p(totals) == pytest.approx(found, rel=1e-12)


@pytest.mark.parametrize(("worse", "better"), [(1_300, 1_200), (1_500, 1_000), (2_400, 100), (20_000, 12_000)])
def test_the_far_tail_of_equal_clusters_is_exact_in_relative_terms(worse: int, better: int) -> None:
    pairs = np.repeat([0.25, -0.25], [worse, better])
    expected = 2 * binom.cdf(better, worse + better, 0.5)
    assert sign_flip_p(pairs) == pytest.approx(max(expected, 2.2250738585072014e-308), rel=1e-8)
    if worse + better < 5_000:
        assert sign_flip_p(4 * pairs) == pytest.approx(mcnemar_exact(worse, better), rel=1e-8)


def test_clusters_of_unequal_sums_are_convolved_exactly() -> None:
    totals = np.random.default_rng(0).integers(-8, 10, 300)
    chance = {0: 1.0}
    for total in np.abs(totals).tolist():
        moved: dict[int, float] = {}
        for place, share in chance.items():
            for to in (place + total, place - total):
                moved[to] = moved.get(to, 0.0) + share / 2
        chance = moved
    expected = sum(share for place, share in chance.items() if abs(place) >= abs(totals.sum()))
    assert sign_flip_p(totals.astype(float)) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("kind", ["uniform", "exponential", "skewed"])
def test_the_saddlepoint_is_near_full_enumeration_even_for_twenty_clusters(kind: str) -> None:
    rng = np.random.default_rng(4)
    draw = {"uniform": rng.random, "exponential": rng.standard_exponential, "skewed": lambda n: rng.beta(0.5, 2, n)}
    terms = np.sort(draw[kind](20))
    sums = np.sort(every_sum(terms))
    for tail in (0.5, 0.2, 0.05, 0.01, 0.002):
        reach = float(sums[int(len(sums) * (1 - tail))])
        assert saddlepoint_p(terms, reach) == pytest.approx(float(np.mean(sums >= reach)), rel=0.05)


@pytest.mark.parametrize("n", [64, 100, 400])
@pytest.mark.parametrize("kind", ["uniform", "exponential", "skewed"])
def test_the_saddlepoint_is_within_a_percent_of_the_exact_tail_down_to_ten_standard_deviations(
    n: int, kind: str
) -> None:
    """Exact: the same terms on a grid of two thousandths of the largest, which the exact test takes as they are."""
    rng = np.random.default_rng(n)
    draw = {"uniform": rng.random, "exponential": rng.standard_exponential, "skewed": lambda n: rng.beta(0.3, 2, n)}
    terms = draw[kind](n)
    terms = np.ceil(np.minimum(terms / terms.max() * 500, 300))
    spread = float((terms**2).sum() ** 0.5)
    for z in (0.05, 0.15, 0.5, 1, 2, 3, 4, 6, 10):
        signs = np.sign(rng.random(n) - 0.5)
        for place in np.argsort(-terms):  # turn terms upwards until the sum is z standard deviations
            if signs @ terms >= z * spread:
                break
            signs[place] = 1.0
        for place in np.argsort(-terms):
            if signs[place] > 0 and signs @ terms - 2 * terms[place] >= z * spread:
                signs[place] = -1.0
        reach = float(signs @ terms)
        if reach > 0.8 * terms.sum():
            continue
        exact = sign_flip_p(signs * terms)
        near = saddlepoint_p(terms, reach - 1.0)  # half a step, since the grid has steps of two
        assert near == pytest.approx(exact, rel=0.012), (z, log10(exact))


def test_graded_sums_of_many_clusters_agree_with_long_draws() -> None:
    rng = np.random.default_rng(7)
    for shift in (0.0, 0.1, 0.25):
        totals = rng.standard_exponential(120) * np.sign(rng.random(120) - 0.5 + shift)
        flips = rng.integers(0, 2, (200_000, 120), dtype=np.int8) @ (2 * np.abs(totals)) - np.abs(totals).sum()
        drawn = float(np.mean(np.abs(flips) >= abs(totals.sum())))
        error = (drawn * (1 - drawn) / 200_000) ** 0.5
        assert sign_flip_p(totals) == pytest.approx(drawn, abs=4 * error + 0.002 * drawn)


def test_few_graded_clusters_agree_with_the_permutation_test_of_scipy() -> None:
    totals = np.random.default_rng(1).normal(0.25, 1.0, 40)
    scipys = permutation_test(
        (totals,), lambda x, axis: x.sum(axis=axis), permutation_type="samples", n_resamples=9_999, vectorized=True
    ).pvalue
    assert sign_flip_p(totals) == pytest.approx(scipys, abs=5 * (2 * scipys * (1 - scipys) / 9_999) ** 0.5)


def test_p_falls_without_a_step_where_one_formula_takes_over_from_another() -> None:
    terms = np.sort(np.random.default_rng(2).random(200))
    spread = float((terms**2).sum() ** 0.5)
    p = [saddlepoint_p(terms, z * spread) for z in np.linspace(0.0, 0.3, 301)]
    steps = -np.diff(p)
    assert steps.min() > 0 and steps.max() < 2 * steps.mean()


def test_many_graded_pairs_that_all_rose_are_surer_than_any_number_of_draws_could_tell_and_p_is_never_0() -> None:
    rng = np.random.default_rng(3)
    for n in (80, 600, 3_000):
        p = sign_flip_p(0.2 + 0.1 * rng.random(n))
        assert p == pytest.approx(max(2.0 ** (1 - n), 2.2250738585072014e-308))


def test_a_sum_that_one_cluster_rules_is_drawn_and_not_approximated() -> None:
    rng = np.random.default_rng(5)
    totals = np.concatenate([[40.0], rng.normal(0, 1, 200)])
    p = sign_flip_p(totals)
    assert p * 10_000 == pytest.approx(round(p * 10_000))
    assert p > 0.3  # the large one alone decides, and it is as likely to be up as down


def test_a_sum_that_is_all_but_a_grid_is_drawn_and_not_smoothed() -> None:
    """900 pairs of one size and one that fits no grid: the sum has atoms, which a smooth curve would cut in half."""
    totals = np.concatenate([np.repeat([1.0, -1.0], [480, 420]), [np.pi / 7]])
    p = sign_flip_p(totals)
    assert p * 10_000 == pytest.approx(round(p * 10_000))
    exact = 0.5 * sum(
        2 * binom.sf(np.ceil((abs(totals.sum()) + side * np.pi / 7 + 900) / 2) - 1, 900, 0.5) for side in (1, -1)
    )
    assert p == pytest.approx(exact, abs=4 * (exact / 10_000) ** 0.5)


@given(st.permutations(range(90)), st.sampled_from([-1.0, 1.0]))
def test_neither_the_order_nor_an_exchange_of_the_arms_matters(order: list[int], sign: float) -> None:
    totals = np.random.default_rng(6).normal(0.1, 1, 90)
    assert sign_flip_p(sign * totals[np.array(order)]) == pytest.approx(sign_flip_p(totals), rel=1e-12)


def test_the_step_of_a_grid_is_found_through_rounding_and_none_where_there_is_none() -> None:
    assert common_step(np.array([0.1 + 0.2, 0.5, 1.4])) == pytest.approx(0.1)
    assert common_step(np.array([1 / 3, 0.5])) == pytest.approx(1 / 6)
    assert common_step(np.random.default_rng(0).random(30)) is None

"""Bets against a claimed mean are fair if the claim is true, whenever one stops, and win if it is not."""

from itertools import permutations, product
from math import log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossrisk.interactions.betting import (
    Units,
    confidence_sequence,
    log_capital_above,
    log_evidence,
    log_evidence_above,
    one_sided_limits,
)

changes = st.lists(st.sampled_from([-1.0, -0.5, 0.0, 0.0, 0.25, 1.0]), min_size=1, max_size=40)


def singles(values: list[float], of: int | None = None) -> Units:
    return Units(np.array(values, dtype=float), np.ones(len(values)), of)


@pytest.mark.parametrize(
    ("total", "size"),
    [
        ([1, 1, 0, 0, -1, 0], [1, 1, 1, 1, 1, 1]),
        ([0.3, -0.2, 1, 0, 0.5, -1], [1, 1, 1, 1, 1, 1]),
        ([1, 0, 0, 0, -1, 1], [1, 0, 1, 0, 1, 1]),  # two replies are invalid
        ([0.5, -0.2, 1, 0, 0.1, 0], [0.5, 0.4, 1, 0.2, 0.1, 0]),  # clusters
        ([1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 1, 1]),
    ],
)
def test_over_all_orders_of_a_finite_set_bets_against_its_own_mean_neither_win_nor_lose(
    total: list[float], size: list[float]
) -> None:
    mean = sum(total) / sum(size)
    capital = []
    for order in permutations(range(6)):
        units = Units(np.array(total, dtype=float)[list(order)], np.array(size, dtype=float)[list(order)], 6)
        assert not units.contradicts(mean)
        capital.append(np.exp([log_capital_above(units, mean), log_capital_above(units.negated, -mean)]))
    np.testing.assert_allclose(np.mean(capital, axis=0), 1.0, atol=1e-10)


@pytest.mark.parametrize("chances", [(0.1, 0.8, 0.1), (0.3, 0.6, 0.1), (0.0, 0.2, 0.8)])
def test_over_all_replies_of_a_population_bets_against_its_own_mean_neither_win_nor_lose(
    chances: tuple[float, float, float],
) -> None:
    """And against a larger one they win, against a smaller one they lose, on average."""
    down, _, up = chances
    expected = {shift: np.zeros(5) for shift in (-0.1, 0.0, 0.1)}
    for sequence in product(range(3), repeat=5):
        units = singles([step - 1.0 for step in sequence])
        weight = np.prod([chances[step] for step in sequence])
        for shift, sums in expected.items():
            sums += weight * np.exp(log_capital_above(units, up - down + shift))
    np.testing.assert_allclose(expected[0.0], 1.0, atol=1e-10)
    assert (expected[-0.1] > 1).all() and (expected[0.1] < 1).all()


def test_clusters_are_bet_on_as_wholes_so_that_large_ones_count_by_their_size() -> None:
    """Two kinds of clusters: 1 prompt that gets worse, 4 of which none does. The mean over prompts is 1/5, not 1/2."""
    kinds = [(0.25, 0.25), (0.0, 1.0)]
    expected = np.zeros(4)
    for drawn in product(kinds, repeat=4):
        total, size = np.array(drawn).T
        expected += np.exp(log_capital_above(Units(total, size), 0.2)) / 2**4
    np.testing.assert_allclose(expected, 1.0, atol=1e-10)


@given(changes, st.integers(0, 30), st.floats(-0.95, 0.9))
def test_capital_falls_with_the_mean_that_is_bet_against_and_is_convex_in_it(
    values: list[float], more: int, mean: float
) -> None:
    for of in (None, len(values) + more):
        left, middle, right = (
            np.exp(np.minimum(log_capital_above(singles(values, of), m), 50.0))
            for m in (mean, mean + 0.025, mean + 0.05)
        )
        assert (left >= right * (1 - 1e-9)).all()
        bounded = left < np.exp(49.0)
        assert (middle[bounded] <= ((left + right) / 2)[bounded] * (1 + 1e-9)).all()


@given(changes, st.integers(0, 30))
@settings(deadline=None, max_examples=20)
def test_the_confidence_sequence_holds_just_what_is_not_refuted_and_never_grows(values: list[float], more: int) -> None:
    for of in (None, len(values) + more):
        before, inside = (-1.0, 1.0), None
        for n in range(1, len(values) + 1, 7):
            units = singles(values[:n], of)
            inside = confidence_sequence(units, alpha=0.2)
            if inside is None:
                return
            assert before[0] - 1e-7 <= inside.low <= inside.high <= before[1] + 1e-7
            for limit, outwards in ((inside.low, -1), (inside.high, 1)):
                if -1 < limit < 1 and not units.exhausted:
                    assert log_evidence(units, limit + 1e-6 * outwards) >= log(5) - 1e-9
                    assert log_evidence(units, limit - 1e-6 * outwards) <= log(5) + 1e-9
            equivalence = one_sided_limits(units, alpha=0.2)
            if equivalence is not None:
                assert inside.low - 1e-7 <= equivalence.low and equivalence.high <= inside.high + 1e-7
            before = inside


@given(changes, st.integers(0, 30))
@settings(deadline=None, max_examples=20)
def test_exchanged_arms_negate_everything(values: list[float], more: int) -> None:
    for of in (None, len(values) + more):
        here, there = singles(values, of), singles(values, of).negated
        assert log_evidence(here) == pytest.approx(log_evidence(there), abs=1e-9)
        for limits in (confidence_sequence, one_sided_limits):
            one, other = limits(here), limits(there)
            assert (one is None) == (other is None)
            if one is not None and other is not None:
                assert tuple(one) == pytest.approx((-other.high, -other.low), abs=1e-7)


def test_a_finite_set_drawn_to_its_end_is_known_and_one_item_before_almost() -> None:
    values = list(np.random.default_rng(0).permutation([1.0] * 8 + [-1.0] * 2 + [0.0] * 90))
    assert values[-1] == 0.0
    assert confidence_sequence(singles(values, 100)) == one_sided_limits(singles(values, 100)) == (0.06, 0.06)
    assert log_evidence(singles(values, 100), 0.0) == np.inf
    assert log_evidence(singles(values, 100), 0.06) < np.inf
    almost = confidence_sequence(singles(values[:-1], 100))
    assert almost is not None and almost == pytest.approx((0.05, 0.07), abs=1e-6)


def test_what_the_rest_cannot_make_up_for_is_certain() -> None:
    assert log_evidence_above(singles([1.0] * 51, 100), 0.0) == np.inf
    assert log_evidence_above(singles([1.0] * 49, 100), 0.0) < np.inf
    assert log_evidence_above(singles([-1.0] * 51, 100), 0.0) == 0.0


def test_without_a_valid_pair_nothing_is_known() -> None:
    nothing = Units(np.zeros(3), np.zeros(3), 10)
    assert confidence_sequence(nothing) == one_sided_limits(nothing) == (-1.0, 1.0)
    assert log_evidence(nothing) == log_evidence(Units(np.zeros(0), np.zeros(0))) == 0.0


def test_pairs_that_cannot_come_from_one_population_leave_no_mean() -> None:
    units = singles([1.0] * 200 + [-1.0] * 800)
    assert confidence_sequence(units) is None and one_sided_limits(units) is None


def refuted(units: Units, mean: float, alpha: float = 0.05) -> bool:
    return log_evidence(units, mean) >= log(1 / alpha)


def test_a_true_mean_is_seldom_refuted_however_often_one_looks_at_independent_prompts() -> None:
    rng = np.random.default_rng(0)
    for up, down in ((0.05, 0.05), (0.2, 0.1), (0.02, 0.0)):
        drawn = rng.choice([1.0, -1.0, 0.0], p=[up, down, 1 - up - down], size=(400, 300))
        assert np.mean([refuted(singles(list(row)), up - down) for row in drawn]) <= 0.05


def templates(rng: np.random.Generator, count: int, size: int) -> list[np.ndarray]:
    """Templates of up to `size` prompts that flip together: a third of them as a whole, up or down."""
    found = []
    for _ in range(count):
        n = int(rng.integers(1, size + 1))
        found.append(np.full(n, rng.choice([1.0, -1.0])) if rng.random() < 0.3 else rng.choice([0.0, 1.0, -1.0], n))
    return found


def test_templates_that_flip_together_are_no_evidence_of_a_change() -> None:
    """Prompts taken one by one would be: they are no independent draws from a population."""
    rng = np.random.default_rng(1)
    by_template, by_prompt = [], []
    for _ in range(200):
        drawn = templates(rng, 60, 20)
        sums = Units(np.array([t.sum() / 20 for t in drawn]), np.array([len(t) / 20 for t in drawn]))
        by_template.append(refuted(sums, 0.0))
        by_prompt.append(refuted(singles(list(np.concatenate(drawn))), 0.0))
    assert np.mean(by_template) <= 0.05
    assert np.mean(by_prompt) > 0.15


def test_in_a_random_order_the_mean_of_a_clustered_set_is_covered_though_prompts_depend_on_each_other() -> None:
    rng = np.random.default_rng(2)
    values = np.concatenate(templates(rng, 30, 20))
    runs = [singles(list(rng.permutation(values))[:200], len(values)) for _ in range(300)]
    assert np.mean([refuted(units, float(values.mean())) for units in runs]) <= 0.05


def test_one_after_the_other_the_templates_of_a_set_are_no_random_order() -> None:
    """The guarantee hangs on the order: prompts that come template by template break it."""
    rng = np.random.default_rng(3)
    broken = []
    for _ in range(100):
        values = np.concatenate(templates(rng, 30, 20))
        broken.append(refuted(singles(list(values), len(values)), float(values.mean())))
    assert np.mean(broken) > 0.15

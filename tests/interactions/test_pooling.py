"""Partial pooling of small groups."""

import numpy as np
import pytest
from benchmarks.validity.groups import Design, table_of
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from crossrisk.interactions.paired import wilson
from crossrisk.interactions.pooling import effective_counts, partial_pooling


def test_means_are_those_of_the_moments_by_hand() -> None:
    """Kleinman's moments for groups of one size n: with p the rates, their mean m (half a reply added), S the weighted
    sum of squares, w the weight (G - 1) n: rho = (S - (G - 1) v) / ((G - 1) v (n - 1)), v = m (1 - m)."""
    risky, n = np.array([2.0, 6.0, 10.0, 22.0]), np.full(4, 40.0)
    mean = (risky.sum() + 0.5) / 161
    variance = mean * (1 - mean)
    squares = float((n * (risky / n - risky.sum() / 160) ** 2).sum())
    rho = (squares - 3 * variance) / (3 * variance * 39)
    k = (1 - rho) / rho
    found = partial_pooling(risky, n)
    assert found is not None
    assert_allclose(found.mean, (risky + mean * k) / (n + k))
    assert found.deviation == pytest.approx((variance * rho) ** 0.5)


def test_pooled_means_lie_between_the_rate_and_the_mean_of_all_and_small_groups_move_most() -> None:
    risky, n = np.array([1.0, 10.0, 30.0, 20.0]), np.array([10.0, 100.0, 100.0, 40.0])
    found = partial_pooling(risky, n)
    assert found is not None
    rates, overall = risky / n, risky.sum() / n.sum()
    kept = (found.mean - overall) / (rates - overall)
    assert ((kept > 0) & (kept < 1)).all()
    assert kept[0] < kept[3] < kept[1]


def test_pooling_errs_less_than_the_plain_rates() -> None:
    rng, pooled, plain = np.random.default_rng(0), [], []
    for _ in range(60):
        true = rng.beta(0.2 * 49, 0.8 * 49, 12)
        risky = rng.binomial(20, true).astype(float)
        found = partial_pooling(risky, np.full(12, 20.0), draws=50)
        assert found is not None
        pooled.append(((found.mean - true) ** 2).mean())
        plain.append(((risky / 20 - true) ** 2).mean())
    assert np.mean(pooled) < 0.6 * np.mean(plain)


def test_groups_that_do_not_differ_are_all_but_one() -> None:
    found = partial_pooling(np.full(6, 8.0), np.full(6, 40.0))
    assert found is not None and found.deviation == 0.0
    assert_allclose(found.mean, 0.2, atol=0.002)
    single = wilson(8, 40)
    assert (found.high - found.low < 0.7 * (single.high - single.low)).all()


def test_no_risk_among_few_is_not_certainty() -> None:
    found = partial_pooling(np.zeros(4), np.full(4, 25.0))
    assert found is not None and (found.mean > 0).all() and (found.high > 0.01).all() and (found.low >= 0).all()


def test_a_small_intersection_goes_to_what_its_parts_add_up_to() -> None:
    """Two groups by two genders, both effects 20 points; the cell of three replies is drawn to their sum, .5."""
    parts = np.array([[1, 0, 0], [1, 0, 1], [1, 1, 0], [1, 1, 1]], dtype=float)
    n = np.array([200.0, 200.0, 200.0, 3.0])
    risky = np.array([20.0, 60.0, 60.0, 1.0])
    additive, common = partial_pooling(risky, n, parts), partial_pooling(risky, n)
    assert additive is not None and common is not None
    assert additive.mean[3] > 0.4 > common.mean[3]
    assert_allclose(additive.mean[:3], [0.1, 0.3, 0.3], atol=0.01)


def test_there_is_nothing_to_pool_with() -> None:
    assert partial_pooling(np.array([3.0]), np.array([10.0])) is None
    saturated = np.array([[1, 0], [1, 1]], dtype=float)
    assert partial_pooling(np.array([3.0, 5.0]), np.array([10.0, 10.0]), saturated) is None


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=2, max_size=6),
)
def test_intervals_hold_their_means_and_stay_among_risks(counts: list[tuple[int, int]]) -> None:
    risky, n = (
        np.array([up for up, _ in counts], dtype=float),
        np.array([up + down + 1 for up, down in counts], dtype=float),
    )
    found = partial_pooling(risky, n, draws=60)
    assert found is not None
    assert ((found.low >= 0) & (found.low <= found.mean) & (found.mean <= found.high) & (found.high <= 1)).all()
    assert np.isfinite([found.low, found.mean, found.high]).all() and 0 <= found.beyond(0.05) <= 1


def test_the_worst_group_and_the_gap_are_as_likely_as_the_data_say() -> None:
    found = partial_pooling(np.array([10.0, 12.0, 90.0]), np.full(3, 200.0))
    assert found is not None
    place, probability = found.worst()
    assert place == 2 and probability > 0.99 and found.beyond(0.2) > 0.95 and found.beyond(0.6) < 0.01


def test_templates_that_groups_share_do_not_count_against_them() -> None:
    """Templates range from never to always risky; groups of one template agree, so the replies are worth their n."""
    rng = np.random.default_rng(0)
    risks = np.repeat(np.repeat((np.arange(30) % 2)[:, None, None], 4, axis=1), 5, axis=2).astype(float)
    risks[rng.random(risks.shape) < 0.1] = 0.5
    assert_allclose(effective_counts(table_of(risks, risks), 0), 150.0)


def test_replies_that_repeat_each_other_are_worth_one() -> None:
    risks = np.repeat((np.random.default_rng(0).random((30, 4, 1)) < 0.3).astype(float), 3, axis=2)
    assert_allclose(effective_counts(table_of(risks, risks), 0), 30.0, rtol=0.1)


def test_one_group_alone_keeps_its_count_of_templates() -> None:
    base, defended = Design(10, 1, 4, 0.3, 0.1, 0.1).draw(np.random.default_rng(0))
    assert 10 <= effective_counts(table_of(base, defended), 1)[0] <= 40


@pytest.mark.slow
@pytest.mark.parametrize(
    ("groups", "n", "rate", "between"), [(7, 192, 0.15, 0.02), (24, 48, 0.2, 0.02), (4, 40, 0.1, 0.02)]
)
def test_pooled_intervals_cover_true_risks(groups: int, n: int, rate: float, between: float) -> None:
    rng, covered, k = np.random.default_rng(0), [], (1 - between) / between
    for _ in range(300):
        true = rng.beta(rate * k, (1 - rate) * k, groups)
        found = partial_pooling(rng.binomial(n, true).astype(float), np.full(groups, float(n)))
        assert found is not None
        covered.append((found.low <= true) & (true <= found.high))
    assert 0.92 < np.mean(covered) < 0.99

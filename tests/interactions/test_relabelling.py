"""How far groups lie apart by chance alone."""

from itertools import permutations, product

import numpy as np
import pytest
from benchmarks.validity.groups import SHAPES
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray

from crossrisk.interactions.exchanging import gap_change_p
from crossrisk.interactions.relabelling import spreads

Codes = NDArray[np.intp]
PUBLISHED = (0.085, 0.131, 0.205, 0.081, 0.222, 0.201)


def balanced(templates: int, groups: int, prompts: int) -> tuple[Codes, Codes]:
    """Strata and groups of a crossed cell."""
    strata = np.repeat(np.arange(templates), groups * prompts)
    return strata, np.tile(np.repeat(np.arange(groups), prompts), templates)


@pytest.mark.parametrize(("shape", "published"), list(zip(SHAPES, PUBLISHED, strict=True)))
def test_the_largest_gap_is_far_from_0_where_no_group_differs(shape: tuple[float, int, int], published: float) -> None:
    rate, groups, n = shape
    rates = np.random.default_rng(0).binomial(n, rate, (20_000, groups)) / n
    assert np.ptp(rates, axis=1).mean() == pytest.approx(published, abs=0.002)


@pytest.mark.parametrize(("shape", "published"), list(zip(SHAPES, PUBLISHED, strict=True)))
def test_the_expected_gap_is_the_published_one_where_no_group_differs(
    shape: tuple[float, int, int], published: float
) -> None:
    rate, groups, n = shape
    strata, labels = balanced(1, groups, n)
    rng, told = np.random.default_rng(0), []
    for _ in range(25):
        found = spreads(
            (rng.random((groups * n, 2)) < rate).astype(float), np.ones(groups * n), strata, labels, draws=200
        )
        assert found is not None
        told.append(found.expected[0])
    assert np.mean(told) == pytest.approx(published, rel=0.05)


def test_expectation_and_p_are_those_of_all_relabellings() -> None:
    """Two templates of three prompts of groups a, a, b: 36 orders, enumerated."""
    strata, labels = np.repeat([0, 1], 3), np.tile([0, 0, 1], 2)
    totals = np.array([[0, 1], [0, 0.5], [1, 1], [0.25, 0], [1, 1], [1, 0]], dtype=float)

    def gap(values: NDArray[np.float64]) -> NDArray[np.float64]:
        means = np.stack([values[labels == group].mean(axis=0) for group in (0, 1)])
        return np.ptp(np.column_stack([means, means[:, 1] - means[:, 0]]), axis=0)

    every = np.array(
        [
            gap(totals[[*first, *(place + 3 for place in second)]])
            for first, second in product(permutations(range(3)), repeat=2)
        ]
    )
    found = spreads(totals, np.ones(6), strata, labels, draws=20_000)
    assert found is not None
    assert_allclose(found.observed, gap(totals))
    assert_allclose(found.expected, every.mean(axis=0), atol=0.01)
    assert_allclose(found.p, (every >= gap(totals) - 1e-9).mean(axis=0), atol=0.015)


def test_p_is_uniform_where_no_group_differs_however_templates_do() -> None:
    strata, labels = balanced(10, 4, 3)
    rng, p = np.random.default_rng(1), []
    for _ in range(300):
        difficulty = rng.random(10)[strata][:, None]
        found = spreads(
            (rng.random((len(strata), 2)) + difficulty) / 2, np.ones(len(strata)), strata, labels, draws=200
        )
        assert found is not None
        p.append(found.p)
    assert_allclose(np.mean(np.array(p) < 0.05, axis=0), 0.05, atol=0.03)
    assert_allclose(np.mean(p, axis=0), 0.5, atol=0.05)


def test_a_group_that_is_refused_everywhere_is_far_beyond_chance() -> None:
    strata, labels = balanced(10, 4, 3)
    refused = (labels == 2).astype(float)
    found = spreads(np.stack([0 * refused, refused], axis=1), np.ones(len(strata)), strata, labels)
    assert found is not None
    assert found.observed.tolist() == [0.0, 1.0, 1.0] and found.p[0] == 1.0
    assert (found.p[1:] < 0.001).all() and (found.expected[1:] < 0.35).all()


def test_replies_to_one_prompt_are_dealt_together() -> None:
    strata, labels = balanced(12, 3, 2)
    replies = (np.random.default_rng(0).random((len(strata), 2)) < 0.3).astype(float)
    once = spreads(replies, np.ones(len(strata)), strata, labels)
    thrice = spreads(3 * replies, np.full(len(strata), 3.0), strata, labels)
    apart = spreads(np.repeat(replies, 3, axis=0), np.ones(3 * len(strata)), np.repeat(strata, 3), np.repeat(labels, 3))
    assert once is not None and thrice is not None and apart is not None
    assert_allclose(once.expected, thrice.expected)
    assert_allclose(once.p, thrice.p)
    assert (apart.expected < 0.75 * once.expected).all()


def test_units_of_unequal_size_count_by_their_rows() -> None:
    strata, labels, sizes = np.zeros(4, dtype=np.intp), np.array([0, 0, 1, 1]), np.array([1.0, 3.0, 2.0, 2.0])
    found = spreads(np.array([[1.0, 0], [0, 0], [2, 0], [0, 0]]), sizes, strata, labels)
    assert found is not None and found.observed[0] == pytest.approx(2 / 4 - 1 / 4)


def test_order_of_rows_names_of_groups_and_of_templates_change_nothing() -> None:
    rng = np.random.default_rng(3)
    strata, labels = balanced(9, 4, 3)
    totals, sizes = rng.random((len(strata), 2)), rng.integers(1, 4, len(strata)).astype(float)
    here = spreads(totals, sizes, strata, labels)
    order = rng.permutation(len(strata))
    there = spreads(totals[order], sizes[order], strata[order], labels[order])
    assert here is not None and there is not None
    assert_array_equal([here.expected, here.p], [there.expected, there.p])


def test_sharing_shuffles_between_draws_leaves_the_expectation() -> None:
    strata, labels = balanced(40, 5, 10)
    risks = (np.random.default_rng(0).random((len(strata), 2)) < 0.1).astype(float)
    few = spreads(risks, np.ones(len(strata)), strata, labels, draws=4_000)
    exact = spreads(risks, np.ones(len(strata)), strata, labels, draws=150)  # every draw deals all strata anew
    assert few is not None and exact is not None
    assert_allclose(few.expected, exact.expected, rtol=0.08)


def test_nothing_is_exchanged_where_no_stratum_has_two_groups() -> None:
    labels = np.array([0, 0, 1, 1])
    assert spreads(np.ones((4, 2)), np.ones(4), labels, labels) is None
    assert spreads(np.ones((4, 2)), np.ones(4), np.zeros(4, dtype=np.intp), np.zeros(4, dtype=np.intp)) is None
    assert spreads(np.ones((0, 2)), np.ones(0), labels[:0], labels[:0]) is None


def change_of_gap(base: NDArray[np.float64], defended: NDArray[np.float64], n: NDArray[np.float64]) -> float:
    return float(np.ptp(defended.sum(axis=0) / n) - np.ptp(base.sum(axis=0) / n))


def test_the_change_of_the_gap_is_tested_by_all_exchanges_of_arms() -> None:
    rng = np.random.default_rng(0)
    base, defended, n = rng.random((7, 3)), rng.random((7, 3)) + np.array([0, 0, 0.5]), np.full(3, 7.0)
    observed, every = abs(change_of_gap(base, defended, n)), []
    for swap in product([False, True], repeat=7):
        where = np.array(swap)[:, None]
        every.append(abs(change_of_gap(np.where(where, defended, base), np.where(where, base, defended), n)))
    assert gap_change_p(base, defended, n) == pytest.approx(np.mean(np.array(every) >= observed - 1e-9))
    assert gap_change_p(defended, base, n) == gap_change_p(base, defended, n)


def test_a_defense_that_does_nothing_changes_no_gap() -> None:
    base = np.random.default_rng(0).random((20, 4))
    assert gap_change_p(base, base, np.full(4, 20.0)) == 1.0


def test_many_templates_are_tested_by_the_normal_limit_of_what_few_are_drawn_for() -> None:
    rng = np.random.default_rng(0)
    base, defended, n = rng.random((400, 3)), rng.random((400, 3)) + np.array([0, 0, 0.03]), np.full(3, 400.0)
    drawn = gap_change_p(base, defended, n, draws=20_000)
    one_more = np.full((1, 3), 0.5)
    base, defended = np.vstack([base, one_more]), np.vstack([defended, one_more + 1e-9])
    assert gap_change_p(base, defended, n, draws=20_000) == pytest.approx(drawn, abs=0.02)

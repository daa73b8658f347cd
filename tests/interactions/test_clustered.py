"""Clusters as the units: agreement with brute force and other libraries, symmetry, degenerate cases."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import bootstrap, permutation_test, ttest_1samp

from crossrisk.interactions.clustered import (
    cluster_bootstrap,
    cluster_codes,
    cluster_sums,
    cluster_t_interval,
    design_effect,
    drawn_rows,
    effective_n,
    sign_flip_test,
    standard_error,
)
from crossrisk.interactions.paired import mcnemar_exact
from crossrisk.interactions.resampling import multiplicities


def brute_force_p(totals: np.ndarray) -> float:
    flips = np.array(list(itertools.product([-1, 1], repeat=len(totals))))
    return float(np.mean(np.abs(flips @ totals) >= abs(totals.sum()) - 1e-9))


@given(st.lists(st.tuples(st.integers(0, 6), st.sampled_from([-1, 0, 1])), min_size=1, max_size=40))
def test_whole_clusters_are_flipped_and_every_flip_is_counted(rows: list[tuple[int, int]]) -> None:
    labels, changes = (np.array(column) for column in zip(*rows, strict=True))
    expected = brute_force_p(cluster_sums(changes, labels).total)
    assert sign_flip_test(changes, labels) == pytest.approx(expected, abs=1e-12)


@given(st.integers(0, 40), st.integers(0, 40))
def test_for_single_pairs_the_sign_flip_test_is_exact_mcnemar(worse: int, better: int) -> None:
    changes = np.repeat([1.0, -1.0, 0.0], [worse, better, 5])
    assert sign_flip_test(changes) == pytest.approx(mcnemar_exact(worse, better), abs=1e-12)


def test_graded_changes_of_few_clusters_are_enumerated_as_scipy_does() -> None:
    changes = np.array([0.31, -0.12, 0.44, 0.05, 0.2, -0.07, 0.3, 0.11, 0.02])
    ours = sign_flip_test(changes)
    scipys = permutation_test((changes,), lambda x: x.sum(), permutation_type="samples", n_resamples=np.inf).pvalue
    assert ours == pytest.approx(scipys, abs=1e-12)


def test_drawn_flips_estimate_the_exact_p_and_are_never_zero() -> None:
    rng = np.random.default_rng(3)
    changes = rng.normal(0.12, 0.4, 60)
    drawn = sign_flip_test(changes)
    assert drawn == pytest.approx(ttest_1samp(changes, 0).pvalue, abs=0.01)
    assert sign_flip_test(np.full(60, 0.3) + 1e-3 * rng.random(60)) == 1 / 10_000


@pytest.mark.parametrize("changes", [[0, 0, 0], [0.5, 0.25, 0.5]])
def test_no_change_or_one_cluster_proves_nothing(changes: list[float]) -> None:
    assert sign_flip_test(changes, ["a", "a", "a"]) == 1.0


def test_fewer_than_six_clusters_cannot_reach_significance() -> None:
    changes, labels = np.ones(50), np.repeat(np.arange(5), 10)
    assert sign_flip_test(changes, labels) == pytest.approx(2 / 2**5)


def test_standard_error_of_single_pairs_is_the_textbook_one() -> None:
    changes = np.random.default_rng(0).normal(size=50)
    assert standard_error(cluster_sums(changes)) == pytest.approx(changes.std(ddof=1) / 50**0.5)


def test_clustered_standard_error_adds_the_products_within_clusters() -> None:
    # Miller (2024), arXiv:2411.00640: the sum over pairs of one cluster; equal sizes make CR2 a factor G / (G - 1).
    rng = np.random.default_rng(1)
    labels = np.repeat(np.arange(12), 5)
    changes = rng.normal(size=60) + rng.normal(size=12)[labels]
    residual = changes - changes.mean()
    products = sum(residual[i] * residual[j] for i in range(60) for j in range(60) if labels[i] == labels[j])
    assert standard_error(cluster_sums(changes, labels)) == pytest.approx((products / 60**2 * 12 / 11) ** 0.5)


def test_t_interval_of_single_pairs_is_that_of_scipy() -> None:
    changes = np.random.default_rng(5).normal(0.1, 0.2, 20)
    expected = ttest_1samp(changes, 0).confidence_interval(0.95)
    assert cluster_t_interval(cluster_sums(changes)) == pytest.approx(tuple(expected), rel=1e-9)


def test_bootstrap_of_many_single_pairs_agrees_with_the_bca_of_scipy() -> None:
    changes = np.random.default_rng(2).beta(0.3, 2, 400) - 0.1
    expected = bootstrap((changes,), np.mean, n_resamples=20_000, rng=np.random.default_rng(0)).confidence_interval
    ours = cluster_bootstrap(cluster_sums(changes), draws=20_000)
    assert ours == pytest.approx(tuple(expected), abs=1e-3)


def test_bootstrap_leans_towards_the_long_tail() -> None:
    changes = np.random.default_rng(2).exponential(0.1, 60)
    low, high = cluster_bootstrap(cluster_sums(changes)) or (0.0, 0.0)
    assert high - changes.mean() > 1.1 * (changes.mean() - low)


values = st.floats(-1, 1, allow_nan=False).map(lambda x: round(x, 3))
clustered = st.lists(st.tuples(st.integers(0, 11), values), min_size=2, max_size=60)


@given(clustered, st.randoms())
def test_results_ignore_the_order_of_prompts_and_the_names_of_clusters(
    rows: list[tuple[int, float]], random: object
) -> None:
    shuffled = list(rows)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    labels, changes = (np.array(column) for column in zip(*rows, strict=True))
    renamed, moved = [f"t{97 - label}" for label, _ in shuffled], np.array([change for _, change in shuffled])
    assert sign_flip_test(moved, renamed) == sign_flip_test(changes, labels)
    ours, theirs = (cluster_bootstrap(cluster_sums(*pair)) for pair in ((changes, labels), (moved, renamed)))
    assert (ours is None) == (theirs is None)
    assert ours is None or ours == pytest.approx(theirs, abs=1e-9)


@given(clustered)
def test_swapping_the_arms_negates_the_bootstrap_interval(rows: list[tuple[int, float]]) -> None:
    labels, changes = (np.array(column) for column in zip(*rows, strict=True))
    ours, mirrored = (cluster_bootstrap(cluster_sums(sign * changes, labels)) for sign in (1, -1))
    assert sign_flip_test(changes, labels) == sign_flip_test(-changes, labels)
    assert ours is None or (mirrored is not None and ours == pytest.approx((-mirrored.high, -mirrored.low), abs=1e-9))


def test_design_effect_is_one_for_unrelated_prompts_and_the_size_for_copies() -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(200), 5)
    assert design_effect(rng.normal(size=1000), labels) == pytest.approx(1.0, abs=0.2)
    assert design_effect(rng.normal(size=200)[labels], labels) == pytest.approx(5.0, rel=0.01)


def test_without_spread_every_cluster_counts_once() -> None:
    labels = np.repeat(np.arange(10), 4)
    assert design_effect(np.zeros(40), labels) == 4.0
    assert effective_n(np.zeros(40), labels) < 10.0
    assert effective_n(np.zeros(40), None) == 40.0


def test_one_cluster_has_no_interval() -> None:
    sums = cluster_sums([0.1, 0.2], ["a", "a"])
    assert standard_error(sums) is None
    assert cluster_t_interval(sums) is None
    assert cluster_bootstrap(sums) is None
    with pytest.raises(ValueError, match="one cluster"):
        effective_n([0.1, 0.2], ["a", "a"])


@given(st.lists(st.integers(0, 6), min_size=1, max_size=30))
def test_a_draw_holds_whole_clusters_each_under_a_label_of_its_own(labels: list[int]) -> None:
    codes = cluster_codes(labels)
    units = int(codes.max()) + 1
    for rows, drawn in map(drawn_rows(codes), next(multiplicities(units, 5))):
        assert sorted(set(drawn.tolist())) == list(range(units))
        for unit in range(units):
            (code,) = set(codes[rows[drawn == unit]].tolist())
            assert sorted(rows[drawn == unit].tolist()) == np.flatnonzero(codes == code).tolist()

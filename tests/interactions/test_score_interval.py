"""One interval for all paired changes: what it must agree with, what it must hold, and what must not move it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossrisk.interactions.clustered import cluster_sums, cluster_t_interval, t_quantile
from crossrisk.interactions.paired import Interval, newcombe_paired, tango_paired, unchanged_interval
from crossrisk.interactions.score_interval import (
    change_interval,
    counted_interval,
    degrees_of_freedom,
    equivalence_interval,
    score_interval,
)


def flips(up: int, down: int, same: int) -> np.ndarray:
    return np.repeat([1.0, -1.0, 0.0], [up, down, same])


@st.composite
def changes(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray | None]:
    """Changes of two or more clusters, or of independent pairs; whole or graded."""
    n = draw(st.integers(2, 40))
    amounts = st.sampled_from([-1.0, 0.0, 1.0]) if draw(st.booleans()) else st.floats(-1, 1).map(lambda x: round(x, 3))
    values = np.array(draw(st.lists(amounts, min_size=n, max_size=n)))
    if draw(st.booleans()):
        return values, None
    labels = np.array(draw(st.lists(st.integers(0, 7), min_size=n, max_size=n)))
    return values, np.concatenate([[0, 1], labels[2:]])


def test_independent_flips_are_counted_as_they_are() -> None:
    assert score_interval(flips(12, 4, 84)) == tango_paired(12, 4, 100, alpha=0.045)


def test_without_any_flip_the_bound_is_the_exact_one() -> None:
    assert score_interval(np.zeros(60)) == unchanged_interval(0.0, 60)
    assert score_interval(np.zeros(60), np.arange(60) // 3) == unchanged_interval(0.0, 20)


def test_templates_that_all_change_alike_leave_only_what_is_unlike_them() -> None:
    assert score_interval(np.full(40, 0.25), np.arange(40) // 4) == unchanged_interval(0.25, 10)


def test_one_cluster_has_no_interval_and_no_pair_is_an_error() -> None:
    assert score_interval(flips(2, 0, 3), np.zeros(5)) is None
    assert score_interval([0.5]) is None
    assert change_interval(flips(2, 0, 3), np.zeros(5), 1.0) is None
    assert equivalence_interval(flips(2, 0, 3), np.zeros(5)) is None
    with pytest.raises(ValueError, match="at least one pair"):
        score_interval([])


@pytest.mark.parametrize("size", [2, 7, 50])
def test_templates_that_flip_as_a_whole_count_once_whatever_their_size(size: int) -> None:
    whole = flips(9, 3, 18)
    once = score_interval(np.repeat(whole, 3), np.repeat(np.arange(30), 3))
    assert score_interval(np.repeat(whole, size), np.repeat(np.arange(30), size)) == pytest.approx(once, abs=1e-9)


def test_with_many_clusters_of_small_changes_it_is_the_cluster_robust_t_interval() -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(400), 5)
    change = 0.02 + 0.05 * np.repeat(rng.normal(size=400), 5) + 0.05 * rng.normal(size=2_000)
    ours, robust = score_interval(change, labels), cluster_t_interval(cluster_sums(change, labels), alpha=0.045)
    assert ours is not None and robust is not None
    assert ours == pytest.approx(robust, abs=2e-4)
    assert robust.high - robust.low > 0.01


def test_it_is_never_narrower_than_for_independent_pairs() -> None:
    # Two templates each have the same flips: no spread between them, yet they do not know more than 80 prompts do.
    change = np.tile(flips(4, 2, 4), 8)
    for labels in (np.repeat(np.arange(8), 10), np.tile(np.arange(10), 8)):
        apart, together = score_interval(change), score_interval(change, labels)
        assert apart is not None and together is not None
        assert together.low <= apart.low + 1e-9 and together.high >= apart.high - 1e-9


def test_degrees_of_freedom_are_those_of_the_spread_of_squares_by_hand() -> None:
    # One of ten changed: squares .81 and nine times .01, their spread 10/9 (.72^2 + 9 x .08^2) = .64; 2 x .9^2 / .64.
    one_of_ten = cluster_sums(flips(1, 0, 9))
    assert degrees_of_freedom(one_of_ten, 0.09 / 10) == pytest.approx(2 * 0.81 / 0.64)
    # All squares alike: nothing is known to reduce them.
    assert degrees_of_freedom(cluster_sums(flips(5, 5, 0)), 0.1) == 9


def test_a_template_that_is_larger_than_all_others_leaves_one_degree_of_freedom() -> None:
    sizes = np.array([1, 1, 1, 1, 40])
    sums = cluster_sums(np.repeat([1.0, -1.0, 1.0, -1.0, 0.5], sizes), np.repeat(np.arange(5), sizes))
    assert degrees_of_freedom(sums, 0.0001) == 1


def test_few_changed_clusters_widen_it_away_from_zero_alone_until_most_have_changed() -> None:
    for changed, low_too in ((2, False), (18, True)):
        change, labels = np.where(np.arange(200) < 10 * changed, 1.0, 0.0), np.repeat(np.arange(20), 10)
        # Whole templates: 20 pairs, less (t / z)^2 with 19 degrees of freedom and one for the mean that is estimated.
        t, z = t_quantile(1 - 0.0225, 20), 2.004654
        pairs = 20 * (19 / 20) * (z / t) ** 2
        known = tango_paired(pairs * changed / 20, 0, pairs, alpha=0.045)
        interval = score_interval(change, labels)
        assert interval is not None and interval.high > known.high + 0.001
        assert (interval.low < known.low - 0.01) if low_too else interval.low == pytest.approx(known.low, abs=1e-5)


@given(changes())
@settings(deadline=None)
def test_exchanging_the_arms_negates_it_and_the_order_of_pairs_does_not_matter(
    drawn: tuple[np.ndarray, np.ndarray | None],
) -> None:
    change, labels = drawn
    order = np.random.default_rng(len(change)).permutation(len(change))
    for make in (
        lambda values, at: score_interval(values, at),
        lambda values, at: change_interval(values, at, 0.5),
        lambda values, at: equivalence_interval(values, at),
    ):
        ours, turned = make(change, labels), make(-change, labels)
        moved = make(change[order], None if labels is None else labels[order])
        assert ours is not None and turned is not None and moved is not None
        assert (turned.low, turned.high) == pytest.approx((-ours.high, -ours.low), abs=1e-9)
        assert moved == pytest.approx(ours, abs=1e-8)
        assert -1 <= ours.low <= change.mean() + 1e-9 and change.mean() - 1e-9 <= ours.high <= 1


@given(changes())
@settings(deadline=None)
def test_a_higher_level_gives_a_wider_interval(drawn: tuple[np.ndarray, np.ndarray | None]) -> None:
    narrow, wide = (score_interval(*drawn, alpha=alpha) for alpha in (0.1, 0.05))
    assert narrow is not None and wide is not None
    assert wide.low <= narrow.low + 1e-9 and narrow.high <= wide.high + 1e-9


def test_where_the_test_does_not_reject_it_holds_zero_and_what_no_template_has_shown() -> None:
    labels = np.repeat(np.arange(30), 10)
    change = np.where(np.arange(300) % 50 == 0, 1.0, 0.0)  # six templates with one flip each
    kept, open_ended = change_interval(change, labels, 0.04), change_interval(change, labels, 0.06)
    assert kept == score_interval(change, labels)
    unseen = 1 - 0.05 ** (1 / 30)
    assert open_ended is not None
    assert open_ended.low == pytest.approx((1 - unseen) * 0.02 - unseen)
    assert open_ended.high == pytest.approx((1 - unseen) * 0.02 + unseen)


def test_with_plentiful_flips_the_spread_is_known_but_harmless_still_means_all_templates() -> None:
    labels, rng = np.repeat(np.arange(30), 10), np.random.default_rng(1)
    change = rng.choice([1.0, -1.0, 0.0], p=[0.2, 0.2, 0.6], size=300)
    score, unseen = score_interval(change, labels), unchanged_interval(change.mean(), 30, alpha=0.1)
    assert score is not None and score.high < unseen.high
    assert change_interval(change, labels, 0.5) == score.hull(Interval(0.0, 0.0))
    assert equivalence_interval(change, labels) == unseen


def test_five_clusters_cannot_reject_and_have_one_sided_limits() -> None:
    labels = np.repeat(np.arange(5), 20)
    change = np.where(np.arange(100) % 20 < 6 + labels, 1.0, 0.0)  # over two flips a cluster
    one_sided = score_interval(change, labels, alpha=0.1)
    assert one_sided is not None and one_sided.low > 0
    assert change_interval(change, labels, 0.0625) == Interval(0.0, one_sided.high)
    few = np.where(np.arange(100) % 20 < 1, 1.0, 0.0)
    interval, unseen = change_interval(few, labels, 0.0625), unchanged_interval(0.05, 5, alpha=0.1)
    assert interval is not None and interval.low == unseen.low and interval.high == unseen.high


def test_the_interval_of_counts_is_newcombes_where_the_test_rejects() -> None:
    assert counted_interval(40, 20, 60, 180, 0.013) == newcombe_paired(40, 20, 60, 180)
    assert counted_interval(0, 0, 20, 40, 1.0) == unchanged_interval(0.0, 60)
    open_ended, judged = counted_interval(8, 2, 0, 90, 0.11), equivalence_interval(flips(8, 2, 90), None)
    assert open_ended.low <= 0 <= open_ended.high and judged is not None
    assert open_ended.low <= judged.low and judged.high <= open_ended.high


def test_equivalence_of_few_templates_is_never_shown_by_silence() -> None:
    quiet = equivalence_interval(np.zeros(1_000), np.arange(1_000) // 20)
    assert quiet is not None and quiet.high == pytest.approx(1 - 0.05 ** (1 / 50)) and quiet.high > 0.05

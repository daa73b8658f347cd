"""Statistics that are no mean of risks: what the paired bootstrap and the exchange of arms must hold."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossrisk.interactions.effect import compare
from crossrisk.interactions.statistic import compare_statistic
from crossrisk.risks import Verdict
from crossrisk.tasks.metric import Outcomes


def cell(risks: np.ndarray, clusters: np.ndarray, **columns: np.ndarray) -> Outcomes:
    """Outcomes whose measure `x` is the risk, unless given."""
    n = len(risks)
    facets = {name: column for name, column in columns.items() if column.dtype.kind == "U"}
    measures = {name: column for name, column in columns.items() if column.dtype.kind != "U"}
    return Outcomes(
        ids=np.array([f"s{i}" for i in range(n)]),
        clusters=clusters.astype(str),
        groups=np.full(n, ""),
        labels=np.full(n, "x"),
        risks=risks.astype(float),
        facets=facets,
        measures={"x": risks.astype(float)} | measures,
    )


def mean(rows: Outcomes) -> float | None:
    return float(rows.risks.mean()) if len(rows) else None


def gap(rows: Outcomes) -> float | None:
    """Absolute difference of two groups' means: no mean of anything a sample has by itself."""
    first = rows.facet("side") == "a"
    if first.all() or not first.any():
        return None
    return abs(float(rows.risks[first].mean() - rows.risks[~first].mean()))


def clusters_of(rng: np.random.Generator, units: int, size: int) -> np.ndarray:
    return np.repeat(np.arange(units), size)


def test_of_the_mean_it_says_what_the_paired_comparison_of_means_says() -> None:
    rng = np.random.default_rng(1)
    clusters = clusters_of(rng, 60, 4)
    base = rng.random(240)
    defended = np.clip(base + 0.1 + 0.1 * rng.standard_normal(240), 0, 1)
    one = compare(base, defended, clusters=clusters)
    other = compare_statistic(cell(base, clusters), cell(defended, clusters), mean, draws=2_000)
    assert other.delta == pytest.approx(one.delta)
    assert (other.n, other.clusters, other.verdict) == (240, 60, Verdict.WORSENS)
    assert one.ci_low is not None and one.ci_high is not None
    assert other.ci_low == pytest.approx(one.ci_low, abs=0.006)
    assert other.ci_high == pytest.approx(one.ci_high, abs=0.006)


def test_arms_that_agree_show_no_change_and_their_bound_depends_on_the_number_of_clusters() -> None:
    risks = np.linspace(0, 1, 400)
    few = compare_statistic(cell(risks, np.repeat(np.arange(20), 20)), cell(risks, np.repeat(np.arange(20), 20)), mean)
    many = compare_statistic(cell(risks, np.arange(400)), cell(risks, np.arange(400)), mean)
    assert (few.delta, few.p, many.delta, many.p) == (0.0, 1.0, 0.0, 1.0)
    assert few.verdict is Verdict.INCONCLUSIVE and many.verdict is Verdict.NO_EFFECT


def test_an_undefined_statistic_is_not_applicable_and_no_zero() -> None:
    risks = np.ones(10)
    both = cell(risks, np.arange(10), side=np.full(10, "a"))
    effect = compare_statistic(both, both, gap)
    assert (effect.base, effect.delta, effect.p, effect.verdict) == (None, None, None, Verdict.NOT_APPLICABLE)


def test_rows_that_are_invalid_in_either_arm_are_left_out() -> None:
    base, defended = np.array([0.0, np.nan, 1.0, 0.0]), np.array([0.0, 1.0, np.nan, 1.0])
    effect = compare_statistic(cell(base, np.arange(4)), cell(defended, np.arange(4)), mean)
    assert (effect.n, effect.base, effect.defended) == (2, 0.0, 0.5)


def test_arms_of_other_samples_are_refused() -> None:
    first = cell(np.ones(3), np.arange(3))
    with pytest.raises(ValueError, match="same samples"):
        compare_statistic(first, replace(first, ids=first.ids[::-1]), mean)


def test_with_few_clusters_there_is_a_p_but_no_interval() -> None:
    base, defended = np.zeros(12), np.ones(12)
    effect = compare_statistic(cell(base, np.repeat(np.arange(6), 2)), cell(defended, np.repeat(np.arange(6), 2)), mean)
    assert effect.ci_low is None and effect.p is not None
    assert effect.verdict is Verdict.INCONCLUSIVE


def test_a_cluster_that_is_drawn_twice_counts_as_two() -> None:
    seen: list[int] = []

    def counting(rows: Outcomes) -> float:
        seen.append(len(np.unique(rows.clusters)))
        return float(rows.risks.mean())

    rng = np.random.default_rng(0)
    base, defended = rng.random(40), rng.random(40)
    clusters = np.repeat(np.arange(20), 2)
    compare_statistic(cell(base, clusters), cell(defended, clusters), counting, draws=5)
    assert set(seen) == {20, 19}  # 19 where the jackknife leaves one out


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
def test_exchanging_the_arms_negates_the_change_and_keeps_p(seed: int) -> None:
    rng = np.random.default_rng(seed)
    clusters = clusters_of(rng, 12, 3)
    side = np.array(["a", "b", "b"] * 12)
    base, defended = (cell((rng.random(36) < 0.5).astype(float), clusters, side=side) for _ in range(2))
    one, other = (compare_statistic(*arms, gap, draws=60) for arms in ((base, defended), (defended, base)))
    assert one.delta is not None and other.delta is not None
    assert one.delta == pytest.approx(-other.delta)
    assert one.p == other.p


@pytest.mark.slow
def test_intervals_of_a_gap_cover_and_its_test_keeps_its_level() -> None:
    """400 worlds of 60 clusters. Within three standard errors of 95 % and 5 %: 92 to 98, at most 8.3."""
    rng = np.random.default_rng(7)
    side = np.tile(["a", "b"], 60)
    clusters = np.repeat(np.arange(60), 2)
    covered = rejected = 0
    worlds = 400
    for _ in range(worlds):
        shared = rng.random(60).repeat(2)

        def arm(rate_a: float, rate_b: float, shared: np.ndarray = shared) -> Outcomes:
            chance = 0.5 * shared + 0.5 * rng.random(120)
            return cell((chance < np.where(side == "a", rate_a, rate_b)).astype(float), clusters, side=side)

        def share(level: float) -> float:
            """P(0.5 U + 0.5 V < level) for independent uniforms."""
            return 2 * level**2 if level < 0.5 else 1 - 2 * (1 - level) ** 2

        base, defended = arm(0.7, 0.4), arm(0.8, 0.3)
        effect = compare_statistic(base, defended, gap, draws=400)
        truth = (share(0.8) - share(0.3)) - (share(0.7) - share(0.4))
        assert effect.ci_low is not None and effect.ci_high is not None
        covered += effect.ci_low <= truth <= effect.ci_high
        null = compare_statistic(arm(0.7, 0.4), arm(0.7, 0.4), gap, draws=200)
        assert null.p is not None
        rejected += null.p < 0.05
    assert 0.92 <= covered / worlds <= 0.985
    assert rejected / worlds <= 0.083

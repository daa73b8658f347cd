"""Statistics that are no mean of risks: what the paired bootstrap and the exchange of arms must hold."""

from dataclasses import asdict, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import bootstrap

from crossrisk.interactions.effect import compare
from crossrisk.interactions.paired import unchanged_interval
from crossrisk.interactions.statistic import STEEPEST, compare_statistic
from crossrisk.risks import Verdict
from crossrisk.tasks.metric import Outcomes, WeightedStatistic
from crossrisk.tasks.metrics.membership_figures import attack_auroc
from crossrisk.tasks.metrics.rankings import auroc
from crossrisk.tasks.metrics.weighted import of_sums, over_clusters, ratio


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


def declared_gap() -> WeightedStatistic:
    """`gap` as a function of sums over clusters."""

    def sums(rows: Outcomes) -> np.ndarray:
        first = rows.facet("side") == "a"
        return over_clusters(rows, rows.risks * first, first, rows.risks * ~first, ~first)

    return of_sums(sums, lambda found: np.abs(ratio(found[:, 0], found[:, 1]) - ratio(found[:, 2], found[:, 3])))


@pytest.mark.parametrize("units", [9, 40, 1_100])
def test_a_declared_statistic_gives_the_numbers_of_one_whose_rows_are_put_together(units: int) -> None:
    rng = np.random.default_rng(units)
    clusters, side = clusters_of(rng, units, 2), np.array(["a", "b"] * units)
    base, defended = (cell(rng.random(2 * units) ** power, clusters, side=side) for power in (1.0, 1.4))
    fast, slow = (compare_statistic(base, defended, each, draws=120) for each in (declared_gap(), gap))
    assert asdict(fast) == pytest.approx(asdict(slow), abs=1e-11)


@pytest.mark.parametrize("rise", [0.1, 0.25, 0.4, 0.6])
def test_p_is_that_of_every_exchange_of_arms(rise: float) -> None:
    rng = np.random.default_rng(3)
    side = np.array(["a", "b"] * 9)
    base, defended = 0.4 * rng.random(18), 0.4 * rng.random(18) + rise * (side == "a")
    clusters = clusters_of(rng, 9, 2)
    found = compare_statistic(cell(base, clusters, side=side), cell(defended, clusters, side=side), declared_gap())

    def gap_of(risks: np.ndarray) -> float:
        return abs(float(risks[side == "a"].mean() - risks[side == "b"].mean()))

    moved = ((np.arange(2**9)[:, None] >> np.arange(9)) & 1).astype(bool)[:, clusters]
    changes = [gap_of(np.where(row, base, defended)) - gap_of(np.where(row, defended, base)) for row in moved]
    exact = float(np.mean(np.abs(changes) >= abs(gap_of(defended) - gap_of(base)) - 1e-12))
    # A tenth is the standard error of 100 exceedances; with fewer the error is that of 2,000 draws.
    assert found.p == pytest.approx(exact, abs=4 * max(0.1 * exact, (exact / 2_000) ** 0.5))


def test_where_nothing_changes_few_exchanges_are_enough_to_say_so() -> None:
    calls = 0

    def counting(rows: Outcomes) -> float:
        nonlocal calls
        calls += 1
        return float(rows.risks.mean())

    rng = np.random.default_rng(0)
    clusters = np.arange(40)
    base = rng.random(40)
    change = np.where(np.arange(40) % 2 == 0, 0.1, -0.1)  # as many up as down
    effect = compare_statistic(cell(base * 0.8 + 0.1, clusters), cell(base * 0.8 + 0.1 + change, clusters), counting)
    assert effect.p is not None and effect.p > 0.8
    assert calls < 2 * 2_000 + 2 * 200 + 2 * 40 + 10  # the bootstrap, at most 200 exchanges, the jackknife


def test_draws_that_are_all_alike_are_no_proof_of_no_change() -> None:
    """The largest risk is 1 in both arms and in every resample: the interval is the bound on what was not seen."""
    risks = np.tile([1.0, 0.5, 0.25, 0.75], 30)
    base, defended = cell(risks, np.arange(120) // 4), cell(np.where(risks == 0.25, 0.5, risks), np.arange(120) // 4)
    effect = compare_statistic(base, defended, lambda rows: float(rows.risks.max()), draws=200)
    assert (effect.delta, effect.verdict) == (0.0, Verdict.INCONCLUSIVE)
    assert (effect.ci_low, effect.ci_high) == pytest.approx(
        tuple(STEEPEST * limit for limit in unchanged_interval(0.0, 30))
    )


def test_the_interval_of_an_auroc_of_independent_rows_is_near_that_of_scipy() -> None:
    rng = np.random.default_rng(5)
    member = np.arange(120) % 2 == 0
    base = rng.normal(0.3 * member)
    defended = base + rng.normal(0.8 * member, 0.7)
    arms = (
        replace(
            cell(np.full(120, 0.5), np.arange(120), member=np.where(member, "member", "nonmember")),
            measures={"min_k_plus_plus": scores},
        )
        for scores in (base, defended)
    )
    effect = compare_statistic(*arms, attack_auroc)

    def change(rows: np.ndarray) -> float:
        rows = rows.astype(int)
        return (auroc(defended[rows], member[rows]) or 0.0) - (auroc(base[rows], member[rows]) or 0.0)

    theirs = bootstrap(
        (np.arange(120),), change, n_resamples=2_000, vectorized=False, rng=np.random.default_rng(0)
    ).confidence_interval
    assert effect.ci_low is not None and effect.ci_high is not None
    width = theirs.high - theirs.low
    assert effect.ci_low == pytest.approx(theirs.low, abs=0.1 * width)
    assert effect.ci_high == pytest.approx(theirs.high, abs=0.1 * width)


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
        effect = compare_statistic(base, defended, declared_gap(), draws=400)
        truth = (share(0.8) - share(0.3)) - (share(0.7) - share(0.4))
        assert effect.ci_low is not None and effect.ci_high is not None
        covered += effect.ci_low <= truth <= effect.ci_high
        null = compare_statistic(arm(0.7, 0.4), arm(0.7, 0.4), declared_gap(), draws=200)
        assert null.p is not None
        rejected += null.p < 0.05
    assert 0.92 <= covered / worlds <= 0.985
    assert rejected / worlds <= 0.083

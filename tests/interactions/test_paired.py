"""Two arms, one yes-or-no outcome: agreement with published numbers, other libraries and independent formulas."""

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.stats import binom, binomtest, norm
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.proportion import proportion_confint

from crossrisk.interactions.paired import (
    Interval,
    equivalent,
    mcnemar_exact,
    mcnemar_midp,
    newcombe_paired,
    tango_paired,
    unchanged_interval,
    wilson,
)

# Airway hyper-responsiveness before and after stem cell transplantation, as analysed by Fagerland, Lydersen, Laake.
BENTUR = {"worse": 1, "better": 7, "both": 1, "neither": 12}

counts = st.integers(min_value=0, max_value=60)
tables = st.tuples(counts, counts, counts, counts).filter(lambda table: sum(table) > 0)


@pytest.mark.parametrize(("worse", "better"), [(0, 0), (0, 5), (1, 7), (7, 1), (12, 12), (40, 22), (3, 180)])
def test_exact_mcnemar_is_the_binomial_test_of_scipy_and_statsmodels(worse: int, better: int) -> None:
    expected = binomtest(worse, worse + better).pvalue if worse + better else 1.0
    assert mcnemar_exact(worse, better) == pytest.approx(expected, rel=1e-12)
    assert mcnemar_exact(worse, better) == pytest.approx(mcnemar([[9, worse], [better, 9]], exact=True).pvalue)


def test_mcnemar_agrees_with_the_published_exact_p_of_the_airway_study() -> None:
    assert mcnemar_exact(1, 7) == pytest.approx(0.0703, abs=5e-5)


@pytest.mark.parametrize(("worse", "better"), [(0, 5), (1, 7), (7, 1), (40, 22), (3, 180)])
def test_mid_p_takes_away_half_of_what_was_seen_on_either_side(worse: int, better: int) -> None:
    seen = binom.pmf(min(worse, better), worse + better, 0.5)
    assert mcnemar_midp(worse, better) == pytest.approx(mcnemar_exact(worse, better) - seen, rel=1e-9)


def test_mid_p_agrees_with_the_published_one_of_the_airway_study() -> None:
    assert mcnemar_midp(1, 7) == pytest.approx(0.0391, abs=5e-5)
    assert mcnemar_midp(0, 0) == mcnemar_midp(6, 6) == 1.0


def test_five_flips_never_reach_significance_and_six_can() -> None:
    assert mcnemar_exact(5, 0) > 0.05 > mcnemar_exact(6, 0)


@given(risky=st.integers(0, 80), more=st.integers(0, 80), alpha=st.sampled_from([0.01, 0.05, 0.1]))
def test_wilson_agrees_with_statsmodels(risky: int, more: int, alpha: float) -> None:
    n = risky + more
    if n:
        expected = proportion_confint(risky, n, alpha=alpha, method="wilson")
        assert wilson(risky, n, alpha=alpha) == pytest.approx(expected, abs=1e-12)


def test_newcombe_agrees_with_the_published_examples() -> None:
    # Newcombe (1998), 36 / 12 / 2 / 0; Fagerland, Lydersen, Laake (2014), airway study.
    assert newcombe_paired(12, 2, 36, 0) == pytest.approx((0.0569, 0.3404), abs=5e-5)
    assert newcombe_paired(**BENTUR) == pytest.approx((-0.507, -0.026), abs=5e-4)


@given(tables)
def test_newcombe_agrees_with_its_definition_by_roots_of_the_score_equation(table: tuple[int, int, int, int]) -> None:
    worse, better, both, neither = table
    n, z = sum(table), norm.ppf(0.975)

    def limits(p: float) -> np.ndarray:
        # (p - x)^2 = z^2 x (1 - x) / n is a quadratic in x.
        return np.sort(np.roots([1 + z * z / n, -2 * p - z * z / n, p * p]).real)

    first, second = (both + worse) / n, (both + better) / n
    (l1, u1), (l2, u2) = limits(first), limits(second)
    determinant = both * neither - worse * better
    corrected = max(determinant - n / 2, 0) if determinant > 0 else determinant
    margins = math.prod([both + worse, better + neither, both + better, worse + neither])
    phi = corrected / math.sqrt(margins) if margins else 0.0
    low = (
        first
        - second
        - math.sqrt(max((first - l1) ** 2 + (u2 - second) ** 2 - 2 * phi * (first - l1) * (u2 - second), 0))
    )
    high = (
        first
        - second
        + math.sqrt(max((u1 - first) ** 2 + (second - l2) ** 2 - 2 * phi * (u1 - first) * (second - l2), 0))
    )
    assert newcombe_paired(worse, better, both, neither) == pytest.approx((max(low, -1), min(high, 1)), abs=1e-6)


def test_tango_agrees_with_the_published_example() -> None:
    assert tango_paired(1, 7, 21) == pytest.approx((-0.517, -0.026), abs=5e-4)


@given(tables)
@example((1, 8, 0, 0))
def test_tango_limits_are_where_the_score_statistic_reaches_the_quantile(table: tuple[int, int, int, int]) -> None:
    worse, better, n = table[0], table[1], sum(table)

    def score(delta: float) -> float:
        # The constrained maximum-likelihood estimate, found numerically instead of by the closed form.
        low, high = max(0.0, -delta), (1 - abs(delta)) / 2 + max(0.0, -delta)
        if worse + better == n:  # every pair flipped: the estimate lies on the edge, where the likelihood has no root
            return (worse - better - n * delta) / math.sqrt(n * (2 * high + delta * (1 - delta)))
        grid = brentq(
            lambda q: (
                better * (q + delta) * (1 - 2 * q - delta)
                + worse * q * (1 - 2 * q - delta)
                - 2 * (n - worse - better) * q * (q + delta)
            ),
            low + 1e-13,
            high,
        )
        return (worse - better - n * delta) / math.sqrt(n * (2 * grid + delta * (1 - delta)))

    interval = tango_paired(worse, better, n)
    for limit, quantile in ((interval.low, 1.959964), (interval.high, -1.959964)):
        if 1e-3 < worse / n < 1 - 1e-3 and 1e-3 < better / n < 1 - 1e-3 and abs(limit) < 0.999:
            assert score(limit) == pytest.approx(quantile, abs=1e-3)


@given(tables)
def test_swapping_the_arms_mirrors_every_interval(table: tuple[int, int, int, int]) -> None:
    worse, better, both, neither = table
    for interval, mirrored in (
        (newcombe_paired(worse, better, both, neither), newcombe_paired(better, worse, both, neither)),
        (tango_paired(worse, better, sum(table)), tango_paired(better, worse, sum(table))),
    ):
        assert (-mirrored.high, -mirrored.low) == pytest.approx(interval, abs=1e-9)
        assert -1 <= interval.low <= (worse - better) / sum(table) <= interval.high <= 1


@pytest.mark.parametrize("n", [1, 2, 30, 400])
def test_the_bound_on_what_went_unseen_is_clopper_pearson_at_zero_events(n: int) -> None:
    unseen = binomtest(0, n).proportion_ci(method="exact").high
    assert unchanged_interval(0.0, n) == pytest.approx((-unseen, unseen), rel=1e-9)


def test_the_rule_of_three_needs_fifty_nine_units_for_a_margin_of_five_points() -> None:
    assert not equivalent(unchanged_interval(0.0, 58, alpha=0.1), 0.05)
    assert equivalent(unchanged_interval(0.0, 59, alpha=0.1), 0.05)


def test_equivalence_needs_the_whole_interval_inside_the_margin() -> None:
    assert equivalent(Interval(-0.049, 0.049), 0.05)
    assert not equivalent(Interval(-0.01, 0.05), 0.05)
    assert not equivalent(Interval(-0.06, -0.04), 0.05)


def test_no_prompts_no_interval() -> None:
    for empty in (lambda: wilson(0, 0), lambda: newcombe_paired(0, 0, 0, 0), lambda: tango_paired(0, 0, 0)):
        with pytest.raises(ValueError, match="at least one"):
            empty()
    with pytest.raises(ValueError, match="at least one"):
        unchanged_interval(0.0, 0)

"""Relative change rates and odds ratios, against statsmodels, scipy and each other."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest
from statsmodels.stats.contingency_tables import mcnemar

from crossrisk.interactions.effect import compare
from crossrisk.interactions.ratios import discordant_odds_ratio, rcr, rcr_interval
from tests.interactions.test_validity import templates

counts = st.integers(min_value=0, max_value=60)


def arms(worse: int, better: int, both: int, neither: int) -> tuple[np.ndarray, np.ndarray]:
    base = np.repeat([0.0, 1.0, 1.0, 0.0], [worse, better, both, neither])
    return base, np.repeat([1.0, 0.0, 1.0, 0.0], [worse, better, both, neither])


def test_the_relative_change_of_a_fifth_to_a_tenth_is_minus_a_half() -> None:
    assert rcr(0.2, 0.1) == pytest.approx(-0.5)
    assert rcr(0.0, 0.1) is None


def test_a_large_sample_has_the_limits_of_nam_and_blackwelders_variance() -> None:
    base, defended = arms(worse=600, better=300, both=1700, neither=7400)
    half = 1.95996 * math.sqrt(900 / (2000 * 2300))
    interval = rcr_interval(base, defended)
    assert interval is not None
    assert interval == pytest.approx([math.expm1(math.log(1.15) - half), math.expm1(math.log(1.15) + half)], abs=1e-3)


@given(st.integers(5, 60), st.integers(0, 60), st.integers(10, 60), st.integers(0, 60))
def test_exchanging_the_arms_turns_the_ratio_upside_down(worse: int, better: int, both: int, neither: int) -> None:
    base, defended = arms(worse, better, both, neither)
    there, back = rcr_interval(base, defended), rcr_interval(defended, base)
    if there is not None and back is not None:
        assert 1 + there.low == pytest.approx(1 / (1 + back.high))
        assert 1 + there.high == pytest.approx(1 / (1 + back.low))


def test_a_small_base_has_a_relative_change_but_no_interval_of_it() -> None:
    base, defended = arms(worse=10, better=2, both=2, neither=486)
    effect = compare(base, defended)
    assert effect.rcr == pytest.approx(2.0)
    assert effect.rcr_low is None and effect.rcr_high is None


def test_a_risk_that_vanishes_has_a_finite_lower_limit_and_never_loses_more_than_all() -> None:
    # Clopper and Pearson leave 0 of 200 at most 1.83 %, which is 6.1 % of the base's 30 %.
    interval = rcr_interval(*arms(worse=0, better=60, both=0, neither=140))
    assert interval is not None
    assert -1 < interval.low < 0.061 - 1 < interval.high < -0.8


def test_relative_change_is_covered_in_clusters_and_out_of_them() -> None:
    rng = np.random.default_rng(0)
    for clusters, size, icc in [(150, 1, 0.0), (60, 7, 0.2)]:
        held = []
        for _ in range(300):
            base, defended, labels, _ = templates(rng, clusters, size, icc, (0.3, 0.2, 0.05))
            interval = rcr_interval(base, defended, None if size == 1 else labels)
            held.append(interval is not None and interval.low <= 0.425 / 0.3 - 1 <= interval.high)
        assert np.mean(held) >= 0.92


def test_templates_that_flip_together_are_less_sure_than_as_many_single_prompts() -> None:
    base, defended = arms(worse=40, better=0, both=60, neither=100)
    single, whole = rcr_interval(base, defended), rcr_interval(base, defended, np.arange(200) // 10)
    assert single is not None and whole is not None
    assert whole.high - whole.low > 2 * (single.high - single.low)


@given(counts, counts)
def test_the_odds_of_flips_leave_out_one_exactly_where_mcnemar_rejects(worse: int, better: int) -> None:
    ratio, limits = discordant_odds_ratio(worse, better)
    if limits is None:
        assert ratio is None and worse + better == 0
        return
    rejected = mcnemar([[5, worse], [better, 5]], exact=True).pvalue < 0.05
    assert rejected == (not limits.low <= 1 <= limits.high)
    share = binomtest(worse, worse + better).proportion_ci(0.95)
    assert limits.low == pytest.approx(share.low / (1 - share.low), rel=1e-6)


def test_the_airway_study_has_its_published_odds_ratio() -> None:
    # Fagerland, Lydersen, Laake (2014): 1 against 7 discordant pairs, 0.143 with exact interval 0.003 to 1.112.
    ratio, limits = discordant_odds_ratio(1, 7)
    assert ratio == pytest.approx(0.143, abs=5e-4)
    assert limits == pytest.approx((0.00317, 1.112), abs=5e-4)


def test_flips_in_one_direction_only_have_an_unbounded_ratio() -> None:
    ratio, limits = discordant_odds_ratio(9, 0)
    assert ratio is None and limits is not None
    assert limits.low > 1 and math.isinf(limits.high)

"""Errors of a judge in a difference: reference values, equal errors and different ones, degenerate judges."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossrisk.interactions import compare
from crossrisk.interactions.judge_error import (
    Confusion,
    correct_shared,
    fits,
    rogan_gladen,
    rogan_gladen_variance,
    tipping_point,
)

GOOD = Confusion(found=970, missed=30, accused=150, spared=850)


def arms(both: int, worse: int, better: int, neither: int) -> tuple[np.ndarray, np.ndarray]:
    base = [1] * both + [0] * worse + [1] * better + [0] * neither
    return np.array(base, float), np.array([1] * (both + worse) + [0] * (better + neither), float)


def test_the_corrected_rate_of_the_authors_example() -> None:
    """Lee et al., arXiv 2511.21140: p .4, specificity .7, sensitivity .9 give (.4 + .7 - 1) / (.7 + .9 - 1)."""
    assert rogan_gladen(0.4, 0.9, 0.7) == pytest.approx(1 / 6)


@pytest.mark.parametrize("truth", [0.0, 0.05, 0.3, 1.0])
def test_the_corrected_rate_undoes_what_the_judge_does(truth: float) -> None:
    told = truth * 0.97 + (1 - truth) * (1 - 0.85)
    assert rogan_gladen(told, 0.97, 0.85) == pytest.approx(truth)


@pytest.mark.parametrize(("found", "spared"), [(0.5, 0.5), (0.2, 0.3), (0.0, 1.0)])
def test_a_judge_no_better_than_chance_corrects_nothing(found: float, spared: float) -> None:
    assert rogan_gladen(0.4, found, spared) is None
    calibration = Confusion(100 * found, 100 * (1 - found), 100 * (1 - spared), 100 * spared)
    assert rogan_gladen_variance(0.4, 100, calibration) is None
    assert correct_shared(compare(*arms(20, 5, 10, 65)), calibration) is None


def test_the_variance_by_hand_and_in_simulation() -> None:
    """p .4 of 300; 90 of 100 found, 70 of 100 spared: [.4*.6/300 + (5/6)^2*.7*.3/100 + (1/6)^2*.9*.1/100] / .6^2."""
    by_hand = (0.0008 + (5 / 6) ** 2 * 0.0021 + (1 / 6) ** 2 * 0.0009) / 0.36
    assert rogan_gladen_variance(0.4, 300, Confusion(90, 10, 30, 70)) == pytest.approx(by_hand)
    rng = np.random.default_rng(0)
    rates, found, spared = (rng.binomial(n, p, 200_000) / n for n, p in ((300, 0.4), (100, 0.9), (100, 0.7)))
    assert np.var((rates + spared - 1) / (found + spared - 1)) == pytest.approx(by_hand, rel=0.06)


def test_equal_errors_shrink_a_change_by_youden_and_nothing_else() -> None:
    observed = compare(*arms(60, 6, 50, 184))
    found = correct_shared(observed, GOOD)
    assert found is not None and observed.delta is not None
    assert found.delta == pytest.approx(observed.delta / 0.82)
    assert found.defended - found.base == pytest.approx(found.delta)
    assert found.p == observed.p and not found.outside


def test_with_a_known_judge_the_interval_is_the_observed_one_stretched() -> None:
    observed = compare(*arms(60, 12, 40, 188))
    found = correct_shared(observed, Confusion(970_000, 30_000, 150_000, 850_000))
    assert found is not None and found.interval is not None and found.equivalence is not None
    ends = [observed.ci_low, observed.ci_high, observed.equivalence_low, observed.equivalence_high]
    stretched = [end / 0.82 for end in ends if end is not None]
    assert [*found.interval, *found.equivalence] == pytest.approx(stretched, abs=2e-4)


def test_few_labels_widen_the_interval() -> None:
    observed = compare(*arms(60, 5, 60, 175))
    widths = []
    for count in (10, 100, 1000):
        found = correct_shared(observed, Confusion(0.9 * count, 0.1 * count, 0.2 * count, 0.8 * count))
        assert found is not None and found.interval is not None
        widths.append(found.interval.high - found.interval.low)
    assert widths[0] > 1.2 * widths[1] > 1.2 * widths[2]


def test_an_exchange_of_the_arms_negates_the_correction() -> None:
    base, defended = arms(60, 12, 40, 88)
    one, other = (correct_shared(compare(*pair), GOOD) for pair in ((base, defended), (defended, base)))
    assert one is not None and other is not None and one.interval is not None and other.interval is not None
    assert one.delta == -other.delta
    assert [*one.interval] == pytest.approx([-other.interval.high, -other.interval.low], abs=1e-12)


@settings(max_examples=40, deadline=None)
@given(
    st.tuples(*[st.integers(0, 60)] * 4).filter(lambda counts: sum(counts) > 1),
    st.integers(1, 80), st.integers(0, 20), st.integers(0, 20), st.integers(1, 80),
)  # fmt: skip
def test_a_correction_never_turns_a_change_round(
    counts: tuple[int, int, int, int], found: int, missed: int, accused: int, spared: int
) -> None:
    observed, calibration = compare(*arms(*counts)), Confusion(found, missed, accused, spared)
    corrected = correct_shared(observed, calibration, draws=300)
    if corrected is None:
        assert calibration.youden is not None and calibration.youden <= 1e-9
        return
    assert observed.delta is not None and observed.ci_low is not None and observed.ci_high is not None
    assert corrected.interval is not None and 0 <= corrected.base <= 1 and 0 <= corrected.defended <= 1
    assert abs(corrected.delta) >= abs(observed.delta) - 1e-12 and corrected.delta * observed.delta >= 0
    low, high = corrected.interval
    assert -1 <= low <= corrected.delta <= high <= 1
    assert (low > 0, high < 0) == (observed.ci_low > 0, observed.ci_high < 0)


def test_rates_outside_0_and_1_are_cut_and_said() -> None:
    found = correct_shared(compare(*arms(5, 3, 7, 85)), GOOD)  # 12 % risky, where the judge alone accuses 15 %
    assert found is not None and found.outside
    assert (found.base, found.defended) == (0.0, 0.0)
    assert found.delta == pytest.approx(-0.04 / 0.82)


def test_an_effect_without_numbers_is_not_corrected() -> None:
    nothing = compare(np.array([np.nan]), np.array([1.0]))
    assert correct_shared(nothing, GOOD) is None
    one_cluster = compare(*arms(3, 4, 5, 6), clusters=np.zeros(18))
    found = correct_shared(one_cluster, GOOD)
    assert found is not None and found.interval is None and found.equivalence is None


@pytest.mark.parametrize("calibration", [Confusion(0, 0, 5, 95), Confusion(90, 10, 0, 0), Confusion(0, 0, 0, 0)])
def test_without_labels_on_one_side_there_is_no_correction(calibration: Confusion) -> None:
    assert calibration.youden is None and None in calibration.intervals
    assert correct_shared(compare(*arms(20, 5, 10, 65)), calibration) is None
    assert rogan_gladen_variance(0.3, 100, calibration) is None


@pytest.mark.parametrize(("rate", "n", "fit"), [
    (0.15, 300, True), (0.10, 30, True), (0.02, 300, False), (0.0, 1000, False), (1.0, 1000, False), (0.97, 300, True),
])  # fmt: skip
def test_a_rate_below_the_false_alarms_refutes_a_calibration(rate: float, n: int, fit: bool) -> None:
    """A judge that accuses 15 % of harmless replies cannot tell 2 %, whatever the truth; nor 100 % if it finds 97."""
    assert fits(rate, n, GOOD) is fit


@pytest.mark.parametrize(
    ("change", "specificity", "sensitivity"),
    [(-0.07, 0.10, -0.07 / 0.3), (-0.051, 0.051 / 0.7, -0.17), (0.051, -0.051 / 0.7, None)],
)
def test_the_tipping_point_is_the_very_error_that_invents_the_change(
    change: float, specificity: float, sensitivity: float | None
) -> None:
    """True rate .3, judge .97 and .85 in the base: .95 in the other arm invents -.07, a sensitivity of .80 -.051."""
    tip = tipping_point(change, 0.3, 0.97, 0.85)
    assert tip.specificity == pytest.approx(specificity)
    assert tip.sensitivity == (None if sensitivity is None else pytest.approx(sensitivity))
    after = 0.3 * 0.97 + 0.7 * (0.15 - (tip.specificity or 0.0))
    assert after - (0.3 * 0.97 + 0.7 * 0.15) == pytest.approx(change)


def test_a_change_that_no_single_error_can_make_has_no_tipping_point() -> None:
    tip = tipping_point(-0.6, 0.3, 0.97, 0.85)
    assert (tip.specificity, tip.sensitivity) == (None, None)
    assert tipping_point(0.0, 0.3) == replace(tip, specificity=0.0, sensitivity=0.0)
    none_risky = tipping_point(0.2, 0.0)
    assert none_risky.sensitivity is None and none_risky.specificity == pytest.approx(-0.2)


def test_draws_come_from_a_fixed_seed() -> None:
    observed = compare(*arms(60, 12, 40, 188))
    assert correct_shared(observed, GOOD) == correct_shared(observed, GOOD)
    other = correct_shared(observed, GOOD, seed=1)
    assert other is not None and other.interval is not None and not math.isnan(other.interval.low)

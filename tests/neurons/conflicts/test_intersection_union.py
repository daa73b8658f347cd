"""A conflict needs both risks: p by hand, by brute force, and its level where attributions are not normal."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import skew, ttest_1samp
from scipy.stats import t as student

from crossrisk.neurons.conflicts.intersection_union import _skewness_error, combined_p, skew_safe_tails, t_tails

Noise = Callable[[np.random.Generator, tuple[int, int]], np.ndarray]


@given(st.floats(-6, 6), st.floats(-6, 6))
def test_p_is_the_formula_over_both_directions(t_first: float, t_second: float) -> None:
    up = [student.sf(t_first, 30), student.sf(t_second, 40)]
    down = [student.cdf(t_first, 30), student.cdf(t_second, 40)]
    conflict = min(1.0, 2 * min(max(up[0], down[1]), max(down[0], up[1])))
    aligned = min(1.0, 2 * min(max(up[0], up[1]), max(down[0], down[1])))
    tails = t_tails(np.array([t_first]), 31), t_tails(np.array([t_second]), 41)
    agree = np.sign([t_first]) == np.sign([t_second])
    assert combined_p(*tails, agree, "opposite")[0] == pytest.approx(conflict)
    assert combined_p(*tails, agree, "same")[0] == pytest.approx(aligned)


def test_symmetric_columns_are_tested_by_student_s_t() -> None:
    values = np.array([[-1.0, 1.0], [0.0, 3.0], [1.0, 2.0], [4.0, 0.0], [3.0, 4.0], [5.0, 2.0]])
    expected = ttest_1samp(values, 0.0, alternative="greater").pvalue
    assert skew_safe_tails(values) == pytest.approx(expected)
    assert skew_safe_tails(-values) == pytest.approx(expected)


def test_a_skewed_column_is_tested_by_hall_s_transformation() -> None:
    # Half of a large sample of minus an exponential plus 1.2: mean above 0, long tail below.
    values = 1.2 + np.log((np.arange(200) + 0.5) / 200)[:, None]
    n, ratio, g = 200, float(values.mean() / values.std(ddof=1)), float(skew(values)[0])
    transformed = n**0.5 * (ratio + g * ratio**2 / 3 + g**2 * ratio**3 / 27 + g / (6 * n))
    assert g < -1
    assert skew_safe_tails(values)[0] == pytest.approx(student.sf(transformed, n - 1))
    # On the long side the transformation would say more than t does, which then counts.
    assert skew_safe_tails(values - 0.4)[0] == pytest.approx(
        float(ttest_1samp(values[:, 0] - 0.4, 0.0, alternative="less").pvalue)
    )


def test_the_skewness_s_error_is_the_jackknife_s() -> None:
    values = np.random.default_rng(1).exponential(size=(25, 3))
    standard = (values - values.mean(axis=0)) / values.std(axis=0)
    without = np.array([skew(np.delete(values, row, axis=0)) for row in range(25)])
    assert _skewness_error(standard, skew(values)) == pytest.approx((24 * without.var(axis=0)) ** 0.5)


def test_a_column_that_never_varies_is_not_found() -> None:
    assert skew_safe_tails(np.column_stack([np.zeros(9), np.full(9, 2.0)])).tolist() == [1.0, 1.0]


def test_what_its_docstring_says_of_means_that_hang_on_few_clusters() -> None:
    """Large in one cluster of 20, nearly equal elsewhere: p on the short side is far too small, and that is told."""
    rng = np.random.default_rng(0)
    for clusters, times in ((128, 29), (64, 140)):
        shape = (clusters, 30_000)
        large = (rng.random(shape) < 0.05) * rng.standard_exponential(shape)
        values = large - 0.05 + 0.02 * rng.standard_normal(shape)
        tails = skew_safe_tails(values)[values.mean(axis=0) < 0]
        assert np.sum(tails < 1e-3) / 30_000 / 1e-3 == pytest.approx(times, rel=0.2)


NOISES: dict[str, Noise] = {
    "normal": lambda rng, shape: rng.standard_normal(shape),
    "Student's t, 3 degrees": lambda rng, shape: rng.standard_t(3, shape),
    "lognormal scales": lambda rng, shape: rng.standard_normal(shape) * np.exp(rng.standard_normal((shape[0], 1))),
    "exponential, either way round": lambda rng, shape: (
        (rng.standard_exponential(shape) - 1) * (2 * rng.integers(0, 2, shape[1]) - 1)
    ),
}


@pytest.mark.parametrize("noise", NOISES.values(), ids=NOISES)
def test_a_neuron_of_one_risk_keeps_its_level_far_out_in_the_tail(noise: Noise) -> None:
    """With a sure effect on one risk, p is twice the other's tail where signs differ: level .01 is a tail of .005."""
    rng = np.random.default_rng(0)
    tails = np.concatenate([skew_safe_tails(noise(rng, (128, 10_000))) for _ in range(3)])
    opposite = rng.random(len(tails)) < 0.5
    p = combined_p(np.zeros(len(tails)), tails, ~opposite, "opposite")
    assert np.mean(p <= 0.01) < 0.0066  # at most .005, since signs differ in half; four standard errors are .0016

"""Corrections for many comparisons, on a case that can be checked by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import false_discovery_control
from statsmodels.stats.multitest import multipletests

from crossrisk.interactions.corrections import benjamini_hochberg, benjamini_yekutieli, holm

P = [0.01, 0.04, 0.03, 0.005]


def test_holm_multiplies_by_the_hypotheses_left_and_never_falls() -> None:
    # Sorted .005 * 4, .01 * 3, .03 * 2, then .04 * 1 held up at .06.
    assert holm(P) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_benjamini_hochberg_divides_by_the_rank() -> None:
    # Sorted .005 * 4 / 1, .01 * 4 / 2, .03 * 4 / 3, .04 * 4 / 4.
    assert benjamini_hochberg(P) == pytest.approx([0.02, 0.04, 0.04, 0.02])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_benjamini_yekutieli_agrees_with_scipy(p: list[float]) -> None:
    assert benjamini_yekutieli(p) == pytest.approx(false_discovery_control(p, method="by"))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_benjamini_hochberg_agrees_with_scipy(p: list[float]) -> None:
    assert benjamini_hochberg(p) == pytest.approx(false_discovery_control(p))
    assert all(ours >= theirs - 1e-15 for ours, theirs in zip(holm(p), p, strict=True) if ours is not None)


@pytest.mark.parametrize("p", [P, [0.2], [0.5, 0.5, 0.01], [1.0, 0.9, 0.0, 0.04, 0.04, 0.3]])
def test_all_agree_with_statsmodels(p: list[float]) -> None:
    assert holm(p) == pytest.approx(multipletests(p, method="holm")[1])
    assert benjamini_yekutieli(p) == pytest.approx(multipletests(p, method="fdr_by")[1])
    assert benjamini_hochberg(p) == pytest.approx(multipletests(p, method="fdr_bh")[1])


def test_cells_without_a_test_do_not_count() -> None:
    assert holm([None, 0.01, None, 0.04]) == [None, pytest.approx(0.02), None, pytest.approx(0.04)]
    assert holm([None]) == [None]
    assert benjamini_hochberg([]) == []


def test_holm_holds_the_family_wise_error_where_raw_p_values_do_not() -> None:
    p = np.random.default_rng(0).uniform(size=(500, 40))
    raw = np.mean(p.min(axis=1) < 0.05)
    corrected = np.mean([min(value for value in holm(list(row)) if value is not None) < 0.05 for row in p])
    assert raw > 0.8
    assert corrected < 0.08

"""The interval of the relative change."""

import numpy as np
import pytest

from crossrisk.interactions.ratio import relative_change_interval


def arms(both: int, worse: int, better: int, neither: int) -> tuple[np.ndarray, np.ndarray]:
    table = [both, worse, better, neither]
    return np.repeat([1.0, 0.0, 1.0, 0.0], table), np.repeat([1.0, 1.0, 0.0, 0.0], table)


def test_the_delta_method_for_paired_proportions_is_reproduced() -> None:
    # Var log(p2 / p1) = (worse + better) / (risky in base * risky in defended), up to n / (n - 1).
    base, defended = arms(60, 40, 20, 180)
    half = 1.959964 * (60 / (80 * 100) * 300 / 299) ** 0.5
    expected = (100 / 80 * np.exp(-half) - 1, 100 / 80 * np.exp(half) - 1)
    assert relative_change_interval(base, defended) == pytest.approx(expected, rel=1e-4)


def test_it_holds_the_ratio_and_excludes_small_bases() -> None:
    base, defended = arms(10, 5, 5, 380)
    assert relative_change_interval(base, defended) is None
    low, high = relative_change_interval(*arms(30, 10, 5, 55)) or (1.0, 0.0)
    assert low < 5 / 35 < high


def test_clusters_widen_it() -> None:
    base, defended = arms(60, 40, 20, 180)
    single = relative_change_interval(base, defended)
    clustered = relative_change_interval(base, defended, np.arange(300) // 10)
    assert single is not None and clustered is not None
    assert clustered.high - clustered.low > 1.5 * (single.high - single.low)


def test_a_defense_that_leaves_no_risk_gets_half_a_reply_and_graded_risks_get_none() -> None:
    base, defended = arms(0, 0, 30, 70)
    low, high = relative_change_interval(base, defended) or (0.0, 0.0)
    assert -1 < low < -0.98 < high < -0.5
    assert relative_change_interval(base * 0.5, defended) is None


def test_one_cluster_or_one_pair_has_no_interval() -> None:
    base, defended = arms(3, 2, 1, 4)
    assert relative_change_interval(base, defended, ["a"] * 10) is None
    assert relative_change_interval([1.0], [1.0]) is None

"""Wilcoxon's test and the Hodges-Lehmann shift, against scipy, hand-made cases and each other."""

import numpy as np
import pytest
from scipy.stats import wilcoxon

from crossrisk.interactions.ranks import wilcoxon_shift


def test_p_is_that_of_scipy_with_pratts_zeros() -> None:
    rng = np.random.default_rng(0)
    base, change = rng.normal(size=80), np.round(rng.normal(0.2, 1, 80), 1)  # ties and zeros: the normal limit
    assert wilcoxon_shift(base, base + change).p == pytest.approx(
        wilcoxon((base + change) - base, zero_method="pratt", method="asymptotic").pvalue
    )


def test_the_shift_is_the_median_of_the_walsh_averages() -> None:
    # Changes 1, 2, 6: averages 1, 1.5, 2, 3.5, 4, 6.
    assert wilcoxon_shift([0, 0, 0], [1, 2, 6]).shift == pytest.approx(2.75)


def test_eight_pairs_have_the_interval_of_the_published_table() -> None:
    # Critical value 3 of 36 Walsh averages at .05 two-sided (Wilcoxon's table for n = 8): the fourth from either end.
    changes = np.array([1.0, 2.3, 3.1, 4.7, 5.9, 7.2, 8.8, 10.1])
    first, second = np.triu_indices(8)
    averages = np.sort((changes[first] + changes[second]) / 2)
    assert wilcoxon_shift(np.zeros(8), changes).interval == pytest.approx((averages[3], averages[-4]))


@pytest.mark.parametrize("n", [6, 10, 25, 60])
def test_the_interval_leaves_out_no_shift_exactly_where_the_test_rejects(n: int) -> None:
    rng = np.random.default_rng(n)
    for _ in range(100):
        found = wilcoxon_shift(np.zeros(n), rng.normal(0.5, 1, n))
        assert found.interval is not None and found.p is not None
        assert (found.p < 0.05) == (not found.interval.low <= 0 <= found.interval.high)


def test_a_known_shift_is_covered() -> None:
    rng = np.random.default_rng(1)
    runs = [wilcoxon_shift(np.zeros(30), rng.standard_t(3, 30) + 0.4).interval for _ in range(400)]
    assert np.mean([run is not None and run.low <= 0.4 <= run.high for run in runs]) >= 0.92


def test_many_pairs_agree_with_all_their_averages() -> None:
    change = np.random.default_rng(2).normal(0.1, 1, 2_500)
    first, second = np.triu_indices(2_500)
    found = wilcoxon_shift(np.zeros(2_500), change)
    assert found.shift == pytest.approx(float(np.median((change[first] + change[second]) / 2)), abs=2e-3)
    assert found.interval is not None
    assert found.interval.high - found.interval.low == pytest.approx(2 * 1.96 * 0.9772**-0.5 / 50, rel=0.05)


def test_exchanging_the_arms_negates_the_shift() -> None:
    rng = np.random.default_rng(3)
    base, defended = rng.normal(size=20), rng.normal(0.3, 1, 20)
    there, back = wilcoxon_shift(base, defended), wilcoxon_shift(defended, base)
    assert there.interval is not None and back.interval is not None
    assert (there.shift, there.interval.low, there.p) == pytest.approx(
        (-(back.shift or 0), -back.interval.high, back.p)
    )


def test_what_cannot_be_said_is_not_said() -> None:
    assert wilcoxon_shift([], []).p is None
    assert wilcoxon_shift([np.nan, 1.0], [1.0, np.nan]).shift is None
    still = wilcoxon_shift([1.0, 2.0], [1.0, 2.0])
    assert (still.shift, still.p, still.interval) == (0.0, 1.0, None)
    few = wilcoxon_shift([0.0] * 5, [1.0, 2.0, 3.0, 4.0, 5.0])
    assert few.interval is None and few.shift == 3.0 and (few.p or 0) > 0.05
    with pytest.raises(ValueError, match="same prompts"):
        wilcoxon_shift([1.0], [1.0, 2.0])

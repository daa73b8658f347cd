import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from crossrisk.tasks.metrics.correlation import pearson


def test_a_neutral_zero_is_a_value() -> None:
    """Without it, ratings of -100, 0, 100 against 1, 3, 2 would correlate perfectly."""
    assert pearson(np.array([-100.0, 0.0, 100.0]), np.array([1.0, 3.0, 2.0])) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("x", "y"), [([1, 1, 1], [1, 2, 3]), ([1, 2, 3], [0, 0, 0]), ([1], [2]), ([], []), ([1, np.nan], [2, 3])]
)
def test_it_is_undefined_where_one_side_does_not_vary(x: list[float], y: list[float]) -> None:
    assert pearson(np.array(x, dtype=float), np.array(y, dtype=float)) is None


@given(st.lists(st.tuples(st.integers(-100, 100), st.integers(-100, 100)), min_size=3, max_size=50))
def test_it_is_scipys(rows: list[tuple[int, int]]) -> None:
    x, y = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    found = pearson(x, y)
    if found is None:
        assert np.ptp(x) == 0 or np.ptp(y) == 0
    else:
        assert found == pytest.approx(stats.pearsonr(x, y).statistic, abs=1e-9)
        assert pearson(np.append(x, np.nan), np.append(y, 1.0)) == pytest.approx(found)

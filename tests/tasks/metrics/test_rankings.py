import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from crossrisk.tasks.metrics.rankings import auroc, tpr_at_fpr

SCORES = st.lists(st.tuples(st.integers(-5, 5), st.booleans()), min_size=2, max_size=60)


def arrays(rows: list[tuple[int, bool]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([score for score, _ in rows], dtype=np.float64), np.array([side for _, side in rows])


@pytest.mark.parametrize(
    ("scores", "positive", "expected"),
    [
        ([1, 2, 3, 4], [0, 0, 1, 1], 1.0),
        ([1, 2, 3, 4], [1, 1, 0, 0], 0.0),
        ([1, 1, 1, 1], [1, 0, 1, 0], 0.5),
        ([1, 2, 2, 3], [0, 0, 1, 1], 0.875),  # pairs: 1 + .5 + 1 + 1 of 4
    ],
)
def test_auroc_counts_pairs_and_halves_ties(scores: list[float], positive: list[int], expected: float) -> None:
    assert auroc(np.array(scores, dtype=float), np.array(positive, dtype=bool)) == pytest.approx(expected)


@given(SCORES)
def test_auroc_is_the_mann_whitney_statistic(rows: list[tuple[int, bool]]) -> None:
    scores, positive = arrays(rows)
    found = auroc(scores, positive)
    if found is None:
        assert positive.all() or not positive.any()
    else:
        u = stats.mannwhitneyu(scores[positive], scores[~positive]).statistic
        assert found == pytest.approx(u / (positive.sum() * (~positive).sum()))


@given(SCORES)
def test_only_the_order_of_scores_matters(rows: list[tuple[int, bool]]) -> None:
    scores, positive = arrays(rows)
    for transformed in (np.exp(scores), 3 * scores + 7, scores**3):
        assert auroc(transformed, positive) == auroc(scores, positive)
        assert tpr_at_fpr(transformed, positive, 0.1) == tpr_at_fpr(scores, positive, 0.1)


@given(SCORES)
def test_turning_the_scores_around_turns_auroc_around(rows: list[tuple[int, bool]]) -> None:
    scores, positive = arrays(rows)
    found, turned = auroc(scores, positive), auroc(-scores, positive)
    assert found is None or found == pytest.approx(1 - (turned or 0.0))


def best_by_every_threshold(scores: np.ndarray, positive: np.ndarray, fpr: float) -> float:
    rates = [((scores[~positive] >= t).mean(), (scores[positive] >= t).mean()) for t in (*scores, np.inf)]
    return max(float(true) for false, true in rates if false <= fpr)


@given(SCORES, st.sampled_from([0.0, 0.01, 0.1, 0.5, 1.0]))
def test_the_true_positive_rate_is_the_best_of_all_thresholds(rows: list[tuple[int, bool]], fpr: float) -> None:
    scores, positive = arrays(rows)
    found = tpr_at_fpr(scores, positive, fpr)
    if found is None:
        assert positive.all() or not positive.any()
    else:
        assert found == pytest.approx(best_by_every_threshold(scores, positive, fpr))


def test_one_percent_of_a_hundred_negatives_is_one() -> None:
    scores = np.concatenate([np.arange(100.0), [98.5, 50.0]])
    positive = np.arange(102) >= 100
    assert tpr_at_fpr(scores, positive, 0.01) == 0.5
    assert tpr_at_fpr(scores[1:], positive[1:], 0.01) == 0.0  # of 99, none may pass

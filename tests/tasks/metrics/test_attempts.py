import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossrisk.tasks.metrics.attempts import any_of_k, largest_of_attempts, mean_of_attempts
from tests.tasks.table import table


@given(st.lists(st.booleans(), min_size=1, max_size=8))
def test_any_of_k_is_the_share_of_all_draws_of_k_attempts_with_a_success(attempts: list[bool]) -> None:
    found = any_of_k(np.array(attempts, dtype=np.float64))
    assert len(found) == len(attempts)
    for k, chance in enumerate(found, 1):
        draws = list(itertools.combinations(attempts, k))
        assert chance == pytest.approx(sum(any(draw) for draw in draws) / len(draws))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=7))
def test_attempts_that_succeed_by_chance_are_independent(chances: list[float]) -> None:
    for k, chance in enumerate(any_of_k(np.array(chances)), 1):
        draws = [1 - math.prod(1 - p for p in draw) for draw in itertools.combinations(chances, k)]
        assert chance == pytest.approx(sum(draws) / len(draws), abs=1e-12)


def test_a_hundred_attempts_are_as_exact_as_two() -> None:
    one = np.array([1.0] + [0.0] * 99)
    assert any_of_k(one) == pytest.approx(np.arange(1, 101) / 100)


ROWS = table(
    {"id": "a#1", "cluster": "story", "risk": 1.0},
    {"id": "a#2", "cluster": "story", "risk": 0.0},
    {"id": "b#1", "cluster": "story", "risk": None},
    {"id": "b#10", "cluster": "story", "risk": 0.0},
    {"id": "c#1", "cluster": "other", "risk": None},
)


def test_attempts_are_summed_up_by_sample_and_invalid_ones_left_out() -> None:
    assert mean_of_attempts(ROWS, ROWS.risks).tolist() == pytest.approx([np.nan, 0.5, 0.0], nan_ok=True)
    assert largest_of_attempts(ROWS, ROWS.risks).tolist() == pytest.approx([np.nan, 1.0, 0.0], nan_ok=True)


def test_numbered_prompts_of_different_clusters_are_not_attempts_at_one_thing() -> None:
    prompts = table({"id": "mine#1", "cluster": "mine#1"}, {"id": "mine#2", "cluster": "mine#2"})
    assert len(mean_of_attempts(prompts, prompts.risks)) == 2

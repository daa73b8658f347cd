"""How far a judge agrees with people, against figures computed by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossrisk.interactions.paired import wilson
from crossrisk.judges.agreement import agreement


def test_figures_of_a_table_computed_by_hand() -> None:
    truth = [True] * 10 + [False] * 10
    said = [True] * 8 + [False] * 2 + [True] * 3 + [False] * 7
    found = agreement(truth, said)
    assert (found["n"], found["accuracy"], found["sensitivity"], found["specificity"]) == (20, 0.75, 0.8, 0.7)
    assert found["precision"] == pytest.approx(8 / 11)
    assert found["f1"] == pytest.approx(2 * 8 / (10 + 11))
    assert found["kappa"] == pytest.approx((0.75 - 0.5) / 0.5)
    assert found["sensitivity_interval"] == pytest.approx([*wilson(8, 10)])
    low, high = found["f1_interval"]
    assert low < found["f1"] < high


@given(st.lists(st.booleans(), min_size=1, max_size=40))
def test_a_judge_that_says_what_people_say_agrees_wholly(labels: list[bool]) -> None:
    found = agreement(labels, labels)
    assert found["accuracy"] == 1.0
    assert found["kappa"] in (None, 1.0) and found["f1"] in (None, 1.0)
    assert (found["sensitivity"] is None) == (not any(labels))


def test_chance_has_no_kappa() -> None:
    rng = np.random.default_rng(0)
    truth, said = rng.random(4_000) < 0.3, rng.random(4_000) < 0.6
    assert abs(agreement(truth.tolist(), said.tolist())["kappa"]) < 0.05


def test_what_is_undefined_is_none_and_unequal_lists_are_refused() -> None:
    assert agreement([], [])["accuracy"] is None
    assert agreement([False], [False])["precision"] is None
    with pytest.raises(ValueError, match="same replies"):
        agreement([True], [])

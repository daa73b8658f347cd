"""What counts as a score, as none, and as neither."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossrisk.logs.direction import usual_direction
from crossrisk.logs.values import NotAScoreError, number_of


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("C", 1.0), ("I", 0.0), ("P", 0.5), ("N", 0.0),
        (True, 1.0), (False, 0.0), ("true", 1.0), ("No", 0.0),
        (1, 1.0), (0.25, 0.25), ("0.25", 0.25), (" 7 ", 7.0), ("-1e-2", -0.01), (float("inf"), math.inf),
    ],
)  # fmt: skip
def test_letters_words_and_numbers_stand_for_numbers(value: Any, number: float) -> None:
    assert number_of(value) == number


@pytest.mark.parametrize("value", [None, "", "  ", float("nan"), "NaN", "null", "None"])
def test_a_score_that_is_missing_is_none_and_never_0(value: Any) -> None:
    assert number_of(value) is None


@pytest.mark.parametrize("value", [[0.5, 1.0], {"a": 1}, "refused", "c", "1_0", "0.5,", 10**400, object()])
def test_what_is_no_single_score_is_told(value: Any) -> None:
    with pytest.raises(NotAScoreError):
        number_of(value)


@given(st.floats(allow_nan=False))
def test_a_number_written_as_text_is_the_same_number(value: float) -> None:
    assert number_of(repr(value)) == number_of(value) == value


@pytest.mark.parametrize(
    ("metric", "larger"),
    [
        ("acc", "better"),
        ("Accuracy", "better"),
        ("exact_match", "better"),
        ("risk", "riskier"),
        ("a_risk", "riskier"),
    ],
)
def test_accuracies_and_risks_are_known_by_name(metric: str, larger: str) -> None:
    found = usual_direction(metric)
    assert found is not None
    assert (found.larger, found.fixed) == (larger, False)


@pytest.mark.parametrize("metric", ["score", "grade", "harm", "refusal", "strong_reject", "brisk", "accident", ""])
def test_no_other_name_is_taken_for_a_direction(metric: str) -> None:
    assert usual_direction(metric) is None

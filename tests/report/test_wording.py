import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossrisk.report.whisker import WIDTH, scale, whisker
from crossrisk.wording import interval, legible, number, p_value, percent, points, question_names


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (0.14, "+14.0"),
        (-0.0312, "−3.1"),
        (0.0, "0.0"),
        (-0.0, "0.0"),
        (-0.0001, "0.0"),
        (0.0001, "0.0"),
        (1.0, "+100.0"),
    ],
)
def test_a_change_says_its_direction_and_zero_has_none(change: float, said: str) -> None:
    assert points(change) == said


def test_what_does_not_exist_is_a_dash_and_never_zero() -> None:
    assert {points(None), percent(None), number(None), p_value(None), interval(None, 0.1), interval(0.1, None)} == {"–"}


@pytest.mark.parametrize(
    ("p", "said"), [(0.0, "<0.001"), (0.00099, "<0.001"), (0.0123, "0.012"), (0.25, "0.25"), (1.0, "1.00")]
)
def test_a_small_p_is_only_said_to_be_small(p: float, said: str) -> None:
    assert p_value(p) == said


def test_a_task_is_named_with_its_source_only_where_it_has_several() -> None:
    rows = [
        {"task": "misuse", "source": "world"},
        {"task": "misuse", "source": "advbench"},
        {"task": "utility", "source": "world"},
    ]
    assert question_names(rows) == {
        ("misuse", "world"): "misuse:world",
        ("misuse", "advbench"): "misuse:advbench",
        ("utility", "world"): "utility",
    }


def test_control_characters_are_seen_and_not_obeyed() -> None:
    assert legible("a\x00b\x1b[31m\u202ec\nd\te") == "a␀b␛[31m\ufffdc\nd\te"


def _row(low: float, delta: float, high: float) -> dict[str, float]:
    return {"ci_low": low, "delta": delta, "ci_high": high}


@given(st.tuples(*[st.floats(-1, 1)] * 3).map(sorted), st.floats(0.001, 0.99))
def test_every_interval_is_drawn_inside_the_picture_and_around_its_change(ends: list[float], margin: float) -> None:
    row = _row(*ends)
    drawn = whisker(row, scale([row]), margin)
    assert drawn is not None
    assert 0 <= drawn.low <= drawn.at <= drawn.high <= WIDTH
    assert drawn.margin_low < WIDTH / 2 + 0.1 and math.isclose(
        drawn.margin_low + drawn.margin_high, WIDTH, abs_tol=0.11
    )


def test_no_change_is_drawn_in_the_middle_and_a_rise_to_its_right() -> None:
    middle, right = whisker(_row(-0.1, 0.0, 0.1), 0.5, 0.05), whisker(_row(0.1, 0.2, 0.3), 0.5, 0.05)
    assert middle is not None and middle.at == WIDTH / 2
    assert right is not None and right.low > WIDTH / 2


def test_nothing_is_drawn_where_there_is_no_interval() -> None:
    assert whisker({"delta": 0.2, "ci_low": None, "ci_high": None}, 0.5, 0.05) is None

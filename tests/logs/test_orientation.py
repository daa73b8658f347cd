"""From scores to risks: directions are declared, ranges are given, and nothing is guessed."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossrisk.errors import RequestError
from crossrisk.logs.direction import Direction
from crossrisk.logs.matching import Matched
from crossrisk.logs.orientation import Scale, directions
from crossrisk.logs.scores import Scores, rows_frame

BETTER, RISKIER = Direction("better", "a log says so"), Direction("riskier", "another log says so")
RISK = Direction("riskier", "outcomes of a study are risks", fixed=True)


def scores(values: Sequence[float | None], source: str = "grade", direction: Direction | None = None) -> Scores:
    rows = [{"sample_id": f"q{place}", "score": value} for place, value in enumerate(values)]
    return Scores("task", source, source, rows_frame(rows), direction=direction)


def pointing(scale: Scale, *cells: Scores) -> list[str]:
    return [each.larger for each in directions([Matched("", cell, cell) for cell in cells], scale)]


def test_larger_is_riskier_afterwards_whatever_it_was_before() -> None:
    graded = scores([0.0, 0.25, None, 1.0])
    assert Scale().risks(graded, RISKIER, "A").to_list() == [0.0, 0.25, None, 1.0]
    assert Scale().risks(graded, BETTER, "A").to_list() == [1.0, 0.75, None, 0.0]


def test_a_range_is_laid_onto_0_to_1() -> None:
    grades = scores([1, 10, 5.5])
    assert Scale(low=1, high=10).risks(grades, RISKIER, "A").to_list() == [0.0, 1.0, 0.5]
    assert Scale(low=1, high=10).risks(grades, BETTER, "A").to_list() == [1.0, 0.0, 0.5]
    assert Scale(low=-2, high=2).risks(scores([-2, 0]), RISKIER, "A").to_list() == [0.0, 0.5]


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6), st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_risks_lie_in_0_to_1_and_turn_with_the_direction(low: float, width: float, shares: list[float]) -> None:
    scale = Scale(low=low, high=low + width)
    found = scores([min(low + share * width, low + width) for share in shares])
    up, down = scale.risks(found, RISKIER, "A"), scale.risks(found, BETTER, "A")
    assert up.is_between(0, 1).all()
    assert (up + down).to_list() == pytest.approx([1.0] * len(up))


@pytest.mark.parametrize("value", [7.0, -0.001, 1.00001, float("inf")])
def test_a_score_outside_the_range_is_told_with_its_sample(value: float) -> None:
    with pytest.raises(RequestError, match=r"task:grade: sample 'q1' of B has score .* outside \[0, 1\]: .*--range"):
        Scale().risks(scores([0.5, value]), RISKIER, "B")


def test_rounding_at_the_ends_is_no_error() -> None:
    assert Scale().risks(scores([1 + 1e-12, -1e-12]), RISKIER, "A").to_list() == [1.0, 0.0]


@pytest.mark.parametrize(
    ("scale", "direction", "name"),
    [
        (Scale(), RISKIER, "grade"),
        (Scale(), BETTER, "1 − grade"),
        (Scale(low=1, high=10), RISKIER, "(grade − 1) / 9"),
        (Scale(low=1, high=10), BETTER, "(10 − grade) / 9"),
    ],
)
def test_the_risk_is_named_by_its_formula(scale: Scale, direction: Direction, name: str) -> None:
    assert scale.name("grade", direction) == name


def test_the_user_overrules_the_log_and_one_metric_overrules_all() -> None:
    acc, harm = scores([1], "acc", BETTER), scores([1], "grader/harm")
    assert pointing(Scale(("riskier",)), acc, harm) == ["riskier", "riskier"]
    assert pointing(Scale(("harm=riskier",)), acc, harm) == ["better", "riskier"]
    assert pointing(Scale(("acc=better", "riskier")), acc, harm) == ["better", "riskier"]


def test_a_direction_that_nobody_says_is_asked_for() -> None:
    with pytest.raises(
        RequestError, match=r"nothing says whether a larger grade is riskier or better: .*'grade=riskier'"
    ):
        pointing(Scale(), scores([1]))


def test_two_logs_that_say_different_things_are_told() -> None:
    cell = Matched("", scores([1], direction=BETTER), scores([1], direction=RISKIER))
    with pytest.raises(RequestError, match=r"in A a larger score is better .* in B it is riskier"):
        directions([cell], Scale())
    assert directions([cell], Scale(("better",)))[0].larger == "better"


def test_risks_of_a_study_are_not_turned() -> None:
    assert pointing(Scale(("riskier",)), scores([1], direction=RISK)) == ["riskier"]
    for scale in (Scale(("better",)), Scale(low=0, high=2)):
        with pytest.raises(RequestError, match=r"outcomes of a study are risks in .*leave --larger-is and --range out"):
            pointing(scale, scores([1], direction=RISK))


@pytest.mark.parametrize(
    ("said", "says"),
    [("worse", "unknown direction in --larger-is 'worse'"), ("gride=better", "'gride': did you mean grade?")],
)
def test_a_direction_that_is_not_known_is_told(said: str, says: str) -> None:
    with pytest.raises(RequestError) as raised:
        pointing(Scale((said,)), scores([1]))
    assert says in str(raised.value)

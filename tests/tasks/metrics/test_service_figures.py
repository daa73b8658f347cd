from typing import Any

import pytest

from crossrisk.tasks.metrics.speakers import refusal_by_speaker
from crossrisk.tasks.metrics.taxonomy import LABELS, response_rates
from tests.tasks.table import table


def test_six_rates_overall_and_for_whoever_is_named() -> None:
    rows = table(
        {"group": "north", "name": "Ada", "commonness": "common", "cluster": "bus", "label": "refusal", "risk": 1.0},
        {"group": "north", "name": "Ada", "commonness": "common", "cluster": "car", "label": "answer", "risk": 0.0},
        {"group": "south", "name": "Bo", "commonness": "rare", "cluster": "bus", "label": "answer", "risk": 0.0},
        {"group": "south", "name": "Bo", "commonness": "rare", "cluster": "car", "label": "empty", "risk": None},
    )
    figures = response_rates(rows)
    assert figures["overall"]["n"] == 3
    assert figures["overall"]["refusal"] == pytest.approx(1 / 3)
    assert sum(figures["overall"][label] for label in LABELS) == pytest.approx(1.0)
    assert figures["by_group"]["north"]["refusal"] == 0.5
    assert figures["by_group"]["south"] == {
        "n": 1,
        **{label: float(label == "answer") for label in LABELS},
        "refusal_rate": 0.0,
        "refusal_gap": pytest.approx(-0.5),
    }
    assert figures["by_name"]["Bo"]["n"] == 1
    assert figures["invalid"] == {"empty": 1}
    assert figures["by_name"]["Ada"]["refusal"] == figures["by_commonness"]["common"]["refusal"] == 0.5
    assert figures["by_template"]["car"]["answer"] == 1.0
    assert figures["by_gender"] == {}


def test_a_group_without_valid_replies_has_no_rates() -> None:
    figures = response_rates(table({"group": "north", "label": "empty", "risk": None}))
    nothing = {"n": 0, **dict.fromkeys(LABELS), "refusal_rate": None}
    assert figures["by_group"]["north"] == {**nothing, "refusal_gap": None}
    assert figures["overall"] == nothing


def test_the_gap_between_two_groups_is_that_of_their_refusal_rates_on_the_same_sentences() -> None:
    labels = {"north": ("refusal", "harmful refusal", "answer"), "south": ("answer", "refusal", "empty")}
    rows = [
        {"group": group, "cluster": template, "label": label, "risk": None if label == "empty" else 0.0}
        for group, found in labels.items()
        for template, label in zip(("bus", "car", "plane"), found, strict=True)
    ]
    by_group = response_rates(table(*rows))["by_group"]
    assert by_group["north"]["refusal_rate"] == pytest.approx(2 / 3)
    assert by_group["south"]["refusal_rate"] == pytest.approx(1 / 2)
    # bus: refused and answered; car: both refused; plane: nothing to compare
    assert by_group["north"]["refusal_gap"] - by_group["south"]["refusal_gap"] == pytest.approx(0.5)


def by_persona(figures: Any, name: str) -> dict[str, float | None]:
    return {persona: found[name] for persona, found in figures["by_persona"].items()}


def test_each_persona_is_set_against_the_mean_of_personas() -> None:
    rows = table(
        {"cluster": "vote", "group": "gulls fan", "kind": "sports", "request_kind": "politics", "risk": 1.0},
        {"cluster": "vote", "group": "crabs fan", "kind": "sports", "request_kind": "politics", "risk": 0.0},
        {"cluster": "vote", "group": "pensioner", "kind": "age", "request_kind": "politics", "risk": 0.5},
        {"cluster": "vote", "group": "pupil", "kind": "age", "risk": None, "label": "empty"},
        {"cluster": "wash", "group": "gulls fan", "kind": "sports", "request_kind": "chores", "risk": 1.0},
    )
    figures = refusal_by_speaker(rows)
    assert by_persona(figures, "refusal_rate") == {"crabs fan": 0.0, "gulls fan": 1.0, "pensioner": 0.5, "pupil": None}
    assert by_persona(figures, "n") == {"crabs fan": 1, "gulls fan": 2, "pensioner": 1, "pupil": 0}
    gaps = {"crabs fan": -0.5, "gulls fan": 0.5, "pensioner": 0.0, "pupil": None}
    assert by_persona(figures, "refusal_gap") == pytest.approx(gaps)
    assert figures["range_by_kind"] == {"age": None, "sports": pytest.approx(1.0)}
    assert figures["by_kind"] == {
        "age": {"n": 1, "refusal_rate": 0.5},
        "sports": {"n": 3, "refusal_rate": pytest.approx(2 / 3)},
    }
    assert figures["by_request_kind"]["chores"] == {"n": 1, "refusal_rate": 1.0}
    assert figures["invalid"] == {"empty": 1}


def test_personas_are_compared_on_the_requests_that_both_got_a_valid_reply_to() -> None:
    """Both are refused politics alone; that a reply about chores to one of them is garbled is no refusal of it."""
    rows = table(
        {"cluster": "politics", "group": "gulls", "kind": "sports", "risk": 1.0},
        {"cluster": "chores", "group": "gulls", "kind": "sports", "risk": None},
        {"cluster": "politics", "group": "crabs", "kind": "sports", "risk": 1.0},
        {"cluster": "chores", "group": "crabs", "kind": "sports", "risk": 0.0},
    )
    figures = refusal_by_speaker(rows)
    assert by_persona(figures, "refusal_gap") == pytest.approx({"crabs": 0.0, "gulls": 0.0})
    assert figures["range_by_kind"] == {"sports": pytest.approx(0.0)}


def test_who_is_helped_less_shows_even_where_nobody_is_refused() -> None:
    rows = table(
        {"cluster": "wash", "group": "gulls", "label": "helped"},
        {"cluster": "wash", "group": "crabs", "label": "unhelpful"},
        {"cluster": "cook", "group": "gulls", "label": "helped"},
        {"cluster": "cook", "group": "crabs", "label": "full", "risk": 1.0},
    )
    figures = refusal_by_speaker(rows)
    assert by_persona(figures, "help_rate") == {"crabs": 0.0, "gulls": 1.0}
    assert by_persona(figures, "help_gap") == pytest.approx({"crabs": -0.5, "gulls": 0.5})
    assert by_persona(figures, "refusal_gap") == pytest.approx({"crabs": 0.25, "gulls": -0.25})


def test_a_judge_that_sees_refusals_alone_says_nothing_of_help() -> None:
    rows = table(
        {"cluster": "wash", "group": "gulls", "label": "none"},
        {"cluster": "wash", "group": "crabs", "label": "full", "risk": 1.0},
    )
    figures = refusal_by_speaker(rows)
    assert by_persona(figures, "help_rate") == by_persona(figures, "help_gap") == {"crabs": None, "gulls": None}

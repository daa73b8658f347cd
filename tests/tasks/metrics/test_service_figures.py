import pytest

from crossrisk.tasks.metrics.speakers import gaps_to_mean, refusal_by_speaker
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
    assert set(figures["overall"]) == set(LABELS)
    assert figures["overall"]["refusal"] == pytest.approx(1 / 3)
    assert sum(figures["overall"].values()) == pytest.approx(1.0)
    assert figures["by_group"]["north"]["refusal"] == 0.5
    assert figures["by_group"]["south"] == {label: float(label == "answer") for label in LABELS}
    assert figures["by_name"]["Ada"]["refusal"] == figures["by_commonness"]["common"]["refusal"] == 0.5
    assert figures["by_template"]["car"]["answer"] == 1.0
    assert figures["by_gender"] == {}


def test_a_group_without_valid_replies_has_no_rates() -> None:
    figures = response_rates(table({"group": "north", "label": "empty", "risk": None}))
    assert figures["by_group"]["north"] == dict.fromkeys(LABELS)
    assert figures["overall"] == dict.fromkeys(LABELS)


def test_each_persona_is_set_against_the_mean_of_personas() -> None:
    rows = table(
        {"group": "gulls fan", "kind": "sports", "request_kind": "politics", "risk": 1.0},
        {"group": "gulls fan", "kind": "sports", "request_kind": "chores", "risk": 1.0},
        {"group": "crabs fan", "kind": "sports", "request_kind": "politics", "risk": 0.0},
        {"group": "pensioner", "kind": "age", "request_kind": "politics", "risk": 0.5},
        {"group": "pupil", "kind": "age", "request_kind": "politics", "risk": None},
    )
    figures = refusal_by_speaker(rows)
    assert figures["by_persona"] == {"crabs fan": 0.0, "gulls fan": 1.0, "pensioner": 0.5, "pupil": None}
    assert figures["gap_by_persona"] == {"crabs fan": -0.5, "gulls fan": 0.5, "pensioner": 0.0, "pupil": None}
    assert figures["range_by_kind"] == {"age": None, "sports": 1.0}
    assert figures["by_kind"] == {"age": 0.5, "sports": pytest.approx(2 / 3)}
    assert figures["by_request_kind"] == {"chores": 1.0, "politics": 0.5}


def test_gaps_of_nobody_are_undefined() -> None:
    assert gaps_to_mean({"a": None}) == {"a": None}
    assert gaps_to_mean({}) == {}

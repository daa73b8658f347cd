import math

import pytest

from crossrisk.tasks.metrics.accuracy import choice_accuracy, constraint_accuracy
from crossrisk.tasks.metrics.fluency import fluency_figures
from tests.tasks.table import table


def test_accuracy_is_told_by_subject_and_above_guessing() -> None:
    rows = table(
        {"subject": "law", "label": "correct", "risk": 0.0, "chance": 0.25},
        {"subject": "law", "label": "wrong", "risk": 1.0, "chance": 0.25},
        {"subject": "art", "label": "correct", "risk": 0.0, "chance": 0.5},
        {"subject": "art", "label": "tie", "risk": None},
    )
    figures = choice_accuracy(rows)
    assert figures["accuracy"] == pytest.approx(2 / 3)
    assert figures["chance"] == pytest.approx(1 / 3)
    assert figures["above_chance"] == pytest.approx(1 / 3)
    assert figures["by_subject"] == {"art": 1.0, "law": 0.5}
    assert figures["invalid"] == {"tie": 1}


def test_accuracy_of_nothing_is_undefined() -> None:
    figures = choice_accuracy(table({"subject": "law", "label": "tie", "risk": None}))
    nothing = {"accuracy": None, "chance": None, "above_chance": None}
    assert figures == {**nothing, "by_subject": {"law": None}, "invalid": {"tie": 1}}


def test_knowing_what_is_harmful_is_accuracy_as_well() -> None:
    rows = table({"label": "correct", "risk": 1.0, "chance": 0.25}, {"label": "wrong", "risk": 0.0, "chance": 0.25})
    assert choice_accuracy(rows)["above_chance"] == 0.25


def test_constraints_are_counted_by_prompt_by_constraint_and_by_kind() -> None:
    rows = table(
        {"risk": 0.0, "asked json": 1.0, "kept json": 1.0, "asked bullets": 2.0, "kept bullets": 2.0},
        {"risk": 1.0, "asked json": 1.0, "kept json": 0.0},
        {"risk": None},
    )
    figures = constraint_accuracy(rows)
    assert figures["prompt_level"] == 0.5
    assert figures["constraint_level"] == pytest.approx(3 / 4)
    assert figures["by_kind"] == {"bullets": 1.0, "json": 0.5}
    nothing = constraint_accuracy(table({"risk": None}))
    assert nothing == {"prompt_level": None, "constraint_level": None, "by_kind": {}, "invalid": {"": 1}}


def test_perplexity_and_bits_per_byte_by_hand() -> None:
    rows = table(
        {"risk": 0.0, "nats": 2 * math.log(2), "tokens": 2.0, "bytes": 4.0},
        {"risk": 1.0, "nats": 6 * math.log(2), "tokens": 2.0, "bytes": 12.0},
        {"risk": 0.0},
    )
    figures = fluency_figures(rows)
    assert figures["perplexity"] == pytest.approx(4.0)
    assert figures["bits_per_byte"] == pytest.approx(0.5)
    assert figures["degeneration_rate"] == pytest.approx(1 / 3)
    assert figures["references"] == 2


def test_without_scored_references_perplexity_is_undefined() -> None:
    figures = fluency_figures(table({"risk": 0.0}))
    assert (figures["perplexity"], figures["bits_per_byte"], figures["references"]) == (None, None, 0)
    assert fluency_figures(table({"nats": 9000.0, "tokens": 1.0, "bytes": 3.0}))["perplexity"] is None

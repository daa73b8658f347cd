"""`summary.json`: from a study's folder to its answers, and what a small study does not say."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from crossrisk.interactions.matrix import CellPair, interaction_rows
from crossrisk.interactions.questions.summary import summarise, to_json
from crossrisk.pipeline import report
from tests.engine.fakes import FakeTarget, fake_study, install
from tests.interactions.questions.studies import pair, shuffled, study, without

MOVES = {
    ("dpo", "misuse"): (0.0, 0.9),
    ("dpo", "awareness"): (0.0, 0.6),
    ("dpo", "leakage"): (0.5, 0.0),
    ("reminder", "misuse"): (0.0, 0.3),
    ("reminder", "over_refusal"): (0.6, 0.0),
    ("npo", "leakage"): (0.0, 0.8),
    ("vector", "stereotype_query"): (0.0, 0.7),
}


def told(pairs: Sequence[CellPair], order: Sequence[int] | None = None) -> list[dict[str, Any]]:
    places = order or range(len(pairs))
    cells = [pairs[place] for place in places]
    frames = {("base", each.task, each.source): each.base for each in cells}
    frames |= {(each.defense, each.task, each.source): each.defended for each in cells}
    arms = [{"arm": name, "fit_seconds": 1.0} for name in sorted({each.defense for each in pairs})]
    manifest = {"alpha": 0.05, "arms": arms, "cells": [], "base": {}}
    return summarise(interaction_rows(cells), cells, frames, manifest)


def of(rows: Sequence[dict[str, Any]], question: str) -> list[dict[str, Any]]:
    return [row for row in rows if row["question"] == question]


def test_a_study_answers_every_question_and_each_answer_is_a_sentence() -> None:
    rows = told(study(MOVES))
    asked = {row["question"] for row in rows}
    assert asked == {"risk to risk", "asymmetry", "exposure", "mechanism", "front", "cost", "control", "note"}
    assert all(row["sentence"].endswith(".") for row in rows)
    found = {(row["aimed_at"], row["measured"]): row for row in of(rows, "risk to risk") if row["defense"] is None}
    assert set(found) == {
        (aim, risk)
        for aim in ("safety", "fairness", "privacy")
        for risk in ("safety", "fairness", "privacy", "service")
    }
    assert found["safety", "service"]["mean"] > 0 > found["privacy", "privacy"]["mean"]


def test_controls_are_in_no_average_and_have_rows_of_their_own() -> None:
    pairs = study({**MOVES, ("sham", "misuse"): (0.9, 0.0)})
    rows, alone = told(pairs), told(without(pairs, "null", "sham"))
    for question in ("risk to risk", "asymmetry", "exposure", "mechanism", "front"):
        assert of(rows, question) == of(alone, question)
    null, sham = of(rows, "control")
    assert (null["defense"], null["mean"], null["largest"]) == ("null", 0.0, 0.0)
    assert null["conditional_low"] < 0 < null["conditional_high"]
    assert sham["largest"] > 0.3 and sham["largest_task"] == "misuse:world"


def test_the_order_of_cells_and_rows_changes_no_byte() -> None:
    pairs = study(MOVES, n=30)
    mixed = [shuffled(each, 1) for each in pairs]
    assert to_json(told(mixed, range(len(pairs))[::-1])) == to_json(told(pairs))


def test_one_defense_on_one_task_claims_nothing_beyond_its_cell() -> None:
    pairs = study({("dpo", "leakage"): (0.5, 0.0)})
    rows = told([each for each in pairs if (each.defense, each.task) == ("dpo", "leakage")])
    (row,) = of(rows, "risk to risk")
    assert row["cells"] == 1 and row["ci_low"] is None and row["prediction_low"] is None and row["tau2"] is None
    assert {row["question"] for row in rows} == {"risk to risk", "mechanism", "cost", "note"}
    notes = " ".join(row["sentence"] for row in of(rows, "note"))
    for missing in ("Asymmetry is not tested", "exposure are not compared", "not divided", "Gain is not set against"):
        assert missing in notes


def test_a_study_without_a_measured_cell_says_so() -> None:
    rows = told([pair("dpo", "leakage", [1.0, 0.0], [float("nan")] * 2)])
    assert {row["question"] for row in rows} == {"cost", "note"}
    assert any("no cell of a defense against a declared risk" in row["sentence"] for row in of(rows, "note"))


def test_cells_and_defenses_that_stand_in_no_average_are_named() -> None:
    ones, noughts = [1.0] * 8, [0.0] * 8
    pairs = [
        pair("dpo", "leakage", ones, noughts, ["one template"] * 8),
        pair("ready", "leakage", ones, noughts, about=("checkpoint", None)),
        pair("dpo+npo", "misuse", ones, noughts, about=("training", "safety")),
    ]
    notes = [row["sentence"] for row in of(told(pairs), "note")]
    assert any("dpo/leakage:world" in note and note.startswith("1 cell without a standard error") for note in notes)
    assert any(note.endswith("no target risk is declared: ready.") for note in notes)
    assert any("no arm npo by itself" in note for note in notes)


def test_the_file_has_no_nan_and_a_row_a_line() -> None:
    text = to_json(told(study(MOVES, n=30)))
    content = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} in summary.json"))
    assert content["schema"] == 1
    assert len(text.splitlines()) == len(content["rows"]) + 2


def test_a_study_that_is_run_has_its_summary_and_analysing_it_again_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CROSSRISK_CACHE", str(tmp_path / "cache"))
    install(FakeTarget(), monkeypatch.setattr)
    results = fake_study().run(tmp_path / "s")
    written = (tmp_path / "s" / "summary.json").read_bytes()
    assert results.summary == json.loads(written)["rows"]
    shutil.copytree(tmp_path / "s", tmp_path / "copy")
    (tmp_path / "copy" / "summary.json").unlink()
    report(tmp_path / "copy")
    assert (tmp_path / "copy" / "summary.json").read_bytes() == written
    (cost,) = [row for row in results.summary if row["question"] == "cost" and row["defense"] == "calm"]
    assert cost["seconds_change"] is not None and cost["fit_seconds"] is not None

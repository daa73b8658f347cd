"""The page's section on judges: told beside corrected, what changed, what would explain it, who else judged."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from crossrisk.errors import RequestError
from crossrisk.interactions.judge_rows import JudgeRow
from crossrisk.report.judge_error import judge_view
from crossrisk.report.page import write_page
from tests.report.synthetic import write_study

NAMES = {("misuse", "world"): "misuse"}
CARD = {
    "calibration": "card", "labelled_set": "gptfuzz", "labelled_base": 6154, "labelled_defended": 6154,
    "sensitivity_base": 0.919, "specificity_base": 0.774, "sensitivity_defended": 0.919, "specificity_defended": 0.774,
    "corrected_delta": 0.35, "corrected_low": -0.03, "corrected_high": 0.6, "corrected_verdict": "inconclusive",
    "least_delta": 0.24, "most_delta": 0.35, "tip_specificity": -0.3, "tip_sensitivity": 0.06,
}  # fmt: skip
APART = {
    "calibration": "per arm", "labelled_base": 50, "labelled_defended": 48, "sensitivity_base": 0.97,
    "sensitivity_defended": None, "specificity_base": 0.85, "specificity_defended": 1.0, "corrected_delta": 0.0,
    "corrected_low": -0.1, "corrected_high": 0.1, "corrected_verdict": "worsens",
}  # fmt: skip
OPINION = {
    "kind": "harm", "judge": "the study's (harm:rules@4)", "other": "harm:<b>own</b>", "cells": 3,
    "verdicts_changed": 1, "changed": ["dpo/misuse:world: worsens, inconclusive"], "kendall_tau": None, "spearman": 0.5,
    "largest_difference": 0.07,
}  # fmt: skip


def row(**changes: Any) -> dict[str, Any]:
    told = {
        "defense": "dpo", "task": "misuse", "source": "world", "judge": "harm:rules@4", "grade": "rules",
        "calibration": "none", "note": "", "delta": 0.24, "ci_low": 0.1, "ci_high": 0.4, "verdict": "worsens",
    }  # fmt: skip
    return dict.fromkeys(JudgeRow.__dataclass_fields__) | told | changes


def write(folder: Path, *rows: dict[str, Any], opinions: tuple[dict[str, Any], ...] = ()) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "judges.json").write_text(json.dumps({"schema": 1, "rows": rows, "opinions": opinions}))
    return folder


def section(folder: Path) -> str:
    """The text of the section, without its tags."""
    page = write_page(folder).read_text(encoding="utf-8")
    found = re.search(r'<section id="judges">(.*?)</section>', page, re.S)
    return " ".join(re.sub(r"<[^>]+>", " ", found[1]).split()) if found else ""


def test_told_and_corrected_stand_beside_each_other(tmp_path: Path) -> None:
    (cell,) = judge_view(write(tmp_path, row(**CARD)), NAMES).cells
    assert (cell.told, cell.corrected, cell.changed) == ("▲ worsens", "· inconclusive", True)
    assert cell.by == "its card on gptfuzz, 6,154 replies, for both arms"
    assert cell.errors == "found 92%, spared 77%"
    assert cell.tip == "−30.0 points of others spared or +6.0 points of risky found"


def test_errors_that_were_measured_apart_are_shown_from_base_to_defended(tmp_path: Path) -> None:
    (cell,) = judge_view(write(tmp_path, row(**APART)), NAMES).cells
    assert cell.errors == "found 97% → –, spared 85% → 100%"
    assert (cell.by, cell.tip, cell.changed) == ("labels of 50 and 48 replies", "", False)


@pytest.mark.parametrize(("changes", "tip"), [
    ({"tip_specificity": None, "tip_sensitivity": -0.2}, "−20.0 points of risky found"), ({}, "no one error can"),
    ({"delta": 0.0}, ""), ({"delta": None}, ""),
])  # fmt: skip
def test_what_would_explain_the_change_is_said_where_it_is_not_measured(
    tmp_path: Path, changes: dict[str, Any], tip: str
) -> None:
    (cell,) = judge_view(write(tmp_path, row(note="its judge has no card", **changes)), NAMES).cells
    assert (cell.by, cell.tip, cell.corrected) == ("not corrected; its judge has no card", tip, None)


def test_the_page_names_every_verdict_on_a_defense_that_changes(tmp_path: Path) -> None:
    write_study(tmp_path, n=10, tasks=["misuse"])
    assert section(tmp_path) == ""
    write(tmp_path, row(**CARD), row(**CARD, defense="null"), row(**APART, defense="npo"), opinions=(OPINION,))
    text = section(tmp_path)
    assert "Verdicts that are others without the judge's errors 1" in text
    assert "dpo on misuse : ▲ worsens +24.0 [+10.0, +40.0] as told, · inconclusive +35.0 [−3.0, +60.0]" in text
    assert "3 cells" in text and "by other sets +24.0 to +35.0" in text
    assert "harm:&lt;b&gt;own&lt;/b&gt;" in (tmp_path / "report.html").read_text().replace("<wbr>", "")
    assert "dpo/misuse:world: worsens, inconclusive" in text


def test_a_study_in_which_nothing_changes_says_so(tmp_path: Path) -> None:
    write_study(tmp_path, n=10, tasks=["misuse"])
    write(tmp_path, row(**APART))
    assert "No verdict on a defense changes" in section(tmp_path)
    assert "Second opinions" not in section(tmp_path)


@pytest.mark.parametrize("content", ["{", "{}", '{"rows": []}'])
def test_a_damaged_file_is_one_line(tmp_path: Path, content: str) -> None:
    (tmp_path / "judges.json").write_text(content)
    with pytest.raises(RequestError, match=r"judges\.json is damaged .*delete it and run `crossrisk report"):
        judge_view(tmp_path, NAMES)

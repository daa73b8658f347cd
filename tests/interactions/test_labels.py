"""Labels of people: read by arm, task and sample or by item, and every row that does not fit stops with its place."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from crossrisk.errors import RequestError
from crossrisk.interactions.labels import Asked, Labels, item_of, labels_file, read_labels


def cell(arm: str, key: str, task: str = "misuse") -> dict[str, Any]:
    return {"arm": arm, "task": task, "source": "core", "key": key}


CELLS = [cell("base", "k1"), cell("dpo", "k2"), cell("npo", "k3"), cell("base", "k4", "utility")]
FRAME = pl.DataFrame({"sample_id": ["m-1", "m-2", "m-3"]})
ASKED = Asked(CELLS, {(c["arm"], c["task"], c["source"]): None if c["arm"] == "npo" else FRAME for c in CELLS})


def read(folder: Path, *rows: dict[str, Any]) -> Labels:
    path = folder / "labels.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return read_labels(path, ASKED)


def of(sample: str, label: Any, arm: str = "base", task: str = "misuse:core") -> dict[str, Any]:
    return {"arm": arm, "task": task, "sample_id": sample, "label": label}


@pytest.mark.parametrize(("label", "risky"), [
    (True, True), (1, True), ("1", True), ("yes", True), ("harmful", True), ("Partial", True), ("risky", True),
    (False, False), (0, False), ("no", False), ("refused", False), ("not risky", False),
])  # fmt: skip
def test_labels_are_words_of_the_judge_or_yes_and_no(tmp_path: Path, label: Any, risky: bool) -> None:
    assert read(tmp_path, of("m-2", label)) == {("base", "misuse", "core"): {"m-2": risky}}


def test_an_item_names_the_reply_that_was_shown_without_its_arm(tmp_path: Path) -> None:
    shown = {"item": item_of("k2", "m-3"), "task": "misuse:core", "prompt": "p", "reply": "r", "label": "harmful"}
    assert read(tmp_path, shown, of("m-1", 0)) == {
        ("dpo", "misuse", "core"): {"m-3": True},
        ("base", "misuse", "core"): {"m-1": False},
    }


def test_rows_that_are_not_labelled_yet_are_passed_over(tmp_path: Path) -> None:
    assert read(tmp_path, of("m-1", None), of("m-2", " "), of("m-3", "yes")) == {
        ("base", "misuse", "core"): {"m-3": True}
    }


@pytest.mark.parametrize(("rows", "problem"), [
    ([of("m-1", 1, arm="dpq")], r"row 1 \(line 1\): there is no arm 'dpq' in this study: did you mean dpo\?"),
    ([of("m-1", 1, task="misuse")], "there is no task 'misuse' in this study: did you mean misuse:core"),
    ([of("m-9", 1)], "there is no sample 'm-9' in misuse:core of base: its ids are like 'm-1'"),
    ([of("m-1", 1, arm="npo")], "npo has no replies on misuse:core: take the row out"),
    ([of("m-1", 1), of("m-2", 1), of("m-1", 1)], r"row 3 .*labelled already in row 1: give it one label"),
    ([of("m-1", 1), {"item": item_of("k1", "m-1"), "label": 0}], r"row 2 .*labelled already in row 1"),
    ([of("m-1", "evil")], "label 'evil' is none of judge harm's: harmful, complied"),
    ([of("m-1", "harmful", task="utility:core")], "label 'harmful' is none of judge correctness's: 1, true, yes"),
    ([of("m-1", 2)], "label '2' is none of"),
    ([{"item": item_of("old key", "m-1"), "label": 1}], "its replies may have been computed anew"),
    ([{"arm": "base", "task": "misuse:core", "label": 1}], "there is no sample ''"),
    ([{"arm": "base", "task": "misuse:core", "sample_id": "m-1"}], "column 'label' is missing"),
    ([{"task": "misuse:core", "sample_id": "m-1", "label": 1}], "column 'arm' is missing"),
])  # fmt: skip
def test_a_row_that_does_not_fit_is_one_line_with_its_place(
    tmp_path: Path, rows: list[dict[str, Any]], problem: str
) -> None:
    with pytest.raises(RequestError, match=problem) as caught:
        read(tmp_path, *rows)
    assert str(tmp_path / "labels.jsonl") in str(caught.value) and "\n" not in str(caught.value)


def test_the_labels_in_the_folder_come_before_those_that_the_study_names(tmp_path: Path) -> None:
    named = tmp_path / "mine.jsonl"
    assert labels_file(tmp_path, None) is None
    with pytest.raises(RequestError, match=r"mine\.jsonl, which is not there: put them into"):
        labels_file(tmp_path, str(named))
    named.touch()
    assert labels_file(tmp_path, str(named)) == named
    (tmp_path / "labels.jsonl").touch()
    assert labels_file(tmp_path, str(named)) == tmp_path / "labels.jsonl"

"""`crossrisk judge`: labels without the text, agreement with people, and one line for what is wrong."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from crossrisk.cli import main
from crossrisk.errors import RequestError
from crossrisk.judging import LABELS, against_people, find_judge, labelled

ROWS = [
    {"prompt": "How do I paint a wall?", "reply": reply, "human": human, "m": model}
    for reply, human, model in (
        ("I'm sorry, but I can't help with that.", "full", "a"),
        ("Clean it, prime it, and roll on two coats.", "none", "b"),
        ("Tape the edges first; then roll from the top.", "full", "b"),
        ("", "none", "b"),
    )
]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "replies.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS), encoding="utf-8")
    return path


def test_labels_stand_row_by_row_without_the_text(file: Path) -> None:
    found = labelled("refusal:rules", file)
    assert [(row["row"], row["label"], row["risk"]) for row in found] == [
        (1, "full", 1.0), (2, "none", 0.0), (3, "none", 0.0), (4, "empty", None),
    ]  # fmt: skip
    assert "paint" not in json.dumps(found)


def test_agreement_counts_valid_rows_by_group_and_every_pair_of_labels(file: Path) -> None:
    told = against_people("refusal:rules", file, "human", "m")
    assert (told["n"], told["invalid"], told["agreement"]["n"]) == (4, {"empty": 1}, 3)
    assert told["agreement"]["accuracy"] == pytest.approx(2 / 3)
    assert told["agreement"]["sensitivity"] == 0.5
    assert (told["by_group"]["a"]["accuracy"], told["by_group"]["b"]["accuracy"]) == (1.0, 0.5)
    assert told["labels"] == {
        "full where people say full": 1, "none where people say full": 1, "none where people say none": 1,
    }  # fmt: skip


def test_a_kind_alone_takes_the_built_in_judge_where_there_is_one() -> None:
    assert find_judge("refusal").name == "refusal:builtin"
    assert find_judge("harm").name == "harm:rules"
    assert set(LABELS) == {"refusal", "harm", "taxonomy", "toxicity", "stereotype", "agreement"}


@pytest.mark.parametrize(
    ("judge", "change", "says"),
    [
        ("refusal", {"human": "maybe"}, r"row 1.*label 'maybe' is none of refusal:builtin's: full, partial, none"),
        ("refusal", {"human": None}, r"row 1.*column 'human' is missing"),
        ("refusal", {"reply": 5}, r"row 1.*column 'reply' must be text"),
        ("refusel", {}, r"unknown judge 'refusel'"),
        ("pii", {}, r"needs the truth of a sample"),
        ("refusal:world", {}, r"needs the truth of a sample"),
    ],
)
def test_what_cannot_be_judged_is_one_line(tmp_path: Path, judge: str, change: dict[str, Any], says: str) -> None:
    path = tmp_path / "replies.jsonl"
    path.write_text(json.dumps(ROWS[0] | change) + "\n", encoding="utf-8")
    with pytest.raises(RequestError, match=says) as raised:
        against_people(judge, path, "human")
    assert "\n" not in str(raised.value)


def test_the_command_prints_lines_or_one_object(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for words in (["judge", "refusal:rules"], ["judge", "refusal:rules", "--label", "human"]):
        monkeypatch.setattr(sys, "argv", ["crossrisk", *words, "--input", str(file)])
        with pytest.raises(SystemExit) as left:
            main()
        assert not left.value.code
        printed = capsys.readouterr().out
        if "--label" in words:
            assert json.loads(printed)["judge"] == "refusal:rules@3"
        else:
            assert [json.loads(line)["label"] for line in printed.splitlines()] == ["full", "none", "none", "empty"]

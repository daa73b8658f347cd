"""Plain rows: where ids, scores, clusters, groups and tasks are found, and what is wrong in a file."""

import json
from pathlib import Path
from typing import Any

import pytest

from crossrisk.errors import RequestError
from crossrisk.logs import Columns, read, read_logs

Rows = list[Any]


def write(folder: Path, rows: Rows, name: str = "rows.jsonl") -> Path:
    path = folder / name
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return path


def test_the_usual_columns_need_no_option(tmp_path: Path) -> None:
    rows = [
        {"id": 1, "risk": 0.5, "cluster": "t", "group": "north", "task": "misuse"},
        {"id": 2, "risk": None, "cluster": "t", "group": "", "task": "misuse"},
    ]
    (log,) = read_logs(write(tmp_path, rows))
    (scores,) = log.scores
    assert (log.name, scores.name, scores.metric) == ("rows.jsonl", "misuse:risk", "risk")
    assert scores.frame is not None
    assert scores.frame.select("sample_id", "cluster", "group", "score").rows() == [
        ("1", "t", "north", 0.5),
        ("2", "t", None, None),
    ]


def test_any_column_may_be_named(tmp_path: Path) -> None:
    columns = Columns(id="question", score="grade", cluster="template", group="who", task="set")
    rows = [{"question": "q", "grade": 3, "template": 7, "who": "a", "set": "s", "id": "no", "risk": 1}]
    frame = read(write(tmp_path, rows), columns)
    assert frame.select("task", "source", "sample_id", "cluster", "group", "score").row(0) == (
        "s", "grade", "q", "7", "a", 3.0,
    )  # fmt: skip


def test_without_clusters_and_groups_the_log_does_not_say(tmp_path: Path) -> None:
    frame = read(write(tmp_path, [{"id": "q", "score": 1}]))
    assert frame.select("task", "cluster", "group").row(0) == ("scores", None, None)


def test_the_same_id_may_occur_in_several_tasks(tmp_path: Path) -> None:
    rows = [{"id": "q", "score": 1, "task": "a"}, {"id": "q", "score": 0, "task": "b"}]
    (log,) = read_logs(write(tmp_path, rows))
    assert [scores.name for scores in log.scores] == ["a:score", "b:score"]


def test_what_crossrisk_judge_writes_can_be_compared(tmp_path: Path) -> None:
    rows = [
        {"row": 1, "label": "full", "probability": 0.9, "valid": True, "risk": 1.0, "judge": "refusal:rules@4"},
        {"row": 2, "label": "blank", "probability": None, "valid": False, "risk": None, "judge": "refusal:rules@4"},
    ]
    (log,) = read_logs(write(tmp_path, rows), Columns(id="row"))
    assert log.scores[0].settings["judge"] == {"judge": "refusal:rules@4"}
    assert log.scores[0].frame is not None
    assert log.scores[0].frame["score"].to_list() == [1.0, None]


def test_csv_and_json_are_read_as_well(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_bytes("\ufeffid,score\r\nq1,0.5\r\nq2,\r\nq3,true\r\n".encode())
    (tmp_path / "rows.json").write_text('[{"id": "q1", "score": 0.5}]', encoding="utf-8")
    assert read(tmp_path / "rows.csv")["score"].to_list() == [0.5, None, 1.0]
    assert read(tmp_path / "rows.json")["score"].to_list() == [0.5]


WRONG: list[tuple[Rows, Columns, str]] = [
    ([{"name": "q", "score": 1}], Columns(), r"row 1 .*nothing names the samples: the row has name, score; .* by --id"),
    ([{"id": "q", "grade": 1}], Columns(), r"nothing names the scores: .* by --score"),
    ([{"id": "q", "score": 1}], Columns(score="grade"), "column 'grade' is missing"),
    ([{"id": "q", "score": 1}, {"id": "r"}], Columns(), r"row 2 \(line 2\): column 'score' is missing"),
    ([{"id": "q", "score": 1}] * 2, Columns(), r"row 2 .*id 'q' stands already in row 1: .* as a cluster"),
    ([{"id": 1.5, "score": 1}], Columns(), "column 'id' must hold a text or a whole number"),
    ([{"id": True, "score": 1}], Columns(), "column 'id' must hold a text or a whole number"),
    ([{"id": "", "score": 1}], Columns(), "column 'id' is blank"),
    ([{"id": "q", "score": "high"}], Columns(), "column 'score' is the text 'high', which is no score"),
    ([{"id": "q", "score": [1]}], Columns(), "column 'score' is a list, which is no score"),
    ([{"id": "q", "score": 1, "cluster": "t"}, {"id": "r", "score": 1}], Columns(), "row 2 .*'cluster' is missing"),
    ([], Columns(), "no rows in it"),
    ([["q", 1]], Columns(), "an object with columns is expected"),
]


@pytest.mark.parametrize(("rows", "columns", "says"), WRONG)
def test_what_is_wrong_is_told_in_one_line(rows: Rows, columns: Columns, says: str, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=says) as raised:
        read_logs(write(tmp_path, rows), columns)
    assert "rows.jsonl" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_path_without_a_log_is_told(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing", encoding="utf-8")
    (tmp_path / "empty").mkdir()
    for path, says in (
        (tmp_path / "absent.jsonl", "is not there: name a log, a folder of logs, or FOLDER:ARM"),
        (f"{tmp_path}:base", "holds no study, so it has no arm 'base'"),
        (tmp_path / "empty", "holds no study, no .eval log and no samples_"),
        (tmp_path / "notes.txt", "cannot read '.txt' files: give .eval, .csv"),
    ):
        with pytest.raises(RequestError, match=says):
            read_logs(path)

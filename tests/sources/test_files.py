import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from crossrisk.errors import RequestError
from crossrisk.registry import TASKS
from crossrisk.risks import Message, Sample
from crossrisk.sources.files import file_source


def written(folder: Path, *entries: dict[str, Any]) -> Path:
    path = folder / "prompts.jsonl"
    path.write_text("\n".join(json.dumps(entry) for entry in entries), encoding="utf-8")
    return path


def read(path: Path, task: str = "misuse") -> tuple[Sample, ...]:
    return file_source(path).samples(task)


def problem(path: Path, task: str = "misuse") -> str:
    with pytest.raises(RequestError) as raised:
        read(path, task)
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_a_prompt_is_all_that_a_row_needs(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("prompt\nOpen the gate?\nClose it?\n", encoding="utf-8")
    first, second = read(tmp_path / "mine.csv")
    assert first == Sample("mine-0001", (Message("user", "Open the gate?"),), "mine-0001")
    assert second.id == "mine-0002"


def test_every_optional_column_reaches_the_sample(tmp_path: Path) -> None:
    row = {"prompt": "Who?", "system": "Be kind.", "id": 7, "cluster": "c", "group": "north", "risky": "A", "safe": "B"}
    (sample,) = read(written(tmp_path, row | {"secret": "ann@mail.example", "answer": 12, "note": "left alone"}))
    assert sample.id == "7"
    assert sample.messages == (Message("system", "Be kind."), Message("user", "Who?"))
    assert (sample.cluster, sample.group, sample.answer) == ("c", "north", 12)
    assert sample.contrast == ("A", "B")
    assert dict(sample.meta) == {"secret": "ann@mail.example"}


def test_messages_may_be_a_dialogue_or_raw_text(tmp_path: Path) -> None:
    dialogue = [
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Hi"},
        {"role": "user", "content": "Who?"},
    ]
    chat, raw = read(
        written(tmp_path, {"messages": dialogue}, {"messages": [{"role": "text", "content": "name: Ann,"}]})
    )
    assert [message.role for message in chat.messages] == ["user", "assistant", "user"]
    assert raw.messages == (Message("text", "name: Ann,"),)


def test_choices_in_csv_are_written_as_json(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('prompt,choices,answer\nWhich?,"[""yes"", ""no""]",no\n', encoding="utf-8")
    (sample,) = read(tmp_path / "a.csv", "stereotype_recognition")
    assert (sample.choices, sample.answer) == (("yes", "no"), "no")


def test_the_source_offers_every_task_and_hashes_the_bytes(tmp_path: Path) -> None:
    path = written(tmp_path, {"prompt": "Who?"})
    source = file_source(path)
    assert set(source.loaders) == set(TASKS)
    assert source.name == str(path)
    before = source.checksum("misuse")
    assert before == hashlib.sha256(path.read_bytes()).hexdigest()
    written(tmp_path, {"prompt": "Why?"})
    assert source.checksum("misuse") != before


def test_a_file_without_prompts_says_which_columns_it_has(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("question,topic\nWhy?,none\n", encoding="utf-8")
    assert problem(tmp_path / "a.csv").endswith(
        "a.csv: column 'prompt' (or 'messages') is missing: the file has question, topic"
    )


@pytest.mark.parametrize("slip", ["Prompt", "prompts", "promt", " prompt"])
def test_a_slip_in_a_column_is_not_left_alone(tmp_path: Path, slip: str) -> None:
    assert problem(written(tmp_path, {slip: "Why?"})).endswith(f"unknown column '{slip}': did you mean 'prompt'?")


def test_a_blank_prompt_is_named_with_its_row(tmp_path: Path) -> None:
    message = problem(written(tmp_path, {"prompt": "Why?"}, {"prompt": "  "}))
    assert "row 2 (line 2): column 'prompt' is blank" in message


def test_repeated_ids_are_named_with_both_rows(tmp_path: Path) -> None:
    rows = [{"id": "a", "prompt": "1"}, {"id": "b", "prompt": "2"}, {"id": "a", "prompt": "3"}]
    assert "row 3 (line 3): id 'a' stands already in row 1" in problem(written(tmp_path, *rows))


def test_a_given_id_may_not_meet_a_made_one(tmp_path: Path) -> None:
    message = problem(written(tmp_path, {"prompt": "1"}, {"id": "prompts-0001", "prompt": "2"}))
    assert "id 'prompts-0001' stands already in row 1" in message


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"prompt": "a", "messages": [{"role": "user", "content": "b"}]}, "fill either 'prompt' or 'messages'"),
        ({"messages": "hello"}, "'messages' must be a list"),
        ({"messages": []}, "must end with the turn of the user"),
        ({"messages": [{"role": "assistant", "content": "b"}]}, "must end with the turn of the user"),
        ({"messages": [{"role": "human", "content": "b"}]}, "column 'role' is 'human', which is none of system, user"),
        ({"messages": [{"role": "user"}]}, "must be an object with 'role' and 'content'"),
        ({"messages": [{"role": "user", "content": " "}]}, "messages: column 'content' is blank"),
        ({"messages": [{"role": "user", "content": "a"}, {"role": "text", "content": "b"}]}, "must stand alone"),
        ({"messages": [{"role": "text", "content": "b"}], "system": "s"}, "'system' cannot be added"),
        ({"prompt": "a", "risky": "b"}, "a contrast needs both 'risky' and 'safe'"),
        ({"prompt": "a", "choices": ["b"]}, "'choices' must be a list of two or more texts"),
        ({"prompt": "a", "choices": ["b", "b"]}, "'choices' names the same text twice"),
        ({"prompt": "a", "choices": "b or c"}, "'choices' must be a list; in CSV, a list written as JSON"),
        ({"prompt": "a", "choices": ["b", "c"], "answer": "d"}, "the answer 'd' is none of the 2 choices"),
        ({"prompt": "a", "choices": ["b", "c"], "answer": 2}, "the answer 2 is none of the 2 choices"),
        ({"prompt": "a", "answer": "?"}, "the answer '?' has no letter or digit"),
        ({"prompt": "a", "answer": 1.5}, "column 'answer' must be text, not a number"),
        ({"prompt": "a", "id": True}, "column 'id' must be text, not true or false"),
        ({"prompt": "a", "secret": "--"}, "the secret '--' has no letter or digit"),
    ],
)
def test_a_row_that_makes_no_sample_says_why(tmp_path: Path, row: dict[str, Any], message: str) -> None:
    found = problem(written(tmp_path, row))
    assert "prompts.jsonl, row 1 (line 1)" in found
    assert message in found


@pytest.mark.parametrize(
    ("task", "column"),
    [
        ("utility", "answer"),
        ("stereotype_recognition", "choices"),
        ("privacy_awareness", "secret"),
        ("pii_leakage", "secret"),
    ],
)
def test_a_task_that_needs_the_truth_asks_for_its_column(tmp_path: Path, task: str, column: str) -> None:
    message = problem(written(tmp_path, {"prompt": "Who?"}), task)
    assert f"row 1 (line 1): task '{task}' needs column '{column}' filled: the row has prompt" in message


def test_a_file_that_is_gone_says_so(tmp_path: Path) -> None:
    assert problem(tmp_path / "gone.csv").endswith("gone.csv cannot be read: No such file or directory")

from pathlib import Path

import pytest

from crossrisk.errors import RequestError
from crossrisk.sources.advbench import advbench
from crossrisk.sources.lookup import find_source


def test_a_registered_name_comes_before_a_file_of_that_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "advbench").write_text("prompt\nWhy?\n")
    monkeypatch.chdir(tmp_path)
    assert find_source("advbench") is advbench


def test_a_path_becomes_a_source(tmp_path: Path) -> None:
    path = tmp_path / "mine.CSV"
    path.write_text("prompt\nWhy?\n")
    assert [sample.id for sample in find_source(str(path)).samples("misuse")] == ["mine-0001"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("advbnch", "unknown source 'advbnch': did you mean advbench"),
        ("nothing.csv", "there is no file nothing.csv"),
        ("some/folder/nothing", "there is no file some/folder/nothing"),
        (".", ". is a folder: name the file in it"),
        ("notes.txt", "notes.txt: cannot read '.txt' files: give .csv, .json, .jsonl"),
    ],
)
def test_what_is_neither_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, message: str
) -> None:
    (tmp_path / "notes.txt").write_text("Why?")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RequestError) as raised:
        find_source(name)
    assert str(raised.value).startswith(message)

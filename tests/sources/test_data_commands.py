"""`crossrisk data`: what is told of folders that are not there, and of files that cannot be had."""

import hashlib
import io
import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from crossrisk.cli import main
from crossrisk.errors import RequestError
from crossrisk.registry import SOURCES
from crossrisk.sources import download
from crossrisk.sources.extracts import Extract

CONTENT = b"a,b\n"


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["crossrisk", *words])
    with pytest.raises(SystemExit) as left:
        main()
    return int(left.value.code or 0)


def test_a_data_folder_that_is_not_there_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CROSSRISK_DATA", str(tmp_path / "gone"))
    assert run(monkeypatch, "data", "ls", "--json") == 0
    told = capsys.readouterr()
    assert f"CROSSRISK_DATA names {tmp_path / 'gone'}, where there is no folder" in told.err
    assert {entry["present"] for entry in json.loads(told.out)["sets"]} == {"no"}
    assert run(monkeypatch, "data", "verify") == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_what_can_be_had_comes_and_the_rest_is_listed_at_the_end(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CROSSRISK_DATA", str(tmp_path))
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.delenv("TRANSFORMERS_OFFLINE", raising=False)
    monkeypatch.setattr(download, "_downloaded", lambda *ignored: CONTENT)
    source = SOURCES.get("xstest")
    (file, *_) = source.files
    plain = replace(file, name="plain.csv", sha256=hashlib.sha256(CONTENT).hexdigest(), size=len(CONTENT), extract=None)
    made = replace(plain, name="made.csv", extract=Extract("rows chosen by hand", None))
    monkeypatch.setattr("crossrisk.sources.shelf.public_sources", lambda: [replace(source, files=(made, plain))])
    assert run(monkeypatch, "data", "get", "xstest") == 3
    *_, summary, problem = capsys.readouterr().err.splitlines()
    assert "1 files new, present: 1 of 2 files" in summary
    assert "made.csv cannot be downloaded as it is" in problem


def test_verify_reads_every_byte_and_exits_with_3_where_one_is_wrong(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CROSSRISK_DATA", str(tmp_path))
    source = SOURCES.get("xstest")
    plain = replace(source.files[0], name="plain.csv", sha256=hashlib.sha256(CONTENT).hexdigest(), size=len(CONTENT))
    monkeypatch.setattr("crossrisk.sources.shelf.public_sources", lambda: [replace(source, files=(plain,))])
    place = tmp_path / plain.place
    place.parent.mkdir(parents=True)
    place.write_bytes(CONTENT)
    assert run(monkeypatch, "data", "verify", "xstest") == 0
    place.write_bytes(b"a,c\n")  # as long, and one byte another
    assert run(monkeypatch, "data", "verify", "xstest") == 3
    assert "plain.csv" in capsys.readouterr().out


def test_a_missing_file_names_the_set_that_it_belongs_to(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CROSSRISK_DATA", str(tmp_path))
    with pytest.raises(RequestError, match="crossrisk data get catqa`"):
        SOURCES.get("catqa").samples("misuse")


def test_a_character_that_the_terminal_lacks_is_written_another_way(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    row = {"id": "a", "prompt": "Help.", "group": "für│", "attack": "für│"}
    (tmp_path / "p.jsonl").write_text(json.dumps(row), encoding="utf-8")
    (tmp_path / "r.jsonl").write_text(json.dumps({"sample_id": "a", "reply": "I cannot help."}), encoding="utf-8")
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="ascii"))
    assert run(monkeypatch, "score", f"jailbreak:{tmp_path / 'p.jsonl'}", "--replies", str(tmp_path / "r.jsonl")) == 0
    sys.stdout.flush()
    assert b"f\\xfcr\\u2502" in written.getvalue()

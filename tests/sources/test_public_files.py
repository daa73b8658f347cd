import hashlib
from pathlib import Path

import pytest

from crossrisk.errors import RequestError
from crossrisk.sources.public import PublicFile

CONTENT = b"goal,target\nBake bread,Sure\n"
FILE = PublicFile(
    "bakery", "goals.csv", "https://example.org/bakery at 1a2b", hashlib.sha256(CONTENT).hexdigest(), ("goal",)
)


def place(folder: Path, content: bytes) -> None:
    (folder / "data" / "bakery").mkdir(parents=True)
    (folder / FILE.place).write_bytes(content)


def test_the_published_file_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place(tmp_path, CONTENT)
    monkeypatch.setenv("CROSSRISK_DATA", str(tmp_path))
    assert [row.text("goal") for row in FILE.rows()] == ["Bake bread"]
    assert FILE.checksum() == FILE.sha256


def test_without_the_variable_the_place_and_the_origin_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CROSSRISK_DATA", raising=False)
    with pytest.raises(
        RequestError, match=r"CROSSRISK_DATA is not set.*data/bakery/goals\.csv.*example\.org/bakery at 1a2b"
    ):
        FILE.rows()


def test_a_missing_file_says_what_belongs_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CROSSRISK_DATA", str(tmp_path))
    with pytest.raises(
        RequestError, match=r"goals\.csv cannot be read \(No such file.*put goals\.csv there, from https"
    ):
        FILE.checksum()


@pytest.mark.parametrize("content", [CONTENT + b"\n", CONTENT.replace(b"\n", b"\r\n"), b""])
def test_another_file_in_its_place_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    place(tmp_path, content)
    monkeypatch.setenv("CROSSRISK_DATA", str(tmp_path))
    with pytest.raises(RequestError) as raised:
        FILE.rows()
    message = str(raised.value)
    assert f"expected {FILE.sha256}" in message
    assert f"found {hashlib.sha256(content).hexdigest()}" in message
    assert "get it again" in message
    assert "\n" not in message

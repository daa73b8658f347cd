import hashlib
from pathlib import Path

import pytest

from crossrisk.errors import RequestError
from crossrisk.registry import SOURCES
from crossrisk.sources.public import PublicFile, checksum_of

CONTENT = b"goal,target\nBake bread,Sure\n"
FILE = PublicFile(
    folder="bakery",
    name="goals.csv",
    repository="https://github.com/ann/bakery",
    revision="1a2b",
    path="data/all goals.csv",
    sha256=hashlib.sha256(CONTENT).hexdigest(),
    size=len(CONTENT),
    columns=("goal",),
)
PUBLISHED = [file for name in SOURCES for file in SOURCES.get(name).files]


def place(folder: Path, content: bytes) -> None:
    (folder / "data" / "bakery").mkdir(parents=True)
    (folder / FILE.place).write_bytes(content)


def test_the_published_file_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place(tmp_path, CONTENT)
    monkeypatch.setenv("CROSSRISK_DATA", str(tmp_path))
    assert FILE.is_present()
    assert [row.text("goal") for row in FILE.rows()] == ["Bake bread"]
    assert FILE.checksum() == FILE.sha256
    assert checksum_of((FILE,)) == hashlib.sha256(FILE.sha256.encode()).hexdigest()


def test_its_address_is_that_of_the_raw_bytes_at_the_pinned_commit() -> None:
    assert FILE.url == "https://raw.githubusercontent.com/ann/bakery/1a2b/data/all%20goals.csv"
    assert FILE.origin == "https://github.com/ann/bakery (data/all goals.csv at 1a2b)"


def test_a_missing_file_says_what_belongs_where_and_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CROSSRISK_DATA", str(tmp_path))
    with pytest.raises(RequestError) as raised:
        FILE.checksum()
    message = str(raised.value)
    assert message.startswith(f"{tmp_path / FILE.place} is missing: run `crossrisk data get bakery`")
    assert "put goals.csv there, from https://github.com/ann/bakery" in message
    assert not FILE.is_present()


def test_without_the_variable_the_folder_is_in_the_cache_and_the_message_names_the_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CROSSRISK_DATA", raising=False)
    monkeypatch.setenv("CROSSRISK_CACHE", str(tmp_path))
    with pytest.raises(RequestError, match="or set CROSSRISK_DATA to where it lies"):
        FILE.rows()


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


@pytest.mark.parametrize("file", PUBLISHED, ids=lambda file: file.place)
def test_every_public_file_is_pinned_by_commit_checksum_and_size(file: PublicFile) -> None:
    assert set(file.revision) <= set("0123456789abcdef")
    assert (len(file.revision), len(file.sha256)) == (40, 64)
    assert file.size > 0
    assert file.url.startswith("https://")


def test_no_two_sources_disagree_about_the_file_of_one_place() -> None:
    pinned: dict[str, str] = {}
    assert [file.place for file in PUBLISHED if pinned.setdefault(file.place, file.sha256) != file.sha256] == []

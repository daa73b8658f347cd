"""What is cut out of a download is, byte for byte, what the checksum is of."""

import hashlib
import io
import os
import zipfile
from pathlib import Path

import pytest

from crossrisk.errors import RequestError
from crossrisk.sources.extracts import first_columns, first_lines, member
from crossrisk.sources.jailbreakbench import HARMFUL


def zipped(**files: bytes) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as written:
        for name, content in files.items():
            written.writestr(name, content)
    return archive.getvalue()


def test_a_member_of_an_archive_comes_out_unchanged() -> None:
    wanted = member("inner", 6)
    assert wanted.of is not None
    assert wanted.of(zipped(outer=b"x", inner=b"caf\xe9\r\n")) == b"caf\xe9\r\n"


@pytest.mark.parametrize(
    "download",
    [b"<html>", b"", zipped(other=b"x"), zipped(inner=b"x" * 99)[:60]],
    ids=["a web page", "nothing", "another member", "cut off"],
)
def test_a_download_that_is_no_such_archive_is_refused(download: bytes) -> None:
    wanted = member("inner", 6)
    assert wanted.of is not None
    with pytest.raises(RequestError, match="no zip archive with inner in it"):
        wanted.of(download)


def test_first_lines_end_as_they_did_and_only_line_feeds_end_them() -> None:
    wanted = first_lines(2)
    assert wanted.of is not None
    assert wanted.of(b"a\rb\nc\r\nd\n") == b"a\rb\nc\r\n"


def test_first_columns_are_written_as_the_csv_module_writes() -> None:
    wanted = first_columns(2)
    assert wanted.of is not None
    assert wanted.of(b'n,text,more\n1,"a, b",x\n2,c,"y\nz"\n') == b'n,text\r\n1,"a, b"\r\n2,c\r\n'


@pytest.mark.skipif("CROSSRISK_DATA" not in os.environ, reason="CROSSRISK_DATA names no folder with the public sets")
def test_jailbreakbenchs_goals_are_made_from_the_file_that_can_be_downloaded() -> None:
    table = Path(os.environ["CROSSRISK_DATA"], "data/pandaguard_jbb_attacks/jbb_expanded.csv").read_bytes()
    assert HARMFUL.extract is not None
    assert HARMFUL.extract.of is not None
    assert hashlib.sha256(HARMFUL.extract.of(table)).hexdigest() == HARMFUL.sha256

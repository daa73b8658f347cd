"""The catalogue in the terminal."""

import pytest

from crossrisk.catalogue import catalogue
from crossrisk.report.listing import print_catalogue


def test_every_name_stands_whole_on_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    entries = catalogue()
    print_catalogue(entries)
    lines = capsys.readouterr().out.splitlines()
    first_words = {line.split(" ")[0] for line in lines}
    assert {row["name"] for rows in entries.values() for row in rows} <= first_words
    assert all(len(line) <= 80 for line in lines)

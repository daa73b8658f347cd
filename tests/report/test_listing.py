"""The catalogue in the terminal and in a pipe."""

import io

import pytest
from rich.console import Console

from crossrisk.catalogue import catalogue
from crossrisk.report.listing import print_catalogue


def printed(width: int, *, terminal: bool) -> list[str]:
    file = io.StringIO()
    print_catalogue(catalogue(), Console(file=file, width=width, force_terminal=terminal, color_system=None))
    return [line.rstrip() for line in file.getvalue().splitlines()]


@pytest.mark.parametrize("width", [60, 80, 130])
def test_every_name_stands_whole_at_the_start_of_a_line(width: int) -> None:
    lines = printed(width, terminal=True)
    first_words = {line.split(" ")[0] for line in lines}
    assert {row["name"] for rows in catalogue().values() for row in rows} <= first_words
    assert all(len(line) <= width for line in lines)


def test_a_wide_terminal_shows_a_table_and_a_narrow_one_paragraphs() -> None:
    def heads(width: int) -> list[str]:
        return [line for line in printed(width, terminal=True) if line.startswith("name ") and "exposure" in line]

    assert len(heads(140)) == 1 and heads(70) == []


def test_away_from_a_terminal_every_entry_is_one_line_with_all_it_has() -> None:
    lines = printed(40, terminal=False)
    for rows in catalogue().values():
        for row in rows:
            told = [
                ", ".join(map(str, value)) if isinstance(value, list) else str(value or "") for value in row.values()
            ]
            assert any(line.startswith(row["name"]) and all(text in line for text in told) for line in lines)

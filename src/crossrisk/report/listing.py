"""The catalogue for the terminal: a table where it fits, else a paragraph an entry.

Away from a terminal (in a pipe, a file) every entry is one line, however long, so that it can be searched.
"""

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

READABLE = 24  # a wrapped column is not squeezed under so many characters


def print_catalogue(entries: dict[str, list[dict[str, Any]]], console: Console | None = None) -> None:
    """One table a kind; lists are joined, what does not exist is a dash."""
    console = console or Console()
    for kind, rows in entries.items():
        shown = [{column: _text(value) for column, value in row.items()} for row in rows]
        widths = {column: max(len(column), *(len(row[column]) for row in shown)) for column in rows[0]}
        if not console.is_terminal:
            console.print(kind)
            _print_lines(console, shown, widths)
        elif _least_width(widths) <= console.width:
            console.print(_table(kind, shown, widths), "")
        else:
            _print_paragraphs(console, kind, shown)


def _print_lines(console: Console, rows: Sequence[dict[str, str]], widths: dict[str, int]) -> None:
    """Columns aligned by spaces, nothing wrapped."""
    for row in (dict(zip(widths, widths, strict=True)), *rows):
        line = "  ".join(f"{value:{widths[column]}}" for column, value in row.items()).rstrip()
        console.print(line, soft_wrap=True, markup=False, highlight=False)
    console.print()


def _least_width(widths: dict[str, int]) -> int:
    name, *others = widths.values()
    return name + sum(2 + min(width, READABLE) for width in others)


def _table(kind: str, rows: Sequence[dict[str, str]], widths: dict[str, int]) -> Table:
    table = Table(title=kind, title_justify="left", box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for column, width in widths.items():
        table.add_column(column, no_wrap=column == "name" or width <= READABLE, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row.values()))
    return table


def _print_paragraphs(console: Console, kind: str, rows: Sequence[dict[str, str]]) -> None:
    console.print(Text(kind, style="italic"))
    for row in rows:
        name, *others = row.items()
        console.print(Text(name[1], style="bold"))
        told = "; ".join(f"{column} {value}" for column, value in others if value != "–")
        console.print(Padding(Text(told), (0, 0, 0, 4)))
    console.print()


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(str(item) for item in value) or "–"
    return "–" if value in (None, "") else str(value)

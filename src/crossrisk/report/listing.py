"""The catalogue as tables for the terminal."""

from typing import Any

from rich.console import Console
from rich.table import Table


def print_catalogue(entries: dict[str, list[dict[str, Any]]]) -> None:
    """One table a kind; lists are joined, what does not exist is a dash."""
    console = Console()
    for kind, rows in entries.items():
        table = Table(title=kind, title_justify="left", box=None, pad_edge=False, header_style="bold")
        for column in rows[0]:
            table.add_column(column, no_wrap=column == "name", overflow="fold")
        for row in rows:
            table.add_row(*(_text(value) for value in row.values()))
        console.print(table, "")


def _text(value: Any) -> str:
    return (
        ", ".join(str(item) for item in value)
        if isinstance(value, list)
        else "–"
        if value in (None, "")
        else str(value)
    )

"""What can be wrong with a file that somebody downloaded, edited or saved anew, as hypothesis strategies."""

import copy
import csv
import gzip
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

ODD_VALUES: tuple[Any, ...] = (
    *(None, "", " \t", "\u200b", "a\ud800", "\x00", "\ufeff", "é\r\nb", 7, -1, 0.5, True),
    *([], {}, ["x"], {"x": 1}, [None], 10**30, "x" * 200_000, "🙂" * 40, '"', "[", "#### ", "a,b"),
)
ODD_NAMES = ("", "x", "\ufeffgoal", "a\nb", "y" * 5_000)

_Cut = Callable[[bytes, int], bytes]
_BYTES: dict[str, _Cut] = {
    "cut short": lambda content, at: content[:at],
    "beginning lost": lambda content, at: content[at:],
    "NUL byte": lambda content, at: content[:at] + b"\x00" + content[at:],
    "Latin-1 byte": lambda content, at: content[:at] + b"\xe9" + content[at:],
    "byte-order mark inside": lambda content, at: content[:at] + b"\xef\xbb\xbf" + content[at:],
    "quotation mark": lambda content, at: content[:at] + b'"' + content[at:],
    "line break": lambda content, at: content[:at] + b"\n" + content[at:],
    "carriage return": lambda content, at: content[:at] + b"\r" + content[at:],
    "UTF-16": lambda content, at: content.decode("utf-8", "replace").encode("utf-16"),
    "twice": lambda content, at: content + content,
    "a web page": lambda content, at: b"<!DOCTYPE html>\n<html><body>404</body></html>\n",
    "empty": lambda content, at: b"",
}
_KEEPS_ROWS: dict[str, Callable[[bytes], bytes]] = {
    "byte-order mark": lambda content: b"\xef\xbb\xbf" + content,
    "CRLF": lambda content: content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"),
    "last line break lost": lambda content: content.rstrip(b"\r\n"),
}


@dataclass(frozen=True)
class Damaged:
    """The bytes, what was done to them, and whether every row is still there."""

    content: bytes
    how: str
    keeps_rows: bool


def damaged(name: str, content: bytes) -> st.SearchStrategy[Damaged]:
    """Damage to the bytes of a file or, where its format is known, to one value in it."""
    if name.endswith(".gz"):
        inside = damaged(name.removesuffix(".gz"), gzip.decompress(content))
        repacked = inside.map(lambda found: Damaged(gzip.compress(found.content), found.how, found.keeps_rows))
        return st.one_of(_of_bytes(content), repacked)
    if name.endswith((".json", ".jsonl")):
        by_line = name.endswith("l") or b"}\n{" in content  # some sets name JSON Lines .json
        return st.one_of(_of_bytes(content), _of_layout(content), _of_values(content, by_line))
    if name.endswith(".csv"):
        return st.one_of(_of_bytes(content), _of_layout(content), _of_cells(content))
    if name.endswith(".npy"):
        return _of_bytes(content)
    return st.one_of(_of_bytes(content), _of_layout(content))


def _of_bytes(content: bytes) -> st.SearchStrategy[Damaged]:
    at = st.integers(0, len(content))
    return st.builds(lambda how, at: Damaged(_BYTES[how](content, at), how, False), st.sampled_from(list(_BYTES)), at)


def _of_layout(content: bytes) -> st.SearchStrategy[Damaged]:
    return st.sampled_from([Damaged(change(content), how, True) for how, change in _KEEPS_ROWS.items()])


def _of_cells(content: bytes) -> st.SearchStrategy[Damaged]:
    table = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))

    def written(rows: list[list[Any]], how: str, keeps_rows: bool) -> Damaged:
        text = io.StringIO(newline="")
        csv.writer(text).writerows(rows)
        return Damaged(text.getvalue().encode("utf-8", "surrogatepass"), how, keeps_rows)

    def cell(row: int, column: int, value: Any) -> Damaged:
        rows = copy.deepcopy(table)
        rows[row][column] = "" if value is None else str(value)
        return written(rows, f"cell {row}, {column} is {str(value)[:20]!r}", row > 0)

    def column_lost(column: int) -> Damaged:
        return written([row[:column] + row[column + 1 :] for row in table], f"column {column} lost", True)

    def row_again(row: int) -> Damaged:
        return written([*table, table[row]], f"row {row} twice", True)

    row, column = st.integers(0, len(table) - 1), st.integers(0, len(table[0]) - 1)
    return st.one_of(
        st.builds(cell, row, column, st.sampled_from(ODD_VALUES + ODD_NAMES)),
        st.builds(column_lost, column),
        st.builds(row_again, st.integers(1, len(table) - 1)),
    )


def _of_values(content: bytes, by_line: bool) -> st.SearchStrategy[Damaged]:
    text = content.decode("utf-8-sig")
    document = [json.loads(line) for line in text.split("\n") if line.strip()] if by_line else json.loads(text)
    paths = list(_paths(document))

    def written(changed: Any, how: str, keeps_rows: bool) -> Damaged:
        if by_line and isinstance(changed, list):
            return Damaged("\n".join(map(json.dumps, changed)).encode(), how, keeps_rows)
        return Damaged(json.dumps(changed).encode(), how, keeps_rows)

    def change(path: tuple[Any, ...], kind: str, value: Any, name: str) -> Damaged:
        if not path:
            return written(value, "another document", False)
        changed = copy.deepcopy(document)
        holder = changed
        for step in path[:-1]:
            holder = holder[step]
        last, old = path[-1], holder[path[-1]]
        whole = not isinstance(old, dict | list)
        if kind == "again" and isinstance(holder, list):
            holder.append(copy.deepcopy(old))
        elif kind == "lost" and isinstance(holder, dict):
            del holder[last]
        elif kind == "renamed" and isinstance(holder, dict):
            holder[name] = holder.pop(last)
        else:
            holder[last] = value
            kind = f"is {str(value)[:20]!r}"
        return written(changed, f"{path} {kind}", whole or kind == "again")

    return st.builds(
        change,
        st.sampled_from(paths),
        st.sampled_from(("value", "value", "lost", "renamed", "again")),
        st.sampled_from(ODD_VALUES),
        st.sampled_from(ODD_NAMES),
    )


def _paths(document: Any) -> Iterator[tuple[Any, ...]]:
    """The way to every value in a document, its own included."""
    yield ()
    steps: Any = ()
    if isinstance(document, dict):
        steps = document.items()
    elif isinstance(document, list):
        steps = enumerate(document)
    for step, value in steps:
        for path in _paths(value):
            yield (step, *path)

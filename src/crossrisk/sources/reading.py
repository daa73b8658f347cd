"""Strict reading of CSV, JSON and JSON Lines: what is not right stops with the file, the row and the remedy.

Rows are counted from 1 without the header. `parse` works on bytes, so that what was hashed is what is read.
"""

import csv
import gzip
import io
import json
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import PurePath
from typing import Any

from crossrisk.errors import RequestError

# Python's reader stops at cells of 131,072 characters, which a document may well have.
csv.field_size_limit(2**31 - 1)


@dataclass(frozen=True)
class Row:
    """One row of a file. where: the file, the row and its line, as errors name them."""

    where: str
    number: int
    values: Mapping[str, Any]

    def wrong(self, problem: str) -> RequestError:
        """The error for something that is wrong in this row, on one line."""
        return RequestError(f"{self.where}: {_shown(problem, 300)}")

    def text(self, column: str) -> str:
        """The text of a column that must be filled. Raises RequestError where it is missing, blank or no text."""
        value = self.values.get(column)
        if value is None:
            raise self.wrong(f"column '{column}' is missing: {_columns(self.values)}")
        if not isinstance(value, str):
            raise self.wrong(f"column '{column}' must be text, not {_kind(value)}")
        if not visible(value):
            raise self.wrong(f"column '{column}' is blank: fill it or take the row out")
        if not is_text(value):
            raise self.wrong(f"column '{column}' holds half of a surrogate pair, which is no text: write the character")
        return value

    def filled(self, column: str) -> Any:
        """The value of a column as it stands, None where it is absent, null or blank."""
        value = self.values.get(column)
        return None if isinstance(value, str) and not visible(value) else value

    def optional(self, column: str) -> str | None:
        """The text of a column that may be absent, null or blank."""
        return None if self.filled(column) is None else self.text(column)

    def one_of(self, column: str, known: Mapping[str, Any]) -> Any:
        """What a column's text stands for. Raises RequestError for a text that is not known."""
        text = self.text(column)
        if text not in known:
            raise self.wrong(f"column '{column}' is '{text[:40]}', which is none of {', '.join(known)}")
        return known[text]

    def whole(self, column: str) -> int:
        """The whole number of a column, which CSV writes as text. Raises RequestError for anything else."""
        value = self.values.get(column)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        text = self.text(column)
        if not re.fullmatch(r"-?[0-9]{1,18}", text):
            raise self.wrong(f"column '{column}' must be a whole number, not '{text[:40]}'")
        return int(text)

    def texts(self, column: str) -> tuple[str, ...]:
        """The texts of a column that holds a list of them. Raises RequestError where one is blank or no text."""
        value = self.values.get(column)
        if not isinstance(value, list) or not value:
            raise self.wrong(f"column '{column}' must be a list of texts: {_columns(self.values)}")
        return tuple(
            Row(f"{self.where}, {column} {place}", place, {column: text}).text(column)
            for place, text in enumerate(value, 1)
        )

    def part(self, column: str) -> "Row":
        """The object that a column holds, as a row of its own."""
        value = self.values.get(column)
        if not isinstance(value, dict):
            raise self.wrong(f"column '{column}' must be an object: {_columns(self.values)}")
        return Row(f"{self.where}, {column}", self.number, value)


_HALF_A_PAIR = re.compile("[\ud800-\udfff]")


def visible(text: str) -> bool:
    """Whether a text holds anything that can be seen; blanks and zero-width characters cannot."""
    return any(character.isprintable() and not character.isspace() for character in text)


def is_text(text: str) -> bool:
    """Whether a text can be seen and be written as UTF-8; JSON may escape half of a surrogate pair, which cannot."""
    return visible(text) and not _HALF_A_PAIR.search(text)


def parse(content: bytes, file: str, columns: tuple[str, ...] = ()) -> tuple[Row, ...]:
    """Rows of a .csv, .json (a list of objects) or .jsonl file, or of one that gzip packed (.gz).

    columns: those that every row must have. Raises RequestError for an unknown suffix, content that is not UTF-8 or
    not of its format, a missing column, a file without rows.
    """
    packed = PurePath(file).suffix.lower() == ".gz"
    suffix = PurePath(PurePath(file).stem if packed else file).suffix.lower()
    if suffix not in _PARSERS:
        raise RequestError(f"{file}: cannot read '{suffix}' files: give {', '.join(_PARSERS)}")
    text = decoded(_unpacked(content, file) if packed else content, file)
    rows = tuple(_PARSERS[suffix](text, file))
    if not rows:
        raise RequestError(f"{file}: no rows in it")
    for row in rows:
        missing = [column for column in columns if column not in row.values]
        if missing:
            raise RequestError(f"{row.where}: column '{missing[0]}' is missing: {_columns(row.values)}")
    return rows


def document(content: bytes, file: str) -> Any:
    """What a .json file holds that is no list of objects. Raises RequestError where it is not JSON in UTF-8."""
    return _loaded(decoded(content, file), file, 0)


def lines(content: bytes, file: str) -> tuple[Row, ...]:
    """The lines of a .txt file, as rows of one column `line` without their line ends.

    Raises RequestError where it is not UTF-8 or has no lines. A blank line is a row whose `text("line")` raises.
    """
    found = decoded(content, file).removesuffix("\n").split("\n")
    if found == [""]:
        raise RequestError(f"{file}: no lines in it")
    return tuple(
        Row(f"{file}, line {number}", number, {"line": line.removesuffix("\r")}) for number, line in enumerate(found, 1)
    )


def objects(entries: Any, where: str) -> tuple[Row, ...]:
    """Rows of a list that stands somewhere in a document. Raises RequestError where it is no list of objects."""
    if not isinstance(entries, list) or not entries:
        raise RequestError(f"{where}: a list of objects is expected, not {_kind(entries)}")
    return tuple(_object(entry, f"{where}, row {number}", number) for number, entry in enumerate(entries, 1))


def unique(rows: Iterable[Row], *columns: str) -> None:
    """Raises RequestError for a row that has the same values in these columns as a row before it."""
    first: dict[tuple[str, ...], Row] = {}
    for row in rows:
        values = tuple(str(row.values.get(column)) for column in columns)
        earlier = first.setdefault(values, row)
        if earlier is not row:
            shown = ", ".join(f"{column} '{value[:40]}'" for column, value in zip(columns, values, strict=True))
            raise row.wrong(f"{shown} stands already in row {earlier.number}: get the file again")


def _unpacked(content: bytes, file: str) -> bytes:
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error):
        raise RequestError(f"{file} is no whole gzip file: get it again") from None


def decoded(content: bytes, file: str) -> str:
    """A file's text, without a byte-order mark. Raises RequestError, with the line, where it is not UTF-8."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise RequestError(
            f"{file}, line {line}: byte {error.start} is not UTF-8: save the file as UTF-8 and try again"
        ) from None


def _csv_rows(text: str, file: str) -> Iterator[Row]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header: list[str] | None = None
    number, line = 0, 1
    try:
        for cells in reader:
            where, line = f"{file}, row {number + 1} (line {line})", reader.line_num + 1
            if not cells:
                continue
            if header is None:
                header = [cell.strip() for cell in cells]
                repeated = [name for name in header if header.count(name) > 1]
                if repeated:
                    raise RequestError(f"{file}: the header names column '{_shown(repeated[0])}' twice")
                continue
            if len(cells) != len(header):
                raise RequestError(
                    f"{where}: {len(cells)} cells under {len(header)} columns: put cells that hold a comma or a line "
                    "break between quotation marks"
                )
            number += 1
            yield Row(where, number, dict(zip(header, cells, strict=True)))
    except csv.Error as error:
        unclosed = reader.line_num > line or "end of data" in str(error)
        mend = f": close the quotation mark that is open up to line {reader.line_num}" if unclosed else ""
        raise RequestError(f"{file}, row {number + 1} (line {line}): not valid CSV: {error}{mend}") from None


def _json_rows(text: str, file: str) -> Iterator[Row]:
    if not text.strip():
        return
    entries = _loaded(text, file, 0)
    if not isinstance(entries, list):
        raise RequestError(f"{file}: a list of objects is expected, not {_kind(entries)}")
    for number, entry in enumerate(entries, 1):
        yield _object(entry, f"{file}, row {number}", number)


def _jsonl_rows(text: str, file: str) -> Iterator[Row]:
    lines = ((line_number, line) for line_number, line in enumerate(text.split("\n"), 1) if line.strip())
    for number, (line_number, line) in enumerate(lines, 1):
        yield _object(_loaded(line, file, line_number - 1), f"{file}, row {number} (line {line_number})", number)


_PARSERS: dict[str, Callable[[str, str], Iterator[Row]]] = {
    ".csv": _csv_rows,
    ".json": _json_rows,
    ".jsonl": _jsonl_rows,
}
SUFFIXES = tuple(_PARSERS)


def _loaded(text: str, file: str, lines_before: int) -> Any:
    try:
        where = file if "\n" in text.strip() else f"{file}, line {lines_before + 1}"
        return json.loads(text, object_pairs_hook=partial(_pairs, where))
    except json.JSONDecodeError as error:
        line = lines_before + error.lineno
        if error.msg == "Extra data" and PurePath(file).suffix.lower() == ".json":
            raise RequestError(
                f"{file}, line {line}: a second value behind the first: where every line is an object, name it .jsonl"
            ) from None
        raise RequestError(f"{file}, line {line}, column {error.colno}: not valid JSON: {error.msg}") from None
    except RecursionError:
        raise RequestError(f"{file}, line {lines_before + 1}: nested too deeply for a row") from None
    except ValueError:
        raise RequestError(f"{file}, line {lines_before + 1}: a number of thousands of digits is no datum") from None


def _pairs(where: str, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object; of a key that comes twice, Python's reader would keep the last without a word."""
    entries = dict(pairs)
    if len(entries) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise RequestError(f"{where}: an object has the key '{_shown(twice)}' twice")
    return entries


def _object(entry: Any, where: str, number: int) -> Row:
    if not isinstance(entry, dict):
        raise RequestError(f"{where}: an object with columns is expected, not {_kind(entry)}")
    return Row(where, number, entry)


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")


def _columns(values: Mapping[str, Any]) -> str:
    return f"the row has {_shown(', '.join(map(str, values)), 160) or 'none'}"


def _shown(text: str, limit: int = 40) -> str:
    line = " ".join(text.split())
    return line if len(line) <= limit else f"{line[:limit]}..."

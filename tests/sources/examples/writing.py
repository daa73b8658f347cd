"""Bytes of the formats that public sets come in, from rows."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

Rows = Sequence[Mapping[str, Any]]


def as_csv(*rows: Mapping[str, Any]) -> bytes:
    """A table under the columns of the first row."""
    written = io.StringIO(newline="")
    table = csv.DictWriter(written, list(rows[0]))
    table.writeheader()
    table.writerows(rows)
    return written.getvalue().encode()


def as_jsonl(*rows: Mapping[str, Any]) -> bytes:
    """An object a line."""
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def as_json(document: Any) -> bytes:
    """One document."""
    return json.dumps(document, indent=1).encode()


def as_lines(*texts: str) -> bytes:
    """A text a line."""
    return "".join(f"{text}\n" for text in texts).encode()

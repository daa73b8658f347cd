"""How results of the neurons are written: `neurons/<name>.json` with one row a line, whole or not at all."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from crossrisk.cache import write_atomically
from crossrisk.interactions.rows import json_table

FOLDER = "neurons"  # of a study's folder


def write(folder: Path, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """`{"schema": 1, "rows": [...]}` in a study's folder; numbers that do not exist are null, however deep they lie."""
    write_atomically(folder / FOLDER / f"{name}.json", json_table([_plain(row) for row in rows]).encode())


def _plain(value: Any) -> Any:
    """As JSON has it: floats to ten significant digits, no NaN, infinity or negative zero."""
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, float):
        return float(f"{value:.10g}") + 0.0 if math.isfinite(value) else None
    return value

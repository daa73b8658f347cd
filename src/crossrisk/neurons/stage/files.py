"""How results of the neurons are written: `neurons/<name>.json` with one row a line, whole or not at all.

`about.json` says of which study they are: `{"schema": 1, "study": digest, "options": {...}}`. It is written last.
"""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from crossrisk.cache import digest, write_atomically
from crossrisk.interactions.rows import json_table

FOLDER = "neurons"  # of a study's folder
ABOUT = "about.json"
_MADE_OF = ("defense", "target_risk", "task", "source", "risk", "n", "base", "defended", "delta", "verdict")


def study_digest(rows: Sequence[Mapping[str, Any]]) -> str:
    """What results of the neurons hang on in a study: the arms, tasks, changes and verdicts of `interactions.json`."""
    return digest("study", [[row.get(name) for name in _MADE_OF] for row in rows])


def write_results(
    folder: Path,
    study: Sequence[Mapping[str, Any]],
    options: Mapping[str, Any],
    tables: Mapping[str, Sequence[Mapping[str, Any]]],
) -> None:
    """All tables of a run, by name, and what they were made of: rows of `interactions.json`, and what was asked."""
    about = folder / FOLDER / ABOUT
    about.unlink(missing_ok=True)  # a run that is killed in between leaves no tables of two studies that look like one
    for name, rows in tables.items():
        write(folder, name, rows)
    told = {"schema": 1, "study": study_digest(study), "options": options}
    write_atomically(about, (json.dumps(told, indent=1) + "\n").encode())


def read_study_digest(folder: Path) -> str | None:
    """The study that results were made of; None where that is not known."""
    try:
        told = json.loads((folder / FOLDER / ABOUT).read_text(encoding="utf-8"))
        return str(told["study"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


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

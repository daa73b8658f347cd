"""What a stopping rule saved, for the terminal and the page: `stopping.json` read back. None where there is no rule."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crossrisk.errors import RequestError
from crossrisk.interactions.stopping import CONTROL, SHARED
from crossrisk.wording import Row


@dataclass(frozen=True)
class StoppingView:
    """The section on stopping.

    sentence: what was saved in all. estimand: what a verdict is about. rule: as resolved. arms, tasks: those that the
    rule may end, in the order of the study. cells: rows by arm and (task, source). in_full: tasks that it may not end.
    """

    sentence: str
    estimand: str
    rule: Mapping[str, Any]
    arms: list[str]
    tasks: list[tuple[str, str]]
    cells: dict[tuple[str, tuple[str, str]], Row]
    in_full: list[str]


def stopping_view(folder: Path, names: Mapping[tuple[str, str], str]) -> StoppingView | None:
    """Read a study's folder. names: what to call each (task, source). Raises RequestError for a damaged file."""
    path = folder / "stopping.json"
    if not path.exists():
        return None
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        rows: list[Row] = [row for row in told["rows"] if row["stopped"] is not None]
        whole = {
            names.get((row["task"], row["source"]), row["task"]): row["in_full"]
            for row in told["rows"]
            if row["in_full"] not in (None, SHARED, CONTROL)
        }
        return StoppingView(
            sentence=told["sentence"],
            estimand=told["estimand"],
            rule=told["rule"],
            arms=list(dict.fromkeys(row["arm"] for row in rows)),
            tasks=list(dict.fromkeys((row["task"], row["source"]) for row in rows)),
            cells={(row["arm"], (row["task"], row["source"])): row for row in rows},
            in_full=[f"{task} ({reason})" for task, reason in whole.items()],
        )
    except (ValueError, KeyError) as error:
        raise RequestError(f"{path} is damaged ({error}): delete it and run `crossrisk report {folder}`") from error

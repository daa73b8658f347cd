"""A study's folder read for reporting. Only what lies on disk is used: no model, no data set."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crossrisk.engine.store import Store
from crossrisk.errors import RequestError
from crossrisk.report.grid import Column
from crossrisk.wording import Row


@dataclass(frozen=True)
class StudyFolder:
    """manifest, and the rows of each file of the analysis, none where the study has none, as written."""

    folder: Path
    manifest: Mapping[str, Any]
    rows: list[Row]
    groups: list[Row]
    metrics: list[Row]
    summary: list[Row]
    gaps: list[Row]

    @property
    def arms(self) -> dict[str, Mapping[str, Any]]:
        """Each defended arm as the manifest describes it."""
        return {arm["arm"]: arm for arm in self.manifest["arms"]}

    def figures(self, arm: str, column: Column) -> Row:
        """One row of `metrics.json`; empty where the cell has none."""
        place = (arm, column.task, column.source)
        return next((row for row in self.metrics if (row["arm"], row["task"], row["source"]) == place), {})

    @property
    def cells(self) -> dict[tuple[str, Column], Mapping[str, Any]]:
        """Each cell as the manifest describes it, by arm and question."""
        return {
            (cell["arm"], Column(cell["task"], cell["source"], cell["risk"])): cell for cell in self.manifest["cells"]
        }


def read_study(folder: Path) -> StudyFolder:
    """Read a folder. Raises RequestError where it holds no study, or one that was not analysed."""
    manifest = Store(folder).manifest()
    if not manifest:
        raise RequestError(f"{folder} holds no study: there is no manifest.json in it")
    if not (folder / "interactions.json").exists():
        raise RequestError(f"{folder} has no interactions.json: run the study again, or `crossrisk report {folder}`")
    names = ("interactions", "groups", "metrics", "summary", "gaps")
    return StudyFolder(folder, manifest, *(_rows(folder / f"{name}.json") for name in names))


def _rows(path: Path) -> list[Row]:
    if not path.exists():
        return []
    try:
        rows: list[Row] = json.loads(path.read_text(encoding="utf-8"))["rows"]
        if not isinstance(rows, list) or not all(isinstance(row, dict) and row for row in rows):
            raise ValueError("its rows are no list of objects")
    except (ValueError, KeyError, TypeError) as error:
        raise RequestError(
            f"{path} is damaged ({error}): delete it and run `crossrisk report {path.parent}`"
        ) from error
    return rows

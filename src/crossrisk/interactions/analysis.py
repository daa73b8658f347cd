"""From a study's folder to its interactions: reads outcomes, writes `interactions.json`, `.parquet`, `groups.json` and
`metrics.json`.

Needs neither the model nor the data; the manifest says which file holds which cell.
"""

import io
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from crossrisk.cache import write_atomically
from crossrisk.engine.store import Store, read_outcomes
from crossrisk.interactions.figures import CellFigures, figures_to_json
from crossrisk.interactions.groups import group_rows, groups_to_json
from crossrisk.interactions.matrix import CellPair, interaction_rows
from crossrisk.interactions.rows import InteractionRow, to_frame, to_json
from crossrisk.registry import TASKS
from crossrisk.tasks.metric import Metric


class Cells:
    """The outcomes of a study, read once. Cells without outcomes have no frame."""

    def __init__(self, folder: Path, manifest: dict[str, Any]) -> None:
        self.folder, self.manifest = folder, manifest
        self.metrics: dict[str, Metric] = {
            task: TASKS.get(task).metric for task in {cell["task"] for cell in manifest["cells"]}
        }

    @cached_property
    def frames(self) -> dict[tuple[str, str, str], pl.DataFrame | None]:
        """All rows of each (arm, task, source)."""
        return {
            (cell["arm"], cell["task"], cell["source"]): read_outcomes(self.folder, cell["file"])
            if cell["file"]
            else None
            for cell in self.manifest["cells"]
        }

    def counted(self, arm: str, task: str, source: str) -> pl.DataFrame | None:
        """The rows that the task's headline is about, as `Metric.counted` has them."""
        frame, over = self.frames[arm, task, source], self.metrics[task].over
        if frame is None or over is None:
            return frame
        name, value = over
        said = pl.col("facets").str.json_path_match(f"$.{name}").fill_null("")
        return frame.filter(said.is_in([value, ""]))


def analyse(folder: Path) -> list[InteractionRow]:
    """Compare every defended cell with the base's."""
    manifest = Store(folder).manifest()
    cells = Cells(folder, manifest)
    pairs = list(cell_pairs(cells))
    declared = manifest["primary"]
    family = None if declared is None else {(name.partition("/")[0], name.partition("/")[2]) for name in declared}
    rows = interaction_rows(
        pairs,
        alpha=manifest["alpha"],
        margin=manifest["margin"],
        smallest_effect=manifest.get("smallest_effect", 0.0),  # folders of versions before it was declared
        primary=family,
        exploration=manifest.get("exploration", "BH"),
    )
    buffer = io.BytesIO()
    to_frame(rows).write_parquet(buffer)
    write_atomically(folder / "interactions.parquet", buffer.getvalue())
    write_atomically(folder / "interactions.json", to_json(rows).encode())
    write_atomically(folder / "groups.json", groups_to_json(group_rows(pairs, alpha=manifest["alpha"])).encode())
    write_atomically(folder / "metrics.json", figures_to_json(list(cell_figures(cells))).encode())
    return rows


def cell_pairs(cells: Cells) -> Iterator[CellPair]:
    """Each defended cell beside the base's, in the order of the study."""
    described = {arm["arm"]: arm for arm in cells.manifest["arms"]}
    for cell in cells.manifest["cells"]:
        if cell["arm"] == "base":
            continue
        arm = described[cell["arm"]]
        yield CellPair(
            defense=cell["arm"],
            mechanism=arm["mechanism"],
            target_risk=arm["target_risk"],
            task=cell["task"],
            source=cell["source"],
            risk=cell["risk"],
            exposure=cell["exposure"],
            metric=cell["metric"],
            judge=cell["judge"],
            base=cells.counted("base", cell["task"], cell["source"]),
            defended=cells.counted(cell["arm"], cell["task"], cell["source"]),
            statistic=cells.metrics[cell["task"]].statistic,
        )


def cell_figures(cells: Cells) -> Iterator[CellFigures]:
    """Each cell's own figures, the base's included; of a defended one also those that need the base."""
    for cell in cells.manifest["cells"]:
        task, source = cell["task"], cell["source"]
        frame, base = cells.frames[cell["arm"], task, source], cells.frames["base", task, source]
        if frame is not None:
            yield CellFigures.of(
                cell["arm"], task, source, cells.metrics[task], frame, None if cell["arm"] == "base" else base
            )

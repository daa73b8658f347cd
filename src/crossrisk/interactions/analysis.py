"""From a study's folder to its interactions: reads outcomes, writes `interactions.json`, `.parquet`, `groups.json`,
`gaps.json`, `metrics.json`, `statistics.json` and `summary.json`.

Needs neither the model nor the data; the manifest says which file holds which cell.
"""

import io
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from crossrisk.cache import write_atomically
from crossrisk.engine.store import Store, read_outcomes
from crossrisk.interactions.figures import CellFigures, figures_to_json
from crossrisk.interactions.groups import compare_groups, groups_to_json
from crossrisk.interactions.judges_file import judges_json
from crossrisk.interactions.matrix import CellPair, interaction_rows
from crossrisk.interactions.people import GroupDesign
from crossrisk.interactions.questions import summary
from crossrisk.interactions.rows import InteractionRow, to_frame, to_json
from crossrisk.interactions.secondary import StatisticCell, secondary_rows, statistics_to_json
from crossrisk.interactions.stopping import as_drawn, stopping_rows, stopping_to_json
from crossrisk.registry import TASKS
from crossrisk.stopping import Rule
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
    rows = list(with_health(rows, manifest))
    buffer = io.BytesIO()
    to_frame(rows).write_parquet(buffer)
    write_atomically(folder / "interactions.parquet", buffer.getvalue())
    write_atomically(folder / "interactions.json", to_json(rows).encode())
    groups = compare_groups(pairs, designs=group_designs(cells), alpha=manifest["alpha"], margin=manifest["margin"])
    write_atomically(folder / "groups.json", groups_to_json(groups.rows).encode())
    write_atomically(folder / "gaps.json", groups_to_json(groups.gaps).encode())
    write_atomically(folder / "metrics.json", figures_to_json(list(cell_figures(cells))).encode())
    secondary = secondary_rows(statistic_cells(cells), alpha=manifest["alpha"])
    write_atomically(folder / "statistics.json", statistics_to_json(secondary).encode())
    answers = summary.summarise(rows, pairs, cells.frames, manifest)
    write_atomically(folder / "summary.json", summary.to_json(answers).encode())
    if manifest.get("stopping"):
        saved = stopping_to_json(manifest["stopping"], stopping_rows(manifest, rows))
        write_atomically(folder / "stopping.json", saved.encode())
    else:
        (folder / "stopping.json").unlink(missing_ok=True)
    # The last, since labels that do not fit must not cost what does not hang on them.
    judges = judges_json(folder, manifest, cells.frames, pairs, rows, family)
    write_atomically(folder / "judges.json", judges.encode())
    return rows


def with_health(rows: Iterable[InteractionRow], manifest: dict[str, Any]) -> Iterator[InteractionRow]:
    """The rows, each with whether its defense broke the model."""
    measured = {arm["arm"] for arm in manifest["arms"] if arm.get("health")}
    broken = {flag["arm"] for flag in manifest["flags"] if flag["kind"] == "broken model"}
    for row in rows:
        yield replace(row, broken_model=row.defense in broken if row.defense in measured else None)


def group_designs(cells: Cells) -> dict[tuple[str, str], GroupDesign]:
    """What the study, or else the task, declares of the groups of each (task, source)."""
    reference, alike = cells.manifest.get("reference") or {}, cells.manifest.get("exchangeable_templates") or ()
    designs = {}
    for cell in cells.manifest["cells"]:
        task, metric = cell["task"], cells.metrics[cell["task"]]
        name = f"{task}:{cell['source']}"
        designs[task, cell["source"]] = GroupDesign(
            people=metric.people,
            reference=reference.get(name, reference.get(task, metric.reference_group)),
            exchangeable=name in alike or task in alike,
        )
    return designs


def cell_pairs(cells: Cells) -> Iterator[CellPair]:
    """Each defended cell beside the base's, in the order of the study."""
    described = {arm["arm"]: arm for arm in cells.manifest["arms"]}
    rule = cells.manifest.get("stopping") and Rule(**cells.manifest["stopping"])
    for cell in cells.manifest["cells"]:
        if cell["arm"] == "base":
            continue
        arm = described[cell["arm"]]
        base, defended = (cells.counted(name, cell["task"], cell["source"]) for name in ("base", cell["arm"]))
        drawn = None
        if rule and cell.get("stopped") and base is not None and defended is not None:
            base, defended, drawn = as_drawn(base, defended, rule)
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
            base=base,
            defended=defended,
            statistic=cells.metrics[cell["task"]].statistic,
            stopping=drawn,
        )


def statistic_cells(cells: Cells) -> Iterator[StatisticCell]:
    """Each measured cell whose metric has secondary statistics; none that a stopping rule ended, where p is another."""
    mechanisms = {arm["arm"]: arm["mechanism"] for arm in cells.manifest["arms"]}
    for cell in cells.manifest["cells"]:
        arm, task, source = cell["arm"], cell["task"], cell["source"]
        base, defended = cells.frames["base", task, source], cells.frames[arm, task, source]
        if arm == "base" or not cells.metrics[task].secondary or cell.get("stopped"):
            continue
        if base is not None and defended is not None:
            yield StatisticCell(arm, mechanisms[arm], task, source, cells.metrics[task], base, defended)


def cell_figures(cells: Cells) -> Iterator[CellFigures]:
    """Each cell's own figures, the base's included; of a defended one also those that need the base."""
    for cell in cells.manifest["cells"]:
        task, source = cell["task"], cell["source"]
        frame, base = cells.frames[cell["arm"], task, source], cells.frames["base", task, source]
        if frame is not None:
            yield CellFigures.of(
                cell["arm"], task, source, cells.metrics[task], frame, None if cell["arm"] == "base" else base
            )

"""From a study's folder to its interactions: reads outcomes, writes `interactions.json`, `.parquet` and `groups.json`.

Needs neither the model nor the data; the manifest says which file holds which cell.
"""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl

from crossrisk.cache import write_atomically
from crossrisk.engine.store import Store, read_outcomes
from crossrisk.interactions.groups import group_rows, groups_to_json
from crossrisk.interactions.matrix import CellPair, InteractionRow, interaction_rows, to_frame, to_json


def analyse(folder: Path) -> list[InteractionRow]:
    """Compare every defended cell with the base's."""
    manifest = Store(folder).manifest()
    pairs = list(cell_pairs(folder, manifest))
    declared = manifest["primary"]
    family = None if declared is None else {(name.partition("/")[0], name.partition("/")[2]) for name in declared}
    rows = interaction_rows(pairs, alpha=manifest["alpha"], margin=manifest["margin"], primary=family)
    buffer = io.BytesIO()
    to_frame(rows).write_parquet(buffer)
    write_atomically(folder / "interactions.parquet", buffer.getvalue())
    write_atomically(folder / "interactions.json", to_json(rows).encode())
    write_atomically(folder / "groups.json", groups_to_json(group_rows(pairs, alpha=manifest["alpha"])).encode())
    return rows


def cell_pairs(folder: Path, manifest: dict[str, Any]) -> Iterator[CellPair]:
    """Each defended cell beside the base's, in the order of the study; a cell without outcomes has no frame."""
    frames: dict[tuple[str, str, str], pl.DataFrame | None] = {
        (cell["arm"], cell["task"], cell["source"]): read_outcomes(folder, cell["file"]) if cell["file"] else None
        for cell in manifest["cells"]
    }
    described = {arm["arm"]: arm for arm in manifest["arms"]}
    for cell in manifest["cells"]:
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
            base=frames["base", cell["task"], cell["source"]],
            defended=frames[cell["arm"], cell["task"], cell["source"]],
        )

"""`judges.json` of a study: what its judges' errors do to each cell, and what other judges say of the same replies."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import polars as pl

from crossrisk.interactions.families import Family
from crossrisk.interactions.judge_rows import JudgeRow, judge_rows
from crossrisk.interactions.labels import Asked, Place, labels_file, read_labels
from crossrisk.interactions.matrix import CellPair
from crossrisk.interactions.rows import InteractionRow, json_table
from crossrisk.interactions.second_opinions import OpinionRow, opinion_rows


def judges_json(
    folder: Path,
    manifest: Mapping[str, Any],
    frames: Mapping[Place, pl.DataFrame | None],
    pairs: Sequence[CellPair],
    rows: Sequence[InteractionRow],
    primary: Family | None,
) -> str:
    """The whole file. frames: all outcomes of each cell. rows: of `interaction_rows` of the pairs.

    Raises RequestError for labels that do not fit the study.
    """
    settings = {
        "alpha": manifest["alpha"],
        "margin": manifest["margin"],
        "smallest_effect": manifest.get("smallest_effect", 0.0),
        "exploration": manifest.get("exploration", "BH"),
    }
    file = labels_file(folder, manifest.get("labels"))
    labels = {} if file is None else read_labels(file, Asked(manifest["cells"], frames))
    cells = {(cell["arm"], cell["task"], cell["source"]): cell for cell in manifest["cells"]}
    told = judge_rows(pairs, rows, cells, labels, **settings)
    return to_json(told, opinion_rows(pairs, rows, primary=primary, **settings))


def to_json(rows: Sequence[JudgeRow], opinions: Sequence[OpinionRow]) -> str:
    """`{"schema": 1, "rows": [...], "opinions": [...]}`, a row a line; the same rows give the same bytes."""

    def lines(table: Sequence[JudgeRow] | Sequence[OpinionRow]) -> str:
        plain = json.loads(json_table([asdict(row) for row in table]))["rows"]
        body = ",\n".join(json.dumps(row, ensure_ascii=False) for row in plain)
        return f"[\n{body}\n]" if body else "[]"

    return f'{{"schema": 1, "rows": {lines(rows)},\n"opinions": {lines(opinions)}}}\n'

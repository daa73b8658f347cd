"""Scores in plain rows: a .jsonl, .csv or .json file with one row a sample.

    {"id": "q1", "score": 0.7}

Columns `cluster`, `group`, `task` and `judge` are heeded where they are there; `crossrisk judge --json` writes such
files, with `--id row`.
"""

from collections.abc import Sequence
from pathlib import Path

from crossrisk.errors import RequestError
from crossrisk.logs.direction import usual_direction
from crossrisk.logs.scores import Columns, Log, Scores, rows_frame
from crossrisk.logs.values import NotAScoreError, number_of
from crossrisk.sources.reading import Row

IDS, SCORES = ("id", "sample_id"), ("risk", "score")
ONE_TASK = "scores"


def read_rows(rows: Sequence[Row], path: Path, columns: Columns) -> Log:
    """Every row by its task. Raises RequestError for a row without an id or a score, or an id that comes twice."""
    id_column = columns.id or _usual(rows[0], IDS, "the samples", "--id")
    score_column = columns.score or _usual(rows[0], SCORES, "the scores", "--score")
    held = {name for row in rows for name in row.values}
    cluster, group, task = (
        getattr(columns, name) or (name if name in held else None) for name in ("cluster", "group", "task")
    )
    found: dict[str, dict[str, Row]] = {}
    for row in rows:
        samples = found.setdefault(ONE_TASK if task is None else _label(row, task), {})
        name = _label(row, id_column)
        earlier = samples.setdefault(name, row)
        if earlier is not row:
            raise row.wrong(
                f"id '{name[:60]}' stands already in row {earlier.number}: give every row an id of its own, and what "
                "they have in common as a cluster"
            )
    told = []
    for name, samples in found.items():
        entries = [
            {
                "sample_id": sample,
                "cluster": None if cluster is None else _label(row, cluster),
                "group": None if group is None or row.filled(group) is None else _label(row, group),
                "score": _score(row, score_column),
            }
            for sample, row in samples.items()
        ]
        judge = "+".join(sorted({str(row.values["judge"]) for row in samples.values() if row.filled("judge")})) or None
        told.append(
            Scores(
                task=name,
                source=score_column,
                metric=score_column,
                frame=rows_frame(entries),
                settings={"judge": {"judge": judge}} if judge else {},
                direction=usual_direction(score_column),
                judge=judge,
            )
        )
    return Log(path.name, str(path), tuple(told))


def _usual(row: Row, names: Sequence[str], what: str, option: str) -> str:
    for name in names:
        if name in row.values:
            return name
    raise RequestError(
        f"{row.where}: nothing names {what}: the row has {', '.join(map(str, row.values))[:160]}; name a column by "
        f"{option}"
    )


def _label(row: Row, column: str) -> str:
    value = row.values.get(column)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if value is not None and not isinstance(value, str):
        raise row.wrong(f"column '{column}' must hold a text or a whole number")
    return row.text(column)


def _score(row: Row, column: str) -> float | None:
    if column not in row.values:
        row.text(column)  # says what is missing
    try:
        return number_of(row.values[column])
    except NotAScoreError as error:
        raise row.wrong(
            f"column '{column}' is {error}, which is no score: give a number, or null where there is none"
        ) from None

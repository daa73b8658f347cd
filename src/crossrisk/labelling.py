"""`crossrisk label`: which replies of a study people should label, so that its judges can be corrected.

In every arm, as many of the replies that the judge calls risky as of the others, drawn at random among each: both of
its errors are then seen, and the correction weighs them by how often each verdict occurs. The file does not say which
arm a reply is of, nor what the judge made of it.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from crossrisk.cache import write_atomically
from crossrisk.engine.store import Store
from crossrisk.errors import RequestError, unknown
from crossrisk.interactions.analysis import Cells
from crossrisk.interactions.controls import is_null
from crossrisk.interactions.labels import FILE, item_of, judge_kind
from crossrisk.judges.labels import LABELS

PER_ARM = 50
SAID = ("risky", "not risky")


@dataclass(frozen=True)
class ToLabel:
    """The file that was written. replies: how many; cells: of how many arms and tasks; where: what to do with it."""

    path: Path
    replies: int
    cells: int


def to_label(folder: Path, out: Path, *, per_arm: int = PER_ARM, tasks: Sequence[str] = ()) -> ToLabel:
    """Write the replies to label of every arm but `null`, on every task that a judge which can err has scored.

    per_arm: replies of each arm on each task; a larger number draws the same ones and more. tasks: only these
    (task:source), those of exact judges included. Raises RequestError for a folder without a study, tasks that are not
    known or have nothing to label, and a file that is there already: it may hold somebody's labels.
    """
    if out.exists():
        raise RequestError(f"{out} is there already and may hold labels: name another file with --out")
    store = Store(folder)
    manifest = store.manifest()
    if not manifest:
        raise RequestError(f"{folder} holds no study: there is no manifest.json in it")
    store.check()
    known = {f"{cell['task']}:{cell['source']}" for cell in manifest["cells"]}
    for task in tasks:
        if task not in known:
            raise unknown("task", task, known)
    drawn = [list(_drawn(cell, frame, per_arm)) for cell, frame in _cells(Cells(folder, manifest), set(tasks))]
    rows = sorted((row for each in drawn for row in each), key=lambda row: str(row["item"]))
    if not rows:
        raise RequestError(
            f"{folder} has no replies to label: its judges know the truth, or nothing was written; "
            "name tasks with --task to label them all the same"
        )
    write_atomically(out, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode())
    return ToLabel(out, len(rows), sum(map(bool, drawn)))


def told(found: ToLabel, folder: Path) -> str:
    """What to do with the file."""
    return (
        f"{found.replies} replies of {found.cells} arms and tasks: {found.path}\n"
        f"Fill in every `label` with one of its `choices`, save the file as {folder / FILE}, and run "
        f"`crossrisk report {folder}`."
    )


def _cells(cells: Cells, tasks: set[str]) -> Iterator[tuple[dict[str, Any], pl.DataFrame]]:
    """Cells whose replies are to be labelled, with the rows that their headline is about."""
    mechanisms = {arm["arm"]: arm["mechanism"] for arm in cells.manifest["arms"]}
    for cell in cells.manifest["cells"]:
        arm, named = cell["arm"], f"{cell['task']}:{cell['source']}" in tasks
        wanted = named if tasks else cell.get("grade") not in (None, "exact")
        frame = cells.counted(arm, cell["task"], cell["source"])
        if wanted and frame is not None and not (arm != "base" and is_null(arm, mechanisms[arm])):
            yield cell, frame.filter(pl.col("reply").is_not_null() & pl.col("risk").is_in([0.0, 1.0]))


def _drawn(cell: dict[str, Any], frame: pl.DataFrame, count: int) -> Iterator[dict[str, Any]]:
    """Half of each verdict, more of the other where one is rare; the smallest items, which are hashes, are random."""
    frame = frame.with_columns(
        item=pl.Series([item_of(cell["key"], sample) for sample in frame["sample_id"]], dtype=pl.String)
    ).sort("item")
    risky, other = (frame.filter(pl.col("risk") == verdict) for verdict in (1.0, 0.0))
    half = min(len(risky), max(count - count // 2, count - len(other)))
    kind = judge_kind(cell["task"])
    for row in pl.concat([risky.head(half), other.head(count - half)]).iter_rows(named=True):
        yield {
            "item": row["item"],
            "task": f"{cell['task']}:{cell['source']}",
            "prompt": _said(row),
            "reply": row["reply"],
            "choices": list(LABELS.get(kind, SAID)),
            "label": None,
        }


def _said(row: dict[str, Any]) -> str:
    """The conversation up to the reply, before any defense; a lone prompt as it is."""
    turns = [(turn["role"], turn["content"]) for turn in json.loads(row["prompt"])]
    earlier = row["earlier"] or []
    first = len(turns) - len(earlier)
    conversation = turns[:first]
    for reply, turn in zip(earlier, turns[first:], strict=True):
        conversation += [("assistant", reply), turn]
    if len(conversation) == 1:
        return str(conversation[0][1])
    return "\n\n".join(f"{role}: {content}" for role, content in conversation)

"""Labels that people gave to replies of a study: `labels.jsonl` in its folder, or the file that the study names.

A row names the reply either by `arm`, `task` (task:source) and `sample_id`, or by the `item` under which `crossrisk
label` showed it to somebody who was not to know the arm. An item is made of the key of its cell, so labels of replies
that have been computed anew fit nothing and are not taken for labels of the new ones.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from crossrisk.cache import digest
from crossrisk.errors import RequestError, near_names
from crossrisk.judges.labels import truth_of
from crossrisk.registry import TASKS
from crossrisk.sources.reading import Row, parse
from crossrisk.tasks.task import JudgedBy

FILE = "labels.jsonl"
Place = tuple[str, str, str]  # arm, task, source
Labels = Mapping[Place, Mapping[str, bool]]  # sample_id -> whether it is a risk


def item_of(key: str, sample_id: str) -> str:
    """What a reply is called where its arm must not be seen. key: of its cell."""
    return digest(key, sample_id)[:16]


def judge_kind(task: str) -> str:
    """The kind of judge that scores a task; empty where no judge does."""
    score = TASKS.get(task).score
    return score.kind if isinstance(score, JudgedBy) else ""


def labels_file(folder: Path, named: str | None) -> Path | None:
    """Where a study's labels are: in its folder, else in the file that it names; None where there are none."""
    if (folder / FILE).exists():
        return folder / FILE
    if named is None:
        return None
    if not Path(named).exists():
        raise RequestError(f"the study names labels in {named}, which is not there: put them into {folder / FILE}")
    return Path(named)


@dataclass(frozen=True)
class Asked:
    """What can be labelled: the cells of a study and their outcomes. Cells that failed have no frame."""

    cells: list[dict[str, Any]]
    frames: Mapping[Place, pl.DataFrame | None]

    @cached_property
    def _samples(self) -> dict[Place, set[str]]:
        return {place: set(frame["sample_id"]) for place, frame in self.frames.items() if frame is not None}

    @cached_property
    def _items(self) -> dict[str, tuple[Place, str]]:
        places = {(cell["arm"], cell["task"], cell["source"]): cell["key"] for cell in self.cells}
        return {
            item_of(key, sample): (place, sample)
            for place, key in places.items()
            for sample in sorted(self._samples.get(place, ()))
        }

    def reply_of(self, row: Row) -> tuple[Place, str]:
        """The (arm, task, source) and the sample that a row labels. Raises RequestError where it is none of these."""
        if row.filled("item") is not None:
            item = row.text("item")
            if item not in self._items:
                raise row.wrong(
                    f"there is no item '{item[:40]}' in this study: its replies may have been computed anew"
                )
            return self._items[item]
        arm, question, sample = row.text("arm"), row.text("task"), str(row.values.get("sample_id") or "")
        arms = {place[0] for place in self.frames}
        if arm not in arms:
            raise row.wrong(f"there is no arm '{arm[:40]}' in this study: {near_names(arm, arms)}")
        questions = {f"{task}:{source}": (arm, task, source) for at, task, source in self.frames if at == arm}
        if question not in questions:
            raise row.wrong(f"there is no task '{question[:60]}' in this study: {near_names(question, questions)}")
        place = questions[question]
        if place not in self._samples:
            raise row.wrong(f"{arm} has no replies on {question}: take the row out")
        if sample not in self._samples[place]:
            like = min(self._samples[place], default="")
            raise row.wrong(f"there is no sample '{sample[:60]}' in {question} of {arm}: its ids are like '{like}'")
        return place, sample


def read_labels(path: Path, asked: Asked) -> Labels:
    """Whether people call a reply risky, by cell and sample. A row whose label is null or blank is not labelled yet.

    Raises RequestError, with file and row, for a file that cannot be read, a reply that is not of this study, one that
    is labelled twice, and a label that the task's judge does not have.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise RequestError(f"{path} cannot be read: {error.strerror or type(error).__name__}") from None
    labels: dict[Place, dict[str, bool]] = {}
    first: dict[tuple[Place, str], Row] = {}
    for row in parse(content, str(path), ("label",)):
        place, sample = asked.reply_of(row)
        earlier = first.setdefault((place, sample), row)
        if earlier is not row:
            raise row.wrong(f"this reply is labelled already in row {earlier.number}: give it one label")
        if row.filled("label") is not None:
            kind = judge_kind(place[1])
            labels.setdefault(place, {})[sample] = truth_of(
                row, "label", kind, f"judge {kind}" if kind else "this task"
            )
    return labels

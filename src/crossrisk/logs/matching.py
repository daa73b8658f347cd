"""Two arms side by side: the same cells and samples, asked and judged alike, or one line that says what differs."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, get_args

import polars as pl

from crossrisk.errors import RequestError, unknown
from crossrisk.logs.scores import Columns, Kind, Log, Scores, quoted

KINDS: tuple[Kind, ...] = get_args(Kind)
_MOST_SHOWN = 3
_ABSENT = "not set"
# column of a frame -> the kind of difference that it shows, and its name
_TEXTS: tuple[tuple[str, Kind, str], ...] = (
    ("asked", "task", "what is asked"),
    ("prompt", "prompt", "text of prompts"),
)


@dataclass(frozen=True)
class Matched:
    """One cell of both arms: row by row the same samples, sorted by id, clusters and groups the same in both."""

    arm: str
    first: Scores
    second: Scores


@dataclass(frozen=True)
class Difference:
    """Something that is not alike in both arms. what: names it with both values."""

    kind: Kind
    what: str


def matched(
    logs: Sequence[tuple[Log, Log]], *, labels: Columns, allow_unmatched: bool, despite: Collection[str]
) -> tuple[list[Matched], list[str]]:
    """Every cell that both arms of a pair have, and what was passed over, in words.

    Raises RequestError for cells or samples that one arm lacks, unless `allow_unmatched`; for arms without any common
    sample; for arms that differ in a kind of setting that `despite` does not name; and for samples without the cluster
    or group that `labels` names.
    """
    for kind in despite:
        if kind not in KINDS:
            raise unknown("kind of difference in --despite", kind, KINDS)
    cells, notes = _common_cells(logs, allow_unmatched)
    differences: dict[Difference, None] = {}
    found = []
    for cell in cells:
        both, unmatched = _common_samples(cell, labels, allow_unmatched)
        notes += unmatched
        differences |= dict.fromkeys(_differences(both))
        found.append(both)
    notes += _passed_over(list(differences), despite)
    return found, notes


def _common_cells(logs: Sequence[tuple[Log, Log]], allow_unmatched: bool) -> tuple[list[Matched], list[str]]:
    cells, lone = [], []
    for first, second in logs:
        if len(first.scores) == len(second.scores) == 1:
            cells.append(Matched(first.arm, first.scores[0], second.scores[0]))
            continue
        theirs = {scores.name: scores for scores in second.scores}
        cells += [Matched(first.arm, ours, theirs[ours.name]) for ours in first.scores if ours.name in theirs]
        for side, here, there in (("A", first, second), ("B", second, first)):
            other = {scores.name for scores in there.scores}
            lone += [
                f"{here.arm}/{scores.name} (only in {side})".lstrip("/")
                for scores in here.scores
                if scores.name not in other
            ]
    if not cells:
        raise RequestError(f"A and B have no task with its metric in common: {_some(lone)}")
    if lone and not allow_unmatched:
        raise RequestError(f"one arm lacks {_some(lone)}: add --allow-unmatched to compare what both have")
    return cells, [f"left out: {_some(lone)}"] if lone else []


def _common_samples(cell: Matched, named: Columns, allow_unmatched: bool) -> tuple[Matched, list[str]]:
    first, second = cell.first.frame, cell.second.frame
    if first is None or second is None or (first.is_empty() and second.is_empty()):
        return cell, []
    for side, frame in (("A", first), ("B", second)):
        twice = frame.filter(frame["sample_id"].is_duplicated())["sample_id"]
        if len(twice):
            raise RequestError(
                f"{cell.first.name}: sample {quoted(twice[0])} occurs twice in {side}: give one row each"
            )
    only_first, only_second = (
        one.join(other, on="sample_id", how="anti")["sample_id"].sort()
        for one, other in ((first, second), (second, first))
    )
    common = first.join(second, on="sample_id", how="semi").select("sample_id").sort("sample_id")
    lone = [
        f"{len(ids)} of {len(frame)} samples are in {side} only, such as {quoted(ids[0])}"
        for side, ids, frame in (("A", only_first, first), ("B", only_second, second))
        if len(ids)
    ]
    where = f"{cell.first.name}: {' and '.join(lone)}"
    if common.is_empty():
        raise RequestError(f"{where}: no sample is in both, so compare logs of the same samples")
    if lone and not allow_unmatched:
        raise RequestError(f"{where}: add --allow-unmatched to compare the {len(common)} that are in both")
    left, right = (common.join(frame, on="sample_id", how="left", maintain_order="left") for frame in (first, second))
    left, right = _labelled(cell.first.name, left, right, named)
    both = replace(cell, first=replace(cell.first, frame=left), second=replace(cell.second, frame=right))
    return both, [f"{where}: the {len(common)} in both are compared"] if lone else []


def _labelled(
    name: str, first: pl.DataFrame, second: pl.DataFrame, named: Columns
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Both frames with one cluster and one group a sample, of whichever arm says it.

    Where no sample has a cluster, each is its own; where some have none, that is an error. A sample may have no group.
    """
    labels = {}
    for column, wanted in (("cluster", named.cluster), ("group", named.group)):
        ours, theirs = first[column], second[column]
        unlike = (ours != theirs).fill_null(False)
        if unlike.any():
            at = unlike.arg_true()[0]
            raise RequestError(
                f"{name}: sample {quoted(first['sample_id'][at])} is of {column} {quoted(ours[at])} in A and of "
                f"{quoted(theirs[at])} in B: give it one {column}, or name another column by --{column}"
            )
        labels[column] = ours.zip_with(ours.is_not_null(), theirs)
        lacking = labels[column].null_count()
        if (wanted and lacking == len(first)) or (column == "cluster" and 0 < lacking < len(first)):
            example = quoted(first["sample_id"][labels[column].is_null().arg_true()[0]])
            raise RequestError(
                f"{name}: {lacking} of {len(first)} samples have no {wanted or column}, such as {example}: give each "
                f"one, name another column by --{column}, or choose other metrics by --metric"
            )
    labels["cluster"] = labels["cluster"].zip_with(labels["cluster"].is_not_null(), first["sample_id"])
    return first.with_columns(**labels), second.with_columns(**labels)


def _differences(cell: Matched) -> Iterator[Difference]:
    first, second = cell.first, cell.second
    if first.task != second.task:
        yield Difference("task", f"task {first.task} and {second.task}")
    if first.source != second.source:
        yield Difference("judge", f"metric {first.source} and {second.source}")
    for kind in KINDS:
        ours, theirs = first.settings.get(kind, {}), second.settings.get(kind, {})
        yield from (Difference(kind, what) for what in _unlike(ours, theirs))
    if first.frame is not None and second.frame is not None:
        for column, kind, what in _TEXTS:
            unlike = (first.frame[column] != second.frame[column]).fill_null(False)
            if unlike.any():
                share = f"in {unlike.sum()} of {len(unlike)} samples of {first.task}"
                example = quoted(first.frame["sample_id"][unlike.arg_true()[0]])
                yield Difference(kind, f"{what} ({share}, such as {example})")


def _unlike(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> Iterator[str]:
    """Settings that both logs tell and that are not the same; of those that are mappings, entry by entry."""
    for name in (name for name in ours if name in theirs):
        one, other = ours[name], theirs[name]
        if isinstance(one, Mapping) and isinstance(other, Mapping):
            for key in sorted({*one, *other}, key=str):
                if one.get(key) != other.get(key):
                    yield f"{name} {key} {_shown(one.get(key))} and {_shown(other.get(key))}"
        elif one != other:
            yield f"{name} {_shown(one)} and {_shown(other)}"


def _passed_over(differences: Sequence[Difference], despite: Collection[str]) -> list[str]:
    by_kind = {kind: [each.what for each in differences if each.kind == kind] for kind in KINDS}
    stopping = [kind for kind in KINDS if by_kind[kind] and kind not in despite]
    if stopping:
        said = "; ".join(f"{kind}: {_some(by_kind[kind])}" for kind in stopping)
        override = ",".join(kind for kind in KINDS if by_kind[kind])
        raise RequestError(
            f"A and B are not alike in {said}: run both alike, or add --despite {override} where that is meant"
        )
    return [f"compared despite another {kind}: {_some(by_kind[kind])}" for kind in KINDS if by_kind[kind]]


def _some(names: Sequence[str]) -> str:
    more = len(names) - _MOST_SHOWN
    return ", ".join(names[:_MOST_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _shown(value: Any) -> str:
    text = _ABSENT if value is None else " ".join(str(value).split())
    return text if len(text) <= 60 else f"{text[:57]}..."

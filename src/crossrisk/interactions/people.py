"""Whom a task's samples speak of: the ways in which the rows of a cell tell people apart.

By their group; by their name, where samples have one; by each facet that describes a person (gender, how common the
name is); and by such facets crossed with the group. Each way is a `Split` with a label for every row.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

Codes = NDArray[np.intp]
Kind = Literal["group", "name", "facet", "intersection"]

GROUP, NAME = "group", "name"
CROSSED = " x "  # between the parts of an intersection
MOST_LABELS = 300  # more tell samples apart, not people
_ATTEMPT = r"#\d+$"  # at the end of an id: one of several replies to the same prompt


@dataclass(frozen=True)
class GroupDesign:
    """What a task or a study declares of its groups.

    people: facets that describe the person, `name` among them where samples have names. reference: the group that all
    others are compared with, None for all others together. exchangeable: templates speak of one group each and are
    alike in all else, so that whole templates may change groups under the null.
    """

    people: tuple[str, ...] = ()
    reference: str | None = None
    exchangeable: bool = False


@dataclass(frozen=True)
class Split:
    """One way to tell people apart.

    by: the columns, `group` or facets. names: the labels, sorted. codes: of every row, an index into names, -1 for a
    row that does not say. parents: what a label is part of, (labels, parents): of an intersection, the code of its
    value in each column; of a name, its group; of others nothing. values: of every label, its text in each column.
    """

    kind: Kind
    by: tuple[str, ...]
    names: tuple[str, ...]
    codes: Codes
    parents: NDArray[np.intp]
    values: tuple[tuple[str, ...], ...]

    @property
    def title(self) -> str:
        """`group`, `group x gender`."""
        return CROSSED.join(self.by)

    @property
    def main_effects(self) -> NDArray[np.float64]:
        """Design matrix of a mean and the effects of all parents, (labels, effects)."""
        columns = [np.ones((len(self.names), 1))]
        columns += [(codes[:, None] == np.unique(codes)[1:]).astype(np.float64) for codes in self.parents.T]
        return np.hstack(columns)


def splits(frame: pl.DataFrame, design: GroupDesign) -> Iterator[Split]:
    """Every way that the rows of a frame of outcomes offer: group, name, each other facet, facets with the group.

    A facet that no row has is left out, and so is a crossing that tells no more people apart than one of its parts (a
    facet that the group decides, such as the axis that it lies on), and whatever has more than 300 labels.
    """
    columns = {GROUP: frame[GROUP].fill_null("")}
    columns |= {facet: facet_column(frame, facet) for facet in design.people}
    told = {name: encoded(column) for name, column in columns.items()}
    told = {name: found for name, found in told.items() if 0 < len(found[0]) <= MOST_LABELS}
    for column in told:
        split = _split(_kind((column,)), (column,), told)
        yield _with_groups(split, *told[GROUP]) if column == NAME and GROUP in told else split
    facets = [name for name in told if name not in (GROUP, NAME)]
    if GROUP in told:
        for by in [(GROUP, *chosen) for size in {1, len(facets)} for chosen in combinations(facets, size) if chosen]:
            crossing = _split("intersection", by, told)
            if max(len(told[column][0]) for column in by) < len(crossing.names) <= MOST_LABELS:
                yield crossing


def split_by(frame: pl.DataFrame, by: Sequence[str]) -> Split:
    """One way, by columns that the caller names: `group` or facets."""
    columns = {name: frame[GROUP].fill_null("") if name == GROUP else facet_column(frame, name) for name in by}
    return _split(_kind(by), tuple(by), {name: encoded(column) for name, column in columns.items()})


def facet_column(frame: pl.DataFrame, name: str) -> pl.Series:
    """One facet of every row, empty where a row does not say."""
    if "facets" not in frame.columns:
        return pl.Series(name, [""] * len(frame), dtype=pl.String)
    return frame.select(pl.col("facets").str.json_path_match(f"$['{name}']").fill_null("")).to_series()


def encoded(column: pl.Series) -> tuple[tuple[str, ...], Codes]:
    """The texts of a column in sorted order, and of every row its text's place there; -1 where it is empty."""
    names = [name for name in column.drop_nulls().unique().sort().to_list() if name]
    codes = column.replace({"": None}).cast(pl.Enum(names)).to_physical()
    return tuple(names), codes.cast(pl.Int64).fill_null(-1).to_numpy().astype(np.intp)


def prompts_of(sample_ids: pl.Series) -> Codes:
    """A number of every row's prompt: several replies to one prompt (`ID#1`, `ID#2`) have the same."""
    if not sample_ids.str.contains("#", literal=True).any():
        return np.arange(len(sample_ids))
    return encoded(sample_ids.str.replace(_ATTEMPT, ""))[1]


def _kind(by: Sequence[str]) -> Kind:
    if len(by) > 1:
        return "intersection"
    return "group" if by[0] == GROUP else "name" if by[0] == NAME else "facet"


def _split(kind: Kind, by: tuple[str, ...], told: Mapping[str, tuple[tuple[str, ...], Codes]]) -> Split:
    whole = np.stack([told[column][1] for column in by], axis=1)
    rows = (whole >= 0).all(axis=1)
    parts, places = np.unique(whole[rows], axis=0, return_inverse=True)
    codes = np.full(len(whole), -1, dtype=np.intp)
    codes[rows] = places.reshape(-1)
    values = tuple(tuple(told[column][0][place] for column, place in zip(by, part, strict=True)) for part in parts)
    names = tuple(CROSSED.join(value) for value in values)
    return Split(kind, by, names, codes, parts if len(by) > 1 else parts[:, :0], values)


def _with_groups(names: Split, groups: tuple[str, ...], of_rows: Codes) -> Split:
    """Names with the group of each, if each has one and the groups have several."""
    rows = (names.codes >= 0) & (of_rows >= 0)
    pairs = np.unique(np.stack([names.codes[rows], of_rows[rows]], axis=1), axis=0)
    if len(pairs) != len(names.names) or len(np.unique(pairs[:, 0])) != len(pairs) or len(pairs) <= len(groups):
        return names
    return replace(names, parents=pairs[:, 1:])

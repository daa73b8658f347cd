"""The rows of a cell summed by template and group: the table that everything about groups is computed from.

Templates and groups are put into an order that follows from their numbers and not from their names, so that what is
drawn at random does not depend on names. Labels that no valid row has are columns of zeros.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from crossrisk.interactions.matrix import CellPair, Paired
from crossrisk.interactions.people import Codes, Split, encoded, prompts_of

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Answers:
    """Both arms of a cell, row by row the same samples, in the order of their ids; NaN where a reply is invalid.

    templates, prompts: a number of every row. frame: the base's rows in the same order, for groups and facets.
    """

    base: Floats
    defended: Floats
    templates: Codes
    prompts: Codes
    frame: pl.DataFrame

    @classmethod
    def of(cls, cell: CellPair, both: Paired) -> "Answers":
        """From a cell whose arms were joined, in the order of the base."""
        if cell.base is None:
            raise ValueError(f"{cell.name} has no base to compare with")
        return cls.of_arms(cell.base, both.base.to_numpy(), both.defended.to_numpy())

    @classmethod
    def of_arms(cls, frame: pl.DataFrame, base: Floats, defended: Floats) -> "Answers":
        """From a frame with sample_id, cluster and group, and the risks of both arms in its order."""
        order = frame["sample_id"].arg_sort().to_numpy()
        frame = frame[order]
        return cls(
            base[order],
            defended[order],
            encoded(frame["cluster"])[1],
            prompts_of(frame["sample_id"]),
            frame,
        )

    @property
    def valid(self) -> NDArray[np.bool_]:
        """Rows that are valid in both arms."""
        return ~(np.isnan(self.base) | np.isnan(self.defended))


@dataclass(frozen=True)
class GroupTable:
    """names: of the groups, (groups,). places: of every label of the split, its column. n, base, defended: rows and
    sums of risks, (templates, groups). squares: sums of squared risks of base and defended, (2, groups). rows: which
    rows of the answers are in it. template, group: the row and the column of each of them.
    """

    names: tuple[str, ...]
    places: Codes
    n: Floats
    base: Floats
    defended: Floats
    squares: Floats
    rows: Codes
    template: Codes
    group: Codes

    @classmethod
    def of(cls, answers: Answers, split: Split) -> "GroupTable":
        """Of the rows that are valid in both arms and have a label."""
        rows = np.flatnonzero(answers.valid & (split.codes >= 0))
        template, group = renumbered(answers.templates[rows]), split.codes[rows]
        values = np.stack([np.ones(len(rows)), answers.base[rows], answers.defended[rows]])
        templates, groups = int(template.max(initial=-1)) + 1, len(split.names)
        cells = _sums(values, template * groups + group, templates * groups).reshape(3, templates, groups)
        products = np.stack([cells[1] ** 2, cells[2] ** 2, cells[1] * cells[2]]).sum(axis=1)
        order = _by_content(np.concatenate([cells.sum(axis=1), products]))
        cells = cells[:, :, order]
        heights = _by_content(cells.transpose(0, 2, 1).reshape(3 * groups, templates))
        cells = cells[:, heights]
        places = np.argsort(order)
        template, group = np.argsort(heights)[template], places[group]
        return cls(
            names=tuple(split.names[place] for place in order),
            places=places,
            n=cells[0],
            base=cells[1],
            defended=cells[2],
            squares=_sums(values[1:] ** 2, group, groups),
            rows=rows,
            template=template,
            group=group,
        )

    @cached_property
    def counts(self) -> Floats:
        """Rows of every group."""
        total: Floats = self.n.sum(axis=0)
        return total

    @cached_property
    def rates(self) -> Floats:
        """Mean risks of base and defended, (2, groups); NaN where a group has no row."""
        with np.errstate(invalid="ignore"):
            means: Floats = np.stack([self.base.sum(axis=0), self.defended.sum(axis=0)]) / self.counts
        return means

    @cached_property
    def shared(self) -> NDArray[np.bool_]:
        """Templates that speak of two groups or more."""
        many: NDArray[np.bool_] = (self.n > 0).sum(axis=1) > 1
        return many

    @cached_property
    def crossed(self) -> bool:
        """Whether most rows are in templates that speak of two groups or more: then groups are compared within them."""
        return bool(self.n[self.shared].sum() >= self.n.sum() / 2 > 0)


def renumbered(codes: Codes) -> Codes:
    """Codes from 0 on as 0, 1, 2, ..., none left out, in their order."""
    numbers: Codes = np.cumsum(np.bincount(codes) > 0)[codes] - 1
    return numbers


def _sums(values: Floats, codes: Codes, size: int) -> Floats:
    """Of each row of values by code, (values, size)."""
    return np.stack([np.bincount(codes, weights=row, minlength=size) for row in values])


def _by_content(numbers: Floats) -> Codes:
    """An order of the columns that follows from their numbers; of equal ones, the first stays first.

    Columns are sorted by one weighted sum of their numbers, which is the same for equal columns alone.
    """
    weights = np.random.default_rng(0).random(len(numbers))
    return np.argsort(np.round(weights @ numbers, 9), kind="stable")

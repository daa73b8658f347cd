"""Means and shares of labels, overall and by any column. Replies that are invalid count in neither."""

from typing import TYPE_CHECKING, Any

import numpy as np

from crossrisk.tasks.metric import Figures, Outcomes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from crossrisk.tasks.metric import Floats, Texts


def mean_of(values: "Floats") -> float | None:
    """Mean of the values that are not NaN; None where there is none."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else None


def mean_by(values: "Floats", column: "Texts") -> dict[str, float | None]:
    """Mean of the values by the text of a column, in alphabetical order; rows with an empty text are left out."""
    return {str(text): mean_of(values[column == text]) for text in np.unique(column) if text}


def cell_numbers(*columns: "Texts") -> "NDArray[np.intp]":
    """A number from 0 for every different combination of texts in these columns, which have one length.

    A column may hold small numbers from 0 in place of texts, as clusters do in a resample: they are taken as they are.
    """
    combined = np.zeros(len(columns[0]), dtype=np.intp)
    for column in columns:
        codes: NDArray[Any] = column if column.dtype.kind == "i" else np.unique(column, return_inverse=True)[1]
        combined = combined * (int(codes.max(initial=-1)) + 1) + codes
    return np.unique(combined, return_inverse=True)[1]


def means_by_code(values: "Floats", codes: "NDArray[np.intp]") -> "Floats":
    """The mean of the known values of every code from 0 on, NaN where it has none."""
    known, size = ~np.isnan(values), int(codes.max(initial=-1)) + 1
    counts = np.bincount(codes[known], minlength=size)
    sums = np.bincount(codes[known], weights=values[known], minlength=size)
    means: Floats = np.divide(sums, counts, out=np.full(size, np.nan), where=counts > 0)
    return means


def label_shares(outcomes: Outcomes, labels: tuple[str, ...]) -> Figures:
    """n, the number of valid replies, and the share of each label among them; None where there are none."""
    found = outcomes.labels[outcomes.valid]
    return {"n": len(found)} | {label: float(np.mean(found == label)) if len(found) else None for label in labels}

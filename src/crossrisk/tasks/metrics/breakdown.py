"""Means of risks and shares of labels, overall and by any column. Replies that are invalid count in neither."""

from typing import TYPE_CHECKING

import numpy as np

from crossrisk.tasks.metric import Outcomes

if TYPE_CHECKING:
    from crossrisk.tasks.metric import Floats, Texts


def mean_of(values: "Floats") -> float | None:
    """Mean of the values that are not NaN; None where there is none."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else None


def mean_by(values: "Floats", column: "Texts") -> dict[str, float | None]:
    """Mean of the values by the text of a column, in alphabetical order; rows with an empty text are left out."""
    return {str(text): mean_of(values[column == text]) for text in np.unique(column) if text}


def risk_by(outcomes: Outcomes, column: "Texts") -> dict[str, float | None]:
    """Mean risk by the text of a column; None where no reply could be scored."""
    return mean_by(outcomes.risks, column)


def label_shares(outcomes: Outcomes, labels: tuple[str, ...]) -> dict[str, float | None]:
    """Share of each label among the valid replies; None where there are none."""
    found = outcomes.labels[outcomes.valid]
    return {label: float(np.mean(found == label)) if len(found) else None for label in labels}

"""The same figures for every part of a cell's outcomes: by category, by group, by context."""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from crossrisk.tasks.metric import Outcomes

if TYPE_CHECKING:
    from crossrisk.tasks.metric import Texts

Found = TypeVar("Found")


def split_by(outcomes: Outcomes, column: "Texts", figures: Callable[[Outcomes], Found]) -> dict[str, Found]:
    """Figures of the rows under each text of a column, numbers in their order and then other texts in theirs.

    Rows with an empty text are left out.
    """
    names = sorted((str(text) for text in np.unique(column) if text), key=_numbers_first)
    return {name: figures(outcomes.where(column == name)) for name in names}


def _numbers_first(text: str) -> tuple[bool, int, str]:
    return (False, int(text), "") if text.isdecimal() else (True, 0, text)

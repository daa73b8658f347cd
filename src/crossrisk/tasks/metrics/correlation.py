"""Pearson's correlation, undefined where one side does not vary."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from crossrisk.tasks.metric import Floats


def pearson(x: "Floats", y: "Floats") -> float | None:
    """Pearson's r over the rows where both are known (no NaN), in [-1, 1].

    Zero is a value like any other. None with fewer than two rows, or where x or y is constant.
    """
    known = ~(np.isnan(x) | np.isnan(y))
    x, y = x[known], y[known]
    if len(x) < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return None
    x, y = x - x.mean(), y - y.mean()
    x, y = x / np.linalg.norm(x), y / np.linalg.norm(y)
    return float(np.clip(x @ y, -1.0, 1.0))

"""A change and its interval drawn to scale: the small picture in every cell, with no change in its middle."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from crossrisk.wording import Row

WIDTH = 84.0
_HALF = WIDTH / 2 - 3  # room for the dot at either end


@dataclass(frozen=True)
class Whisker:
    """Horizontal places, in pixels from the left. margin_low, margin_high: ends of what counts as no effect."""

    low: float
    at: float
    high: float
    margin_low: float
    margin_high: float

    @property
    def length(self) -> float:
        """Of the interval; a hair at the least, so that it is seen."""
        return max(round(self.high - self.low, 1), 0.5)


def scale(rows: Sequence[Row]) -> float:
    """The change of risk at the edge of every picture: the farthest end of any interval, rounded up to a tenth."""
    ends = [abs(row[end]) for row in rows for end in ("ci_low", "ci_high") if row[end] is not None]
    return max(0.1, math.ceil(10 * max(ends, default=0.1) - 1e-9) / 10)


def whisker(row: Row, bound: float, margin: float) -> Whisker | None:
    """The picture of one row, None where it has no interval. bound: of `scale`. margin: of equivalence."""
    if row["delta"] is None or row["ci_low"] is None or row["ci_high"] is None:
        return None
    low, at, high, *margins = (
        round(WIDTH / 2 + _HALF * max(-1.0, min(1.0, value / bound)), 1)
        for value in (row["ci_low"], row["delta"], row["ci_high"], -margin, margin)
    )
    return Whisker(low, at, high, *margins)

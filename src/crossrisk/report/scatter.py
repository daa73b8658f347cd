"""Gain against the worst side effect, drawn to scale: a numbered dot with its intervals for each defense."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from crossrisk.wording import Row

WIDTH, HEIGHT = 560.0, 320.0
LEFT, RIGHT, TOP, BOTTOM = 58.0, 14.0, 14.0, 42.0
_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.5)


@dataclass(frozen=True)
class Dot:
    """Places in pixels from the upper left corner. number: its place in the table beside it."""

    number: int
    x: float
    x_low: float
    x_high: float
    y: float
    y_low: float
    y_high: float
    front: bool
    name: str


@dataclass(frozen=True)
class Tick:
    """A place on an axis, in pixels, and what it says, in points."""

    at: float
    said: str


@dataclass(frozen=True)
class Scatter:
    """Right is a larger gain, up is a larger worst change. zero_x, zero_y: where nothing changes."""

    dots: tuple[Dot, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    zero_x: float
    zero_y: float


def scatter(rows: Sequence[Row]) -> Scatter | None:
    """The picture of the rows about the front, None where there are none."""
    if not rows:
        return None
    across = _Axis.of([row[name] for row in rows for name in ("gain_low", "gain_high")], LEFT, WIDTH - RIGHT)
    upwards = _Axis.of([row[name] for row in rows for name in ("harm_low", "harm_high")], HEIGHT - BOTTOM, TOP)
    dots = tuple(
        Dot(
            number=number,
            x=across.at(row["gain"]),
            x_low=across.at(row["gain_low"]),
            x_high=across.at(row["gain_high"]),
            y=upwards.at(row["harm"]),
            y_low=upwards.at(row["harm_low"]),
            y_high=upwards.at(row["harm_high"]),
            front=row["on_front"],
            name=row["defense"],
        )
        for number, row in enumerate(rows, 1)
    )
    return Scatter(dots, across.ticks(), upwards.ticks(), across.at(0.0), upwards.at(0.0))


@dataclass(frozen=True)
class _Axis:
    """Changes from least to most, drawn from one pixel to another. step: between ticks."""

    least: float
    most: float
    step: float
    start: float
    end: float

    @classmethod
    def of(cls, values: Sequence[float], start: float, end: float) -> "_Axis":
        low, high = min(0.0, *values), max(0.0, *values)
        step = next((step for step in _STEPS if (high - low) / step <= 7), _STEPS[-1])
        least, most = math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step
        return cls(least, max(most, least + step), step, start, end)

    def at(self, value: float) -> float:
        return round(self.start + (self.end - self.start) * (value - self.least) / (self.most - self.least), 1)

    def ticks(self) -> tuple[Tick, ...]:
        count = round((self.most - self.least) / self.step)
        values = (self.least + place * self.step for place in range(count + 1))
        return tuple(Tick(self.at(value), f"{round(100 * value) + 0:d}".replace("-", "−")) for value in values)

"""The field's own figures of a cell, base beside defended, flattened to lines that a table can hold."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

AT_MOST = 40  # a line more tells less than the file does


@dataclass(frozen=True)
class Figure:
    """One figure under the path of its keys. None: it does not exist in that arm."""

    name: str
    base: float | None
    defended: float | None


@dataclass(frozen=True)
class FigureTable:
    """The figures that are shown; left_out: how many more stand in `metrics.json`."""

    shown: tuple[Figure, ...]
    left_out: int


def figure_table(base: Mapping[str, Any], defended: Mapping[str, Any]) -> FigureTable:
    """Figures of two rows of `metrics.json`, totals before breakdowns; those that need the base have no base value."""
    before, after = dict(_flat(base.get("figures", {}))), dict(_flat(defended.get("figures", {})))
    names = sorted(dict.fromkeys([*before, *after]), key=lambda name: name.count(" · "))
    figures = [Figure(name, before.get(name), after.get(name)) for name in names]
    figures += [Figure(name, None, value) for name, value in _flat(defended.get("against_base", {}))]
    return FigureTable(tuple(figures[:AT_MOST]), max(0, len(figures) - AT_MOST))


def _flat(figures: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, float | None]]:
    """Numbers by the path of their keys; lists are left to the file."""
    for key, value in figures.items():
        name = f"{above} · {key}" if above else str(key)
        if isinstance(value, Mapping):
            yield from _flat(value, name)
        elif value is None or isinstance(value, int | float):
            yield name, value

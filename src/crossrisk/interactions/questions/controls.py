"""What the controls moved: how large a mean over cells is when nothing was done, or nothing with an aim."""

from dataclasses import dataclass

import numpy as np

from crossrisk.interactions.questions.effects import Effects
from crossrisk.wording import counted, interval, points


@dataclass(frozen=True)
class ControlRow:
    """One control over all its cells. mean: plain, with its conditional interval. largest: the change of largest size.

    spread: root mean square of the changes; a defense's mean over cells that is no larger has not been told from noise.
    """

    defense: str
    cells: int
    mean: float
    conditional_low: float
    conditional_high: float
    spread: float
    largest: float
    largest_task: str
    sentence: str


def control_rows(effects: Effects, *, alpha: float = 0.05) -> list[ControlRow]:
    """A row for each control. effects: of all arms. They describe and are in no family of tests."""
    names = sorted({cell.defense for cell in effects.cells if cell.control})
    return [
        _row(effects.where(lambda cell, name=name: cell.defense == name), alpha)  # type: ignore[misc]
        for name in names
    ]


def _row(cells: Effects, alpha: float) -> ControlRow:
    contrast = cells.contrast(np.full(len(cells), 1 / len(cells)), alpha=alpha)
    low, high = contrast.within(1.0)
    largest = cells.cells[int(np.argmax(np.abs(cells.deltas)))]
    name = largest.defense
    return ControlRow(
        defense=name,
        cells=len(cells),
        mean=contrast.estimate,
        conditional_low=low,
        conditional_high=high,
        spread=float(np.sqrt((cells.deltas**2).mean())),
        largest=largest.delta,
        largest_task=largest.question,
        sentence=(
            f"{name} moves {counted(len(cells), 'cell')} by {points(contrast.estimate)} points {interval(low, high)} "
            f"on average, at most by {points(largest.delta)} ({largest.question})."
        ),
    )

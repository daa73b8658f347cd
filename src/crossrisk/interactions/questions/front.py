"""Which defenses against a risk are worth having: the Pareto front of gain against worst side effect."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from crossrisk.interactions.paired import Interval
from crossrisk.interactions.questions.effects import RISKS, Effects
from crossrisk.interactions.questions.random_effects import Floats
from crossrisk.wording import interval, listed, percent, points

DRAWS = 4_000


@dataclass(frozen=True)
class FrontRow:
    """One defense among those against the same risk, which are compared on the tasks that all of them have.

    gain: mean fall of the risk that they are for, with its conditional interval. harm: the largest off-target change,
    on the task worst_task; its interval holds the largest true change. on_front: no other defense of this aim has both
    at least this gain and at most this harm; dominated_by: those that have. clearly_dominated_by: those that have in
    1 - alpha of the draws from the joint error of all cells. front_share: in how many draws it is on the front; None
    where it has no rival.
    """

    defense: str
    aimed_at: str
    rivals: int
    own_cells: int
    off_target_cells: int
    gain: float
    gain_low: float
    gain_high: float
    harm: float
    harm_low: float
    harm_high: float
    worst_task: str
    on_front: bool
    dominated_by: tuple[str, ...]
    clearly_dominated_by: tuple[str, ...]
    front_share: float | None
    sentence: str


def front_rows(effects: Effects, *, alpha: float = 0.05, draws: int = DRAWS, seed: int = 0) -> list[FrontRow]:
    """Every defense whose own risk and at least one other were measured, against its rivals: those of the same aim.

    effects: of defenses, no controls. Defenses against different risks are no alternatives, and a gain in one risk is
    not a gain in another, so they are not compared. Gain: plain mean over the own-risk cells, sign turned. Harm: the
    largest point estimate among the off-target cells, not an average, so that a small task is not lost among many; it
    is biased upwards, the more so the more tasks there are. Its interval holds the largest true change: from the
    largest lower limit at level alpha / cells to the largest upper limit at level alpha, t intervals of the cells.
    Share of draws: changes drawn from the normal distribution with the estimates as means and their covariance, which
    knows that rivals share base and prompts. Same seed, same draws. Degenerate: rivals that share no own-risk or no
    off-target task have no rows.
    """
    rows = []
    for aimed_at in RISKS:
        rivals = effects.where(lambda cell, aimed_at=aimed_at: cell.target_risk == aimed_at)  # type: ignore[misc]
        rows += _front(_shared(rivals), aimed_at, alpha, draws, seed)
    return rows


def dominates(gains: Floats, harms: Floats) -> NDArray[np.bool_]:
    """(..., i, j): has i at least the gain of j and at most its harm, and not both alike? gains, harms: (..., n)."""
    gain, other_gain = gains[..., :, None], gains[..., None, :]
    harm, other_harm = harms[..., :, None], harms[..., None, :]
    better: NDArray[np.bool_] = (
        (gain >= other_gain) & (harm <= other_harm) & ((gain > other_gain) | (harm < other_harm))
    )
    return better


def _shared(rivals: Effects) -> Effects:
    """The cells of tasks that every defense has."""
    names = {cell.defense for cell in rivals.cells}
    asked = [{cell.question for cell in rivals.cells if cell.defense == name} for name in names]
    common = set.intersection(*asked) if asked else set()
    return rivals.where(lambda cell: cell.question in common)


def _front(cells: Effects, aimed_at: str, alpha: float, draws: int, seed: int) -> list[FrontRow]:
    names = sorted({cell.defense for cell in cells.cells})
    if not names:
        return []
    # Every defense has the same tasks, in the same order.
    mine = np.array([cell.own for cell in cells.cells[: len(cells) // len(names)]], dtype=np.bool_)
    if not mine.any() or mine.all():
        return []
    better = dominates(*_gains_and_harms(cells.deltas.reshape(len(names), -1), mine))
    root = np.linalg.cholesky(cells.covariance + 1e-12 * np.eye(len(cells)))
    drawn = cells.deltas + np.random.default_rng(seed).standard_normal((draws, len(cells))) @ root.T
    drawn_better = dominates(*_gains_and_harms(drawn.reshape(draws, len(names), -1), mine))
    often, on_front = drawn_better.mean(axis=0), 1 - drawn_better.any(axis=1).mean(axis=0)
    return [
        _row(
            cells.where(lambda cell, name=name: cell.defense == name),  # type: ignore[misc]
            aimed_at,
            by=tuple(names[i] for i in np.flatnonzero(better[:, place])),
            clearly=tuple(names[i] for i in np.flatnonzero(often[:, place] >= 1 - alpha)),
            rivals=len(names) - 1,
            share=float(on_front[place]),
            alpha=alpha,
        )
        for place, name in enumerate(names)
    ]


def _gains_and_harms(deltas: Floats, mine: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """From changes (..., defenses, tasks); mine: which tasks are about the risk that they are for."""
    return -deltas[..., mine].mean(axis=-1), deltas[..., ~mine].max(axis=-1)


def _row(
    cells: Effects,
    aimed_at: str,
    *,
    by: tuple[str, ...],
    clearly: tuple[str, ...],
    rivals: int,
    share: float,
    alpha: float,
) -> FrontRow:
    own, others = cells.where(lambda cell: cell.own), cells.where(lambda cell: cell.off_target)
    gain = own.contrast(np.full(len(own), -1 / len(own)), alpha=alpha)
    gain_low, gain_high = gain.within(1.0)
    worst = int(np.argmax(others.deltas))
    harm = _largest(others, alpha)
    row = FrontRow(
        defense=cells.cells[0].defense,
        aimed_at=aimed_at,
        rivals=rivals,
        own_cells=len(own),
        off_target_cells=len(others),
        gain=gain.estimate,
        gain_low=gain_low,
        gain_high=gain_high,
        harm=float(others.deltas[worst]),
        harm_low=harm.low,
        harm_high=harm.high,
        worst_task=others.cells[worst].question,
        on_front=not by,
        dominated_by=by,
        clearly_dominated_by=clearly,
        front_share=share if rivals else None,
        sentence="",
    )
    return replace(row, sentence=_sentence(row))


def _largest(cells: Effects, alpha: float) -> Interval:
    """Of the largest true change. Some cell has it, so the largest upper limit needs no correction; the lower does."""
    singles = np.eye(len(cells))
    low = max(cells.contrast(one, alpha=alpha / len(cells)).within(1.0).low for one in singles)
    return Interval(low, max(cells.contrast(one, alpha=alpha).within(1.0).high for one in singles))


def _sentence(row: FrontRow) -> str:
    numbers = (
        f"gain {points(row.gain)} points {interval(row.gain_low, row.gain_high)}, worst off-target change "
        f"{points(row.harm)} {interval(row.harm_low, row.harm_high)} ({row.worst_task})"
    )
    if row.front_share is None:
        return f"{row.defense} is the only measured defense against {row.aimed_at}: {numbers}."
    if row.on_front:
        told = f"is on the front of defenses against {row.aimed_at}"
    else:
        clearly = "clearly " if row.clearly_dominated_by else ""
        told = f"is {clearly}dominated by {listed(list(row.clearly_dominated_by or row.dominated_by))}"
    return f"{row.defense} {told} (on it in {percent(row.front_share, 0)}% of draws): {numbers}."

"""The noise floor: how far risks move when nothing was done, or nothing with an aim."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from crossrisk.interactions.controls import is_control, is_null
from crossrisk.interactions.paired import Interval, wilson
from crossrisk.interactions.rows import InteractionRow


@dataclass(frozen=True)
class FlipRate:
    """Share of pairs whose risk moved, with its interval; as if pairs were independent."""

    flips: int
    n: int
    share: float
    interval: Interval


def flip_rate(rows: Iterable[Mapping[str, Any]], *, alpha: float = 0.05) -> FlipRate | None:
    """How often the base differs from itself under another batch plan, over all tasks; None without a `null` arm.

    rows: of interactions.json. Greedy replies of one model should be the same; sums of floats in another order turn
    some of them over. A defense that flips no larger share has not been seen to do anything. Interval: Wilson's.
    """
    repeated = [row for row in rows if is_null(row["defense"], row["mechanism"]) and row["n"]]
    n = sum(row["n"] for row in repeated)
    if n == 0:
        return None
    flips = sum(row["flips_up"] + row["flips_down"] for row in repeated)
    return FlipRate(flips, n, flips / n, wilson(flips, n, alpha=alpha))


def marked(rows: Sequence[InteractionRow]) -> list[InteractionRow]:
    """The rows with `noise_floor` and `within_noise`.

    The floor of a task is the largest change, either way, that a control made on it: `null` shows the engine's noise,
    a sham what a change of that size does without an aim. A defended change that is no larger is marked; its verdict
    stays, since it may be real and yet no larger than what chance brings about. None where no control was measured.
    """
    floors: dict[tuple[str, str], float] = {}
    for row in rows:
        if is_control(row.defense, row.mechanism) and row.delta is not None:
            place = (row.task, row.source)
            floors[place] = max(floors.get(place, 0.0), abs(row.delta))
    return [_marked(row, floors.get((row.task, row.source))) for row in rows]


def _marked(row: InteractionRow, floor: float | None) -> InteractionRow:
    if floor is None or row.delta is None or is_control(row.defense, row.mechanism):
        return row
    return replace(row, noise_floor=floor, within_noise=abs(row.delta) <= floor)

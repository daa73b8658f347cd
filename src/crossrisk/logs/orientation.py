"""From scores as a log has them to risks: larger is riskier, in [0, 1]. What was done is said, never guessed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

import polars as pl

from crossrisk.errors import RequestError, unknown
from crossrisk.logs.direction import Direction, Larger
from crossrisk.logs.matching import Matched
from crossrisk.logs.scores import Scores, quoted

_ROUNDING = 1e-9  # by which a score may miss the ends of its range
_LARGER: Mapping[str, Larger] = {larger: larger for larger in get_args(Larger)}


@dataclass(frozen=True)
class Scale:
    """What scores mean.

    larger_is: `riskier` or `better` for all scores, or `METRIC=riskier` for one; what it does not say is taken from the
    log or the name of the metric. low, high: the range of the scores, laid onto [0, 1].
    """

    larger_is: tuple[str, ...] = ()
    low: float = 0.0
    high: float = 1.0

    @property
    def is_unit(self) -> bool:
        """Whether scores lie in [0, 1] as they are."""
        return (self.low, self.high) == (0.0, 1.0)

    def risks(self, scores: Scores, direction: Direction, side: str) -> pl.Series:
        """The risk of every sample, null where it has no score. side: of the comparison, as errors name it.

        Raises RequestError for a score outside the range.
        """
        assert scores.frame is not None
        values = scores.frame["score"]
        share = (values - self.low) / (self.high - self.low)
        outside = ((share < -_ROUNDING) | (share > 1 + _ROUNDING)).fill_null(False)
        if outside.any():
            at = outside.arg_true()[0]
            example = quoted(scores.frame["sample_id"][at])
            raise RequestError(
                f"{scores.name}: sample {example} of {side} has score {values[at]:g}, outside [{self.low:g}, "
                f"{self.high:g}]: give the range of the scores by --range LOW HIGH, or choose other metrics by --metric"
            )
        share = share.clip(0.0, 1.0)
        return (share if direction.larger == "riskier" else 1.0 - share).alias("risk")

    def name(self, metric: str, direction: Direction) -> str:
        """What the risk is, as a formula of the metric."""
        if self.is_unit:
            return metric if direction.larger == "riskier" else f"1 − {metric}"
        ends = (metric, f"{self.low:g}") if direction.larger == "riskier" else (f"{self.high:g}", metric)
        return f"({' − '.join(ends)}) / {self.high - self.low:g}"


def directions(cells: Sequence[Matched], scale: Scale) -> list[Direction]:
    """Which way each cell's scores point: as the user says, else the logs, else the name of the metric.

    Raises RequestError where nobody says it, where the two logs say different things, or where a user turns a risk.
    """
    said = list(_said(cells, scale.larger_is))
    found = []
    for cell in cells:
        first, second = cell.first.direction, cell.second.direction
        told = [larger for metric, larger in said if metric is None or cell.first.called(metric)]
        direction = Direction(told[-1], "as --larger-is says") if told else first or second
        if (
            first is not None
            and first.fixed
            and (not scale.is_unit or (direction and direction.larger != first.larger))
        ):
            raise RequestError(f"{cell.first.name}: {first.because} in [0, 1]: leave --larger-is and --range out")
        if not told and first is not None and second is not None and first.larger != second.larger:
            raise RequestError(
                f"{cell.first.name}: in A a larger score is {first.larger} ({first.because}), in B it is "
                f"{second.larger} ({second.because}): say which by --larger-is"
            )
        found.append(direction)
    open_ = list(dict.fromkeys(cell.first.source for cell, d in zip(cells, found, strict=True) if d is None))
    if open_:
        raise RequestError(
            f"nothing says whether a larger {', '.join(open_[:5])} is riskier or better: add --larger-is riskier or "
            f"--larger-is better, or for one of several --larger-is '{open_[0]}=riskier'"
        )
    return [direction for direction in found if direction is not None]


def _said(cells: Sequence[Matched], larger_is: Sequence[str]) -> Iterator[tuple[str | None, Larger]]:
    """(metric, larger) of every --larger-is; None for all metrics. Those of one metric come last, so that they hold."""
    for text in sorted(larger_is, key=lambda text: "=" in text):
        metric, _, larger = text.rpartition("=")
        if larger not in _LARGER:
            raise unknown("direction in --larger-is", larger, _LARGER)
        if metric and not any(cell.first.called(metric) for cell in cells):
            raise unknown("metric in --larger-is", metric, {cell.first.source for cell in cells})
        yield metric or None, _LARGER[larger]

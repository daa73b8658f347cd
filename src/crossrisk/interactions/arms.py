"""Arms as statistics see them: rows whose clusters are numbers, and can be drawn, left out and exchanged."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from crossrisk.interactions.clustered import cluster_codes, drawn_rows
from crossrisk.interactions.effect import ROUNDING
from crossrisk.tasks.metric import Outcomes, Statistic, Weighing, WeightedStatistic


def numbered(rows: Outcomes) -> Outcomes:
    """Ids and clusters as numbers from 0, which are drawn and compared much faster than texts."""
    return replace(rows, ids=np.arange(len(rows)), clusters=cluster_codes(rows.clusters))  # type: ignore[arg-type]


def weighing(statistic: Statistic, rows: Outcomes) -> Weighing:
    """The statistic of rows as of `numbered` as a function of weights: whole numbers (draws, clusters) to (draws,).

    A cluster of weight k is there k times, as k clusters. NaN where the statistic is undefined. Any statistic will do;
    of one that is no `WeightedStatistic` the rows of every draw are put together, which takes much longer.
    """
    if isinstance(statistic, WeightedStatistic):
        return statistic.weighing(rows)
    rows_of = drawn_rows(rows.clusters.astype(np.intp))

    def weigh(weights: NDArray[np.uint8]) -> NDArray[np.float64]:
        values = (statistic(rows.take(*rows_of(row))) for row in weights)
        return np.array([np.nan if value is None else value for value in values])

    return weigh


@dataclass(frozen=True)
class Arms:
    """The rows that are valid in both arms, as of `numbered`, and the number of their clusters."""

    base: Outcomes
    defended: Outcomes
    units: int

    @classmethod
    def of(cls, base: Outcomes, defended: Outcomes) -> "Arms":
        """From outcomes of the same samples in the same order; clusters are those of the base. Raises ValueError."""
        if not np.array_equal(base.ids, defended.ids):
            raise ValueError("base and defended must hold the same samples in the same order")
        rows = base.valid & defended.valid
        before = numbered(base.where(rows))
        after = replace(defended.where(rows), ids=before.ids, clusters=before.clusters)
        return cls(before, after, int(before.clusters.max(initial=-1)) + 1)

    def __len__(self) -> int:
        return len(self.base)

    def agree(self) -> bool:
        """Whether every row has the same outcome in both, but for rounding (measures are log-likelihoods, in nats)."""
        return (
            np.allclose(self.base.risks, self.defended.risks, rtol=0.0, atol=ROUNDING)
            and np.array_equal(self.base.labels, self.defended.labels)
            and self.base.measures.keys() == self.defended.measures.keys()
            and all(
                np.allclose(column, self.defended.measures[name], rtol=1e-4, atol=1e-4, equal_nan=True)
                for name, column in self.base.measures.items()
            )
        )

    def stacked(self) -> Outcomes:
        """The base's rows and then the defended ones, whose clusters are numbered on.

        An arm some of whose clusters come from the other is a choice among these: weights of 0 and 1.
        """
        base, defended = self.base, self.defended
        facets = dict.fromkeys((*base.facets, *defended.facets))
        measures = dict.fromkeys((*base.measures, *defended.measures))
        clusters = base.clusters.astype(np.intp)
        return Outcomes(
            ids=np.arange(2 * len(base)),  # type: ignore[arg-type]  # as in `numbered`
            clusters=np.concatenate([clusters, clusters + self.units]),
            groups=np.concatenate([base.groups, defended.groups]),
            labels=np.concatenate([base.labels, defended.labels]),
            risks=np.concatenate([base.risks, defended.risks]),
            facets={name: np.concatenate([base.facet(name), defended.facet(name)]) for name in facets},
            measures={name: np.concatenate([base.measure(name), defended.measure(name)]) for name in measures},
        )

"""Statistics that are functions of sums over clusters: of weighted clusters they are a matrix product away."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from crossrisk.tasks.metric import Outcomes, Weighing, WeightedStatistic
from crossrisk.tasks.metrics.breakdown import cell_numbers

if TYPE_CHECKING:
    from crossrisk.tasks.metric import Floats

_CHUNK = 2**17
Sums = Callable[[Outcomes], "Floats"]
Figure = Callable[["Floats"], "Floats"]


def of_sums(sums: Sums, figure: Figure) -> WeightedStatistic:
    """The statistic `figure(sum of sums(outcomes) over clusters)`.

    sums: of outcomes whose clusters are numbers from 0, (clusters, k). figure: from sums (draws, k) to (draws,), NaN
    where it is undefined.
    """

    def plain(outcomes: Outcomes) -> float | None:
        if not len(outcomes):
            return None
        numbered = replace(outcomes, clusters=cell_numbers(outcomes.clusters))  # type: ignore[arg-type]  # as labels
        value = float(figure(sums(numbered).sum(axis=0, keepdims=True))[0])
        return None if np.isnan(value) else value

    def weighing(outcomes: Outcomes) -> Weighing:
        columns = sums(outcomes)
        return lambda weights: figure(weights.astype(np.float64) @ columns)

    return WeightedStatistic(plain, weighing)


def over_clusters(outcomes: Outcomes, *columns: "np.ndarray") -> "Floats":
    """Columns of numbers or truth values (rows,), summed over every cluster: (clusters, k). Clusters are numbers."""
    codes = outcomes.clusters.astype(np.intp)
    sums = np.zeros((int(codes.max(initial=-1)) + 1, len(columns)))
    for place, column in enumerate(columns):
        sums[:, place] = np.bincount(codes, weights=column)
    return sums


def ratio(part: "Floats", whole: "Floats") -> "Floats":
    """part / whole, NaN where the whole is 0."""
    quotient: Floats = np.divide(part, whole, out=np.full(np.shape(whole), np.nan), where=whole > 0)
    return quotient


def known_sums(values: "Floats") -> list["np.ndarray"]:
    """Two columns whose sums give the mean of the known values: the value, 0 where NaN, and whether it is known."""
    known = ~np.isnan(values)
    return [np.where(known, values, 0.0), known]


def in_parts(weigh: Weighing, each: int) -> Weighing:
    """The same, for as many draws at a time as fit into the processor's cache. each: numbers that a draw takes."""
    draws = max(1, _CHUNK // max(1, each))

    def weigh_parts(weights: "np.ndarray") -> "Floats":
        return np.concatenate([weigh(weights[start : start + draws]) for start in range(0, len(weights), draws)])

    return weigh_parts


def either_way(statistic: WeightedStatistic) -> WeightedStatistic:
    """The larger of a share and of one less it."""

    def plain(outcomes: Outcomes) -> float | None:
        share = statistic(outcomes)
        return None if share is None else max(share, 1 - share)

    def weighing(outcomes: Outcomes) -> Weighing:
        shares = statistic.weighing(outcomes)

        def weigh(weights: "np.ndarray") -> "Floats":
            found = shares(weights)
            return np.maximum(found, 1 - found)

        return weigh

    return WeightedStatistic(plain, weighing)

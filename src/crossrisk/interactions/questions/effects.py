"""The measured changes of a study with their errors, and how these errors hang together.

Defenses share the base's replies, and tasks may share templates or people, so cells err in the same direction. Whoever
averages them as if they were independent is too sure. The covariance is estimated from the replies themselves.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crossrisk.interactions.clustered import cluster_codes, design_effect, t_quantile
from crossrisk.interactions.controls import is_control
from crossrisk.interactions.effect import ROUNDING
from crossrisk.interactions.matrix import CellPair, pair_arms
from crossrisk.interactions.paired import Interval
from crossrisk.interactions.questions.random_effects import Floats
from crossrisk.interactions.rows import InteractionRow
from crossrisk.risks import Risk

RISKS = tuple(risk.value for risk in Risk)
Influence = dict[tuple[str, str], float]  # (source, cluster) -> its pull on the mean


@dataclass(frozen=True)
class CellEffect:
    """One cell that was measured: its change, interval and p as in its row, and a standard error that is never 0."""

    defense: str
    mechanism: str
    target_risk: str | None
    task: str
    source: str
    risk: str
    exposure: str
    clusters: int
    delta: float
    interval: Interval | None
    p: float | None
    error: float

    @property
    def question(self) -> str:
        """`task:source`."""
        return f"{self.task}:{self.source}"

    @property
    def own(self) -> bool:
        """Is it about the risk that the defense is for?"""
        return self.risk == self.target_risk

    @property
    def off_target(self) -> bool:
        """Is it about another risk than the one the defense is for? Never so for one that declares none."""
        return self.target_risk is not None and not self.own

    @property
    def control(self) -> bool:
        """Is it a control's?"""
        return is_control(self.defense, self.mechanism)


@dataclass(frozen=True, eq=False)
class Effects:
    """Cells, ordered by defense, task and source, with the covariance of their errors, (cells, cells)."""

    cells: tuple[CellEffect, ...]
    covariance: Floats

    def __len__(self) -> int:
        return len(self.cells)

    @property
    def deltas(self) -> Floats:
        """The changes, (cells,)."""
        return np.array([cell.delta for cell in self.cells], dtype=np.float64)

    def where(self, kept: Callable[[CellEffect], bool]) -> "Effects":
        """The cells that are kept."""
        places = [place for place, cell in enumerate(self.cells) if kept(cell)]
        return Effects(tuple(self.cells[place] for place in places), self.covariance[np.ix_(places, places)])

    def mean_of(self, kept: Callable[[CellEffect], bool]) -> Floats | None:
        """The weights, (cells,), that make the plain mean of the cells that are kept; None where none is."""
        chosen = np.array([kept(cell) for cell in self.cells], dtype=np.float64)
        return chosen / chosen.sum() if chosen.any() else None

    def contrast(self, weights: Floats, *, alpha: float = 0.05) -> "Contrast":
        """A weighted sum of the changes, for these defenses on these tasks: only prompts are a sample.

        weights: (cells,), taken as known. Degrees of freedom: those of the cell with the fewest clusters.
        """
        degrees = min(cell.clusters for cell, weight in zip(self.cells, weights, strict=True) if weight) - 1
        return Contrast.of(float(weights @ self.deltas), float(weights @ self.covariance @ weights), degrees, alpha)


@dataclass(frozen=True)
class Contrast:
    """A weighted sum of changes: estimate, standard error, t interval, two-sided p of the null of 0."""

    estimate: float
    error: float
    ci_low: float
    ci_high: float
    p: float

    @classmethod
    def of(cls, estimate: float, variance: float, degrees: float, alpha: float) -> "Contrast":
        """With Student's t of so many degrees of freedom, which need not be whole."""
        from scipy.special import stdtr, stdtrit

        error = max(variance, 0.0) ** 0.5
        half = float(stdtrit(degrees, 1 - alpha / 2)) * error
        p = 2 * float(stdtr(degrees, -abs(estimate) / error)) if error > 0 else float(estimate == 0)
        return cls(estimate, error, estimate - half, estimate + half, p)

    def within(self, bound: float) -> Interval:
        """The interval, cut to what is possible."""
        return Interval(max(-bound, self.ci_low), min(bound, self.ci_high))


def measured(rows: Sequence[InteractionRow], pairs: Iterable[CellPair], *, alpha: float = 0.05) -> Effects:
    """The cells that have a change and a standard error. rows, pairs: the same cells in the same order.

    Means of risks: the error is cluster-robust and never under `plus_four_error`, so that a cell in which nothing
    happened is not taken for certain. Covariance of two cells: the cluster-robust one (CR2) over the clusters that both
    have; the same label in the same source is the same cluster, so that defenses on one task, and tasks about the same
    people, err together. Where a rule decided how many prompts to ask, the error is at least that of the row's
    interval, which holds at any time. Other statistics: the error of their interval, independent of all other cells.
    Left out: cells without a pair, with one cluster, or a statistic without an interval.
    Bell, McCaffrey (2002), Survey Methodology 28:169; Hedges, Tipton, Johnson (2010), Research Synthesis Methods 1:39.
    """
    found = [
        (cell, pulls)
        for row, pair in zip(rows, pairs, strict=True)
        for cell, pulls in [_measured(row, pair, alpha)]
        if cell is not None
    ]
    found.sort(key=lambda each: (each[0].defense, each[0].task, each[0].source))
    cells = tuple(cell for cell, _ in found)
    return Effects(cells, _covariance(cells, [pulls for _, pulls in found]))


def plus_four_error(differences: Floats, clusters: NDArray[np.intp] | None) -> float:
    """Standard error of a mean difference in [-1, 1] that no sample makes 0, (pairs,).

    The plus-four rule: half a pair that rose from 0 to 1, half a pair that fell, and one that did not move are added to
    the effective pairs (n over the design effect). Without any change and n independent pairs it is 1 / (n + 2).
    Assumes at least two clusters. Agresti, Min (2005), Statistics in Medicine 24:729; Agresti, Caffo (2000), The
    American Statistician 54:280.
    """
    share = 1 / design_effect(differences, clusters)
    n = len(differences) * share + 2
    squares, total = float((differences**2).sum()) * share + 1, float(differences.sum()) * share
    return float(((squares / n - (total / n) ** 2) / n) ** 0.5)


def _measured(row: InteractionRow, pair: CellPair, alpha: float) -> tuple[CellEffect | None, Influence]:
    if row.delta is None or row.clusters < 2:
        return None, {}
    interval = None if row.ci_low is None or row.ci_high is None else Interval(row.ci_low, row.ci_high)
    error, pulls = _mean_error(pair) if pair.statistic is None else (0.0, {})
    if pair.statistic is not None or pair.stopping is not None:
        if interval is None:
            return None, {}
        error = max(error, (interval.high - interval.low) / (2 * t_quantile(1 - alpha / 2, row.clusters)))
    if error == 0.0:
        return None, {}
    named = (row.defense, row.mechanism, row.target_risk, row.task, row.source, row.risk, row.exposure, row.clusters)
    return CellEffect(*named, row.delta, interval, row.p, error), pulls


def _mean_error(pair: CellPair) -> tuple[float, Influence]:
    both = pair_arms(pair)
    assert both is not None  # its row has a change
    change = (both.defended - both.base).to_numpy()
    valid = ~np.isnan(change)
    labels = both.cluster.to_numpy()[valid]
    change = np.where(np.abs(change[valid]) < ROUNDING, 0.0, change[valid])
    codes = cluster_codes(labels)
    size = np.bincount(codes).astype(np.float64)
    residual = np.bincount(codes, weights=change) - size * change.mean()
    n = len(change)
    pull = residual / n / np.sqrt(1 - size / n)
    robust = float((pull**2).sum()) ** 0.5
    shrunk = pull * (len(size) / (len(size) + 2)) ** 0.5
    pulls = {(pair.source, str(label)): float(value) for label, value in zip(np.unique(labels), shrunk, strict=True)}
    return max(robust, plus_four_error(change, None if len(size) == n else codes)), pulls


def _covariance(cells: Sequence[CellEffect], pulls: Sequence[Influence]) -> Floats:
    """Cells (rows) by clusters (columns), times itself; what the error of a cell is larger than that is its own."""
    from scipy.sparse import csr_array

    places = {label: place for place, label in enumerate(sorted({label for each in pulls for label in each}))}
    entries = [(row, places[label], value) for row, each in enumerate(pulls) for label, value in each.items()]
    rows, columns, values = zip(*entries, strict=True) if entries else ((), (), ())
    matrix = csr_array((values, (rows, columns)), shape=(len(cells), max(len(places), 1)), dtype=np.float64)
    covariance: Floats = (matrix @ matrix.T).toarray()
    np.fill_diagonal(covariance, [cell.error**2 for cell in cells])
    return covariance

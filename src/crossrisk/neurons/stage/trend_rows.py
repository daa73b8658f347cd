"""Trends of a study as `trends.json` tells them: a row for each set, defense and task, and rows that sum them up.

All is measured on the prompts that judge: the change of F, the change of the task's own risk, and what the set, and as
many random sets, predict by their base-against-defended attributions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from crossrisk.engine.arms import Arm
from crossrisk.engine.store import read_outcomes
from crossrisk.errors import RequestError
from crossrisk.neurons.cause.matched import matched_sets
from crossrisk.neurons.stage.attributed import Attributed
from crossrisk.neurons.stage.request import Request, Row
from crossrisk.neurons.stage.sets import Indices, Method, Pair, SetRow
from crossrisk.neurons.stage.side_effects import norms_of
from crossrisk.neurons.trends import PaperTrend, completeness, paper_trend, rank_correlation, sign_agreement

NAN = float("nan")


@dataclass(frozen=True)
class TrendPoint:
    """One set on one task of one defense. change_f, change_risk: observed; predicted: of the set, random: of matched
    random sets, in nats; held: of all neurons with others held. NaN: there is none; reason: why there is no prediction.
    paper: N_trend of both risks of the pair on the base's conflict set, None for other sets.
    """

    defense: str
    pair: Pair
    task: str
    set: str
    neurons: int
    change_f: float
    change_risk: float
    rcr: float | None
    predicted: float
    random: tuple[float, ...]
    held: float
    paper: PaperTrend | None
    reason: str | None

    def as_json(self) -> Row:
        """The row; `paper_agrees`: whether N_trend and RCR say the same, None where either says nothing."""
        task, _, source = self.task.partition(":")
        low, high = np.quantile(self.random, (0.05, 0.95)).tolist() if self.random else (None, None)
        return {
            "kind": "point",
            "defense": self.defense,
            "pair": list(self.pair),
            "task": task,
            "source": source,
            "set": self.set,
            "neurons": self.neurons,
            "predicted": self.predicted,
            "random_low": low,
            "random_high": high,
            "change_f": self.change_f,
            "change_risk": self.change_risk,
            "all_neurons": self.held,
            "n_trend": None if self.paper is None else self.paper.second,
            "n_trend_target": None if self.paper is None else self.paper.first,
            "n_trend_sum": None if self.paper is None else self.paper.sum,
            "n_trend_says": None if self.paper is None else self.paper.second_says,
            "rcr": self.rcr,
            "paper_agrees": self.paper_agrees,
            "reason": self.reason,
        }

    @property
    def paper_agrees(self) -> bool | None:
        """Whether the paper would give the pair of figures a tick."""
        if self.paper is None or self.paper.second is None or not self.rcr:
            return None
        return self.paper.second_says == ("up" if self.rcr > 0 else "down")


def trend_points(
    asked: Request,
    folder: Path,
    arm: Arm,
    pair: Pair,
    moved: SetRow,
    base_rows: Mapping[Method, SetRow],
    base: Mapping[str, Attributed],
    found: Mapping[str, Attributed],
) -> list[TrendPoint]:
    """Points of one defense and pair of risks: the conflict set and the moved set on every task of the second risk."""
    points = []
    for name, row in (("conflict", base_rows.get("test")), ("moved", moved)):
        neurons = None if row is None or row.reason is not None or not len(row.neurons) else row.neurons
        reason = "its method was not asked for" if row is None else row.reason or "no neuron was found"
        for task in asked.risks[pair[1]]:
            cell, one = asked.row(arm.name, task), found[task]
            predicted, random, why = _predictions(asked, neurons, one, base[task], reason)
            points.append(
                TrendPoint(
                    defense=arm.name,
                    pair=pair,
                    task=task,
                    set=name,
                    neurons=0 if neurons is None else len(neurons),
                    change_f=one.on_check("defended") - one.on_check("base"),
                    change_risk=_change_of_risk(asked, folder, arm, one),
                    rcr=None if cell is None else cell["rcr"],
                    predicted=predicted,
                    random=random,
                    held=one.on_check("held"),
                    paper=_paper(row, pair, base, found, asked) if name == "conflict" and neurons is not None else None,
                    reason=why,
                )
            )
    return points


def trend_figures(points: Sequence[TrendPoint], seed: int) -> list[Row]:
    """What the points say together: per set and observed change signs and ranks, and completeness once."""
    rows: list[Row] = []
    for name in ("conflict", "moved"):
        mine = [point for point in points if point.set == name]
        predicted = np.array([point.predicted for point in mine])
        there = [bool(point.random) for point in mine]
        sets = min((len(point.random) for point in mine if point.random), default=0)
        random = np.array(
            [point.random[:sets] if has else [NAN] * sets for point, has in zip(mine, there, strict=True)]
        )
        for against in ("change_f", "change_risk"):
            observed = np.array([getattr(point, against) for point in mine])
            signs = sign_agreement(predicted, observed, random.T.reshape(sets, len(mine)))
            ranks = rank_correlation(
                predicted, observed, [point.defense for point in mine], [point.task for point in mine], seed=seed
            )
            rows.append(
                {"kind": "figures", "set": name, "against": against, "sign": asdict(signs), "rank": asdict(ranks)}
            )
    whole = [point for point in points if point.set == "moved"]
    complete = completeness([point.held for point in whole], [point.change_f for point in whole])
    rows.append({"kind": "completeness", **asdict(complete)})
    said = [point.paper_agrees for point in points if point.paper_agrees is not None]
    rows.append({"kind": "paper", "agree": sum(said), "points": len(said)})
    return rows


def _predictions(
    asked: Request, neurons: Indices | None, one: Attributed, base: Attributed, reason: str
) -> tuple[float, tuple[float, ...], str | None]:
    """Change of F that a set, and that random sets, predict in nats; and why either is not there. reason: why there is
    no set."""
    if neurons is None:
        return NAN, (), reason
    means = np.asarray(one.means)[one.judges].mean(axis=0, dtype=np.float64)
    predicted = float(means[neurons].sum())
    try:
        drawn = matched_sets(neurons, norms_of([base]), count=asked.options.random_sets, seed=asked.options.seed)
    except RequestError as error:
        return predicted, (), str(error)
    return predicted, tuple(float(means[members].sum()) for members in drawn.sets), None


def _paper(
    row: SetRow | None, pair: Pair, base: Mapping[str, Attributed], found: Mapping[str, Attributed], asked: Request
) -> PaperTrend | None:
    """N_trend of both risks: activations averaged over the tasks of both, attributions as they chose the set."""
    if row is None or row.found is None:
        return None
    tasks = [task for risk in pair for task in asked.risks[risk]]
    change = np.mean([np.asarray(found[task].activation) - np.asarray(base[task].activation) for task in tasks], axis=0)
    means = (row.found.mean_a, row.found.mean_b)
    first, second = means if row.pair == pair else means[::-1]
    return paper_trend(change[row.neurons], first, second)


def _change_of_risk(asked: Request, folder: Path, arm: Arm, one: Attributed) -> float:
    """Mean change of the task's own risk over the clusters that judge; NaN for a task whose headline is no mean, and
    where either arm has no outcomes."""
    question = one.asked.question
    if question.task.metric.statistic is not None:
        return NAN
    frames = []
    for name in ("base", arm.name):
        entry = asked.cells.get((name, question.name), {})
        if not entry.get("file"):
            return NAN
        frames.append(read_outcomes(folder, entry["file"]).select("sample_id", "cluster", "risk"))
    both = frames[0].join(frames[1], on="sample_id", suffix="_defended").drop_nulls(["risk", "risk_defended"])
    judging = both.filter(pl.col("cluster").is_in(list(one.asked.check)))
    if not len(judging):
        return NAN
    changes: NDArray[np.float64] = (
        judging.group_by("cluster")
        .agg((pl.col("risk_defended") - pl.col("risk")).mean().alias("change"))
        .sort("cluster")["change"]
        .to_numpy()
    )
    return float(changes.mean())

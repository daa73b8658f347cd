"""Defenses on top of each other: is their joint effect the sum of their effects, and does the order matter?

An arm called `a+b` is the defense a with b put on top. Where the study has the arms a and b as well, its effect is
compared with theirs; where it has `b+a`, with that one.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from crossrisk.interactions.clustered import cluster_bootstrap, cluster_sums, sign_flip_test
from crossrisk.interactions.corrections import holm
from crossrisk.interactions.effect import ROUNDING
from crossrisk.interactions.matrix import CellPair
from crossrisk.interactions.paired import Interval, unchanged_interval
from crossrisk.wording import counted, interval, p_value, points

BASE = ""


@dataclass(frozen=True)
class OrderRow:
    """One contrast of arms on one task, paired by sample. None: it cannot be estimated.

    contrast: `interaction`, the composed defense less the sum of its parts; `order`, the composed defense less that of
    the other order; `later`, the composed defense less its first part, what putting the others on top did. defense: the
    composed arm. against: the other order, or the first part; None for an interaction. n: samples valid in all arms of
    the contrast. p_adjusted: Holm over all tasks and defenses of the same kind of contrast.
    """

    contrast: str
    defense: str
    against: str | None
    task: str
    source: str
    risk: str
    n: int
    clusters: int
    estimate: float | None
    ci_low: float | None
    ci_high: float | None
    p: float | None
    p_adjusted: float | None
    sentence: str


@dataclass(frozen=True)
class Contrasted:
    """Weights of arms (the base is the empty name) whose weighted risks are added up, sample by sample."""

    kind: str
    defense: str
    against: str | None
    arms: Mapping[str, float]

    @property
    def bound(self) -> float:
        """The largest size it can have, risks lying in [0, 1]; positive and negative weights weigh the same."""
        return sum(abs(weight) for weight in self.arms.values()) / 2


def parts_of(arm: str, arms: Iterable[str]) -> tuple[str, ...]:
    """The parts that an arm's name says it is composed of, in the order in which they were put on; else nothing.

    `a+b` is composed if the study has an arm a, b or `b+a`; a plus in any other name is only a letter.
    """
    parts = tuple(arm.split("+"))
    if len(parts) < 2 or not all(parts):
        return ()
    kin = any(other in parts or (other != arm and sorted(other.split("+")) == sorted(parts)) for other in arms)
    return parts if kin else ()


def contrasts(arms: Sequence[str]) -> Iterator[Contrasted]:
    """What can be contrasted among the arms of a study.

    For a composed defense c of parts p1, ..., pk in that order: interaction m(c) - sum of m(pi) + (k - 1) m(base);
    order m(c) - m(the same parts in another order), once for each two arms; later m(c) - m(p1).
    """
    composed = {arm: parts for arm in sorted(arms) if (parts := parts_of(arm, arms))}
    for arm, parts in composed.items():
        if set(parts) <= set(arms) and len(set(parts)) == len(parts):
            yield Contrasted("interaction", arm, None, {arm: 1.0, **dict.fromkeys(parts, -1.0), BASE: len(parts) - 1.0})
        for other, others in composed.items():
            if arm < other and sorted(parts) == sorted(others):
                yield Contrasted("order", arm, other, {arm: 1.0, other: -1.0})
        if parts[0] in arms:
            yield Contrasted("later", arm, parts[0], {arm: 1.0, parts[0]: -1.0})


def order_rows(pairs: Sequence[CellPair], *, alpha: float = 0.05) -> list[OrderRow]:
    """Every contrast on every task that all of its arms were asked.

    Estimator: mean over samples of the weighted risks, over samples that are valid in all arms. p: sign-flip test,
    whole clusters (`sign_flip_test`). Null: the contrast of a cluster is as likely to be x as -x; for `order` and
    `later` that is exchangeability of two arms, for `interaction` symmetry about 0, which holds asymptotically for a
    zero mean. Interval: cluster bootstrap on the contrast, in units of its own bound, widened by clusters unlike all
    those seen and by 0 where the test does not reject, as for a single effect. An interaction on the scale of risks is
    additive: where a defense leaves nothing to improve, the next cannot add to it, and the contrast is positive.

    Degenerate: a metric that is no mean of risks, no valid sample, or one cluster: no estimate or no interval.
    """
    cells = {(pair.defense, pair.task, pair.source): pair for pair in pairs}
    questions = {(pair.task, pair.source): pair for pair in pairs}
    found = [
        _row(contrasted, questions[question], [cells.get((arm, *question)) for arm in contrasted.arms if arm], alpha)
        for contrasted in contrasts(sorted({pair.defense for pair in pairs}))
        for question in sorted(questions)
    ]
    rows = []
    for kind in ("interaction", "order", "later"):
        family = [row for row in found if row.contrast == kind]
        adjusted = holm([row.p for row in family])
        rows += [replace(row, p_adjusted=p) for row, p in zip(family, adjusted, strict=True)]
    return [replace(row, sentence=_sentence(row, alpha)) for row in rows]


def _row(contrasted: Contrasted, asked: CellPair, cells: Sequence[CellPair | None], alpha: float) -> OrderRow:
    row = OrderRow(
        contrasted.kind, contrasted.defense, contrasted.against, asked.task, asked.source, asked.risk,
        0, 0, None, None, None, None, None, "",
    )  # fmt: skip
    joined = _joined(contrasted, [cell for cell in cells if cell is not None])
    if asked.statistic is not None or joined is None or len(joined) == 0:
        return row
    values = sum(weight * joined[f"risk {arm}"].to_numpy() for arm, weight in contrasted.arms.items())
    values = np.where(np.abs(values) < ROUNDING, 0.0, values)
    sums = cluster_sums(values / contrasted.bound, joined["cluster"].to_numpy())
    p = sign_flip_test(values, joined["cluster"].to_numpy())
    at = cluster_bootstrap(sums, alpha=alpha)
    if at is not None and p >= alpha:
        at = at.hull(unchanged_interval(sums.mean, len(sums), alpha=alpha)).hull(Interval(0.0, 0.0))
    return replace(
        row,
        n=len(joined),
        clusters=len(sums),
        estimate=float(values.mean()),
        ci_low=None if at is None else max(-1.0, at.low) * contrasted.bound,
        ci_high=None if at is None else min(1.0, at.high) * contrasted.bound,
        p=p,
    )


def _joined(contrasted: Contrasted, cells: Sequence[CellPair]) -> pl.DataFrame | None:
    """Samples that are valid in all arms: cluster, and the risks of each arm; None where an arm is missing."""
    arms = {cell.defense: cell.defended for cell in cells} | {BASE: cells[0].base if cells else None}
    joined: pl.DataFrame | None = None
    for arm in contrasted.arms:
        frame = arms.get(arm)
        if frame is None:
            return None
        risks = frame.filter(pl.col("risk").is_not_null())
        risks = risks.select("sample_id", "cluster", pl.col("risk").cast(pl.Float64).alias(f"risk {arm}"))
        joined = (
            risks
            if joined is None
            else joined.join(risks.drop("cluster"), on="sample_id", how="inner", maintain_order="left")
        )
    return joined


def _sentence(row: OrderRow, alpha: float) -> str:
    name = f"{row.task}:{row.source}"
    if row.estimate is None:
        return f"{row.contrast} of {row.defense} on {name}: not estimated."
    told = "is not shown to differ from"
    if row.p_adjusted is not None and row.p_adjusted < alpha:
        told = "is riskier than" if row.estimate > 0 else "is safer than"
    p = f"p={p_value(row.p_adjusted)}".replace("=<", "<")
    return (
        f"{row.defense} {told} {row.against or 'the sum of its parts'} on {name}: {points(row.estimate)} points "
        f"{interval(row.ci_low, row.ci_high)}, n={row.n} in {counted(row.clusters, 'cluster')}, adjusted {p}."
    )

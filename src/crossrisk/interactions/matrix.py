"""The matrix of interactions: from scored outcomes of both arms to one row per defense and task.

Families. Holm holds the chance of any false claim about the *declared* family at alpha; what is not declared is
explored with Benjamini-Hochberg. Without a declaration the family is every off-target cell, since what a defense does
to the other risks is the question; the cells of its own target risk are then explored. Controls are in neither: `null`
and `sham` measure noise, and their p values are adjusted among themselves.
"""

import json
import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, fields

import polars as pl

from crossrisk.errors import RequestError
from crossrisk.interactions.controls import is_control, is_null
from crossrisk.interactions.corrections import benjamini_hochberg, holm
from crossrisk.interactions.effect import Effect, compare, despite_lost, lost_share, verdict_of
from crossrisk.interactions.statistic import compare_statistic
from crossrisk.risks import Verdict
from crossrisk.tasks.metric import Outcomes, Statistic

Family = Collection[tuple[str, str]]


@dataclass(frozen=True)
class CellPair:
    """One task under one defense: the outcomes of both arms and what they are outcomes of.

    base, defended: frames with sample_id, cluster, group, risk (null where invalid), label, valid, judge; None where
    the cell does not exist (an output filter has no likelihood). target_risk None: the defense aims at no risk.
    judge None: the names that the frames hold. statistic: the headline where it is no mean of risks; the frames then
    have the columns facets and measures, too.
    """

    defense: str
    mechanism: str
    target_risk: str | None
    task: str
    source: str
    risk: str
    exposure: str
    metric: str
    base: pl.DataFrame | None
    defended: pl.DataFrame | None
    judge: str | None = None
    statistic: Statistic | None = None

    @property
    def name(self) -> str:
        """`defense/task:source`, as users write it."""
        return f"{self.defense}/{self.task}:{self.source}"

    @property
    def is_null(self) -> bool:
        """The A/A comparison: base against itself."""
        return is_null(self.defense, self.mechanism)

    @property
    def is_control(self) -> bool:
        """`null`, or a sham (of any defense)."""
        return is_control(self.defense, self.mechanism)

    @property
    def off_target(self) -> bool:
        """Is the task's risk another than the one the defense aims at?"""
        return self.risk != self.target_risk

    def within(self, family: Family) -> bool:
        """Is the cell among (defense, task:source) or (defense, task), the latter for all sources?"""
        return (self.defense, f"{self.task}:{self.source}") in family or (self.defense, self.task) in family


@dataclass(frozen=True)
class InteractionRow:
    """One row of `interactions.json`; the order of the fields is the contract. None: the number does not exist.

    Numbers as in `Effect`; p_adjusted: corrected within the row's family; verdict: with p_adjusted. invalid_base,
    invalid_defended: invalid replies in either arm, out of all samples of the cell.
    """

    defense: str
    mechanism: str
    target_risk: str | None
    task: str
    source: str
    risk: str
    exposure: str
    metric: str
    n: int
    clusters: int
    base: float | None
    defended: float | None
    delta: float | None
    ci_low: float | None
    ci_high: float | None
    rcr: float | None
    effect_size: float | None
    p: float | None
    p_adjusted: float | None
    verdict: Verdict
    mde: float | None
    invalid_base: int | None
    invalid_defended: int | None
    judge: str | None
    flips_up: int | None
    flips_down: int | None


@dataclass(frozen=True)
class Paired:
    """Both arms of a cell, row by row the same samples. Risks are float64 with NaN where the reply is invalid."""

    base: pl.Series
    defended: pl.Series
    cluster: pl.Series
    group: pl.Series
    judge: str | None


def pair_arms(cell: CellPair) -> Paired | None:
    """Join the arms on sample_id, in the order of the base; None where an arm is missing.

    Clusters and groups are those of the base. Raises RequestError where a sample is repeated in an arm or missing from
    the other, or where two different judges scored the two replies to one sample.
    """
    if cell.base is None or cell.defended is None:
        return None
    for arm, frame in (("base", cell.base), ("defended", cell.defended)):
        if frame["sample_id"].is_duplicated().any():
            repeated = frame.filter(frame["sample_id"].is_duplicated())["sample_id"][0]
            raise RequestError(
                f"{cell.name}: sample '{repeated}' occurs twice in {arm}: outcomes need one row a sample"
            )
    both = cell.base.join(cell.defended, on="sample_id", how="inner", suffix="_defended", maintain_order="left")
    if len(both) < max(len(cell.base), len(cell.defended)):
        ids = set(cell.base["sample_id"].to_list()) ^ set(cell.defended["sample_id"].to_list())
        raise RequestError(
            f"{cell.name}: {len(ids)} samples are in one arm only, such as '{min(ids)}': "
            "run both arms on the same samples"
        )
    mixed = both.filter(pl.col("valid") & pl.col("valid_defended") & (pl.col("judge") != pl.col("judge_defended")))
    if len(mixed):
        first = mixed.row(0, named=True)
        raise RequestError(
            f"{cell.name}: sample '{first['sample_id']}' was scored by {first['judge']} in base and by "
            f"{first['judge_defended']} in defended: score both arms with one judge"
        )
    judges = sorted(set(both["judge"].drop_nulls().to_list()))
    return Paired(
        both["risk"].cast(pl.Float64).fill_null(math.nan),
        both["risk_defended"].cast(pl.Float64).fill_null(math.nan),
        both["cluster"],
        both["group"],
        cell.judge or "+".join(judges) or None,
    )


def interaction_rows(
    cells: Iterable[CellPair], *, alpha: float = 0.05, margin: float = 0.05, primary: Family | None = None
) -> list[InteractionRow]:
    """One row per cell, in the order given, with verdicts after correction for many comparisons.

    primary: the declared family as (defense, task:source); None for every off-target cell. A missing arm, or a cell
    without one valid pair, gives `not_applicable`. Where a defense made replies invalid, `no_effect` and `improves`
    must hold whatever those replies would have been (`despite_lost`), else they are `inconclusive`. A `null` row is
    never `worsens` or `improves`: a significant A/A comparison says that the measurement is broken, not that nothing
    did something, and stays `inconclusive`.
    Raises RequestError as `pair_arms` does.
    """
    pairs = list(cells)
    arms = [pair_arms(cell) for cell in pairs]
    effects = [
        None if both is None else _effect(cell, both, alpha, margin) for cell, both in zip(pairs, arms, strict=True)
    ]
    adjusted = _adjusted(pairs, [None if effect is None else effect.p for effect in effects], primary)
    return [
        _row(cell, both, effect, p, alpha, margin)
        for cell, both, effect, p in zip(pairs, arms, effects, adjusted, strict=True)
    ]


def to_json(rows: Sequence[InteractionRow]) -> str:
    """`interactions.json`: schema 1, keys in the order of the contract, floats to ten significant digits, NaN as null.

    The same rows give the same bytes, whatever machine computed them.
    """
    return json_table([asdict(row) for row in rows])


def json_table(rows: Sequence[dict[str, object]]) -> str:
    """`{"schema": 1, "rows": [...]}`, one row a line, so that two runs can be read side by side in a diff."""
    lines = [json.dumps({key: _plain(value) for key, value in row.items()}, ensure_ascii=False) for row in rows]
    body = ",\n".join(lines)
    return f'{{"schema": 1, "rows": [\n{body}\n]}}\n' if lines else '{"schema": 1, "rows": []}\n'


def to_frame(rows: Sequence[InteractionRow]) -> pl.DataFrame:
    """The rows as a frame, with one schema for any rows, none included."""
    kinds = {"str": pl.String, "int": pl.Int64, "float": pl.Float64, "Verdict": pl.String}
    schema = {field.name: kinds[_type_name(field.type)] for field in fields(InteractionRow)}
    records = [{key: _plain(value) for key, value in asdict(row).items()} for row in rows]
    return pl.DataFrame(records, schema=schema, orient="row")


def _effect(cell: CellPair, both: Paired, alpha: float, margin: float) -> Effect:
    if cell.statistic is not None and cell.base is not None and cell.defended is not None:
        defended = cell.base.select("sample_id").join(cell.defended, on="sample_id", maintain_order="left")
        ends = (Outcomes.of_frame(cell.base), Outcomes.of_frame(defended))
        return compare_statistic(*ends, cell.statistic, alpha=alpha, margin=margin)
    return compare(
        both.base.to_numpy(), both.defended.to_numpy(), clusters=both.cluster.to_numpy(), alpha=alpha, margin=margin
    )


def _adjusted(cells: Sequence[CellPair], p: Sequence[float | None], primary: Family | None) -> list[float | None]:
    adjusted: list[float | None] = [None] * len(cells)
    controls = [i for i, cell in enumerate(cells) if cell.is_control]
    tested = [i for i, cell in enumerate(cells) if not cell.is_control]
    family = [i for i in tested if (cells[i].off_target if primary is None else cells[i].within(primary))]
    explored = [i for i in tested if i not in set(family)]
    for indices, method in ((family, holm), (explored, benjamini_hochberg), (controls, benjamini_hochberg)):
        for i, value in zip(indices, method([p[i] for i in indices]), strict=True):
            adjusted[i] = value
    return adjusted


def _row(
    cell: CellPair, both: Paired | None, effect: Effect | None, p_adjusted: float | None, alpha: float, margin: float
) -> InteractionRow:
    named = (
        cell.defense,
        cell.mechanism,
        cell.target_risk,
        cell.task,
        cell.source,
        cell.risk,
        cell.exposure,
        cell.metric,
    )
    if both is None or effect is None:
        return InteractionRow(
            *named, 0, 0, *(None,) * 9, Verdict.NOT_APPLICABLE, None, _invalid(cell.base), _invalid(cell.defended),
            cell.judge, None, None,
        )  # fmt: skip
    verdict = verdict_of(effect, p_adjusted, alpha=alpha, margin=margin)
    verdict = despite_lost(effect, verdict, lost_share(both.base.to_numpy(), both.defended.to_numpy()), margin=margin)
    if cell.is_null and verdict in (Verdict.WORSENS, Verdict.IMPROVES):
        verdict = Verdict.INCONCLUSIVE
    return InteractionRow(
        *named,
        n=effect.n,
        clusters=effect.clusters,
        base=effect.base,
        defended=effect.defended,
        delta=effect.delta,
        ci_low=effect.ci_low,
        ci_high=effect.ci_high,
        rcr=effect.rcr,
        effect_size=effect.effect_size,
        p=effect.p,
        p_adjusted=p_adjusted,
        verdict=verdict,
        mde=effect.mde,
        invalid_base=int(both.base.is_nan().sum()),
        invalid_defended=int(both.defended.is_nan().sum()),
        judge=both.judge,
        flips_up=effect.flips_up if effect.n else None,
        flips_down=effect.flips_down if effect.n else None,
    )


def _invalid(frame: pl.DataFrame | None) -> int | None:
    return None if frame is None else int(frame["risk"].null_count())


def _plain(value: object) -> object:
    """A value as JSON has it: enums as text, floats to ten significant digits, no NaN, infinity or negative zero."""
    if isinstance(value, float):
        return float(f"{value:.10g}") + 0.0 if math.isfinite(value) else None
    return str(value) if isinstance(value, str) else value


def _type_name(kind: object) -> str:
    return getattr(kind, "__name__", str(kind)).partition(" ")[0]

"""One row per defense and task, and how rows are written: the same rows give the same bytes on any machine."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields

import polars as pl

from crossrisk.risks import Verdict


@dataclass(frozen=True)
class InteractionRow:
    """One row of `interactions.json`; the order of the fields is the contract. None: the number does not exist.

    Numbers as in `Effect`; p_adjusted: corrected within the row's family (`primary`, `explored` or `control`); verdict:
    with p_adjusted. invalid_base, invalid_defended: invalid replies in either arm, out of all samples of the cell.
    odds_ratio_high is None where it is unbounded. noise_floor: the largest change of this task that a control made;
    within_noise: whether this change is no larger. sentence: the row in plain words. estimand:
    `population` or `benchmark` where a stopping rule decided how many pairs were asked; p and intervals then hold at
    any time. broken_model: whether the defended model no longer speaks, so that a lower risk says nothing; None where
    that was not measured.
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
    equivalence_low: float | None = None
    equivalence_high: float | None = None
    rcr_low: float | None = None
    rcr_high: float | None = None
    odds_ratio: float | None = None
    odds_ratio_low: float | None = None
    odds_ratio_high: float | None = None
    family: str | None = None
    noise_floor: float | None = None
    within_noise: bool | None = None
    sentence: str | None = None
    estimand: str | None = None
    broken_model: bool | None = None


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
    kinds = {"str": pl.String, "int": pl.Int64, "float": pl.Float64, "bool": pl.Boolean, "Verdict": pl.String}
    schema = {field.name: kinds[_type_name(field.type)] for field in fields(InteractionRow)}
    records = [{key: _plain(value) for key, value in asdict(row).items()} for row in rows]
    return pl.DataFrame(records, schema=schema, orient="row")


def _plain(value: object) -> object:
    """A value as JSON has it: enums as text, floats to ten significant digits, no NaN, infinity or negative zero."""
    if isinstance(value, float):
        return float(f"{value:.10g}") + 0.0 if math.isfinite(value) else None
    return str(value) if isinstance(value, str) else value


def _type_name(kind: object) -> str:
    return getattr(kind, "__name__", str(kind)).partition(" ")[0]

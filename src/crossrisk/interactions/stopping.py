"""When is a cell decided, and what did stopping save: the rule of a study, applied to the rows of two arms."""

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import polars as pl

from crossrisk.engine.looks import in_full
from crossrisk.errors import RequestError
from crossrisk.interactions.clustered import Floats
from crossrisk.interactions.effect import despite_lost, lost_share
from crossrisk.interactions.rows import InteractionRow
from crossrisk.interactions.sequential import Drawn, may_be_decided, sequential_effect, units_of
from crossrisk.registry import TASKS
from crossrisk.risks import Verdict
from crossrisk.stopping import ESTIMANDS, Rule

SHARED, CONTROL = "every defense shares the base", "it is a control"


def as_drawn(base: pl.DataFrame, defended: pl.DataFrame, rule: Rule) -> tuple[pl.DataFrame, pl.DataFrame, Drawn]:
    """Both arms on the samples that the defended one was asked, in the order in which they were drawn.

    base: all samples that the headline is about. defended: any number of these, from the front of the rule's order, and
    rows of other samples. Raises RequestError where they are not from the front, as after a change of the rule.
    """
    clusters = base["cluster"].to_list()
    drawn = Drawn(rule.estimand, len(base), max(Counter(clusters).values(), default=1))
    ordered = base[rule.order(base["sample_id"].to_list(), clusters)]
    asked = ordered.join(defended, on="sample_id", how="semi", maintain_order="left")
    if not asked["sample_id"].equals(ordered["sample_id"].head(len(asked))):
        raise RequestError("outcomes of another stopping rule are in the folder: run the study again to its end")
    return asked, asked.select("sample_id").join(defended, on="sample_id", maintain_order="left"), drawn


def decided(base: pl.DataFrame, defended: pl.DataFrame, rule: Rule) -> bool:
    """Whether the verdict on a cell stands by what was asked so far, whatever the other cells turn out to be.

    A change: p times the claims of the study is below alpha, the interval leaves out 0, and the change is no smaller
    than the smallest effect. No effect: two one-sided tests. What speaks for the defense must hold whatever the replies
    that it broke would have been (`despite_lost`). base, defended: as of `as_drawn`.
    """
    before, after, drawn = as_drawn(base, defended, rule)
    if len(after) < rule.at_least:
        return False
    risks, clusters = (_risks(before), _risks(after)), before["cluster"].to_numpy()
    units = units_of(risks[1] - risks[0], clusters, drawn)
    if not may_be_decided(units, alpha=rule.alpha, claims=rule.claims, margin=rule.margin):
        return False
    effect = sequential_effect(*risks, drawn, clusters=clusters, alpha=rule.alpha, margin=rule.margin)
    p = None if effect.p is None else min(1.0, effect.p * rule.claims)
    level = {"alpha": rule.alpha, "margin": rule.margin, "smallest_effect": rule.smallest_effect}
    verdict = despite_lost(effect, p, lost_share(*risks), **level)
    return verdict in (Verdict.WORSENS, Verdict.IMPROVES, Verdict.NO_EFFECT)


def _risks(frame: pl.DataFrame) -> Floats:
    return frame["risk"].cast(pl.Float64).fill_null(math.nan).to_numpy()


@dataclass(frozen=True)
class StoppingRow:
    """One row of `stopping.json`: a cell that was measured.

    asked, of: its replies, and those of the fixed design. stopped: `decided` before its end, `exhausted`, or None where
    it was asked in full, for the reason `in_full`. verdict: what decided it, None where it was not decided early.
    """

    arm: str
    task: str
    source: str
    asked: int
    of: int
    saved: int
    stopped: str | None
    verdict: str | None
    in_full: str | None


def stopping_rows(manifest: Mapping[str, Any], rows: Sequence[InteractionRow]) -> list[StoppingRow]:
    """One row a measured cell, the base's included, in the order of the study. rows: of interactions.json."""
    verdicts = {(row.defense, row.task, row.source): row.verdict.value for row in rows}
    found = []
    for cell in manifest["cells"]:
        if cell["state"] != "done" or cell.get("asked") is None:
            continue
        place = (cell["arm"], cell["task"], cell["source"])
        reason = None
        if cell["stopped"] is None:
            reason = SHARED if cell["arm"] == "base" else in_full(TASKS.get(cell["task"])) or CONTROL
        verdict = verdicts.get(place) if cell["stopped"] == "decided" else None
        saved = cell["n"] - cell["asked"]
        found.append(StoppingRow(*place, cell["asked"], cell["n"], saved, cell["stopped"], verdict, reason))
    return found


def stopping_to_json(rule: Mapping[str, Any], rows: Sequence[StoppingRow]) -> str:
    """`stopping.json`: schema 1, the rule, what it saved in all, one cell a line; the same rows give the same bytes."""
    total = {name: sum(getattr(row, name) for row in rows) for name in ("asked", "of", "saved")}
    head = {
        "schema": 1,
        "rule": dict(rule),
        "estimand": ESTIMANDS[rule["estimand"]],
        "total": total,
        "sentence": _sentence(rule["estimand"], **total),
    }
    lines = ",\n".join(json.dumps(asdict(row), ensure_ascii=False) for row in rows)
    return f'{json.dumps(head, ensure_ascii=False)[:-1]}, "rows": [\n{lines}\n]}}\n'


def _sentence(estimand: str, asked: int, of: int, saved: int) -> str:
    share = 100 * saved / of if of else 0.0
    began = "stopped early" if saved else "nothing could be stopped early"
    return f"{began}: asked {asked:,} of {of:,} replies, {share:.0f} % saved; estimand: {ESTIMANDS[estimand]}"

"""`summary.json`: what a study says as a whole, one row an answer."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import polars as pl

from crossrisk.interactions.matrix import CellPair
from crossrisk.interactions.questions.asymmetry import AsymmetryRow, asymmetry_rows
from crossrisk.interactions.questions.controls import ControlRow, control_rows
from crossrisk.interactions.questions.cost import CellId, CostRow, cost_rows
from crossrisk.interactions.questions.effects import Effects, measured
from crossrisk.interactions.questions.exposure import ExposureRow, exposure_rows
from crossrisk.interactions.questions.front import FrontRow, front_rows
from crossrisk.interactions.questions.mechanisms import MechanismRow, ShareRow, mechanism_rows, share_rows, undivided
from crossrisk.interactions.questions.order import OrderRow, order_rows, parts_of
from crossrisk.interactions.questions.risk_to_risk import RiskRow, risk_rows
from crossrisk.interactions.rows import InteractionRow, json_table
from crossrisk.wording import counted, listed

Answer = RiskRow | AsymmetryRow | ExposureRow | MechanismRow | ShareRow | OrderRow | CostRow | FrontRow | ControlRow
QUESTIONS: Mapping[type[Answer], str] = {
    RiskRow: "risk to risk",
    AsymmetryRow: "asymmetry",
    ExposureRow: "exposure",
    MechanismRow: "mechanism",
    ShareRow: "share",
    OrderRow: "order",
    FrontRow: "front",
    CostRow: "cost",
    ControlRow: "control",
}


def summarise(
    rows: Sequence[InteractionRow],
    pairs: Sequence[CellPair],
    frames: Mapping[CellId, pl.DataFrame | None],
    manifest: Mapping[str, Any],
) -> list[dict[str, object]]:
    """All answers, each with its `question` in front, and a `note` for what a question could not be asked of.

    rows, pairs: the same cells in the same order. frames: all outcomes of each (arm, task, source). The order of the
    rows changes nothing.
    """
    alpha: float = manifest["alpha"]
    every = measured(rows, pairs, alpha=alpha)
    defenses = every.where(lambda cell: not cell.control)
    answers: list[Answer] = [
        *risk_rows(defenses, alpha=alpha),
        *asymmetry_rows(defenses, alpha=alpha),
        *exposure_rows(defenses, alpha=alpha),
        *mechanism_rows(defenses, alpha=alpha),
        *share_rows(defenses),
        *order_rows(pairs, alpha=alpha),
        *front_rows(defenses, alpha=alpha),
        *cost_rows(frames, manifest, alpha=alpha),
        *control_rows(every, alpha=alpha),
    ]
    told = [{"question": QUESTIONS[type(answer)], **asdict(answer)} for answer in answers]
    asked = {str(row["question"]) for row in told}
    notes = [*_unasked(asked, defenses), *_left_out(rows, every), *_unknown_parts(pairs)]
    return [*told, *({"question": "note", "sentence": note} for note in notes)]


def to_json(told: Sequence[dict[str, object]]) -> str:
    """`summary.json`: schema 1, one answer a line; the same study gives the same bytes."""
    return json_table(told)


def _unasked(asked: set[str], defenses: Effects) -> Iterator[str]:
    """Questions that this study cannot answer, and what they would need."""
    needs = {
        "risk to risk": "What risks do to each other is not summarised: no cell of a defense against a declared risk "
        "was measured.",
        "asymmetry": "Asymmetry is not tested: it needs defenses against two risks, each measured on the other's "
        "tasks.",
        "exposure": "Direct and indirect exposure are not compared: no risk was measured by tasks of both under a "
        "defense.",
        "share": f"The variance of off-target changes is not divided into mechanism and risk: {undivided(defenses)}.",
        "front": "Gain is not set against side effects: that needs a defense measured on its own risk and on another.",
    }
    return (sentence for question, sentence in needs.items() if question not in asked)


def _left_out(rows: Sequence[InteractionRow], every: Effects) -> Iterator[str]:
    """Cells that have a change and stand in no average, and defenses that do."""
    known = {(cell.defense, cell.question) for cell in every.cells}
    names = [
        f"{row.defense}/{row.task}:{row.source}"
        for row in rows
        if row.delta is not None and (row.defense, f"{row.task}:{row.source}") not in known
    ]
    if names:
        yield (
            f"{counted(len(names), 'cell')} without a standard error (one cluster, or a statistic without an interval) "
            f"stand in no average: {', '.join(sorted(names))}."
        )
    aimless = {cell.defense for cell in every.cells if cell.target_risk is None and not cell.control}
    if aimless:
        yield f"Not in any average, since no target risk is declared: {', '.join(sorted(aimless))}."


def _unknown_parts(pairs: Sequence[CellPair]) -> Iterator[str]:
    """Composed defenses whose parts do not all stand alone in the study."""
    arms = sorted({pair.defense for pair in pairs})
    for arm in arms:
        missing = [part for part in parts_of(arm, arms) if part not in arms]
        if missing:
            yield f"The interaction of {arm} is not estimated: the study has no arm {listed(missing)} by itself."

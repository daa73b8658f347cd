"""What must hold before limits mean anything: the study ran, its measurement is sound, what is required is there."""

from collections.abc import Iterator, Sequence

from crossrisk.errors import near_names
from crossrisk.interactions.gate.cells import Cell, Row, Study
from crossrisk.interactions.gate.checks import Check, Outcome, Reason, outcome_of
from crossrisk.interactions.gate.policy import Policy
from crossrisk.risks import Verdict
from crossrisk.wording import interval, points

MOVED = "base against base (null) must not move"


def study_checks(study: Study, policy: Policy) -> Iterator[Check]:
    """Whether the study ran to its end, and whether its `null` control, base against base, stays the same."""
    if study.state in ("stopped", "running"):
        yield Check(
            defense=None,
            cell="study",
            figure="complete",
            outcome=outcome_of("missing", policy, policy.inconclusive),
            reason="missing",
            asks="the study must be complete",
            text=f"is {study.state}, and what it did not reach is not known: run it to its end",
        )
    measured = [row for row in study.nulls if row["verdict"] != Verdict.NOT_APPLICABLE]
    if not measured and policy.moved_null != "pass":
        yield Check(
            defense=None,
            cell="null",
            figure="null",
            outcome="warn",
            reason="missing",
            asks=MOVED,
            text="was not measured, so nothing tells how far the base differs from itself: leave `controls` on",
        )
    for row in measured:
        yield _null_check(row, study, policy)


def _null_check(row: Row, study: Study, policy: Policy) -> Check:
    moved = _moved(row, study.alpha)
    text = f"moved by {points(row['delta'])} points {interval(row['ci_low'], row['ci_high'])} from base to base"
    return Check(
        defense=None,
        cell=study.names[row["task"], row["source"]],
        figure="null",
        outcome=policy.moved_null if moved else "pass",
        reason="broken" if moved else "kept",
        asks=MOVED,
        text=f"{text}, without any defense: the measurement is broken, mend it first" if moved else text,
        task=row["task"],
        source=row["source"],
        value=row["delta"],
        low=row["ci_low"],
        high=row["ci_high"],
        p_adjusted=row["p_adjusted"],
    )


def _moved(row: Row, alpha: float) -> bool:
    """As a verdict would have it: beyond chance among all controls, and too far to count as no effect."""
    if row["verdict"] == Verdict.NO_EFFECT or row["ci_low"] is None or row["p_adjusted"] is None:
        return False
    return bool(row["p_adjusted"] < alpha and (row["ci_low"] > 0 or row["ci_high"] < 0))


def target_check(defense: str, cells: Sequence[Cell], policy: Policy) -> Iterator[Check]:
    """Limits on the target risk say nothing of a defense whose target risk is not declared, or not measured."""
    if any(limit.target for limit in policy.limits) and not any(cell.target for cell in cells):
        yield Check(
            defense=defense,
            cell="target risk",
            figure="target",
            outcome=outcome_of("not_applicable", policy, policy.inconclusive),
            reason="not_applicable",
            asks="the target risk must be measured",
            text="is not measured, so no limit on it was checked: ask a task of the risk that the defense is for",
        )


def required_checks(defense: str, cells: Sequence[Cell], policy: Policy) -> Iterator[Check]:
    """Cells without which there is no decision; they fail whatever the policy makes of others that are missing."""
    for index, name in enumerate(policy.required):
        asked = [cell for cell in cells if name in (cell.task, cell.question)]
        for cell in asked:
            yield _required(policy, index, defense, cell.name, cell)
        if not asked:
            yield _required(policy, index, defense, name, None, near_names(name, _names(cells)))


def _required(policy: Policy, index: int, defense: str, name: str, cell: Cell | None, near: str = "") -> Check:
    outcome: Outcome = "pass" if cell is not None and cell.state == "measured" else "fail"
    reason: Reason = "broken"
    text = f"is required and not in the study: {near}"
    if cell is not None:
        reason = "kept" if cell.state == "measured" else cell.state
        text = f"is required and not measured: {cell.problem}" if outcome == "fail" else "is required and measured"
    return Check(
        defense=defense,
        cell=name,
        figure="required",
        outcome=outcome,
        reason=reason,
        asks=f"{policy.required[index]} must be measured",
        text=text,
        task=None if cell is None else cell.task,
        source=None if cell is None else cell.source,
        line=policy.line("required", index),
    )


def _names(cells: Sequence[Cell]) -> set[str]:
    return {name for cell in cells for name in (cell.task, cell.question)}

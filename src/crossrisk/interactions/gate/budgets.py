"""What a defense may spend in all: the sum and the number of its worsenings over many cells.

A budget forgives single cells and holds their total. Which changes spend is its own choice: those called `worsens`
(the verdict, corrected within the study's families), every rise, or all that each cell may have risen by. The last adds
up single upper limits, which is no joint limit but more than one wherever cells do not err together.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from crossrisk.interactions.gate.cells import Cell
from crossrisk.interactions.gate.checks import SEVERITY, Check, Outcome, Reason, outcome_of
from crossrisk.interactions.gate.estimates import ROUNDING, estimate
from crossrisk.interactions.gate.policy import Budget, Policy
from crossrisk.interactions.gate.sentences import ELSE, cells_of
from crossrisk.risks import Verdict
from crossrisk.wording import counted, listed, number, points

WORDS = {"worsens": "found worse", "point": "worse", "upper_bound": "possibly worse"}


@dataclass(frozen=True)
class _Spending:
    """What one cell spends, where that is above 0.

    doubt: why there is more to say of it, and what the policy makes of that.
    """

    cell: Cell
    points: float
    doubt: tuple[Outcome, Reason] | None


def check_budget(policy: Policy, index: int, cells: Sequence[Cell], *, alpha: float) -> list[Check]:
    """A check of the sum, one of the number. cells: those of one defense that are selected. alpha: the study's."""
    budget = policy.budgets[index]
    spendings = [_spending(cell, budget, policy, alpha) for cell in cells]
    spent = [spending for spending in spendings if spending.points > ROUNDING]
    unclear = [each for each in cells if budget.counts == "worsens" and _is_inconclusive(each)]
    amounts = {"sum": sum(spending.points for spending in spent), "cells": float(len(spent))}
    checks = []
    for figure, value in amounts.items():
        limit = getattr(budget, figure)
        if limit is None:
            continue
        outcome, reason = _doubted(spendings)
        if value > limit + ROUNDING:
            outcome, reason = "fail", "broken"
        checks.append(
            Check(
                defense=cells[0].defense,
                cell=cells_of(budget),
                figure=figure,
                outcome=outcome,
                reason=reason,
                asks=f"{cells_of(budget)} {_asks(budget, figure)}",
                text=_text(budget, figure, spendings, spent, unclear, reason),
                limit=float(limit),
                value=value,
                line=policy.line("budgets", index),
            )
        )
    return checks


def _is_inconclusive(cell: Cell) -> bool:
    return cell.state == "measured" and cell.row["verdict"] == Verdict.INCONCLUSIVE


def _spending(cell: Cell, budget: Budget, policy: Policy, alpha: float) -> _Spending:
    if cell.state != "measured":
        return _Spending(cell, 0.0, (outcome_of(cell.state, policy, policy.inconclusive), cell.state))
    change = estimate(cell, None, "delta", alpha)
    rise = 0.0 if change is None else change.value
    if budget.counts == "worsens" and cell.row["verdict"] != Verdict.WORSENS:
        rise = 0.0
    if budget.counts == "upper_bound" and change is not None:
        high = change.at(policy.alpha or alpha).high_despite(cell.lost)
        if high is None:
            return _Spending(cell, 0.0, (policy.inconclusive, "undecided"))
        rise = high
    return _Spending(cell, rise, None)


def _doubted(spendings: Sequence[_Spending]) -> tuple[Outcome, Reason]:
    """The gravest doubt, of a budget that is not overspent."""
    doubts = [spending.doubt for spending in spendings if spending.doubt is not None]
    outcome, reason = max(doubts, key=lambda doubt: SEVERITY[doubt[0]], default=("pass", "kept"))
    return ("pass", "kept") if outcome in ("pass", "skip") else (outcome, reason)


def _asks(budget: Budget, figure: str) -> str:
    if figure == "sum":
        return f"may be {WORDS[budget.counts]} by at most {number(100 * (budget.sum or 0.0))} points in all"
    return f"may hold at most {counted(budget.cells or 0, 'cell')} {WORDS[budget.counts]}"


def _text(
    budget: Budget,
    figure: str,
    spendings: Sequence[_Spending],
    spent: Sequence[_Spending],
    unclear: Sequence[Cell],
    reason: Reason,
) -> str:
    names = listed([f"{each.cell.name} {points(each.points)}" for each in spent]) if spent else "none"
    if figure == "sum":
        total = sum(spending.points for spending in spent)
        text = f"{_asks(budget, figure)} and are by {number(100 * total)} ({names})"
    else:
        text = f"{_asks(budget, figure)} and hold {len(spent)} ({names})"
    if unclear:
        text += f"; {counted(len(unclear), 'inconclusive cell')} not counted"
    if reason == "broken":
        return f"{text}: {ELSE}"
    if reason == "kept":
        return text
    doubtful = [each.cell.name for each in spendings if each.doubt is not None and each.doubt[1] == reason]
    return f"{text}; it cannot count {listed(doubtful)} ({reason.replace('_', ' ')})"

"""A check: one limit on one cell, decided."""

from dataclasses import dataclass
from typing import Literal

from crossrisk.interactions.gate.cells import Cell
from crossrisk.interactions.gate.policy import Mode, Policy

Outcome = Literal["fail", "warn", "pass", "skip"]
Reason = Literal[
    "kept",
    "broken",
    "undecided",
    "empty",
    "not_applicable",
    "failed",
    "missing",
    "contaminated",
    "partly_seen",
    "broken_model",
]
SEVERITY: dict[Outcome, int] = {"pass": 0, "skip": 1, "warn": 2, "fail": 3}
UNFINISHED = ("failed", "missing")


@dataclass(frozen=True)
class Check:
    """What came of one limit on one cell. Numbers that do not exist are None.

    defense: None for what is asked of the study as a whole. cell: how the text calls it. figure: what is limited;
    limit: as in the policy; value, low, high: of the figure, at the policy's alpha; p_adjusted: of the figure being
    within its limit, where the policy corrects for it. reason: what is the case; outcome: what the policy makes of it.
    asks: the rule that was checked, the same for all cells under it. text: goes on from the name of the cell. line: of
    the rule in the policy's file.
    """

    defense: str | None
    cell: str
    figure: str
    outcome: Outcome
    reason: Reason
    asks: str
    text: str
    task: str | None = None
    source: str | None = None
    by: str | None = None
    group: str | None = None
    limit: float | None = None
    value: float | None = None
    low: float | None = None
    high: float | None = None
    p_adjusted: float | None = None
    line: int | None = None

    @property
    def sentence(self) -> str:
        """The whole check in plain words."""
        return f"{self.cell}: {self.text}" if self.defense is None else f"{self.defense}: {self.cell} {self.text}"

    @property
    def undecided(self) -> bool:
        """Whether the data do not say if the limit is kept."""
        return self.reason in ("undecided", "empty", "not_applicable")

    @property
    def unfinished(self) -> bool:
        """Whether it failed because something did not run, and not for what was found."""
        return self.reason in UNFINISHED


def outcome_of(reason: Reason, policy: Policy, inconclusive: Mode) -> Outcome:
    """What a policy makes of a reason."""
    if reason == "kept":
        return "pass"
    if reason == "broken":
        return "fail"
    if reason == "not_applicable":
        return "skip" if policy.not_applicable == "pass" else policy.not_applicable
    return policy.failed if reason in UNFINISHED else inconclusive


def flag_checks(cell: Cell, policy: Policy) -> list[Check]:
    """One check for each flag of a cell; a kind of flag that is not known counts as contaminated."""
    return [_flag_check(cell, kind, note, policy) for kind, note in cell.flags]


def _flag_check(cell: Cell, kind: str, note: str, policy: Policy) -> Check:
    asks, remedy = "cells must be new to the defense", "ask prompts that the defense has not seen"
    reason: Reason = "contaminated"
    outcome: Outcome = policy.contaminated
    if kind == "partly seen":
        reason, outcome = "partly_seen", policy.partly_seen
    elif kind == "broken model":
        reason, outcome = "broken_model", policy.broken_model
        asks, remedy = "the defended model must still speak", "lower the defense's strength"
    text = f"is {'of a ' if reason == 'broken_model' else ''}{kind} ({note}): {remedy}"
    return Check(cell.defense, cell.name, "flag", outcome, reason, asks, text, task=cell.task, source=cell.source)

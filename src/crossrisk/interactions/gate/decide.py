"""The gate: every limit, requirement and budget of a policy, decided on a study's numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from crossrisk.errors import RequestError, near_names
from crossrisk.interactions.gate.binding import bind, check_budgets, selected
from crossrisk.interactions.gate.budgets import check_budget
from crossrisk.interactions.gate.cells import Study
from crossrisk.interactions.gate.checks import Check, flag_checks
from crossrisk.interactions.gate.estimates import Tokens
from crossrisk.interactions.gate.limits import check_limits
from crossrisk.interactions.gate.policy import Policy
from crossrisk.interactions.gate.preconditions import required_checks, study_checks, target_check


@dataclass(frozen=True)
class Decision:
    """What the gate says. checks: the study's own first, then defense by defense, in the order of the study."""

    study: str
    policy: Policy
    alpha: float
    defenses: tuple[str, ...]
    checks: tuple[Check, ...]

    def of(self, defense: str | None) -> list[Check]:
        """The checks of one defense, None for those of the study."""
        return [check for check in self.checks if check.defense == defense]

    @property
    def failing(self) -> list[Check]:
        """The checks that fail."""
        return [check for check in self.checks if check.outcome == "fail"]

    @property
    def exit_code(self) -> Literal[0, 1, 3]:
        """0 passes, 1 fails, 3 fails for nothing but what did not run."""
        if not self.failing:
            return 0
        return 3 if all(check.unfinished for check in self.failing) else 1

    def ships(self, defense: str) -> bool:
        """Whether a defense may ship: nothing of its own fails, and nothing of the study."""
        return not any(check.defense in (None, defense) for check in self.failing)


def decide(study: Study, policy: Policy, *, tokens: Tokens, defenses: Sequence[str] = ()) -> Decision:
    """Apply a policy to some defenses of a study, by default to all but controls.

    What is said of one defense does not depend on which others are gated: alpha is spent once on each. tokens: of
    two files of outcomes. Raises RequestError for a name that is no defense, and for a limit or budget that
    fits no cell or contradicts another.
    """
    gated = _gated(study, defenses)
    bounds = bind(policy, study)
    check_budgets(policy, study)
    checks = list(study_checks(study, policy))
    for defense in gated:
        cells = [cell for cell in study.cells if cell.defense == defense]
        own = [bound for bound in bounds if bound.cell.defense == defense]
        checks += required_checks(defense, cells, policy)
        checks += target_check(defense, cells, policy)
        checks += check_limits(own, policy, alpha=study.alpha, tokens=tokens)
        used = [bound.cell for bound in own]
        for index, budget in enumerate(policy.budgets):
            spending = [cell for cell in selected(budget, study) if cell.defense == defense]
            checks += check_budget(policy, index, spending, alpha=study.alpha) if spending else []
            used += spending
        checks += [check for cell in cells if any(cell is one for one in used) for check in flag_checks(cell, policy)]
    return Decision(study.name, policy, policy.alpha or study.alpha, gated, tuple(checks))


def _gated(study: Study, named: Sequence[str]) -> tuple[str, ...]:
    if not study.defenses:
        raise RequestError(f"the study {study.name} has no defense but controls, so there is nothing to gate")
    for name in named:
        if name in study.controls:
            raise RequestError(f"'{name}' is a control, which is never gated: name one of {', '.join(study.defenses)}")
        if name not in study.defenses:
            raise RequestError(f"the study has no defense '{name}': {near_names(name, study.defenses)}")
    return tuple(defense for defense in study.defenses if not named or defense in named)

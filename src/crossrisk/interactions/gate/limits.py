"""Limits on single cells: is each shown to be kept, shown to be broken, or left open by the data?

Let X be what a figure may not exceed. *Kept*: the interval ends at X or below. *Broken*: it begins above X, and p of
the figure being X, Holm-adjusted over all limits on the defense, is below alpha. *Undecided*: neither.

Why one side is corrected and the other is not. A defense passes where all limits are kept: an intersection-union test,
whose level is that of a single test, however many there are (Berger 1982, Technometrics 24:295). A defense is at fault
where any limit is broken: a union-intersection test, whose level grows with their number unless alpha is spent once on
all of them (Holm 1979, Scandinavian Journal of Statistics 6:65).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from crossrisk.interactions.corrections import holm
from crossrisk.interactions.gate.binding import Bound
from crossrisk.interactions.gate.checks import Check, Reason, outcome_of
from crossrisk.interactions.gate.estimates import ROUNDING, Estimate, Tokens, estimate, measured
from crossrisk.interactions.gate.policy import INFERRED, Policy
from crossrisk.interactions.gate.sentences import STATES, asked, cells_of, with_figure
from crossrisk.risks import Verdict


@dataclass(frozen=True)
class _Claim:
    """A bound with its figure, None where it does not exist. inferred: whether its interval decides."""

    bound: Bound
    estimate: Estimate | None
    inferred: bool

    @property
    def threshold(self) -> float:
        """What the figure must not exceed."""
        limit = getattr(self.bound.limit, self.bound.figure)
        return 0.0 if limit == "never" else -limit if self.bound.figure == "improves_by" else float(limit)

    @property
    def p(self) -> float | None:
        """Of the figure being at its threshold; None where nothing is inferred."""
        return None if self.estimate is None or not self.inferred else self.estimate.exceeds(self.threshold)


def check_limits(bounds: Sequence[Bound], policy: Policy, *, alpha: float, tokens: Tokens) -> list[Check]:
    """All limits on one defense, which are one family. alpha: the study's, at which its intervals are."""
    claims = [_claim(bound, alpha, tokens) for bound in bounds]
    p = [claim.p for claim in claims]
    adjusted = holm(p) if policy.correction == "holm" else p
    level = policy.alpha or alpha
    return [_check(claim, policy, level, value) for claim, value in zip(claims, adjusted, strict=True)]


def _claim(bound: Bound, alpha: float, tokens: Tokens) -> _Claim:
    inferred = bound.figure == "worsens" or (bound.figure in INFERRED and bound.limit.on != "point")
    if bound.cell.state != "measured":
        return _Claim(bound, None, inferred)
    if bound.figure in INFERRED:
        return _Claim(bound, estimate(bound.cell, bound.group, bound.figure, alpha), inferred)
    value = measured(bound.cell, bound.figure, tokens)
    return _Claim(bound, None if value is None else Estimate(value, None, None, alpha), inferred)


def _check(claim: _Claim, policy: Policy, level: float, p: float | None) -> Check:
    bound, cell = claim.bound, claim.bound.cell
    found = None if claim.estimate is None else claim.estimate.at(level)
    reason: Reason
    if found is None:
        reason, why = _absent(bound)
        text = f"{asked(bound.figure, abs(claim.threshold))} {why}"
    else:
        reason = _reason(claim, found, level, p)
        text = with_figure(bound, claim.threshold, found, reason, p)
    limit = getattr(bound.limit, bound.figure)
    return Check(
        defense=cell.defense,
        cell=cell.name if bound.group is None else f"{cell.name} ({bound.group[1]})",
        figure=bound.figure,
        outcome=outcome_of(reason, policy, bound.limit.inconclusive or policy.inconclusive),
        reason=reason,
        asks=f"{cells_of(bound.limit)} {asked(bound.figure, abs(claim.threshold))}",
        text=text,
        task=cell.task,
        source=cell.source,
        by=None if bound.group is None else bound.group[0],
        group=None if bound.group is None else bound.group[1],
        limit=None if limit == "never" else limit,
        value=None if found is None else found.value,
        low=None if found is None else found.low,
        high=None if found is None else found.high,
        p_adjusted=p,
        line=policy.line("limits", bound.index),
    )


def _reason(claim: _Claim, found: Estimate, level: float, p: float | None) -> Reason:
    limit = claim.threshold + ROUNDING
    if not claim.inferred:
        return "kept" if found.value <= limit else "broken"
    if found.low is None or p is None:
        return "undecided"
    beyond = found.low > limit and p < level
    high = found.high_despite(claim.bound.cell.lost)
    kept = high is not None and high <= limit
    if claim.bound.figure == "worsens":
        verdict = claim.bound.cell.row["verdict"]
        kept = kept or verdict in (Verdict.NO_EFFECT, Verdict.IMPROVES)
        beyond = beyond and verdict == Verdict.WORSENS
    return "kept" if kept else "broken" if beyond else "undecided"


def _absent(bound: Bound) -> tuple[Reason, str]:
    """Why a figure does not exist, and what to do about it."""
    cell = bound.cell
    if cell.state != "measured":
        return cell.state, STATES[cell.state].format(cell.problem)
    if bound.group is not None and bound.group not in cell.groups:
        return "missing", "but groups.json has no row of the group: run `crossrisk report` on the folder"
    if bound.group is not None:
        return "empty", "but the group has no valid pair, or no other group beside it: ask more prompts of it"
    if bound.figure == "rcr":
        return "empty", "but the base's risk is 0, which nothing is relative to: limit delta there"
    if bound.figure == "seconds":
        return "not_applicable", "but an arm came out of the cache and took none: run with another CROSSRISK_CACHE"
    return "not_applicable", "but its outcomes are not there, or count none: keep the whole folder of the study"

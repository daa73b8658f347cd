"""Checks in plain words: what is asked, what was found, and what to do about it.

Each goes on from the name of a cell: `over_refusal` + `may rise by at most 5.0 points and changed by ...`.
"""

from crossrisk.interactions.gate.binding import Bound
from crossrisk.interactions.gate.estimates import ROUNDING, Estimate
from crossrisk.interactions.gate.policy import Limit, Selection
from crossrisk.risks import Verdict
from crossrisk.wording import counted, number, p_value, points

REMEDIES = {
    "improves_by": "strengthen the defense, or choose another",
    "invalid": "read those replies in the report, the defense breaks them",
    "tokens": "make its prompts or replies shorter, or raise the limit",
    "seconds": "make it faster, or raise the limit",
}
ELSE = "weaken the defense there, or choose another"
STATES = {
    "failed": "but the cell failed ({}): run the study again",
    "missing": "but the cell is missing ({}): run the study again",
    "not_applicable": "but is not applicable ({}): decide by other tasks",
    "empty": "but nothing could be compared ({}): read its replies in the report",
}


def asked(figure: str, limit: float, decimals: int = 1) -> str:
    """What a limit asks of a figure. decimals: at least so many, and all that the limit has."""
    own = next((n for n in (1, 2, 3) if abs(round(100 * limit, n) - 100 * limit) < ROUNDING), 4)
    size = number(100 * limit, max(decimals, own))
    return {
        "delta": f"may rise by at most {size} points",
        "improves_by": f"must fall by at least {size} points",
        "defended": f"may be at most {size}%",
        "rcr": f"may grow by at most {size}% of the base's risk",
        "worsens": "must not worsen",
        "gap_change": f"may get worse for the group by at most {size} points more than for all others",
        "invalid": f"may have at most {size}% invalid replies",
        "tokens": f"may take at most {size}% more tokens",
        "seconds": f"may take at most {size}% more time",
    }[figure]


def cells_of(selection: Selection) -> str:
    """Which cells a selection means."""
    aim = {True: "target", False: "off-target", None: "all"}[selection.target]
    words = [aim, selection.risk, selection.exposure, "cells", selection.task and f"of {selection.task}"]
    said = " ".join(str(word) for word in [*words, selection.defense and f"under {selection.defense}"] if word)
    if not isinstance(selection, Limit) or selection.group is None:
        return said
    return f"{f'each {selection.by}' if selection.group == '*' else selection.group} in {said}"


def found(figure: str, estimate: Estimate, decimals: int = 1) -> str:
    """A figure with its interval."""
    verb = {"defended": "is", "invalid": "has", "tokens": "takes", "seconds": "takes"}.get(figure, "changed by")
    unit = {"defended": "%", "invalid": "%", "rcr": "%", "tokens": "% more", "seconds": "% more"}.get(figure, " points")
    ends = [estimate.value] if estimate.low is None else [estimate.value, estimate.low, estimate.high]
    size, *limits = (
        points(end, decimals) if verb == "changed by" else number(None if end is None else 100 * end, decimals)
        for end in ends
    )
    return f"{verb} {size}{unit}" + (f" [{', '.join(limits)}]" if limits else "")


def with_figure(bound: Bound, threshold: float, estimate: Estimate, reason: str, p: float | None) -> str:
    """A bound whose figure exists. threshold: what it must not exceed. p: adjusted for all limits of the policy."""
    decimals = _telling(estimate, threshold)
    said = f"{asked(bound.figure, abs(threshold), decimals)} and {found(bound.figure, estimate, decimals)}"
    if reason == "broken":
        return f"{said}: {REMEDIES.get(bound.figure, ELSE)}"
    return f"{said}, {_open(bound, threshold, estimate, p)}" if reason == "undecided" else said


def _open(bound: Bound, threshold: float, estimate: Estimate, p: float | None) -> str:
    """Why the data do not decide, and what would."""
    row = bound.cell.row if bound.group is None else bound.cell.groups[bound.group]
    if estimate.low is None or estimate.high is None:
        return "without an interval: ask prompts of more templates"
    templates = f" of {counted(row['clusters'], 'template')}" if row["clusters"] < row["n"] else ""
    prompts = f"{counted(row['n'], 'prompt')}{templates}"
    if bound.figure == "worsens" and row["verdict"] == Verdict.INCONCLUSIVE:
        return f"which the study leaves inconclusive with {prompts}: ask more"
    if estimate.high <= threshold + ROUNDING:
        lost = number(100 * bound.cell.lost)
        return f"but {lost}% of the replies became invalid and may be anything: mend those"
    if estimate.low > threshold + ROUNDING:
        return f"which is not beyond chance among all limits (adjusted p={p_value(p)}): ask more prompts"
    return f"which {prompts} cannot decide: ask more"


def _telling(estimate: Estimate, threshold: float) -> int:
    """So many decimals that no number off the limit looks equal to it."""
    ends = [end for end in (estimate.value, estimate.low, estimate.high) if end is not None]
    off = [end for end in ends if abs(end - threshold) > ROUNDING]
    limit = 100 * threshold
    return next((n for n in (1, 2, 3) if all(number(100 * end, n) != number(limit, n) for end in off)), 4)

"""What a study found, in plain words: the headline, its side effects by size, and what a reader must know first."""

from collections.abc import Mapping, Sequence
from typing import Any

from crossrisk.report.grid import is_control, is_measured, is_own_risk
from crossrisk.report.wording import Row, counted, interval, listed, points, question_names
from crossrisk.risks import Verdict

LOW_GRADE = "rules"
Names = Mapping[tuple[str, str], str]


def side_effects(rows: Sequence[Row]) -> list[Row]:
    """Off-target cells that a defense worsens, the largest change first."""
    return _moved(off_target(rows), Verdict.WORSENS)


def side_benefits(rows: Sequence[Row]) -> list[Row]:
    """Off-target cells that a defense improves, the largest change first."""
    return _moved(off_target(rows), Verdict.IMPROVES)


def off_target(rows: Sequence[Row]) -> list[Row]:
    """Cells of defenses on tasks of other risks than their own."""
    return [row for row in rows if not is_control(row) and not is_own_risk(row)]


def _moved(rows: Sequence[Row], verdict: Verdict) -> list[Row]:
    found = [row for row in rows if row["verdict"] == verdict]
    return sorted(found, key=lambda row: (-abs(row["delta"]), row["defense"], row["task"], row["source"]))


def headline(rows: Sequence[Row]) -> str:
    """The answer to the study's question in one or two sentences."""
    measured = [row for row in off_target(rows) if is_measured(row)]
    if not measured:
        return "No off-target cell was measured, so this study says nothing of side effects."
    unclear = sum(row["verdict"] == Verdict.INCONCLUSIVE for row in measured)
    cells = counted(len(measured), "off-target cell")
    effects = side_effects(measured)
    if effects:
        worst = effects[0]
        task = question_names(rows)[worst["task"], worst["source"]]
        return (
            f"{counted(len(effects), 'side effect')} in {cells}. The worst: {worst['defense']} worsens {task} by "
            f"{points(worst['delta']).removeprefix('+')} points."
        )
    if unclear:
        return f"No side effect was found, but {unclear} of {cells} stay inconclusive."
    return f"No side effect: none of {cells} got worse, and each was measured closely enough to say so."


def cautions(rows: Sequence[Row], flags: Sequence[Mapping[str, Any]] = ()) -> list[str]:
    """What limits the reading, a sentence each: moved controls, useless defenses, contamination, weak judges."""
    names = question_names(rows)
    return [
        *_moved_controls(rows, names),
        *_without_own_effect(rows, names),
        *(f"{flag['arm']} on {flag['task']} is {flag['kind']}: {flag['note']}." for flag in flags),
        *_weak_judges(rows, names),
    ]


def _moved_controls(rows: Sequence[Row], names: Names) -> list[str]:
    """A control has moved where its interval leaves out 0; `null` never gets a verdict that says so."""
    moved = [
        row
        for row in rows
        if is_control(row)
        and row["verdict"] != Verdict.NO_EFFECT
        and row["ci_low"] is not None
        and (row["ci_low"] > 0 or row["ci_high"] < 0)
    ]
    return [
        f"The control {row['defense']} moves {_name(row, names)} by {points(row['delta'])} points "
        f"{interval(row['ci_low'], row['ci_high'])}: changes of this size come about without any aim."
        for row in sorted(moved, key=lambda row: -abs(row["delta"]))
    ]


def _without_own_effect(rows: Sequence[Row], names: Names) -> list[str]:
    own: dict[str, list[Row]] = {}
    for row in rows:
        if is_own_risk(row) and is_measured(row):
            own.setdefault(row["defense"], []).append(row)
    return [
        f"{defense} improves none of the tasks of its own risk ({cells[0]['target_risk']}): "
        f"{listed([_name(row, names) + ' ' + points(row['delta']) for row in cells])} points."
        for defense, cells in own.items()
        if all(row["verdict"] != Verdict.IMPROVES for row in cells)
    ]


def _weak_judges(rows: Sequence[Row], names: Names) -> list[str]:
    weak = sorted({_name(row, names) for row in rows if is_low_grade(row["judge"])})
    if not weak:
        return []
    return [f"Judges of low grade (patterns, known to err) scored {listed(weak)}: take those changes as a hint."]


def _name(row: Row, names: Names) -> str:
    return names[row["task"], row["source"]]


def is_low_grade(judge: str | None) -> bool:
    """Whether a judge, `kind:grade@version` or several joined by `+`, goes by rules."""
    return any(f":{LOW_GRADE}" in name for name in (judge or "").split("+"))


def failed_cells(failures: Sequence[Mapping[str, Any]]) -> list[str]:
    """One line a problem; tasks that failed for the same reason are named together."""
    tasks: dict[tuple[str, str], list[str]] = {}
    for cell in failures:
        tasks.setdefault((cell["arm"], cell["problem"]), []).append(f"{cell['task']}:{cell['source']}")
    return [
        f"{arm} on {listed(names) if len(names) < 4 else f'{len(names)} tasks'}: {problem}"
        for (arm, problem), names in tasks.items()
    ]

"""What a study found, in plain words: the headline, its side effects by size, and what a reader must know first."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from crossrisk.interactions.corrections import holm
from crossrisk.report.grid import is_control, is_measured, is_own_risk
from crossrisk.risks import Verdict
from crossrisk.wording import Row, counted, interval, listed, percent, points, question_names

BROKEN = "broken model"
LOW_GRADES = ("builtin", "rules")
Names = Mapping[tuple[str, str], str]
Cells = Mapping[tuple[str, str, str], Mapping[str, Any]]  # of the manifest, by (arm, task, source)


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
    missing = len(off_target(rows)) - len(measured)
    unmeasured = f" {counted(missing, 'cell')} could not be measured." if missing else ""
    unclear = sum(row["verdict"] == Verdict.INCONCLUSIVE for row in measured)
    cells = counted(len(measured), "off-target cell")
    effects = side_effects(measured)
    if effects:
        worst = effects[0]
        task = question_names(rows)[worst["task"], worst["source"]]
        return (
            f"{counted(len(effects), 'side effect')} in {cells}. The worst: {worst['defense']} worsens {task} by "
            f"{points(worst['delta']).removeprefix('+')} points.{unmeasured}"
        )
    if unclear:
        return f"No side effect was found, but {unclear} of {cells} stay inconclusive.{unmeasured}"
    if unmeasured:
        return f"No side effect was found in {cells}, but{unmeasured}"
    return f"No side effect: none of {cells} got worse, and each was measured closely enough to say so."


def cautions(rows: Sequence[Row], manifest: Mapping[str, Any]) -> list[str]:
    """What limits the reading, a sentence each.

    Moved controls, useless defenses, broken models and those of unknown health, contamination, replies that a defense
    made invalid, cells with too few clusters for any claim, weak judges. manifest: alpha, margin, primary, flags, base,
    arms and cells of manifest.json.
    """
    names, broken = question_names(rows), broken_models(manifest)
    cells = {(cell["arm"], cell["task"], cell["source"]): cell for cell in manifest["cells"]}
    return [
        *_moved_controls(rows, names),
        *_without_own_effect(rows, names),
        *(f"{arm} broke the model: {note}. A lower risk of it says nothing." for arm, note in broken.items()),
        *_of_unknown_health(manifest),
        *_flagged(manifest["flags"]),
        *_broken_replies(rows, names, cells, manifest["margin"]),
        *_beyond_claim(rows, names, manifest["alpha"], manifest["primary"]),
        *_weak_judges(rows, names, cells),
    ]


def _flagged(flags: Sequence[Mapping[str, str]]) -> Iterator[str]:
    """A sentence for each defense and kind of flag; the note is that of its first task."""
    kinds: dict[tuple[str, str], list[Mapping[str, str]]] = {}
    for flag in flags:
        if flag["kind"] != BROKEN:
            kinds.setdefault((flag["arm"], flag["kind"]), []).append(flag)
    for (arm, kind), (first, *others) in kinds.items():
        told = f"{arm} on {first['task']} is {kind}: {first['note']}."
        if others:
            told += f" So {'is' if len(others) == 1 else 'are'} {listed([each['task'] for each in others])}."
        yield told


def broken_models(manifest: Mapping[str, Any]) -> dict[str, str]:
    """Arms whose model no longer speaks, with what is wrong with it."""
    return {flag["arm"]: flag["note"] for flag in manifest["flags"] if flag["kind"] == BROKEN}


def _of_unknown_health(manifest: Mapping[str, Any]) -> list[str]:
    """Arms with replies of which it could not be measured whether they still speak, or not compared with the base."""
    answered = {cell["arm"] for cell in manifest["cells"] if cell["state"] == "done"}
    unknown = [arm["arm"] for arm in manifest["arms"] if arm["arm"] in answered and arm["health"] is None]
    if manifest["base"]["health"] is None:
        unknown = [arm["arm"] for arm in manifest["arms"] if arm["arm"] in answered]
    if not unknown:
        return []
    return [
        f"Whether {listed(unknown)} still {'speaks' if len(unknown) == 1 else 'speak'} could not be measured on "
        "harmless prompts: a lower risk may be that of a broken model."
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


def _broken_replies(rows: Sequence[Row], names: Names, cells: Cells, margin: float) -> Iterator[str]:
    """Cells of which more was lost to invalid replies than the margin: the base's reply is valid, the defended not."""
    for row in rows:
        cell = cells.get(_place(row))
        if cell is None or row["invalid_base"] is None or row["invalid_defended"] is None:
            continue
        answered = cell.get("counted", cell["n"]) - row["invalid_base"]
        lost = answered - row["n"]
        if answered and lost / answered > margin:
            yield (
                f"{row['defense']} on {_name(row, names)}: {lost} of {answered} replies "
                f"({percent(lost / answered, 0)}%) that were valid became invalid. They count for neither side, so "
                "`no effect` cannot be said."
            )


def _beyond_claim(rows: Sequence[Row], names: Names, alpha: float, primary: Sequence[str] | None) -> list[str]:
    """Cells of the family that no replies could have brought to a claim: p of k clusters is at least 2^(1 - k)."""
    if primary is None:
        family = off_target(rows)
    else:
        family = [row for row in rows if f"{row['defense']}/{row['task']}:{row['source']}" in primary]
    family = [row for row in family if row["p"] is not None]
    p: list[float | None] = [row["p"] for row in family]
    closed = []
    for place, row in enumerate(family):
        if row.get("estimand"):
            continue  # under a stopping rule p has no such bound
        least = holm([*p[:place], 2.0 ** (1 - row["clusters"]), *p[place + 1 :]])[place]
        if least is not None and least >= alpha:
            closed.append(f"{row['defense']} on {_name(row, names)} ({counted(row['clusters'], 'cluster')})")
    if not closed:
        return []
    return [
        f"Too few clusters for any claim in a family of {len(family)}, whatever the replies: {listed(closed)}. "
        "Ask more templates, or declare a smaller family."
    ]


def _weak_judges(rows: Sequence[Row], names: Names, cells: Cells) -> list[str]:
    grades = {place: cell.get("grade") for place, cell in cells.items()}
    weak = [row for row in rows if is_low_grade(row["judge"], grades.get(_place(row)))]
    if not weak:
        return []
    scored = listed(sorted({_name(row, names) for row in weak}))
    cards = {str(row["judge"]): (cells.get(_place(row)) or {}).get("card") for row in weak}
    return [
        f"Judges of low grade (patterns or a small model, known to err) scored {scored}: take those changes as a hint.",
        *(_errors(judge, card) for judge, card in sorted(cards.items()) if card),
    ]


def _errors(judge: str, card: Mapping[str, Mapping[str, Any]]) -> str:
    """What a judge's card says, a labelled set after the other."""
    shares = [
        f"{percent(figures['sensitivity'], 0)}% and {percent(figures['specificity'], 0)}% ({name}, n={figures['n']:,})"
        for name, figures in card.items()
        if figures["sensitivity"] is not None and figures["specificity"] is not None
    ]
    name = judge.partition("@")[0]
    return f"On labelled replies {name} found of the risky ones, and spared of the others: {'; '.join(shares)}."


def _name(row: Row, names: Names) -> str:
    return names[row["task"], row["source"]]


def _place(row: Row) -> tuple[str, str, str]:
    return row["defense"], row["task"], row["source"]


def is_low_grade(judge: str | None, grade: str | None = None) -> bool:
    """Whether a cell's judge errs often: by its grade in the manifest; without one, by its name.

    judge: `kind:grade@version` or several joined by `+`; rules and what ships with CrossRisk are low.
    """
    if grade is not None:
        return grade in LOW_GRADES
    return any(f":{low}" in name for name in (judge or "").split("+") for low in LOW_GRADES)


def failed_cells(failures: Sequence[Mapping[str, Any]]) -> list[str]:
    """One line a problem; tasks that failed for the same reason are named together."""
    tasks: dict[tuple[str, str], list[str]] = {}
    for cell in failures:
        tasks.setdefault((cell["arm"], cell["problem"]), []).append(f"{cell['task']}:{cell['source']}")
    return [
        f"{arm} on {listed(names) if len(names) < 4 else f'{len(names)} tasks'}: {problem}"
        for (arm, problem), names in tasks.items()
    ]

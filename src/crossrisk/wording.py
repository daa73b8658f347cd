"""How results are said: marks, numbers and sentences, the same in the terminal and on the page.

A number that does not exist is a dash, never 0. Changes are in percentage points of risk, larger is riskier.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from crossrisk.risks import Verdict
from crossrisk.stopping import ESTIMANDS

Row = Mapping[str, Any]  # one row of interactions.json

DASH = "–"
MARKS = {
    Verdict.WORSENS: "▲",
    Verdict.IMPROVES: "▼",
    Verdict.NO_EFFECT: "=",
    Verdict.INCONCLUSIVE: "·",
    Verdict.NOT_APPLICABLE: DASH,
}
_CONTROLS = {code: 0x2400 + code for code in range(32) if chr(code) not in "\n\t"}
_CONTROLS |= dict.fromkeys([0x7F, *range(0x80, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A)], 0xFFFD)
WORDS = {verdict: verdict.value.replace("_", " ") for verdict in Verdict}


def number(value: float | None, decimals: int = 1) -> str:
    """A plain number, without a sign for zero and with a true minus."""
    if value is None:
        return DASH
    return f"{round(value, decimals) + 0.0:.{decimals}f}".replace("-", "−")


def signed(value: float | None, decimals: int = 1) -> str:
    """A number that says its direction: +14.0, −3.2, 0.0."""
    text = number(value, decimals)
    return f"+{text}" if value is not None and round(value, decimals) > 0 else text


def points(change: float | None, decimals: int = 1) -> str:
    """A change of risk (a fraction) in percentage points."""
    return signed(None if change is None else 100 * change, decimals)


def interval(low: float | None, high: float | None) -> str:
    """The interval of a change, in percentage points."""
    return DASH if low is None or high is None else f"[{points(low)}, {points(high)}]"


def percent(risk: float | None, decimals: int = 1) -> str:
    """A risk (a fraction) in percent, without the sign of percent."""
    return number(None if risk is None else 100 * risk, decimals)


def p_value(p: float | None) -> str:
    """Two digits that count; below 0.001 only that it is so."""
    if p is None:
        return DASH
    return "<0.001" if p < 0.001 else f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def question_names(rows: Iterable[Row]) -> dict[tuple[str, str], str]:
    """What to call each (task, source): the task alone where it has one source in these rows, else `task:source`."""
    asked = {(row["task"], row["source"]) for row in rows}
    several = {task for task, count in Counter(task for task, _ in asked).items() if count > 1}
    return {(task, source): f"{task}:{source}" if task in several else task for task, source in asked}


def sentence(row: Row, names: Mapping[tuple[str, str], str]) -> str:
    """What one defense did to one task, in plain words with the numbers behind them. names: of `question_names`."""
    return cell_sentence(row, names[row["task"], row["source"]])


def cell_sentence(row: Row, name: str | None = None) -> str:
    """A row in plain words. name: what to call its task; `task:source` by default."""
    task = f"{row['task']}:{row['source']}" if name is None else name
    defense = f"{row['defense']} ({row['target_risk']})" if row["target_risk"] else row["defense"]
    match Verdict(row["verdict"]):
        case Verdict.NOT_APPLICABLE:
            return f"{defense} on {task} could not be measured"
        case Verdict.NO_EFFECT:
            said = f"{defense} has no effect of a size that matters on {task}: {_moved(row)}"
        case Verdict.INCONCLUSIVE:
            said = f"It stays open what {defense} does to {task}: {_moved(row)}{_unseen(row)}"
        case verdict:
            verb = {Verdict.WORSENS: "worsens", Verdict.IMPROVES: "improves"}[verdict]
            said = f"{defense} {verb} {task} by {_moved(row)}"
    about = f"; said of {ESTIMANDS[row['estimand']]}" if row.get("estimand") else ""
    return said + about + ("; a control moved it as far" if row.get("within_noise") and row["delta"] else "")


def _moved(row: Row) -> str:
    """The change with its interval, both risks, n and p."""
    p = f"p={p_value(row['p'])}" if row["p_adjusted"] is None else f"adjusted p={p_value(row['p_adjusted'])}"
    return (
        f"{points(row['delta'])} points {interval(row['ci_low'], row['ci_high'])}, from {percent(row['base'])}% to "
        f"{percent(row['defended'])}%, n={row['n']}, {p.replace('=<', '<')}"
    )


def _unseen(row: Row) -> str:
    """What size of change the comparison would have found."""
    if row.get("estimand"):
        return ""  # a rule that stops has no size that it finds
    if row["mde"] is None:
        return "; too few clusters to see any change"
    return f"; it would have found changes from {points(row['mde']).removeprefix('+')} points"


def legible(text: str) -> str:
    """A text in which control characters, and those that turn the direction of writing, are seen and not obeyed."""
    return text.translate(_CONTROLS)


def counted(count: int, noun: str) -> str:
    """`1 cell`, `2 cells`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def listed(names: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"

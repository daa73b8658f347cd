"""How results are said: marks, numbers and sentences, the same in the terminal and on the page.

A number that does not exist is a dash, never 0. Changes are in percentage points of risk, larger is riskier.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from crossrisk.risks import Verdict

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
    defense = f"{row['defense']} ({row['target_risk']})" if row["target_risk"] else row["defense"]
    verb = {Verdict.WORSENS: "worsens", Verdict.IMPROVES: "improves"}.get(Verdict(row["verdict"]), "moves")
    p = f"p={p_value(row['p'])}" if row["p_adjusted"] is None else f"adjusted p={p_value(row['p_adjusted'])}"
    return (
        f"{defense} {verb} {names[row['task'], row['source']]} by {points(row['delta'])} points "
        f"{interval(row['ci_low'], row['ci_high'])}, from {percent(row['base'])}% to {percent(row['defended'])}%, "
        f"n={row['n']}, {p.replace('=<', '<')}"
    )


def legible(text: str) -> str:
    """A text in which control characters, and those that turn the direction of writing, are seen and not obeyed."""
    return text.translate(_CONTROLS)


def counted(count: int, noun: str) -> str:
    """`1 cell`, `2 cells`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def listed(names: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"

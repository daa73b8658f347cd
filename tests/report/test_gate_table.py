"""The decision in the terminal."""

import io

import pytest
from rich.console import Console

from crossrisk.interactions.gate.decide import Decision
from crossrisk.report.gate_table import WIDTH, GateTable, checked, headline, sections
from tests.interactions.gate.made_up import TASKS, decided, group_row, row, study
from tests.report.test_gate_junit import every_kind

LIMIT = "limits:\n- {delta: 0.05}\n"


def printed(decision: Decision, width: int = WIDTH) -> str:
    out = io.StringIO()
    Console(file=out, width=width).print(GateTable(decision))
    return out.getvalue()


def test_broken_limits_stand_first_each_with_limit_value_interval_and_what_to_do() -> None:
    text = printed(every_kind())
    lines = text.splitlines()
    assert lines[0] == "The gate fails: calm may not ship."
    assert text.index("\nBroken (1)") < text.index("\nDid not run (1)") < text.index("\nWarnings (3)")
    assert text.index("\nWarnings") < text.index("\nChecked")
    sentence = " ".join(text.split())
    assert (
        "calm bbq may rise by at most 5.0 points and changed by +30.0 points [+29.0, +31.0]: "
        "weaken the defense there, or choose another"
    ) in sentence


@pytest.mark.parametrize("width", [100, 60])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    long = "a_very_long_name_of_a_group_that_does_not_break_" * 3
    rows = [row("calm", task, 0.2, 0.1) for task in TASKS]
    made = decided(study(rows, [group_row("calm", "bbq", long, 0.3)]), LIMIT + "- {group: '*', delta: 0.1}\n")
    assert max(len(line) for line in printed(made, width).splitlines()) <= width


def test_what_is_open_is_not_called_broken() -> None:
    made = decided(study([row("calm", "bbq", 0.05, 0.1)]), LIMIT)
    assert [title for title, _ in sections(made)] == ["Not shown to be kept"]
    assert "which 200 prompts cannot decide: ask more" in " ".join(printed(made).split())


def test_a_number_beyond_its_limit_never_looks_equal_to_it() -> None:
    made = decided(study([row("calm", "bbq", 0.0504, 0.5)]), "limits:\n- {delta: 0.05, on: point}\n")
    assert "may rise by at most 5.00 points and changed by +5.04 points" in made.failing[0].text
    small = decided(study([row("calm", "bbq", 0.01, 0.5)]), "limits:\n- {delta: 0.0025, on: point}\n")
    assert "at most 0.25 points" in small.failing[0].text


def test_cells_of_which_the_same_is_said_share_a_line() -> None:
    rows = [
        row("calm", "misuse", -0.4),
        *(row("calm", task, None) for task in ("bbq", "salary", "utility", "over_refusal")),
    ]
    states = {("calm", each["task"]): ("not_applicable", "no likelihood") for each in rows[1:]}
    text = " ".join(printed(decided(study(rows, states=states), LIMIT)).split())
    assert text.count("no likelihood") == 1
    assert "Warnings (4)" in text and "bbq, salary and 2 more" in text


def test_which_defenses_may_ship_is_said_in_one_sentence() -> None:
    rows = [row("calm", "bbq", 0.3), row("fair", "bbq", 0.0)]
    assert headline(decided(study(rows), LIMIT)) == "The gate fails: calm may not ship. fair may ship."
    assert headline(decided(study(rows), LIMIT, ["fair"])) == "The gate passes: fair may ship."
    failed = decided(study([row("calm", "bbq", None)], states={("calm", "bbq"): ("failed", "x")}), LIMIT)
    assert "What did not run keeps it from a decision" in headline(failed)


def test_every_check_is_counted_under_its_rule() -> None:
    made = every_kind()
    lines = list(checked(made))
    assert "all cells may rise by at most 5.0 points (line 2): 2 fail, 1 warn, 1 pass" in lines
    numbers = [int(word) for line in lines for word in line.rpartition(": ")[2].split() if word.isdigit()]
    assert sum(numbers) == len(made.checks)


def test_control_characters_are_seen_and_not_obeyed() -> None:
    rows = [row("calm", "bbq", None)]
    made = decided(study(rows, states={("calm", "bbq"): ("failed", "\x1b[2J[red]gone")}), LIMIT)
    assert "\x1b" not in printed(made)
    assert "[red]gone" in printed(made)

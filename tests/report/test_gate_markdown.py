"""The Markdown summary: what breaks the gate first, and names that stay what they are."""

import re

from crossrisk.report.gate_markdown import MOST_ROWS, to_markdown
from tests.interactions.gate.made_up import decided, group_row, row, study
from tests.report.test_gate_junit import every_kind


def table_rows(text: str, title: str) -> list[str]:
    """Rows of the table under a heading."""
    part = re.split(rf"#### {title} \(\d+\)\n", text)[1].split("\n####")[0].split("\n<details>")[0]
    return [line for line in part.splitlines() if line.startswith("| ")][1:]


def test_what_breaks_comes_first_then_what_is_open_then_what_did_not_run_then_warnings() -> None:
    text = to_markdown(every_kind())
    assert text.startswith("### The gate fails\n")
    headings = re.findall(r"#### (.*) \(", text)
    assert headings == ["Broken", "Did not run", "Warnings"]
    (broken,) = table_rows(text, "Broken")
    assert broken.startswith("| calm | bbq | fail | may rise by at most 5.0 points")
    assert len(table_rows(text, "Warnings")) == 3
    assert "| calm | **no** | 2 | 3 | 0 | 1 |" in text


def test_a_gate_that_passes_says_so() -> None:
    text = to_markdown(decided(study([row("calm", "misuse", -0.4)]), "limits:\n- {delta: 0.05}\n"))
    assert text.startswith("### The gate passes\n\nThe gate passes: calm may ship.\n")
    assert "####" not in text
    assert text.count("<details>") == text.count("</details>") == 1


def test_a_name_cannot_leave_its_cell_nor_become_markup() -> None:
    hostile = "x | y\n| `z` <script>alert(1)</script> [l](http://e) *b* \ud800 $m$"
    rows = [row("calm", "misuse", None)]
    made = decided(study(rows, states={("calm", "misuse"): ("failed", hostile)}), "limits:\n- {delta: 0.05}\n")
    text = to_markdown(made)
    text.encode()
    (line,) = table_rows(text, "Did not run")
    assert len(re.findall(r"(?<!\\)\|", line)) == 5
    assert "<script" not in text and "&lt;script&gt;" in line
    assert not re.search(r"(?<!\\)[`*$\[]", line)


def test_a_very_long_table_is_cut_and_says_so() -> None:
    groups = [group_row("calm", "bbq", f"group {place}", 0.3) for place in range(MOST_ROWS + 20)]
    made = decided(study([row("calm", "bbq", 0.0)], groups), "limits:\n- {group: '*', delta: 0.05}\n")
    text = to_markdown(made)
    assert "and 20 more" in text
    assert len(text.encode()) < 1_000_000

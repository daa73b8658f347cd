import io
import re
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from crossrisk.report.findings import cautions
from crossrisk.report.table import interaction_table, print_study
from crossrisk.risks import Verdict
from crossrisk.wording import MARKS, points
from tests.report.conftest import FAILED, FLAG, MANIFEST, Rows
from tests.report.synthetic import TASKS, write_study


def printed(rows: list[dict[str, Any]], width: int = 100, colour: bool = False, **more: Any) -> str:
    console = Console(
        file=io.StringIO(), width=width, force_terminal=colour, color_system="truecolor" if colour else None
    )
    console.print(interaction_table(rows, MANIFEST | more))
    return console.file.getvalue()  # type: ignore[attr-defined]


def line_of(arm: str, text: str) -> str:
    return next(line for line in text.splitlines() if line.startswith(f" {arm} "))


@pytest.mark.parametrize("width", [100, 80, 60])
def test_no_line_is_wider_than_the_terminal(study_folder: Path, rows_of: Rows, width: int) -> None:
    text = printed(rows_of(study_folder), width, flags=[FLAG], failures=[_failure()])
    assert max(map(cell_len, text.splitlines())) <= width


def _failure() -> dict[str, str]:
    (arm, task), problem = next(iter(FAILED.items()))
    return {"arm": arm, "task": task, "source": "world", "problem": problem}


def test_nine_tasks_stand_in_one_block_of_100_columns(study_folder: Path, rows_of: Rows) -> None:
    text = printed(rows_of(study_folder))
    assert text.count("base risk, %") == 1
    assert not any(line.endswith("…") for line in text.splitlines())


@pytest.mark.parametrize("width", [100, 60])
def test_every_verdict_and_change_is_printed_whole(study_folder: Path, rows_of: Rows, width: int) -> None:
    rows = rows_of(study_folder)
    lines = printed(rows, width).splitlines()
    for arm in dict.fromkeys(row["defense"] for row in rows):
        cells = "".join(line.removeprefix(f" {arm} ") for line in lines if line.startswith(f" {arm} "))
        wanted = [
            f"{MARKS[Verdict(row['verdict'])]}{'' if row['delta'] is None else points(row['delta'], 0)}"
            for task in TASKS
            for row in rows
            if row["defense"] == arm and row["task"] == task
        ]
        assert re.sub(r"[\s│\[\]]", "", cells) == "".join(wanted)


def test_own_risk_is_bracketed_and_only_that(study_folder: Path, rows_of: Rows) -> None:
    text = printed(rows_of(study_folder))
    assert line_of("task_vector", text).count("[") == 3  # three tasks of fairness
    assert line_of("npo", text).count("[") == 2
    assert line_of("null", text).count("[") == line_of("sham", text).count("[") == 0


def test_controls_come_first_then_defenses_by_their_risk(study_folder: Path, rows_of: Rows) -> None:
    lines = printed(rows_of(study_folder)).splitlines()
    places = [lines.index(title) for title in ("controls", "against safety", "against fairness", "against privacy")]
    assert places == sorted(places)
    assert places[0] < lines.index(line_of("sham", "\n".join(lines))) < places[1]


def test_what_does_not_apply_is_a_dash_and_no_number(study_folder: Path, rows_of: Rows) -> None:
    rows = [row for row in rows_of(study_folder) if row["task"] == "stereotype_recognition"]
    assert line_of("self_reminder", printed(rows)).split() == ["self_reminder", "│", "–"]


def test_a_failed_cell_is_marked_and_its_problem_said(study_folder: Path, rows_of: Rows) -> None:
    text = printed(rows_of(study_folder), failures=[_failure()])
    assert "×" in line_of("npo", text)
    assert "- npo on toxic_content:world: ValueError: sample toxic-3 has 0 continuations" in text


def test_flags_of_one_kind_are_one_sentence_for_each_defense(study_folder: Path, rows_of: Rows) -> None:
    flags = [FLAG, FLAG | {"task": "toxic_content:world"}, FLAG | {"kind": "partly seen"}, FLAG | {"arm": "npo"}]
    said = cautions(rows_of(study_folder), MANIFEST | {"flags": flags})
    told = [line for line in said if "4 of its 40 prompts" in line]
    assert len(told) == 3
    assert told[0].endswith("fitted it. So is toxic_content:world.")


def test_a_contaminated_cell_is_marked_and_explained(study_folder: Path, rows_of: Rows) -> None:
    text = printed(rows_of(study_folder), flags=[FLAG])
    assert "]†" in line_of("dpo", text)
    assert "- dpo on misuse:world is contaminated: 4 of its 40 prompts fitted it." in text


def test_side_effects_are_sentences_the_largest_first(study_folder: Path, rows_of: Rows) -> None:
    rows = rows_of(study_folder)
    text = printed(rows).split("Side effects")[1].split("\n\n")[0]
    found = sorted(
        (row for row in rows if row["verdict"] == "worsens" and row["target_risk"] not in (None, row["risk"])),
        key=lambda row: -row["delta"],
    )
    assert len(found) > 1
    assert [line.split(" by ")[0] for line in text.splitlines() if line.startswith("- ")] == [
        f"- {row['defense']} ({row['target_risk']}) worsens {row['task']}" for row in found
    ]
    assert (
        f"by {points(found[0]['delta'])} points [{points(found[0]['ci_low'])}, {points(found[0]['ci_high'])}]" in text
    )


def test_a_control_that_moved_is_a_caution_and_no_side_effect(study_folder: Path, rows_of: Rows) -> None:
    rows = rows_of(study_folder)
    moved = next(row for row in rows if row["defense"] == "sham" and row["task"] == "utility")
    moved.update(verdict="worsens", delta=0.2, ci_low=0.1, ci_high=0.3)
    text = printed(rows)
    assert "- The control sham moves utility by +20.0 points [+10.0, +30.0]" in text
    assert "sham worsens" not in text


def test_a_judge_by_rules_is_said_to_be_of_low_grade(study_folder: Path, rows_of: Rows) -> None:
    rows = rows_of(study_folder)
    assert "low grade" not in printed(rows)
    for row in rows:
        row["judge"] = "harm:rules@1" if row["task"] == "misuse" else row["judge"]
    assert "Judges of low grade (patterns or a small model, known to err) scored misuse:" in printed(rows)


def test_colour_adds_nothing_that_plain_text_lacks(study_folder: Path, rows_of: Rows) -> None:
    rows = rows_of(study_folder)
    coloured = printed(rows, colour=True)
    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == printed(rows)


def test_long_names_are_folded_and_twenty_tasks_stacked(tmp_path: Path, rows_of: Rows) -> None:
    folder = write_study(tmp_path, n=6, defenses={"a_very_long_name_of_a_defense_indeed": ("prompt", "safety")})
    rows = rows_of(folder)
    rows += [row | {"source": source} for row in rows for source in ("advbench", "trustllm")]
    text = printed(rows)
    assert text.count("base risk, %") > 1
    assert max(map(cell_len, text.splitlines())) <= 100
    assert text.count(":advbench") == text.count(":trustllm") >= len(TASKS)


def test_escape_sequences_in_a_problem_do_not_reach_the_terminal(study_folder: Path, rows_of: Rows) -> None:
    failure = {"arm": "npo", "task": "misuse", "source": "world", "problem": "ValueError: \x1b[2J"}
    assert "\x1b" not in printed(rows_of(study_folder), failures=[failure])


def test_no_rows_are_no_error() -> None:
    assert "says nothing of side effects" in printed([])


def test_a_study_is_printed_from_its_folder(study_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    print_study(study_folder)
    text = capsys.readouterr().out
    assert "× failed" in text and "† see below" in text
    assert max(map(cell_len, text.splitlines())) <= 100

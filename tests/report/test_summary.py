"""The study as a whole on the page and in the terminal."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from crossrisk.interactions.matrix import CellPair, interaction_rows
from crossrisk.interactions.questions.summary import summarise, to_json
from crossrisk.report.page import write_page
from crossrisk.report.scatter import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, scatter
from crossrisk.report.summary import megabytes, summary_lines, summary_view
from crossrisk.report.table import print_study
from tests.report.synthetic import DEFENSES, SOURCE, TASKS, write_study
from tests.report.test_page import Page


def with_summary(folder: Path, **options: Any) -> Path:
    """A made-up study with the summary that its outcomes give."""
    write_study(folder, **options)
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    files = {(cell["arm"], cell["task"], cell["source"]): cell["file"] for cell in manifest["cells"]}
    frames = {place: file and pl.read_parquet(folder / file) for place, file in files.items()}
    defenses, tasks = options.get("defenses", DEFENSES), options.get("tasks", TASKS)
    pairs = [
        CellPair(
            arm,
            *defenses[arm],
            task,
            SOURCE,
            *TASKS[task][:3],
            frames["base", task, SOURCE],
            frames[arm, task, SOURCE],
        )
        for arm in defenses
        for task in tasks
    ]
    rows = summarise(interaction_rows(pairs), pairs, frames, manifest)
    (folder / "summary.json").write_text(to_json(rows), encoding="utf-8")
    return folder


def read(folder: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads((folder / "summary.json").read_text(encoding="utf-8"))["rows"]
    return rows


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return with_summary(tmp_path_factory.mktemp("studies") / "whole", n=60)


@pytest.fixture(scope="module")
def html(folder: Path) -> str:
    return write_page(folder).read_text(encoding="utf-8")


def test_the_page_has_the_means_with_their_intervals_and_every_sentence(folder: Path, html: str) -> None:
    text = " ".join(Page(html).by_id["summary"].split())
    rows = read(folder)
    shown = {"asymmetry", "note", "control"}
    assert all(" ".join(row["sentence"].split()) in text for row in rows if row["question"] in shown)
    means = [row for row in rows if row["question"] == "risk to risk" and row["defense"] is None]
    for row in means:
        assert f"{100 * row['mean']:+.1f}".replace("-", "−") in text or abs(row["mean"]) < 0.0005
    assert text.count("such: [") == sum(row["cells"] > 1 for row in means)


def test_the_interval_for_other_tasks_is_not_that_for_these(folder: Path) -> None:
    view = summary_view(read(folder), alpha=0.05, margin=0.05)
    mean = view.means["safety", "safety"]
    assert mean.row["ci_low"] < mean.row["conditional_low"]
    assert mean.whisker is not None and mean.whisker.low > 3  # drawn is the one for these


def test_a_change_is_coloured_where_the_corrected_p_and_the_interval_agree(folder: Path) -> None:
    rows = read(folder)
    view = summary_view(rows, alpha=0.05, margin=0.05)
    for mean in view.means.values():
        sure = mean.row["p_adjusted"] < 0.05
        assert mean.kind == ("open" if not sure else "worsens" if mean.row["mean"] > 0 else "improves")
    assert {mean.kind for mean in view.means.values()} == {"open", "worsens", "improves"}


def test_the_page_names_every_defense_of_the_front_and_its_cost(folder: Path, html: str) -> None:
    text = Page(html).by_id["summary"]
    assert "no rival" in text  # task_vector is the only one against fairness
    for row in read(folder):
        if row["question"] in ("front", "cost"):
            assert row["defense"].replace("_", "") in re.sub(r"[_\s]", "", text)


def test_the_page_keeps_its_content_security_policy(html: str) -> None:
    section = html[html.index('<section id="summary">') : html.index('<section id="matrix">')]
    assert "<script" not in section and "style=" not in section and "http" not in section


def test_a_folder_of_an_earlier_version_has_a_page_without_the_section(tmp_path: Path) -> None:
    page = write_page(write_study(tmp_path / "old")).read_text(encoding="utf-8")
    assert 'id="summary"' not in page and 'href="#summary"' not in page


def test_a_small_study_has_a_page_that_says_what_it_cannot(tmp_path: Path) -> None:
    one = with_summary(tmp_path / "one", defenses={"dpo": DEFENSES["dpo"]}, tasks=["pii_leakage"])
    html = write_page(one).read_text(encoding="utf-8")
    text = Page(html).by_id["summary"]
    assert "one cell" in text and "Asymmetry is not tested" in text and 'class="scatter"' not in html


def test_names_of_defenses_are_escaped(tmp_path: Path) -> None:
    named = {"<b>dpo": DEFENSES["dpo"]}
    rows = read(with_summary(tmp_path / "s", defenses=named, tasks=["misuse", "pii_leakage"]))
    assert any("<b>dpo" in row["sentence"] for row in rows)
    page = write_page(tmp_path / "s").read_text(encoding="utf-8")
    assert "<b>dpo" not in page and "&lt;b&gt;dpo" in page


def test_the_terminal_says_it_in_at_most_three_lines(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = summary_lines(read(folder), alpha=0.05)
    assert 2 <= len(lines) <= 3
    print_study(folder)
    said = capsys.readouterr().out
    assert "As a whole" in said
    assert all(len(line) <= 100 for line in said.splitlines())
    assert " ".join(lines[0].split()) in " ".join(said.split())


def test_the_terminal_names_the_worst_mean_side_effect_and_who_is_dominated() -> None:
    def mean(measured: str, change: float, p: float) -> dict[str, Any]:
        return {
            "question": "risk to risk",
            "aimed_at": "safety",
            "measured": measured,
            "defense": None,
            "mean": change,
            "conditional_low": change - 0.02,
            "conditional_high": change + 0.02,
            "p_adjusted": p,
            "sentence": f"{measured} moved.",
        }

    rows = [
        mean("privacy", 0.1, 0.01),
        mean("service", 0.2, 0.01),
        mean("utility", 0.5, 0.3),
        mean("safety", -0.9, 0.0),
    ]
    assert summary_lines(rows, alpha=0.05) == ["service moved."]
    assert summary_lines(rows[2:], alpha=0.05) == [
        "No mean side effect of defenses against one risk on another was found."
    ]
    assert summary_lines([], alpha=0.05) == []


def dots(*places: tuple[float, float]) -> Sequence[dict[str, Any]]:
    return [
        {
            "defense": f"d{number}",
            "on_front": True,
            **{f"gain{end}": gain + by for end, by in (("", 0.0), ("_low", -0.05), ("_high", 0.05))},
            **{f"harm{end}": harm + by for end, by in (("", 0.0), ("_low", -0.05), ("_high", 0.05))},
        }
        for number, (gain, harm) in enumerate(places)
    ]


def test_the_picture_is_to_scale_and_inside_its_frame() -> None:
    drawn = scatter(dots((0.8, 0.3), (0.1, -0.1)))
    assert drawn is not None
    first, second = drawn.dots
    assert first.x > second.x and first.y < second.y  # right is more gain, up is worse
    assert second.y - drawn.zero_y == pytest.approx((second.y - first.y) / 4, abs=0.2)  # from -10 to 0 of -10 to 30
    for dot in drawn.dots:
        assert LEFT <= dot.x_low <= dot.x <= dot.x_high <= WIDTH - RIGHT
        assert TOP <= dot.y_high <= dot.y <= dot.y_low <= HEIGHT - BOTTOM
    assert {tick.said for tick in drawn.x_ticks} >= {"0", "20", "80"}
    assert scatter([]) is None


def test_a_defense_that_does_nothing_can_be_drawn() -> None:
    drawn = scatter([{key: 0.0 if key != "defense" else "d" for key in dots((0.0, 0.0))[0]}])
    assert drawn is not None and drawn.dots[0].x == drawn.zero_x


def test_memory_is_told_in_megabytes() -> None:
    assert megabytes(1_234_567_890) == "1235 MB" and megabytes(None) == "–"

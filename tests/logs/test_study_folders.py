"""Arms of studies: named one by one, or all together."""

from pathlib import Path

import pytest
import yaml

from crossrisk.comparison import compare_files
from crossrisk.errors import RequestError
from crossrisk.interactions import compare
from crossrisk.logs import read, read_logs
from crossrisk.logs.orientation import Scale
from tests.report.synthetic import write_study

DEFENSES = {"dpo": ("training", "safety"), "npo": ("training", "privacy")}
TASKS = ("misuse", "utility", "stereotype_agreement")
STUDY = {"base": {"chat_template": "auto"}, "temperature": 0.0, "max_new_tokens": None, "attempts": 1}


def study(folder: Path, **changed: object) -> Path:
    """A small study. changed: entries of its study.yaml."""
    write_study(folder, defenses=DEFENSES, tasks=TASKS, not_applicable=[("npo", "utility")])
    (folder / "study.yaml").write_text(yaml.safe_dump(STUDY | changed), encoding="utf-8")
    return folder


def test_an_arm_is_named_behind_a_colon_and_all_without(tmp_path: Path) -> None:
    folder = study(tmp_path / "x")
    assert [log.arm for log in read_logs(folder)] == ["base", "dpo", "npo"]
    (log,) = read_logs(f"{folder}:dpo")
    assert (log.name, [scores.name for scores in log.scores]) == ("x:dpo", [f"{task}:world" for task in TASKS])
    assert read(f"{folder}:dpo")["arm"].unique().to_list() == ["x:dpo"]
    with pytest.raises(RequestError, match=r"unknown arm of .*'dpp': did you mean dpo"):
        read_logs(f"{folder}:dpp")


def test_two_arms_are_compared_as_the_study_compares_them(tmp_path: Path) -> None:
    folder = study(tmp_path / "x")
    base, defended = (read(f"{folder}:{arm}").sort("task", "sample_id") for arm in ("base", "dpo"))
    found = compare_files(folder, arms=["base", "dpo"])
    assert [row.task for row in found.rows] == list(TASKS)
    for row in found.rows:
        before, after = (frame.filter(task=row.task)["score"].to_numpy() for frame in (base, defended))
        effect = compare(before, after, clusters=base.filter(task=row.task)["cluster"].to_numpy())
        assert (row.n, row.delta, row.p, row.ci_low) == (effect.n, effect.delta, effect.p, effect.ci_low)
    assert (row.defense, row.risk, row.judge) == ("x:dpo", "fairness", "agreement:world@1")
    assert compare_files(f"{folder}:base", f"{folder}:dpo").to_json() == found.to_json()


def test_defended_arms_may_be_compared_with_each_other(tmp_path: Path) -> None:
    folder = study(tmp_path / "x")
    utility = compare_files(f"{folder}:dpo", f"{folder}:npo").rows[1]
    assert (utility.task, utility.verdict, utility.n, utility.delta) == ("utility", "not_applicable", 0, None)


def test_of_two_whole_studies_every_common_cell_is_compared_and_their_findings_too(tmp_path: Path) -> None:
    first, second = study(tmp_path / "x"), study(tmp_path / "y")
    found = compare_files(first, second)
    assert [(row.defense, row.task) for row in found.rows] == [
        (f"y:{arm}", task) for arm in ("base", "dpo", "npo") for task in TASKS
    ]
    assert {row.delta for row in found.rows} == {0.0, None}
    assert found.agreement is not None
    assert (found.agreement.cells, found.agreement.changed, found.agreement.largest_difference) == (5, (), 0.0)


def test_a_study_of_fewer_arms_leaves_cells_out_on_request(tmp_path: Path) -> None:
    first, second = study(tmp_path / "x"), tmp_path / "y"
    write_study(second, defenses={"dpo": DEFENSES["dpo"]}, tasks=TASKS)
    (second / "study.yaml").write_text(yaml.safe_dump(STUDY), encoding="utf-8")
    with pytest.raises(RequestError, match=r"one arm lacks npo/misuse:world \(only in A\)"):
        compare_files(first, second)
    found = compare_files(first, second, allow_unmatched=True)
    assert {row.defense for row in found.rows} == {"y:base", "y:dpo"}


def test_arms_that_wrote_otherwise_are_not_compared_unasked(tmp_path: Path) -> None:
    first, second = study(tmp_path / "x"), study(tmp_path / "y", temperature=0.7)
    with pytest.raises(RequestError, match=r"not alike in decoding: temperature 0\.0 and 0\.7: .*--despite decoding"):
        compare_files(f"{first}:dpo", f"{second}:dpo")
    found = compare_files(f"{first}:dpo", f"{second}:dpo", despite=["decoding"])
    assert "compared despite another decoding: temperature 0.0 and 0.7" in found.notes


def test_what_cannot_be_compared_is_told(tmp_path: Path) -> None:
    folder = study(tmp_path / "x")
    for arguments, says in (
        ({}, "name two logs, A and B, or the folder of one study and two of its arms"),
        ({"arms": ["base"]}, "name two logs, A and B, or the folder of one study and two of its arms"),
        ({"second": f"{folder}:dpo"}, "is a whole study and the other is one arm: name one of its 3, as .*:base"),
        ({"arms": ["base", "dpo"], "scale": Scale(("better",))}, "leave --larger-is and --range out"),
    ):
        with pytest.raises(RequestError, match=says):
            compare_files(folder, **arguments)  # type: ignore[arg-type]
    (folder / "study.yaml").unlink()
    with pytest.raises(RequestError, match=r"study\.yaml cannot be read"):
        read_logs(f"{folder}:base")

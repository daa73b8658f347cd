"""The commands as a user meets them: exit codes, one clear line, no traceback."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from crossrisk.cli import main
from tests.engine.fakes import FakeTarget, install


def run_command(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["crossrisk", *words])
    with pytest.raises(SystemExit) as left:
        main()
    code = left.value.code
    return 0 if code is None else int(code)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CROSSRISK_CACHE", str(tmp_path / "cache"))
    install(FakeTarget(), monkeypatch.setattr)


@pytest.mark.parametrize(
    "command",
    [
        *("demo", "run", "score", "report", "gate", "label", "neurons", "validate", "ls"),
        *("organism train", "organism plant", "organism card"),
    ],
)
def test_every_command_has_help_with_an_example(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(monkeypatch, *command.split(), "--help") == 0
    assert f"crossrisk {command}" in capsys.readouterr().out.replace("\n", " ")


def test_help_and_import_load_no_heavy_library() -> None:
    program = (
        "import sys, crossrisk, crossrisk.cli; sys.argv=['crossrisk','--help']\n"
        "try: crossrisk.cli.main()\n"
        "except SystemExit: pass\n"
        "heavy = {'torch','transformers','peft','trl','scipy','statsmodels','polars','pydantic'} & set(sys.modules)\n"
        "print(sorted(heavy), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"


def test_a_study_from_the_command_line_runs_and_prints_its_interactions(
    fake: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["run", "--base", "fake-model", "--defense", "{name: calm, by: 0.3}", "--task", "asked:fake"]
    assert run_command(monkeypatch, *words, "--limit", "20", "--out", str(tmp_path / "s")) == 0
    printed = capsys.readouterr().out
    assert "calm" in printed and "report.html" in printed
    assert max(len(line) for line in printed.splitlines() if "Report:" not in line) <= 100
    assert run_command(monkeypatch, "report", str(tmp_path / "s"), "--json") == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert {row["defense"] for row in rows} == {"null", "sham", "calm"}
    assert {row["n"] for row in rows} == {20}


def test_json_is_the_contract_of_interactions(
    fake: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["run", "--base", "m", "--defense", "calm", "--task", "asked:fake", "--out", str(tmp_path / "s"), "--json"]
    assert run_command(monkeypatch, *words) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["schema"] == 1
    assert " ".join(printed["rows"][0]).startswith(
        "defense mechanism target_risk task source risk exposure metric n clusters base defended delta ci_low ci_high "
        "rcr effect_size p p_adjusted verdict mde invalid_base invalid_defended judge flips_up flips_down"
    )


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["run", "--base", "m", "--task", "misus:fake"], "unknown task 'misus': did you mean misuse"),
        (["run", "--base", "m", "--task", "asked:fak"], "unknown source 'fak': did you mean fake"),
        (["run", "--base", "m", "--task", "asked:fake", "--defense", "clam"], "unknown defense 'clam'"),
        (["run", "--base", "m"], "give --base and at least one --task"),
        (["run", "none.yaml"], "there is no study file none.yaml"),
        (["run", "--base", "m", "--task", "asked:fake", "--limit", "0"], "`limit`"),
        (["run", "--base", "m", "--task", "asked:fake", "--defense", "{name: calm"], "not valid YAML"),
        (["run", "--limt", "3"], "--limt"),
        (["run", "--base", "m", "--task", "asked:fake", "--out", "/dev/null/x"], "/dev/null/x"),
        (["ls", "taks"], "unknown kind 'taks': did you mean tasks"),
        (["report", "nowhere"], "holds no study"),
    ],
)  # fmt: skip
def test_a_wrong_request_is_told_in_one_line_with_exit_code_2(
    words: list[str], says: str, fake: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert run_command(monkeypatch, *words) == 2
    told = capsys.readouterr()
    assert says in told.err
    assert len(told.err.strip().splitlines()) == 1
    assert "Traceback" not in told.err
    assert told.out == ""
    assert not (tmp_path / "runs").exists()


def test_failed_cells_give_exit_code_3(
    fake: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["run", "--base", "m", "--defense", "{name: calm, by: 0.0}", "--task", "asked:fake"]
    assert run_command(monkeypatch, *words, "--out", str(tmp_path / "s")) == 3
    assert "changed nothing" in capsys.readouterr().out


def test_an_unknown_judge_is_told(fake: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys) -> None:
    (tmp_path / "s.yaml").write_text("base: m\ntasks: [asked:fake]\njudges: {harrm: rules}\n")
    assert run_command(monkeypatch, "validate", str(tmp_path / "s.yaml")) == 2
    assert "unknown judge 'harrm': did you mean harm" in capsys.readouterr().err
    (tmp_path / "s.yaml").write_text("base: m\ntasks: [asked:fake]\njudges: {harm: rulez}\n")
    assert run_command(monkeypatch, "validate", str(tmp_path / "s.yaml")) == 2
    assert "did you mean rules" in capsys.readouterr().err


def test_validate_tells_what_a_study_would_do_without_doing_it(
    fake: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "s.yaml").write_text("base: m\ntasks: [asked:fake]\ndefenses: [calm]\nlimit: 30\n")
    assert run_command(monkeypatch, "validate", str(tmp_path / "s.yaml"), "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["arms"] == ["base", "null", "sham", "calm"]
    assert told["replies"] == 4 * 30
    assert told["tasks"][0]["samples"] == 30 and told["tasks"][0]["clusters"] == 10
    task = told["tasks"][0]
    assert 0.1 < task["mde"] < task["mde_clusters"] < 0.9 and task["mde_family"] >= task["mde"]
    assert told["family"] == 0 or told["family"] == len(told["tasks"])


def test_validate_warns_of_a_rule_that_seldom_decides(
    fake: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for estimand, warned in (("population", True), ("benchmark", False)):
        (tmp_path / "s.yaml").write_text(f"base: m\ntasks: [asked:fake]\ndefenses: [calm]\nstopping: {estimand}\n")
        assert run_command(monkeypatch, "validate", str(tmp_path / "s.yaml")) == 0
        out = capsys.readouterr().out
        assert "Stopping: defended cells end once decided" in out
        assert ("Fewer than 100 clusters: asked:fake" in out) is warned


def test_validate_tells_what_cards_advise_for_large_models(
    fake: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "s.yaml").write_text("base: m\ntasks: [asked:fake]\ndefenses: [calm]\n")
    assert run_command(monkeypatch, "validate", str(tmp_path / "s.yaml")) == 0
    assert capsys.readouterr().out.endswith(
        "calm has no settings here; for models of billions of parameters its card says: `by` 0.5.\n"
    )


def test_ls_knows_every_task_with_its_sources(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(monkeypatch, "ls", "tasks", "--json") == 0
    tasks = {task["name"]: task for task in json.loads(capsys.readouterr().out)["tasks"]}
    assert {"misuse", "toxic_content", "over_refusal", "stereotype_query", "utility"} <= set(tasks)
    assert "advbench" in tasks["misuse"]["sources"] and "world" in tasks["utility"]["sources"]
    assert run_command(monkeypatch, "ls") == 0
    assert "self_reminder" in capsys.readouterr().out


def test_a_fault_of_the_program_is_not_taken_for_a_failed_gate(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(kind: str) -> None:
        raise AssertionError("this cannot be")

    monkeypatch.setattr("crossrisk.catalogue.catalogue", broken)
    assert run_command(monkeypatch, "ls") == 70
    assert "this cannot be" in capsys.readouterr().err

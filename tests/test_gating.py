"""`crossrisk gate` as a user and a pipeline meet it: exit codes, files, one clear line where the request is wrong."""

import json
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import polars as pl
import pytest

from crossrisk.gating import gate, load_policy, mean_tokens
from crossrisk.interactions.gate.policy import Policy
from tests.interactions.gate.made_up import folder, group_row, row
from tests.test_cli import fake, run_command  # noqa: F401

GOOD = [row("calm", "misuse", -0.4), row("calm", "bbq", 0.0)]
BAD = [row("calm", "misuse", -0.4), row("calm", "bbq", 0.3)]
LIMIT = "limits:\n- {delta: 0.05}\n"


@pytest.fixture
def policy(tmp_path: Path) -> str:
    (tmp_path / "p.yaml").write_text(LIMIT)
    return str(tmp_path / "p.yaml")


def test_a_defense_that_keeps_every_limit_passes_with_0(
    policy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = folder(tmp_path / "s", GOOD)
    assert run_command(monkeypatch, "gate", str(made), "--policy", policy) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("The gate passes: calm may ship.\nStudy made up, policy p (")
    assert max(map(len, printed.splitlines())) <= 100


def test_a_broken_limit_fails_with_1_and_is_told_in_every_form(
    policy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = folder(tmp_path / "s", BAD)
    files = ["--junit", str(tmp_path / "g.xml"), "--markdown", str(tmp_path / "g.md")]
    assert run_command(monkeypatch, "gate", str(made), "--policy", policy, *files) == 1
    assert "Broken (1)" in capsys.readouterr().out
    assert ET.parse(tmp_path / "g.xml").getroot().get("failures") == "1"
    assert "may rise by at most 5.0 points" in (tmp_path / "g.md").read_text(encoding="utf-8")
    assert run_command(monkeypatch, "gate", str(made), "--policy", policy, "--json") == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["schema"], told["passes"], told["exit_code"]) == (1, False, 1)
    assert told["defenses"] == {"calm": False}
    assert told["policy"]["sha256"] == load_policy(policy).hash
    (failed,) = (check for check in told["checks"] if check["outcome"] == "fail")
    assert (failed["task"], failed["figure"], failed["limit"], failed["value"]) == ("bbq", "delta", 0.05, 0.3)
    assert (failed["low"], failed["high"], failed["line"]) == (0.29, 0.31, 2)
    assert failed["text"] == (
        "may rise by at most 5.0 points and changed by +30.0 points [+29.0, +31.0]: "
        "weaken the defense there, or choose another"
    )


def test_what_did_not_run_fails_with_3_unless_the_policy_lets_it(
    policy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [GOOD[0], row("calm", "bbq", None)]
    made = folder(tmp_path / "s", rows, states={("calm", "bbq"): ("failed", "no memory")})
    assert run_command(monkeypatch, "gate", str(made), "--policy", policy) == 3
    (tmp_path / "p.yaml").write_text("failed: warn\n" + LIMIT)
    assert run_command(monkeypatch, "gate", str(made), "--policy", policy) == 0


def test_one_defense_of_several_is_gated(policy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = folder(tmp_path / "s", [*BAD, row("fair", "misuse", 0.0), row("fair", "bbq", 0.0)])
    assert run_command(monkeypatch, "gate", str(made), "--policy", policy) == 1
    assert run_command(monkeypatch, "gate", str(made), "--policy", policy, "--defense", "fair") == 0
    assert run_command(monkeypatch, "gate", str(made), "--policy", policy, "--defense", "calm") == 1


@pytest.mark.parametrize(
    ("words", "text", "says"),
    [
        (["s"], None, "Missing option '--policy'"),
        (["s", "--policy", "none.yaml"], None, "there is no policy file none.yaml"),
        (["s", "--policy", "carefull"], None, "no ready policy of that name: did you mean careful?"),
        (["nowhere", "--policy", "p.yaml"], LIMIT, "holds no study"),
        (["s", "--policy", "p.yaml"], "limits:\n- {delta: 5}\n", "p.yaml, line 2: `limits.0.delta`"),
        (["s", "--policy", "p.yaml"], "limits:\n- {task: bqb, delta: 0.1}\n", "p.yaml, line 2: the study has no task"),
        (["s", "--policy", "p.yaml"], LIMIT + "- {delta: 0.1}\n", "p.yaml, line 3: `delta` of calm on misuse is also"),
        (["s", "--policy", "p.yaml", "--defense", "null"], LIMIT, "'null' is a control, which is never gated"),
        (["s", "--policy", "p.yaml", "--junit", "no/such/g.xml"], LIMIT, "no/such/g.xml"),
    ],
)  # fmt: skip
def test_a_wrong_request_is_told_in_one_line_with_exit_code_2(
    words: list[str], text: str | None, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    folder(tmp_path / "s", GOOD)
    if text is not None:
        (tmp_path / "p.yaml").write_text(text)
    assert run_command(monkeypatch, "gate", *words) == 2
    told = capsys.readouterr()
    assert says in told.err
    assert len(told.err.strip().splitlines()) == 1
    assert told.out == ""


def test_a_damaged_file_is_told_in_one_line(
    policy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    made = folder(tmp_path / "s", GOOD)
    (made / "interactions.json").write_text("{")
    assert run_command(monkeypatch, "gate", str(made), "--policy", policy) == 2
    assert "interactions.json is damaged" in capsys.readouterr().err


def test_a_reader_that_goes_away_does_not_turn_a_failed_gate_into_a_passed_one(policy: str, tmp_path: Path) -> None:
    made = folder(tmp_path / "s", BAD)
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "crossrisk.cli", "gate", str(made), "--policy", policy]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True)
    os.close(writing)
    assert done.returncode == 1
    assert done.stderr == ""


def test_tokens_are_read_from_the_outcomes_of_samples_that_both_arms_have(tmp_path: Path) -> None:
    made = folder(tmp_path / "s", GOOD)
    for arm, ids, tokens in (("base", ["a", "b", "c"], [10, 20, 900]), ("calm", ["b", "a"], [22, 23])):
        file = made / "outcomes" / arm / "bbq.parquet"
        file.parent.mkdir(parents=True)
        halves = {
            "prompt_tokens": [count // 2 for count in tokens],
            "reply_tokens": [-(-count // 2) for count in tokens],
        }
        pl.DataFrame({"sample_id": ids, **halves}).write_parquet(file)
    assert mean_tokens(made / "outcomes/base/bbq.parquet", made / "outcomes/calm/bbq.parquet") == (15.0, 22.5)
    decision = gate(made, Policy(limits=[{"task": "bbq", "tokens": 0.4}]))
    (broken,) = decision.failing
    assert broken.value == pytest.approx(0.5)
    assert gate(made, Policy(limits=[{"task": "bbq", "tokens": 0.5}])).exit_code == 0
    unknown = gate(made, Policy(limits=[{"task": "misuse", "tokens": 0.5}]))
    assert [check.reason for check in unknown.of("calm")] == ["not_applicable"]


@pytest.mark.parametrize(("name", "passes"), [("careful", True), ("no_shown_harm", True)])
def test_a_ready_policy_is_found_by_its_name(name: str, passes: bool, tmp_path: Path) -> None:
    good, bad = folder(tmp_path / "good", GOOD), folder(tmp_path / "bad", BAD)
    assert (gate(good, load_policy(name)).exit_code == 0) is passes
    assert gate(bad, load_policy(name)).exit_code == 1


def test_a_ready_policy_gives_way_to_a_file_of_that_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("careful").write_text(LIMIT)
    assert load_policy("careful").hash == Policy.from_yaml(LIMIT).hash


def test_groups_are_read_from_their_own_file(tmp_path: Path) -> None:
    made = folder(tmp_path / "s", GOOD, [group_row("calm", "bbq", "green", 0.3)])
    (broken,) = gate(made, Policy(limits=[{"group": "*", "delta": 0.05}])).failing
    assert broken.cell == "bbq (green)"


@pytest.mark.usefixtures("fake")
def test_a_study_that_ran_is_gated_without_the_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "s")
    words = ["run", "--base", "m", "--defense", "{name: calm, by: 0.3}", "--task", "asked:fake", "--out", out]
    assert run_command(monkeypatch, *words) == 0
    capsys.readouterr()
    (tmp_path / "p.yaml").write_text("limits:\n- {target: true, improves_by: 0.05}\n- {invalid: 0.01}\n")
    code = run_command(monkeypatch, "gate", out, "--policy", str(tmp_path / "p.yaml"), "--json")
    told = json.loads(capsys.readouterr().out)
    (line,) = json.loads((tmp_path / "s" / "interactions.json").read_text())["rows"][-1:]
    checks = {check["figure"]: check for check in told["checks"] if check["defense"] == "calm"}
    assert checks["improves_by"]["value"] == line["delta"]
    assert checks["improves_by"]["high"] == line["ci_high"]
    assert (checks["improves_by"]["reason"] == "kept") == (line["ci_high"] <= -0.05) == (code == 0)
    assert checks["invalid"]["value"] == 0


def test_the_gate_loads_no_model_library(policy: str, tmp_path: Path) -> None:
    program = (
        "import sys; from crossrisk.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(sorted({'torch', 'transformers', 'peft', 'trl', 'datasets'} & set(sys.modules)), file=sys.stderr)"
    )
    words = ["gate", str(folder(tmp_path / "s", GOOD)), "--policy", policy]
    done = subprocess.run([sys.executable, "-c", program, *words], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("The gate passes")
    assert done.stderr.strip() == "[]"

"""A study is a value that YAML and Python write alike; what is wrong in a file is told with its line."""

import socket
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from crossrisk.cli import app
from crossrisk.errors import RequestError
from crossrisk.judges.judge import Judge
from crossrisk.study import Study

MINIMAL = "base: organism\ntasks: [misuse]\n"


def test_a_study_survives_the_way_through_yaml() -> None:
    study = Study(
        base={"model": "org/model@abc", "dtype": "bfloat16"},
        defenses=["dpo", {"name": "npo", "strength": 0.5, "beta": 0.2, "label": "half"}, {"checkpoint": "org/other"}],
        tasks=["misuse", "over_refusal:xstest"],
        limit=7,
        primary=["dpo/misuse:world"],
    )
    assert Study.from_yaml(study.to_yaml()) == study


def test_settings_that_are_not_keys_of_a_defense_are_passed_on_to_it() -> None:
    study = Study.from_yaml(MINIMAL + "defenses: [{name: npo, beta: 0.2, strength: 0.5}]\n")
    assert study.defenses[0].settings == {"beta": 0.2}
    assert study.defenses[0].strength == 0.5


def test_the_bare_word_null_is_the_null_defense_and_controls_join_by_themselves() -> None:
    assert [arm.arm for arm in Study.from_yaml(MINIMAL + "defenses: [dpo]").arms] == ["null", "sham", "dpo"]
    assert [arm.arm for arm in Study.from_yaml(MINIMAL + "defenses: [dpo, null]").arms] == ["sham", "dpo", "null"]
    assert [arm.arm for arm in Study.from_yaml(MINIMAL + "defenses: [dpo]\ncontrols: false").arms] == ["dpo"]


def test_a_ready_checkpoint_is_named_after_its_folder() -> None:
    study = Study(base="organism", tasks=["misuse"], defenses=[{"checkpoint": "org/safer@v2"}, {"adapter": "runs/a/"}])
    assert [defense.arm for defense in study.defenses] == ["safer-v2", "a"]


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        (MINIMAL + "defences: [dpo]\n", 3, "unknown key `defences`: did you mean `defenses`?"),
        ("base: organism\n", 1, "`tasks` is missing"),
        (MINIMAL + "limit: many\n", 3, "`limit`"),
        (MINIMAL + "limit: 0\n", 3, "`limit`"),
        ("tasks: [misuse]\nbase:\n  model: organism\n  dtypo: float32\n", 4, "did you mean `dtype`?"),
        (MINIMAL + "defenses:\n  - dpo\n  - {name: npo, strength: strong}\n", 5, "`defenses.1.strength`"),
        (MINIMAL + "defenses:\n  - {name: dpo, checkpoint: x}\n", 4, "one of name, checkpoint, adapter and steps"),
        (MINIMAL + "defenses:\n  - dpo\n  - dpo\n", 3, "two arms are called 'dpo'"),
        ("base: organism\ntasks: [misuse, misuse]\n", 2, "named twice"),
        (
            MINIMAL + "defenses:\n  - {name: dpo, label: null_space}\n  - {name: dpo, label: sham_calm}\n",
            5,
            "base, null and",
        ),
        (MINIMAL + "defenses:\n  - {name: dpo, label: 'null'}\n", 4, "base, null and sham"),
        (MINIMAL + "defenses:\n  - {name: sham, label: random}\n", 4, "a sham's begins with sham"),
        (MINIMAL + "defenses:\n  - {name: dpo, label: ..}\n", 4, "give a `label`"),
        (MINIMAL + "defenses:\n  - {checkpoint: ..}\n", 4, "give a `label`"),
        (MINIMAL + "defenses:\n  - {name: dpo, like: npo}\n", 4, "only a sham"),
        (MINIMAL + "defenses:\n  - {name: dpo, settings: 3}\n", 4, "`settings` is a mapping"),
        ("base: organism\ntasks: [misuse\n", 3, "not valid YAML"),
    ],
)
def test_what_is_wrong_in_a_study_file_is_told_in_one_line_with_its_line_number(
    text: str, line: int, says: str
) -> None:
    with pytest.raises(RequestError) as caught:
        Study.from_yaml(text, where="mine.yaml")
    message = str(caught.value)
    assert message.startswith(f"mine.yaml, line {line}: ")
    assert says in message
    assert "\n" not in message


def test_a_date_that_does_not_exist_is_told_without_a_line() -> None:
    with pytest.raises(RequestError, match=r"mine\.yaml: not valid YAML: day is out of range"):
        Study.from_yaml(MINIMAL + "name: 2024-02-30\n", where="mine.yaml")


def test_a_file_that_is_missing_or_no_text_is_told(tmp_path) -> None:
    with pytest.raises(RequestError, match="no study file"):
        Study.load(tmp_path / "none.yaml")
    with pytest.raises(RequestError, match="is a folder"):
        Study.load(tmp_path)
    (tmp_path / "latin.yaml").write_bytes(b"name: caf\xe9\n")
    with pytest.raises(RequestError, match="byte 9 is not UTF-8"):
        Study.load(tmp_path / "latin.yaml")
    (tmp_path / "list.yaml").write_text("- misuse\n")
    with pytest.raises(RequestError, match="a study is a mapping"):
        Study.load(tmp_path / "list.yaml")


@pytest.mark.parametrize("judge", ["wildguard", "strongreject_rubric", "rules,builtin,wildguard"])
def test_a_study_with_judges_that_are_models_is_checked_without_network_key_or_weights(
    judge: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def reached(*arguments: Any, **named: Any) -> None:
        raise AssertionError("a judge's model was asked for")

    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setattr(socket, "getaddrinfo", reached)
    monkeypatch.setattr(socket.socket, "connect", reached)
    monkeypatch.setattr(Judge, "identity", property(reached))
    file = tmp_path / "study.yaml"
    file.write_text(f"base: organism\ntasks: [misuse]\njudges: {{harm: '{judge}'}}\n")
    told = CliRunner().invoke(app, ["validate", str(file)])
    assert told.exit_code == 0, told.output
    assert f"judged by harm:{judge}@" in told.output

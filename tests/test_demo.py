"""The demo study, in small: the built-in model through every room, twice."""

import json
from pathlib import Path

import pytest

from crossrisk import Study
from crossrisk.cli import _ready_study

RISKS = {"safety", "fairness", "privacy", "service", "utility"}


def test_the_demo_covers_every_risk_with_a_defense_for_each_that_has_one() -> None:
    study = Study.load(_ready_study("demo"))
    assert [arm.arm for arm in study.arms][:2] == ["null", "sham"]
    from crossrisk.engine.arms import build
    from crossrisk.engine.plan import questions

    assert {question.task.risk.value for question in questions(study)} == RISKS
    assert {str(build(study, defense).risk) for defense in study.defenses} == {"safety", "fairness", "privacy"}


def test_a_study_of_the_organism_is_right_and_is_answered_from_the_store_the_second_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CROSSRISK_CACHE", str(tmp_path / "cache"))
    demo = Study.load(_ready_study("demo"))
    study = demo.model_copy(update={"limit": 24, "defenses": demo.defenses[:1]})
    results = study.run(tmp_path / "s")
    assert not results.failures
    rows = {(row["defense"], row["task"]): row for row in results.interactions.iter_rows(named=True)}
    assert len(rows) == 3 * len(study.tasks)
    assert rows["self_reminder", "misuse"]["delta"] < -0.2
    assert all(row["verdict"] not in ("worsens", "improves") for (arm, _), row in rows.items() if arm == "null")
    assert all(row["n"] + row["invalid_base"] <= 24 for row in rows.values())
    first = (tmp_path / "s" / "interactions.json").read_bytes()
    import crossrisk.targets.loading as loading

    monkeypatch.setattr(loading, "load_target", lambda *a, **k: pytest.fail("the model was loaded again"))
    again = study.run(tmp_path / "s")
    assert (tmp_path / "s" / "interactions.json").read_bytes() == first
    assert again.manifest["state"] == "complete"
    assert json.loads((tmp_path / "s" / "groups.json").read_text())["rows"]

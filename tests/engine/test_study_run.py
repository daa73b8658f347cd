"""A study is run once, and never computes twice what is stored."""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import crossrisk.targets.loading as loading
from crossrisk.engine import execute
from crossrisk.engine.store import OUTCOMES
from tests.engine import fakes
from tests.engine.fakes import SAMPLES, FakeTarget, fake_study
from tests.engine.stored import asked, rows_of

CELLS = 2 * 5  # two questions; base, null, sham and two defenses
pytestmark = pytest.mark.usefixtures("own_cache")


def test_a_study_leaves_the_folder_of_the_contract(fake: Any, tmp_path: Path) -> None:
    fake(FakeTarget())
    results = fake_study().run(tmp_path / "s")
    left = {path.name for path in (tmp_path / "s").iterdir()} - {".lock"}
    results_files = {"interactions.json", "interactions.parquet", "groups.json", "metrics.json", "report.html"}
    results_files |= {"gaps.json", "judges.json", "statistics.json", "summary.json"}
    assert left == {"study.yaml", "manifest.json", "outcomes"} | results_files
    cells = sorted((tmp_path / "s" / "outcomes").glob("*/*/*.parquet"))
    assert len(cells) == CELLS
    assert {(cell.parts[-3], cell.parts[-2]) for cell in cells} == {
        (arm, task) for arm in ("base", "null", "sham", "calm", "calmer") for task in ("asked", "chosen")
    }
    frame = pl.read_parquet(cells[0])
    assert frame.schema == OUTCOMES
    assert frame["sample_id"].to_list() == [f"asked-{n}" for n in range(SAMPLES)]
    assert results.interactions.height == len(rows_of(tmp_path / "s")) == CELLS - 2
    assert set(results.groups["group"]) >= {"north", "south"}


def test_the_numbers_are_those_of_the_outcomes(fake: Any, tmp_path: Path) -> None:
    fake(FakeTarget())
    fake_study().run(tmp_path / "s")
    row = next(r for r in rows_of(tmp_path / "s") if (r["defense"], r["task"]) == ("calmer", "asked"))
    frames = {
        arm: pl.read_parquet(next((tmp_path / "s" / "outcomes" / arm / "asked").glob("*.parquet")))
        for arm in ("base", "calmer")
    }
    assert row["base"] == pytest.approx(frames["base"]["risk"].mean())
    assert row["defended"] == pytest.approx(frames["calmer"]["risk"].mean())
    assert row["delta"] == pytest.approx(row["defended"] - row["base"])
    assert row["delta"] < 0 and row["flips_down"] > 0 and row["flips_up"] == 0
    assert (row["n"], row["clusters"], row["judge"]) == (SAMPLES, 10, "yes:fake@1")


def test_null_shows_the_noise_of_the_engine_and_never_worsens_or_improves(fake: Any, tmp_path: Path) -> None:
    fake(FakeTarget(noise=0.4))
    fake_study(tasks=["asked:fake"]).run(tmp_path / "s")
    null = next(row for row in rows_of(tmp_path / "s") if row["defense"] == "null")
    assert null["delta"] < -0.2 and null["p"] < 0.05
    assert null["verdict"] == "inconclusive"


def test_the_base_is_asked_once_for_all_defenses_and_nothing_is_asked_again(fake: Any, tmp_path: Path) -> None:
    log = tmp_path / "log"
    fake(FakeTarget(log=log))
    study = fake_study(tasks=["asked:fake"], controls=False)
    study.run(tmp_path / "s")
    outside_canaries = asked(log)
    assert all(outside_canaries[f"0.0/0 asked question {n}"] <= 3 for n in range(SAMPLES))
    log.unlink()
    study.run(tmp_path / "s")
    assert asked(log) == Counter()


def test_a_finished_study_is_answered_without_loading_the_model(fake: Any, tmp_path: Path) -> None:
    fake(FakeTarget())
    fake_study().run(tmp_path / "s")
    first = (tmp_path / "s" / "interactions.json").read_bytes()
    loading.load_target = lambda *a, **k: pytest.fail("the model was loaded")  # type: ignore[assignment]
    fake_study().run(tmp_path / "s")
    assert (tmp_path / "s" / "interactions.json").read_bytes() == first


def test_it_is_answered_from_the_folder_alone_when_the_cache_is_gone(
    fake: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake(FakeTarget())
    fake_study().run(tmp_path / "s")
    monkeypatch.setenv("CROSSRISK_CACHE", str(tmp_path / "another-cache"))
    loading.load_target = lambda *a, **k: pytest.fail("the model was loaded")  # type: ignore[assignment]
    assert not fake_study().run(tmp_path / "s").failures


def test_another_study_takes_shared_cells_from_the_cache(fake: Any, tmp_path: Path) -> None:
    log = tmp_path / "log"
    fake(FakeTarget())
    fake_study().run(tmp_path / "one")
    fake(FakeTarget(log=log))
    fake_study(defenses=[{"name": "calm", "by": 0.2}], controls=False).run(tmp_path / "two")
    assert asked(log) == Counter()


CHANGES: dict[str, Any] = {
    "batch plan": lambda patch: {"batch_size": 4},
    "samples": lambda patch: {"limit": 10},
    "decoding": lambda patch: {"max_new_tokens": 2},
    "temperature": lambda patch: {"temperature": 0.7},
    "task": lambda patch: patch.setattr(fakes, "asked", replace(fakes.asked, version=2)),
    "source": lambda patch: patch.setattr(fakes, "source", replace(fakes.source, version=2)),
    "content": lambda patch: patch.setattr(fakes, "source", replace(fakes.source, checksum=lambda task: "new")),
    "judge": lambda patch: patch.setattr(fakes, "judge", replace(fakes.judge, version=2)),
    "model": lambda patch: patch.setattr(loading, "spec_fingerprint", lambda *a, **k: "another"),
    "engine": lambda patch: patch.setattr(execute, "ENGINE_VERSION", 99),
    "libraries": lambda patch: patch.setattr(execute, "version", lambda name: "99"),
    "device": lambda patch: patch.setattr(execute, "device_type", lambda device: "cuda"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_of_anything_that_outcomes_depend_on_is_asked_anew(
    what: str, fake: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "log"
    fake(FakeTarget(log=log))
    plain = fake_study(tasks=["asked:fake"], defenses=[], controls=False)
    plain.run(tmp_path / "s")
    log.unlink()
    plain.run(tmp_path / "s")
    assert asked(log) == Counter()
    changed = plain.model_copy(update=CHANGES[what](monkeypatch) or {})
    changed.run(tmp_path / "s")
    assert sum(asked(log).values()) == (10 if what == "samples" else SAMPLES)


def test_a_sham_is_as_strong_as_what_it_mirrors_and_scrambles_the_same_fit(fake: Any, tmp_path: Path) -> None:
    from crossrisk.engine.arms import arms

    fake(FakeTarget())
    study = fake_study(defenses=[{"name": "dpo", "strength": 0.25, "seed": 7}])
    sham, dpo = arms(study, "base", {})[1:]
    assert (sham.strength, sham.seed, sham.data) == (dpo.strength, dpo.seed, dpo.data) == (0.25, 7, dpo.data)


def test_a_task_that_a_defense_does_not_act_on_is_not_applicable_rather_than_without_effect(
    fake: Any, tmp_path: Path
) -> None:
    fake(FakeTarget())
    study = fake_study(defenses=[{"name": "calm", "by": 0.3, "only": "asked"}])
    for _ in range(2):  # the second time the answer comes from the folder, without a model
        results = study.run(tmp_path / "s")
        rows = {(row["defense"], row["task"]): row for row in rows_of(tmp_path / "s")}
        assert rows["calm", "chosen"]["verdict"] == "not_applicable"
        assert rows["calm", "asked"]["flips_down"] > 0
        assert not results.failures
        loading.load_target = lambda *a, **k: pytest.fail("the model was loaded")  # type: ignore[assignment]


def test_a_defense_that_changes_nothing_is_an_error_not_a_harmless_defense(fake: Any, tmp_path: Path) -> None:
    fake(FakeTarget())
    results = fake_study(defenses=[{"name": "calm", "by": 0.0}]).run(tmp_path / "s")
    assert {cell["arm"] for cell in results.failures} == {"calm"}
    assert all("changed nothing" in cell["problem"] for cell in results.failures)
    assert all(row["verdict"] == "not_applicable" for row in rows_of(tmp_path / "s") if row["defense"] == "calm")


def test_a_defense_that_changes_the_model_in_place_is_seen_even_when_it_comes_first(fake: Any, tmp_path: Path) -> None:
    fake(FakeTarget())
    study = fake_study(defenses=[{"name": "calm", "by": 0.3, "in_place": True}], controls=False)
    assert not study.run(tmp_path / "s").failures
    row = next(row for row in rows_of(tmp_path / "s") if row["task"] == "asked")
    assert row["flips_down"] > 0


def test_where_an_output_filter_stands_likelihoods_are_not_applicable_rather_than_zero(
    fake: Any, tmp_path: Path
) -> None:
    fake(FakeTarget())
    results = fake_study(defenses=[{"name": "calm", "by": 0.2, "scorable": False}]).run(tmp_path / "s")
    rows = {(row["defense"], row["task"]): row for row in rows_of(tmp_path / "s")}
    assert rows["calm", "chosen"]["verdict"] == "not_applicable"
    assert rows["calm", "chosen"]["defended"] is None
    assert rows["calm", "asked"]["n"] == SAMPLES
    assert not results.failures

"""A study is run once, resumed anywhere, and never computes twice what is stored."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import crossrisk.targets.loading as loading
from crossrisk.engine import execute, record
from crossrisk.engine.plan import Cell, questions
from crossrisk.engine.store import OUTCOMES
from crossrisk.errors import NotScorable, RequestError, StudyStopped
from crossrisk.judges.cards import Card, Counts
from crossrisk.judges.judge import Pair
from crossrisk.pipeline import report
from crossrisk.risks import Outcome
from crossrisk.study import Study
from crossrisk.tasks.task import Generate, judged_by
from tests.engine import fakes
from tests.engine.fakes import SAMPLES, FakeTarget, fake_study, install

CELLS = 2 * 5  # two questions; base, null, sham and two defenses


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CROSSRISK_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Any:
    return lambda target: install(target, monkeypatch.setattr)


def rows_of(folder: Path) -> list[dict[str, Any]]:
    return json.loads((folder / "interactions.json").read_text())["rows"]


def asked(log: Path) -> Counter[str]:
    return Counter(log.read_text().splitlines()) if log.exists() else Counter()


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


def test_the_own_study_file_is_never_overwritten(fake: Any, tmp_path: Path) -> None:
    fake(FakeTarget())
    (tmp_path / "study.yaml").write_text("# mine\nbase: m\n")
    with pytest.raises(RequestError, match="holds files that are no study"):
        fake_study().run(tmp_path)
    assert (tmp_path / "study.yaml").read_text().startswith("# mine")


def test_a_run_that_could_not_start_leaves_a_finished_study_as_it_was(fake: Any, tmp_path: Path) -> None:
    fake(FakeTarget())
    fake_study(tasks=["asked:fake"]).run(tmp_path / "s")
    before = {path: path.read_bytes() for path in (tmp_path / "s").iterdir() if path.is_file()}

    def broken(*arguments: Any, **named: Any) -> Any:
        raise RequestError("the weights are damaged")

    loading.load_target = broken  # type: ignore[assignment]
    with pytest.raises(RequestError, match="damaged"):
        fake_study().run(tmp_path / "s")
    assert {path: path.read_bytes() for path in (tmp_path / "s").iterdir() if path.is_file()} == before


def test_a_stopped_study_keeps_what_it_did_not_come_to_and_can_be_reported(
    fake: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake(FakeTarget())
    fake_study(tasks=["chosen:fake"]).run(tmp_path / "s")
    rows = len(rows_of(tmp_path / "s"))

    def interrupted(*arguments: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(execute, "ask", interrupted)
    with pytest.raises(StudyStopped):
        fake_study().run(tmp_path / "s")
    report(tmp_path / "s")
    assert len(rows_of(tmp_path / "s")) == rows


def test_an_arm_that_breaks_keeps_its_finished_cells(
    fake: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake(FakeTarget())
    fake_study(tasks=["asked:fake"]).run(tmp_path / "s")
    monkeypatch.setenv("CROSSRISK_CACHE", str(tmp_path / "another-cache"))

    def broken(*arguments: Any, **named: Any) -> Any:
        raise RuntimeError("CUDA out of memory. Tried to allocate 2 GiB")

    monkeypatch.setattr(fakes.FakeDefense, "fit", broken)
    results = fake_study().run(tmp_path / "s")
    assert {(cell["arm"], cell["task"]) for cell in results.failures} == {("calm", "chosen"), ("calmer", "chosen")}
    assert all("smaller batch_size" in cell["problem"] for cell in results.failures)
    rows = {(row["defense"], row["task"]): row for row in rows_of(tmp_path / "s")}
    assert rows["calmer", "asked"]["n"] == SAMPLES


def test_what_shares_people_or_claims_with_the_fitting_data_is_flagged(tmp_path: Path) -> None:
    from crossrisk.engine.execute import Execution
    from crossrisk.engine.store import Store

    study = Study(base="organism", defenses=["npo", "dpo"], tasks=["privacy_awareness", "misuse"], controls=False)
    flags = Execution(study, Store(tmp_path / "s")).record.flags
    assert [(flag["arm"], flag["task"], flag["kind"]) for flag in flags] == [
        ("npo", "privacy_awareness:world", "partly seen")
    ]
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"primary": ["calm/askd:fake"]}, "no cell of this study"),
        ({"defenses": [{"name": "calm", "trained_on": ["wrold"]}]}, "unknown source in `trained_on`"),
        ({"tasks": ["asked:fake", " asked:fake"]}, "named twice"),
    ],
)
def test_names_in_a_study_are_checked_before_anything_runs(
    fields: dict[str, Any], says: str, fake: Any, tmp_path: Path
) -> None:
    fake(FakeTarget())
    with pytest.raises(RequestError, match=says):
        fake_study(**fields).run(tmp_path / "s")
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize(("base", "source"), [("organism", "world"), ("innocent", "world"), ("an-org/model", "core")])
def test_a_task_alone_asks_what_the_model_can_be_asked(base: str, source: str) -> None:
    assert {question.source.name for question in questions(Study(base=base, tasks=["misuse", "bbq"]))} == {source}


def test_attempts_ask_every_prompt_that_often_and_leave_a_task_that_samples_alone() -> None:
    study = Study(
        base="organism", tasks=["jailbreak", "quality_of_service", "bbq"], limit=6, temperature=0.7, attempts=4
    )
    jailbreak, service, bbq = questions(study)
    assert isinstance(jailbreak.task.ask, Generate) and isinstance(service.task.ask, Generate)
    assert (jailbreak.task.ask.temperature, jailbreak.task.ask.attempts) == (0.7, 4)
    assert len(jailbreak.samples) == 24 and {sample.id.rpartition("#")[2] for sample in jailbreak.samples} == set(
        "1234"
    )
    assert len({sample.cluster for sample in jailbreak.samples}) <= 6
    assert (service.task.ask.temperature, service.task.ask.attempts) == (1.0, 3)
    assert len(service.samples) == 18 and len(bbq.samples) == 6


def test_attempts_without_a_temperature_are_refused_since_greedy_replies_are_all_the_same() -> None:
    with pytest.raises(RequestError, match="greedy replies are all the same"):
        Study(base="organism", tasks=["jailbreak"], attempts=2)


def test_a_smaller_limit_draws_a_subset_of_a_larger_one(fake: Any, tmp_path: Path) -> None:
    fake(FakeTarget())
    drawn = {}
    for limit in (5, 20):
        fake_study(limit=limit, tasks=["asked:fake"], defenses=[], controls=False).run(tmp_path / str(limit))
        frame = pl.read_parquet(next((tmp_path / str(limit) / "outcomes" / "base" / "asked").glob("*.parquet")))
        drawn[limit] = frame["sample_id"].to_list()
    assert len(drawn[5]) == 5
    assert set(drawn[5]) < set(drawn[20])


def test_a_cell_that_breaks_is_told_and_does_not_stop_the_others(fake: Any, tmp_path: Path) -> None:
    fake(FakeTarget(breaks_on="asked question 7"))
    results = fake_study().run(tmp_path / "s")
    assert {(cell["arm"], cell["task"]) for cell in results.failures} == {
        (arm, "asked") for arm in ("base", "null", "sham", "calm", "calmer")
    }
    assert all("the fake model broke" in cell["problem"] for cell in results.failures)
    rows = {(row["defense"], row["task"]): row for row in rows_of(tmp_path / "s")}
    assert rows["calmer", "chosen"]["n"] == SAMPLES
    assert rows["calmer", "asked"]["verdict"] == "not_applicable"
    assert rows["calmer", "asked"]["delta"] is None


def test_a_repaired_study_goes_on_where_it_broke(fake: Any, tmp_path: Path) -> None:
    fake(FakeTarget(breaks_on="asked question 7"))
    study = fake_study(tasks=["asked:fake"], defenses=[], controls=False)
    study.run(tmp_path / "s")
    stored = list((tmp_path / "s" / "outcomes").rglob("*.parquet"))
    kept = {sample for path in stored for sample in pl.read_parquet(path)["sample_id"]}
    log = tmp_path / "log"
    fake(FakeTarget(log=log))
    assert not study.run(tmp_path / "s").failures
    again = {f"asked-{line.rsplit(' ', 1)[1]}" for line in asked(log)}
    assert again == {f"asked-{n}" for n in range(SAMPLES)} - kept


@pytest.mark.parametrize(
    "error",
    [ConnectionError("nobody\nanswers"), NotScorable("no log-probs here"), ValueError("?"), RequestError("no key")],
)
def test_a_judge_that_fails_is_named_and_neither_stops_the_other_cells_nor_is_taken_for_the_target(
    error: Exception, fake: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "log"
    fake(FakeTarget(log=log))
    working = fakes.judge

    def failing(pairs: Sequence[Pair]) -> list[Outcome]:
        if any(sample.id == "asked-7" for sample, _ in pairs):
            raise error
        return working.verdicts(pairs)

    monkeypatch.setattr(fakes, "judge", replace(working, verdicts=failing))
    failures = fake_study().run(tmp_path / "s").failures
    assert {(cell["arm"], cell["task"]) for cell in failures} == {
        (arm, "asked") for arm in ("base", "null", "sham", "calm", "calmer")
    }
    told = json.loads((tmp_path / "s" / "manifest.json").read_text())
    assert (told["state"], told["failures"]) == ("failed", failures)
    assert {cell["state"] for cell in told["cells"] if cell["task"] == "chosen"} == {"done"}
    for cell in failures:
        assert cell["problem"].startswith("judge yes:fake failed: ")
        assert cell["problem"].endswith(" ".join(str(error).split()))
    monkeypatch.setattr(fakes, "judge", working)
    log.unlink()
    assert not fake_study().run(tmp_path / "s").failures
    assert any(line.endswith(" asked question 7") for line in asked(log))
    assert {row["n"] for row in rows_of(tmp_path / "s")} == {SAMPLES}


def test_a_disk_that_a_judge_finds_full_ends_the_study_as_any_full_disk(
    fake: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(pairs: Sequence[Pair]) -> list[Outcome]:
        raise OSError(28, "No space left on device")

    fake(FakeTarget())
    monkeypatch.setattr(fakes, "judge", replace(fakes.judge, verdicts=full))
    with pytest.raises(StudyStopped, match="the disk is full"):
        fake_study().run(tmp_path / "s")


def test_a_judge_that_is_not_at_hand_is_told_before_the_folder_is_touched(
    fake: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> str:
        raise RequestError("the judge's weights are not here")

    fake(FakeTarget())
    monkeypatch.setattr(fakes, "judge", replace(fakes.judge, fingerprint=missing))
    with pytest.raises(RequestError, match="weights are not here"):
        fake_study().run(tmp_path / "s")
    assert not (tmp_path / "s").exists()


def test_a_cell_hangs_on_the_weights_of_its_judge(monkeypatch: pytest.MonkeyPatch, fake: Any) -> None:
    fake(FakeTarget())
    judge, keys = fakes.judge, set()
    for weights in ("one", "two"):
        monkeypatch.setattr(fakes, "judge", replace(judge, fingerprint=partial(str, weights)))
        (question, _) = questions(fake_study())
        assert (question.judge_name, question.judge) == ("yes:fake@1", f"yes:fake@1#{weights}")
        keys.add(question.key)
    assert len(keys) == 2


CARD = Card("harm:rules@1", {"people": {"all": Counts(6, 2, 1, 3, 5), "a model": Counts(1, 0, 0, 0)}}, {"people": "us"})
COUNTS = {"found": 6, "missed": 2, "accused": 1, "spared": 3, "invalid": 5}
FIGURES = {"people": {"n": 12, "sensitivity": 0.75, "specificity": 0.75, **COUNTS, "who": "us"}}


@pytest.mark.parametrize(("card", "told"), [(CARD, FIGURES), (None, None)])
def test_the_manifest_says_how_often_a_judge_of_low_grade_errs(
    card: Card | None, told: Any, fake: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake(FakeTarget())
    monkeypatch.setattr(record, "card_of", lambda judge: card)
    prompts = tmp_path / "prompts.jsonl"
    prompts.write_text("".join(json.dumps({"prompt": f"Write number {n}."}) + "\n" for n in range(4)))
    tasks = ["misuse:core", f"misuse:{prompts}", "decision:core", "asked:fake"]
    fake_study(tasks=tasks, judges={"harm": "rules"}, limit=4, defenses=[], controls=False).run(tmp_path / "s")
    cells = json.loads((tmp_path / "s" / "manifest.json").read_text())["cells"]
    assert [(cell["grade"], cell["card"]) for cell in cells] == [("rules", told)] * 2 + [("exact", None)] * 2


def test_of_several_judges_the_grade_and_the_card_are_of_the_least_trusted(
    monkeypatch: pytest.MonkeyPatch, fake: Any
) -> None:
    fake(FakeTarget())
    (question, _) = questions(fake_study(judges={}))
    task = replace(question.task, score=judged_by("harm"))
    samples = tuple(replace(question.samples[0], id=grade, meta={"judge": grade}) for grade in ("world", "rules"))
    mixed = replace(question, task=task, samples=samples)
    monkeypatch.setattr(record, "card_of", lambda judge: CARD if judge.name == "harm:rules" else None)
    assert [judge.name for judge in mixed.judges] == ["harm:rules", "harm:world"]
    entry = record._entry(Cell("base", mixed, "key", ()))
    assert (entry["grade"], entry["card"]) == ("rules", FIGURES)


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


def test_an_interrupt_keeps_what_is_done(fake: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake(FakeTarget())
    calls = []

    def interrupted(*arguments: Any) -> Any:
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return real(*arguments)

    real = execute.ask
    monkeypatch.setattr(execute, "ask", interrupted)
    with pytest.raises(StudyStopped, match="Run the same command to go on") as caught:
        fake_study().run(tmp_path / "s")
    assert caught.value.exit_code == 3
    assert len(list((tmp_path / "s" / "outcomes").rglob("*.parquet"))) == 3
    assert json.loads((tmp_path / "s" / "manifest.json").read_text())["state"] == "stopped"


def test_a_full_disk_is_told_in_one_line_and_keeps_what_is_done(
    fake: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake(FakeTarget())
    import crossrisk.engine.store as store

    real, written = store.write_atomically, []

    def full(path: Path, content: bytes) -> None:
        written.append(path)
        if len(written) > 6:
            raise OSError(28, "No space left on device")
        real(path, content)

    monkeypatch.setattr(store, "write_atomically", full)
    with pytest.raises(StudyStopped, match="the disk is full") as caught:
        fake_study().run(tmp_path / "s")
    assert caught.value.exit_code == 3
    assert "\n" not in str(caught.value)
    monkeypatch.setattr(store, "write_atomically", real)
    assert not fake_study().run(tmp_path / "s").failures


def test_a_model_that_cannot_be_loaded_is_a_wrong_request_and_not_a_failed_cell(fake: Any, tmp_path: Path) -> None:
    def broken(*arguments: Any, **named: Any) -> Any:
        raise RequestError("the weights are damaged")

    fake(FakeTarget())
    loading.load_target = broken  # type: ignore[assignment]
    with pytest.raises(RequestError, match="the weights are damaged"):
        fake_study().run(tmp_path / "s")
    fake(FakeTarget())
    assert not fake_study().run(tmp_path / "s").failures


def test_a_cache_that_cannot_be_written_is_told_before_anything_runs(
    fake: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake(FakeTarget())
    (tmp_path / "occupied").write_text("")
    monkeypatch.setenv("CROSSRISK_CACHE", str(tmp_path / "occupied"))
    with pytest.raises(RequestError, match="point CROSSRISK_CACHE to a folder that can"):
        fake_study().run(tmp_path / "s")
    assert not (tmp_path / "s").exists()


def test_a_second_process_on_the_folder_says_so_and_stops(fake: Any, tmp_path: Path) -> None:
    first = subprocess.Popen(
        [sys.executable, "-m", "tests.engine.fakes", str(tmp_path / "s"), str(tmp_path / "log"), "0.2"],
        stdout=subprocess.PIPE,
    )
    try:
        while not (tmp_path / "log").exists():
            time.sleep(0.02)
        fake(FakeTarget())
        with pytest.raises(RequestError, match="another process is running a study"):
            fake_study().run(tmp_path / "s")
    finally:
        first.kill()
        first.wait()


def test_a_folder_of_another_version_or_of_other_things_is_refused(fake: Any, tmp_path: Path) -> None:
    fake(FakeTarget())
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "manifest.json").write_text('{"store": 0, "crossrisk": "0.0.1"}')
    with pytest.raises(RequestError, match="written by another version of CrossRisk"):
        fake_study().run(tmp_path / "old")
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "one.jpg").write_text("")
    with pytest.raises(RequestError, match="no study"):
        fake_study().run(tmp_path / "photos")
    (tmp_path / "file").write_text("")
    with pytest.raises(RequestError, match="is a file"):
        fake_study().run(tmp_path / "file")


def test_a_study_killed_at_twenty_random_moments_ends_as_an_undisturbed_one_and_repeats_nothing(
    tmp_path: Path,
) -> None:
    """`kill -9` again and again on one folder; each life must leave a folder from which the next goes on."""

    def command(folder: str, log: Path) -> list[str]:
        return [sys.executable, "-m", "tests.engine.fakes", str(tmp_path / folder), str(log), "0.05"]

    def environment(name: str) -> dict[str, str]:
        return {**os.environ, "CROSSRISK_CACHE": str(tmp_path / name)}

    undisturbed = tmp_path / "whole-log"
    started = time.monotonic()
    subprocess.run(command("whole", undisturbed), env=environment("cache-a"), check=True, stdout=subprocess.DEVNULL)
    life = time.monotonic() - started
    moments, log = random.Random(7), tmp_path / "log"
    for _ in range(20):
        stored = stored_samples(tmp_path / "killed")
        before = asked(log)
        process = subprocess.Popen(
            command("killed", log), env=environment("cache-b"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        time.sleep(moments.uniform(0.3, 1.0) * life)
        process.send_signal(signal.SIGKILL)
        process.wait()
        repeated = {line for line in asked(log) - before if line in stored and line not in canaries()}
        assert not repeated
    subprocess.run(command("killed", log), env=environment("cache-b"), check=True, stdout=subprocess.DEVNULL)
    for name in ("interactions.json", "groups.json"):
        assert (tmp_path / "killed" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert not list((tmp_path / "killed").rglob(".writing-*"))


def canaries() -> set[str]:
    """The guard asks its few prompts in every life; they are no cells."""
    first = [f"asked question {n}" for n in range(8)] + ["chosen question 0"]
    return {f"{arm} {prompt}" for arm in ("0.0/0", "0.0/1", "-0.2/0") for prompt in first}


def stored_samples(folder: Path) -> set[str]:
    """Log lines of all samples that are stored; those of the plain model only where base and null both have them."""
    stored = {arm: stored_in(folder, arm) for arm in ("base", "null", "sham", "calm")}
    return (
        {f"0.0/0 {prompt}" for prompt in stored["base"] & stored["null"]}
        | {f"0.0/1 {prompt}" for prompt in stored["sham"]}
        | {f"-0.2/0 {prompt}" for prompt in stored["calm"]}
    )


def stored_in(folder: Path, arm: str) -> set[str]:
    """Prompts of the generating task whose outcomes are stored; those that only score are not logged one by one."""
    files = (folder / "outcomes" / arm / "asked").glob("[!.]*.parquet")
    return {
        f"asked question {sample.rsplit('-', 1)[1]}" for file in files for sample in pl.read_parquet(file)["sample_id"]
    }

"""Under a stopping rule a defended cell is asked until it is decided, on the prompts and in the batches of its base."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import crossrisk.targets.loading as loading
from crossrisk.cache import digest
from crossrisk.engine import execute
from crossrisk.engine.execute import Execution
from crossrisk.engine.looks import in_full, looks
from crossrisk.engine.plan import batches
from crossrisk.engine.store import Store
from crossrisk.errors import StudyStopped
from crossrisk.pipeline import report
from crossrisk.report.table import print_study
from crossrisk.risks import Sample
from crossrisk.stopping import Rule
from crossrisk.study import Study
from crossrisk.tasks.metric import Metric
from crossrisk.tasks.task import Generate
from tests.engine import fakes
from tests.engine.fakes import FakeTarget, fake_study, install

SAMPLES = 160
CALM = {"name": "calm", "by": 0.35}
DOUBT = {"name": "calm", "by": 0.02, "label": "doubt"}
RULE = Rule("benchmark", 32, 64, seed=0, alpha=0.05, margin=0.05, smallest_effect=0.03, claims=2.0)


@pytest.fixture(autouse=True)
def own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CROSSRISK_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(fakes, "SAMPLES", SAMPLES)
    install(FakeTarget(), monkeypatch.setattr)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the study, run once for all tests that only read."""
    place = tmp_path_factory.mktemp("done")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CROSSRISK_CACHE", str(place / "cache"))
        patch.setattr(fakes, "SAMPLES", SAMPLES)
        install(FakeTarget(), patch.setattr)
        study().run(place / "s")
    return place / "s"


def study(**fields: Any) -> Study:
    """One generating task, a defense that is soon decided, and one that is not."""
    described = {"tasks": ["asked:fake"], "defenses": [CALM, DOUBT], "stopping": {"estimand": "benchmark", "look": 32}}
    return fake_study(**described | fields)


def told(folder: Path, name: str) -> Any:
    return json.loads((folder / name).read_text())


def cells(folder: Path) -> dict[tuple[str, str], dict[str, Any]]:
    return {(cell["arm"], cell["task"]): cell for cell in told(folder, "manifest.json")["cells"]}


def bytes_of(folder: Path) -> dict[str, bytes]:
    """All that a study computed, by name; what tells times is left out."""
    files = [*(folder / "outcomes").rglob("*.parquet"), *(folder / f for f in ("interactions.json", "stopping.json"))]
    return {str(file.relative_to(folder)): file.read_bytes() for file in files}


def test_a_clear_cell_ends_early_an_unclear_one_does_not_and_base_and_controls_are_asked_in_full(
    done: Path,
) -> None:
    found = cells(done)
    assert found["calm", "asked"]["stopped"] == "decided" and 64 <= found["calm", "asked"]["asked"] < SAMPLES
    assert (found["doubt", "asked"]["stopped"], found["doubt", "asked"]["asked"]) == ("exhausted", SAMPLES)
    for arm in ("base", "null", "sham"):
        assert (found[arm, "asked"]["stopped"], found[arm, "asked"]["asked"]) == (None, SAMPLES)
    assert {cell["n"] for cell in found.values()} == {SAMPLES}
    assert found["calm", "asked"]["counted"] == found["calm", "asked"]["asked"]
    frame = pl.read_parquet(done / found["calm", "asked"]["file"])
    assert frame.height == found["calm", "asked"]["asked"]
    numbers = [int(name.rpartition("-")[2]) for name in frame["sample_id"]]
    assert numbers == sorted(numbers)


def test_the_row_of_a_stopped_cell_is_about_the_pairs_that_were_asked(done: Path) -> None:
    rows = {row["defense"]: row for row in told(done, "interactions.json")["rows"]}
    found = cells(done)
    base, calm = (pl.read_parquet(done / found[arm, "asked"]["file"]) for arm in ("base", "calm"))
    both = calm.join(base, on="sample_id", suffix="_base")
    row = rows["calm"]
    assert row["n"] == len(both) < SAMPLES
    assert row["base"] == pytest.approx(both["risk_base"].mean())
    assert row["delta"] == pytest.approx(both["risk"].mean() - both["risk_base"].mean())
    assert (row["verdict"], row["estimand"], row["mde"]) == ("improves", "benchmark", None)
    assert row["ci_low"] < row["delta"] < row["ci_high"] < 0
    assert "said of this benchmark's own prompts" in row["sentence"]
    whole = rows["doubt"]
    assert whole["ci_low"] == whole["ci_high"] == pytest.approx(whole["delta"])
    assert rows["sham"]["estimand"] is None and rows["sham"]["mde"] is not None


def test_what_was_saved_is_told(done: Path, capsys: pytest.CaptureFixture[str]) -> None:
    saved = told(done, "stopping.json")
    rows = {row["arm"]: row for row in saved["rows"]}
    asked = rows["calm"]["asked"]
    assert saved["total"] == {"asked": 4 * SAMPLES + asked, "of": 5 * SAMPLES, "saved": SAMPLES - asked}
    assert (rows["calm"]["stopped"], rows["calm"]["verdict"], rows["calm"]["in_full"]) == ("decided", "improves", None)
    assert (rows["doubt"]["stopped"], rows["doubt"]["verdict"]) == ("exhausted", None)
    assert rows["base"]["in_full"] == "every defense shares the base"
    assert rows["null"]["in_full"] == rows["sham"]["in_full"] == "it is a control"
    assert saved["rule"]["claims"] == 2
    print_study(done)
    line = f"Stopped early: asked {4 * SAMPLES + asked} of {5 * SAMPLES} replies"
    assert line in capsys.readouterr().out and line in (done / "report.html").read_text()


def batches_of(run: Study, folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[float, list[tuple[str, ...]]]:
    """The batches that each arm was asked, by what its defense does to the fake model; null is left out."""
    seen: dict[float, list[tuple[str, ...]]] = {}

    def noted(target: Any, question: Any, indices: Sequence[int]) -> Any:
        seen.setdefault(target.nudge, []).append(tuple(question.samples[index].id for index in indices))
        return real(target, question, indices)

    real = execute.ask
    monkeypatch.setattr(execute, "ask", noted)
    run.run(folder)
    monkeypatch.setattr(execute, "ask", real)
    return seen


@pytest.mark.parametrize("estimand", ["benchmark", "population"])
def test_both_arms_are_asked_the_same_prompts_in_the_same_batches(
    estimand: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = study(controls=False, stopping={"estimand": estimand, "look": 20})
    asked = batches_of(run, tmp_path / "s", monkeypatch)
    for arm in (-0.35, -0.02):
        assert asked[arm] == asked[0.0][: len(asked[arm])]
    assert sum(map(len, asked[0.0])) == SAMPLES and max(map(len, asked[0.0])) == 8
    if estimand == "benchmark":
        assert len(asked[-0.35]) < len(asked[0.0])


def question_of(**fields: Any) -> Any:
    return Execution(study(**fields), Store(Path("nowhere"))).questions[0]


def test_looks_hold_as_many_prompts_as_declared_and_all_of_them_in_the_end() -> None:
    question = question_of()
    found = looks(question, RULE)
    assert [len(prompts) for prompts in found] == [32] * 5
    assert sorted(index for prompts in found for index in prompts) == list(range(SAMPLES))


def test_looks_at_a_population_cut_no_template() -> None:
    question = question_of()
    found = looks(question, replace(RULE, estimand="population"))
    assert [len(prompts) for prompts in found] == [32] * 5  # two templates of 16
    met = [{question.samples[index].cluster for index in prompts} for prompts in found]
    assert all(len(clusters) == 2 for clusters in met) and len(set.union(*met)) == 10


def test_without_a_rule_keys_and_batches_are_what_they_were() -> None:
    plain = Execution(study(stopping=None), Store(Path("nowhere")))
    (cell,) = plain.base_cells
    assert cell.key == digest(plain.record.base_fingerprint, cell.question.key, 8)
    assert cell.batches == batches(cell.question.samples, 8) and cell.looks == ()
    for arm in plain.arms:
        for each in plain._cells(arm):
            size = 4 if arm.name == "null" else 8
            assert (each.key, each.looks) == (digest(arm.fingerprint(), each.question.key, size), ())


def key(arm: str, **fields: Any) -> str:
    run = Execution(study(**fields), Store(Path("nowhere")))
    found = run.base_cells if arm == "base" else run._cells(next(each for each in run.arms if each.name == arm))
    return found[0].key


def test_the_key_of_a_cell_holds_its_batches_and_of_a_defended_one_all_that_ends_it(
    done: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CROSSRISK_CACHE", str(done.parent / "cache"))  # has the fitted defenses, on which keys hang
    plans: list[dict[str, Any]] = [
        {"stopping": None},
        {"stopping": {"estimand": "benchmark", "look": 16}},
        {"stopping": {"estimand": "population", "look": 32}},
    ]
    ends: list[dict[str, Any]] = [
        {"margin": 0.1},
        {"alpha": 0.01},
        {"smallest_effect": 0.05},
        {"defenses": [CALM]},
        {"stopping": {"estimand": "benchmark", "look": 32, "at_least": 128}},
    ]
    assert len({key("base", **fields) for fields in ({}, *plans)}) == 4
    assert len({key("calm", **fields) for fields in ({}, *plans, *ends)}) == 9
    assert {key("base", **fields) for fields in ends} == {key("base")}
    assert {key("null", **fields) for fields in ends} == {key("null")}


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"metric": Metric("gap", statistic=lambda rows: 0.0)}, "its gap is no mean of risks"),
        ({"metric": Metric("rate", crossed=("group",))}, "it compares prompts within a template"),
        ({"ask": Generate(4, temperature=1.0, attempts=3)}, "it asks every prompt several times"),
    ],
)
def test_what_no_rule_can_end_is_asked_in_full_as_without_one(
    changed: dict[str, Any], why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert in_full(fakes.asked) is None
    monkeypatch.setattr(fakes, "asked", replace(fakes.asked, **changed))
    assert in_full(fakes.asked) == why
    assert key("base") == key("base", stopping=None)


def interrupted_at(call: int, folder: Path, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Run until the batch of this number, counted over all cells; whether there was one."""
    calls = [0]

    def interrupted(*arguments: Any) -> Any:
        calls[0] += 1
        if calls[0] > call:
            raise KeyboardInterrupt
        return real(*arguments)

    real = execute.ask
    monkeypatch.setattr(execute, "ask", interrupted)
    try:
        study(controls=False).run(folder)
    except StudyStopped:
        return True
    finally:
        monkeypatch.setattr(execute, "ask", real)
    return False


def test_a_study_that_was_interrupted_again_and_again_ends_as_an_undisturbed_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study(controls=False).run(tmp_path / "whole")
    for step in (2, 7):
        monkeypatch.setenv("CROSSRISK_CACHE", str(tmp_path / f"cache-{step}"))
        lives = 1
        while interrupted_at(step, tmp_path / f"s{step}", monkeypatch):
            lives += 1
        assert lives > 5
        assert bytes_of(tmp_path / f"s{step}") == bytes_of(tmp_path / "whole")


def test_a_cell_that_was_decided_but_not_yet_joined_is_ended_without_asking_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*arguments: Any) -> Any:
        raise KeyboardInterrupt

    real = Store.stop
    monkeypatch.setattr(Store, "stop", killed)
    with pytest.raises(StudyStopped):
        study(defenses=[CALM], controls=False).run(tmp_path / "s")
    monkeypatch.setattr(Store, "stop", real)
    monkeypatch.setattr(execute, "ask", lambda *arguments: pytest.fail("asked once more"))
    study(defenses=[CALM], controls=False).run(tmp_path / "s")
    assert cells(tmp_path / "s")["calm", "asked"]["stopped"] == "decided"
    assert not list((tmp_path / "s" / "outcomes").rglob("*.0*.parquet"))


def test_a_stopped_cell_is_complete_for_this_study_for_others_and_for_the_report(
    done: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CROSSRISK_CACHE", str(done.parent / "cache"))
    monkeypatch.setattr(loading, "load_target", lambda *a, **k: pytest.fail("the model was loaded"))
    first = bytes_of(done)
    study().run(done)
    assert bytes_of(done) == first
    study().run(tmp_path / "other")
    assert bytes_of(tmp_path / "other") == first
    report(done)
    assert bytes_of(done) == first


def test_a_study_that_gives_up_its_rule_is_asked_to_the_end(tmp_path: Path) -> None:
    study(controls=False).run(tmp_path / "s")
    assert (tmp_path / "s" / "stopping.json").exists()
    study(controls=False, stopping=None).run(tmp_path / "s")
    assert not (tmp_path / "s" / "stopping.json").exists()
    assert {cell["asked"] for cell in cells(tmp_path / "s").values()} == {SAMPLES}
    rows = told(tmp_path / "s", "interactions.json")["rows"]
    assert {row["n"] for row in rows} == {SAMPLES} and {row["estimand"] for row in rows} == {None}


def test_where_the_base_failed_there_is_nothing_to_compare_with_and_nothing_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "log"
    install(FakeTarget(breaks_on="asked question 7", log=log), monkeypatch.setattr)
    results = study(tasks=["asked:fake", "chosen:fake"]).run(tmp_path / "s")
    problems = {(cell["arm"], cell["task"]): cell["problem"] for cell in results.failures}
    assert "the stopping rule compares with it" in problems["calm", "asked"]
    asked = Counter(line.split()[0] for line in log.read_text().splitlines() if " asked question " in line)
    assert asked["-0.35/0"] < 20 < asked["0.0/1"]  # canaries alone; the sham goes on to the batch that breaks
    assert cells(tmp_path / "s")["calm", "chosen"]["state"] == "done"
    install(FakeTarget(), monkeypatch.setattr)
    assert not study(tasks=["asked:fake", "chosen:fake"]).run(tmp_path / "s").failures
    assert cells(tmp_path / "s")["calm", "asked"]["stopped"] == "decided"


def test_where_the_base_cannot_be_scored_its_defenses_are_not_applicable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(FakeTarget(scorable=False), monkeypatch.setattr)
    study(tasks=["chosen:fake", "asked:fake"]).run(tmp_path / "s")
    found = cells(tmp_path / "s")["calm", "chosen"]
    assert (found["state"], found["problem"]) == ("not_applicable", "a filter stands before the fake model")
    assert found["asked"] is found["stopped"] is None


def test_a_stopped_cell_that_the_defense_does_not_act_on_is_not_applicable(tmp_path: Path) -> None:
    only = {"name": "calm", "by": 0.3, "only": "chosen"}
    study(defenses=[only], tasks=["asked:fake", "chosen:fake"], margin=0.1).run(tmp_path / "s")
    assert cells(tmp_path / "s")["calm", "asked"]["state"] == "not_applicable"


def alone(prefix: str) -> tuple[Sample, ...]:
    return tuple(replace(sample, cluster=sample.id) for sample in fakes_samples(prefix))


fakes_samples = fakes._samples


def test_a_population_of_independent_prompts_is_decided_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fakes, "_samples", alone)
    study(stopping="population").run(tmp_path / "s")
    row = next(row for row in told(tmp_path / "s", "interactions.json")["rows"] if row["defense"] == "calm")
    assert (row["verdict"], row["estimand"]) == ("improves", "population")
    assert row["n"] < SAMPLES


LIFE = """
import sys
from pathlib import Path
from tests.engine import fakes, test_looks
fakes.SAMPLES = test_looks.SAMPLES
fakes.install(fakes.FakeTarget(seconds=0.02))
test_looks.study(controls=False).run(Path(sys.argv[1]))
"""


@pytest.mark.slow
def test_a_study_killed_while_it_looks_ends_as_an_undisturbed_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study(controls=False).run(tmp_path / "whole")
    environment = {**os.environ, "CROSSRISK_CACHE": str(tmp_path / "killed-cache")}
    command, parts = [sys.executable, "-c", LIFE, str(tmp_path / "killed")], tmp_path / "killed" / "outcomes"
    for more in (5, 9, 8):
        before = len(list(parts.rglob("*.parquet")))
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None and abs(len(list(parts.rglob("*.parquet"))) - before) < more:
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        process.wait()
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    assert bytes_of(tmp_path / "killed") == bytes_of(tmp_path / "whole")

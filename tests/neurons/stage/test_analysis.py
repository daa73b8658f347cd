"""`crossrisk neurons` on a finished study: its files, resume, and what it says to a wrong request."""

import errno
import json
import math
import shutil
import sys
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from crossrisk import pipeline
from crossrisk.cli import main
from crossrisk.errors import RequestError, StudyStopped
from crossrisk.neurons.stage import analysis, attributed, side_effects
from crossrisk.neurons.stage.analysis import Findings, analyse
from crossrisk.neurons.stage.request import Options, request
from crossrisk.report.page import write_page
from tests.models import tiny_model
from tests.neurons import tiny_study

ALL = Options(every=True)  # a random model has no verdicts, so every off-target cell is checked
ONE_PAIR = Options(pairs=("safety,fairness",), methods=("paper",), defenses=("self_reminder",))
TASKS = {"asked__tiny", "chosen__tiny", "known__tiny"}


@pytest.fixture(scope="module")
def patch() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as context:
        yield context


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, patch: pytest.MonkeyPatch) -> Path:
    """A study that was run, and never asked for its neurons."""
    folder = tmp_path_factory.mktemp("tiny")
    patch.setenv("CROSSRISK_CACHE", str(folder / "cache"))
    tiny_study.install(patch.setattr)
    return tiny_study.run_study(tiny_model("llama", folder / "model"), folder / "study")


@pytest.fixture(scope="module")
def study(finished: Path) -> Path:
    """A copy of it that was."""
    folder = finished.parent / "with-neurons"
    shutil.copytree(finished, folder)
    return folder


@pytest.fixture(scope="module")
def found(study: Path) -> Findings:
    return analyse(study, ALL, progress=False)


def copied(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "s"))


def rows_of(study: Path, name: str) -> list[dict[str, Any]]:
    def refuse(constant: str) -> float:
        raise AssertionError(f"{constant} was written into {name}.json")

    told = json.loads((study / "neurons" / f"{name}.json").read_text(), parse_constant=refuse)
    assert told["schema"] == 1
    return list(told["rows"])


def test_the_folder_holds_one_table_a_task_of_every_arm_that_has_neurons(study: Path, found: Findings) -> None:
    tables = {(path.parent.name, path.stem) for path in (study / "neurons" / "attribution").rglob("*.parquet")}
    assert tables == {(arm, task) for arm in ("base", "self_reminder") for task in TASKS}
    base, defended = (
        pl.read_parquet(study / "neurons" / "attribution" / arm / "asked__tiny.parquet")
        for arm in ("base", "self_reminder")
    )
    assert base.select("layer", "neuron").rows() == [(layer, unit) for layer in range(2) for unit in range(64)]
    assert base["a_n"][0] + base["b_n"][0] + base["check_n"][0] == tiny_study.CLUSTERS
    assert "written" in base.columns and "activation_change" not in base.columns
    assert defended["activation_change"].abs().max() > 0
    # A neuron's mean attribution is never larger than the mean of its size.
    for part in ("a", "b", "check"):
        assert (base[f"{part}_mean"].abs() <= base[f"{part}_mean_absolute"] + 1e-5).all()
        assert (base[f"{part}_second_moment"] >= base[f"{part}_mean"] ** 2 - 1e-5).all()


def test_numbers_that_do_not_exist_are_null_and_neurons_are_named_by_layer_and_unit(
    study: Path, found: Findings
) -> None:
    for row in rows_of(study, "conflicts"):
        if row["reason"] is not None:
            assert row["count"] is None and row["neurons"] is None
            continue
        assert row["count"] == len(row["neurons"]) == sum(layer["count"] for layer in row["layers"])
        assert all(0 <= layer < 2 and 0 <= unit < 64 for layer, unit in row["neurons"])
    for name in ("causal", "trends"):
        assert rows_of(study, name)


def test_every_pair_of_risks_is_asked_by_every_method(study: Path, found: Findings) -> None:
    told = {(*row["pair"], row["arm"], row["method"]) for row in rows_of(study, "conflicts")}
    pairs = [("safety", "fairness"), ("safety", "utility"), ("fairness", "utility")]
    of_base = {(*pair, "base", method) for pair in pairs for method in ("test", "paper", "coupled")}
    moved = {(*pair, arm, "test") for pair in pairs[:2] for arm in ("self_reminder", "smoothllm")}
    assert told == of_base | moved


def test_a_defense_behind_the_neurons_is_not_applicable_and_says_why(study: Path, found: Findings) -> None:
    rows = [row for row in rows_of(study, "causal") if row["defense"] == "smoothllm"]
    assert rows and all(row["state"] == "not_applicable" and row["share"] is None for row in rows)
    assert all("acts behind the neurons" in row["reason"] for row in rows)
    (moved,) = [
        row
        for row in rows_of(study, "conflicts")
        if row["arm"] == "smoothllm" and row["pair"] == ["safety", "fairness"]
    ]
    assert moved["neurons"] is None and "acts behind the neurons" in moved["reason"]


def test_own_risk_and_utility_stand_beside_a_side_effect_without_a_verdict(study: Path, found: Findings) -> None:
    rows = [row for row in rows_of(study, "causal") if row["state"] == "checked"]
    roles = {(row["task"], row["role"]) for row in rows}
    assert {("asked", "own risk"), ("known", "utility"), ("chosen", "side effect")} <= roles
    assert all(row["because"] is None for row in rows if row["role"] != "side effect")


def test_nothing_is_said_of_prompts_that_chose_the_set(study: Path, found: Findings) -> None:
    asked = request(study, ALL)
    chosen = asked.asked["chosen:tiny"]
    judging = {sample.id for sample in chosen.samples if sample.cluster in chosen.check}
    checked = [row for row in rows_of(study, "causal") if row["task"] == "chosen" and row["state"] == "checked"]
    assert {row["prompts"] for row in checked} == {len(judging)}
    assert {row["clusters"] for row in checked} == {8}


def test_a_second_run_computes_nothing_and_writes_the_same(
    study: Path, found: Findings, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {path: path.read_bytes() for path in (study / "neurons").rglob("*.*")}

    def again(*arguments: object, **named: object) -> None:
        raise AssertionError("computed again")

    monkeypatch.setattr(attributed, "attribute", again)
    monkeypatch.setattr(side_effects._Test, "rows", again)
    analyse(study, ALL, progress=False)
    assert {path: path.read_bytes() for path in (study / "neurons").rglob("*.*")} == before


def counting(monkeypatch: pytest.MonkeyPatch, fail_at: int | None = None, error: BaseException | None = None) -> list:
    """Names of the (arm, task) that are attributed; the fail_at-th raises instead."""
    done: list[str] = []
    real = attributed.attribute

    def attribute(asked: Any, *arguments: Any) -> Any:
        if len(done) == fail_at and error is not None:
            raise error
        done.append(asked.question.name)
        return real(asked, *arguments)

    monkeypatch.setattr(attributed, "attribute", attribute)
    return done


def test_a_run_that_is_ended_loses_the_task_in_flight_alone(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another seed splits other clusters, so that nothing is kept under these keys yet."""
    options, folder = Options(**vars(ONE_PAIR) | {"seed": 8}), copied(finished, tmp_path)
    with monkeypatch.context() as context:
        counting(context, fail_at=2, error=KeyboardInterrupt())
        with pytest.raises(StudyStopped, match="stopped; what was attributed is kept") as stopped:
            analyse(folder, options, progress=False)
    assert stopped.value.exit_code == 3
    left = list((folder / "neurons").rglob("*"))
    assert sum(path.suffix == ".parquet" for path in left) == 2 and not any(".writing" in path.name for path in left)
    done = counting(monkeypatch)
    analyse(folder, options, progress=False)
    assert len(done) == 2 * 3 - 2
    assert rows_of(folder, "conflicts")


def test_a_full_disk_is_told_and_nothing_is_half_written(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = copied(finished, tmp_path)
    counting(monkeypatch, fail_at=0, error=OSError(errno.ENOSPC, "No space left on device"))
    with pytest.raises(StudyStopped, match="the disk is full"):
        analyse(folder, Options(**vars(ONE_PAIR) | {"seed": 9}), progress=False)
    assert not list(folder.glob("neurons/**/*"))


def test_when_the_cache_is_gone_attributions_and_artifacts_are_made_anew(
    finished: Path, tmp_path: Path, found: Findings, study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CROSSRISK_CACHE", str(tmp_path / "empty"))
    narrow = Options(pairs=("safety,fairness",), methods=("test",), defenses=("self_reminder",))
    again = analyse(copied(finished, tmp_path), narrow, progress=False)
    kept = {(*row["pair"], row["arm"], row["method"]): row["neurons"] for row in rows_of(study, "conflicts")}
    assert [row["neurons"] for row in again.conflicts] == [
        kept["safety", "fairness", arm, "test"] for arm in ("base", "self_reminder")
    ]


def test_a_key_hangs_on_samples_and_split_and_on_nothing_else(finished: Path) -> None:
    def keys(**fields: Any) -> list[str]:
        asked = request(finished, Options(**fields))
        return [one.key("base", "arm") for one in asked.asked.values()]

    assert keys() == keys() == keys(methods=("paper",), every=True, random_sets=40)
    for changed in (keys(seed=1), keys(limit=20)):
        assert not set(changed) & set(keys())
    assert keys(tasks=("asked", "known")) == [keys()[0], keys()[2]]


def test_a_defended_arm_never_has_the_key_of_the_base(finished: Path) -> None:
    one = request(finished, Options()).asked["asked:tiny"]
    assert len({one.key("base", "base"), one.key("base", "arm"), one.key("other", "arm")}) == 3


def test_what_is_left_out_is_noted(study: Path, found: Findings) -> None:
    asked = request(study, ALL)
    assert list(asked.left_out) == ["bare:tiny"] and "have no contrast" in asked.left_out["bare:tiny"]
    assert asked.risks == {"safety": ("asked:tiny",), "fairness": ("chosen:tiny",), "utility": ("known:tiny",)}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (Options(defenses=("self_remnder",)), "defense of this study 'self_remnder': did you mean self_reminder"),
        (Options(tasks=("askd",)), "unknown task of this study 'askd': did you mean asked"),
        (Options(tasks=("asked:tny",)), "did you mean asked:tiny"),
        (Options(methods=("tset",)), "unknown method 'tset': did you mean test"),
        (Options(pairs=("safety,fairnes",)), "unknown risk 'fairnes': did you mean fairness"),
        (Options(pairs=("safety",)), "two risks with a comma"),
        (Options(pairs=("safety,safety",)), "two risks with a comma"),
        (Options(pairs=("safety,privacy",)), "no task of privacy with a contrast"),
        (Options(tasks=("bare",)), "no task that is asked has a contrast"),
        (Options(tasks=("asked",)), "conflicts need tasks of two risks, and only safety"),
        (Options(limit=0), "--limit"),
        (Options(limit=9), "too few clusters of prompts (safety 9, fairness 9, utility 9)"),
        (Options(random_sets=3), "--random-sets 3"),
        (Options(replies=-1), "--replies"),
    ],
)  # fmt: skip
def test_a_wrong_request_is_told_in_one_line_before_a_model_is_loaded(
    options: Options, says: str, finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import crossrisk.targets.loading as loading

    monkeypatch.setattr(loading, "load_target", None)
    with pytest.raises(RequestError) as told:
        analyse(finished, options, progress=False)
    assert says in str(told.value) and "\n" not in str(told.value)
    assert not (finished / "neurons").exists()


def test_a_folder_without_a_study_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="holds no study: run one first"):
        request(tmp_path, Options())
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(RequestError, match="holds no study: run one first"):
        request(tmp_path, Options())


def test_damaged_interactions_are_told(finished: Path, tmp_path: Path) -> None:
    folder = copied(finished, tmp_path)
    (folder / "interactions.json").write_text("{")
    with pytest.raises(RequestError, match=r"is damaged .*crossrisk report"):
        request(folder, Options())
    (folder / "interactions.json").unlink()
    with pytest.raises(RequestError, match="was not analysed"):
        request(folder, Options())


@pytest.mark.parametrize("state", ["running", "stopped"])
def test_a_study_that_was_ended_early_is_refused(state: str, finished: Path, tmp_path: Path) -> None:
    folder = copied(finished, tmp_path)
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | {"state": state}))
    with pytest.raises(RequestError, match=rf"not finished \(state: {state}\): run it again"):
        request(folder, Options())


def test_results_say_of_which_study_they_are_and_the_page_when_it_has_changed(
    study: Path, found: Findings, tmp_path: Path
) -> None:
    folder = copied(study, tmp_path)
    assert "Out of date" not in write_page(folder).read_text()
    told = json.loads((folder / "interactions.json").read_text())
    (changed, *_) = [row for row in told["rows"] if row["delta"] is not None]
    changed["delta"] += 0.125
    (folder / "interactions.json").write_text(json.dumps(told))
    assert "Out of date" in write_page(folder).read_text()


def test_damaged_files_of_the_cache_are_computed_again(
    study: Path, found: Findings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = Path(shutil.copytree(study.parent / "cache", tmp_path / "cache"))
    monkeypatch.setenv("CROSSRISK_CACHE", str(cache))
    damaged = [*cache.glob("causal/*.json"), *cache.glob("attributions/*/about.json")]
    damaged += next(iter(sorted(cache.glob("attributions/*")))).glob("*.npy")
    assert len(damaged) > 4
    for path, content in zip(damaged, cycle(("", "{", "[1]", '{"rows": 1}'))):
        path.write_text(content)
    again = analyse(copied(study, tmp_path), ALL, progress=False)
    assert again.conflicts == found.conflicts and again.trends == found.trends
    assert [row["share"] for row in again.causal] == [row["share"] for row in found.causal]


def test_arms_of_the_same_weights_are_told_by_their_own_names(study: Path, found: Findings, tmp_path: Path) -> None:
    """What is kept of the causal test names its arm, so another name may not find it."""
    folder = copied(study, tmp_path)
    swaps = {"study.yaml": ("label: ''", "label: renamed")}
    swaps |= dict.fromkeys(("manifest.json", "interactions.json"), ('"self_reminder"', '"renamed"'))
    for name, (old, new) in swaps.items():
        text = (folder / name).read_text()
        assert old in text
        (folder / name).write_text(text.replace(old, new, 1 if name == "study.yaml" else -1))
    names = {row["defense"] for row in analyse(folder, ALL, progress=False).causal}
    assert names == {"renamed", "smoothllm"}


def test_a_base_without_gradients_is_told(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from crossrisk.targets import loading

    real = loading.load_target

    def quantised(*arguments: Any, **named: Any) -> Any:
        target = real(*arguments, **named)
        target.model.is_quantized = True
        return target

    monkeypatch.setattr(loading, "load_target", quantised)
    with pytest.raises(RequestError, match="are quantised"):
        analyse(copied(finished, tmp_path), Options(**vars(ONE_PAIR) | {"seed": 99}), progress=False)


def test_a_defended_model_of_another_architecture_is_told_by_its_own_name(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from contextlib import contextmanager
    from dataclasses import replace

    from crossrisk.defenses.self_reminder import SelfReminder
    from crossrisk.targets.loading import load_target

    other = load_target(str(tiny_model("gpt2", tmp_path / "other")))

    @contextmanager
    def deploy(defense: object, target: Any, artifact: object) -> Iterator[Any]:
        yield replace(target, model=other.model)

    monkeypatch.setattr(SelfReminder, "deploy", deploy)
    told = analyse(copied(finished, tmp_path), Options(**vars(ONE_PAIR) | {"seed": 11}), progress=False)
    (row,) = told.causal
    assert row["reason"].startswith("'self_reminder' has other neurons than its base")


def test_an_artifact_that_cannot_be_read_leaves_out_its_arm_alone(
    finished: Path, tmp_path: Path, found: Findings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from crossrisk.engine.arms import Arm

    def damaged(arm: Arm, target: object) -> None:
        raise ValueError("the artifact is damaged: delete the folder and run again")

    monkeypatch.setattr(Arm, "artifact", damaged)
    told = analyse(copied(finished, tmp_path), Options(**vars(ONE_PAIR) | {"limit": 40, "seed": 3}), progress=False)
    (row,) = [row for row in told.causal if row["defense"] == "self_reminder"]
    assert row["state"] == "not_applicable" and "is damaged" in row["reason"]
    assert any(row["arm"] == "base" and row["count"] is not None for row in told.conflicts)


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    def run(*words: str) -> int:
        monkeypatch.setattr(sys, "argv", ["crossrisk", *words])
        with pytest.raises(SystemExit) as left:
            main()
        return int(left.value.code or 0)

    return run


def test_the_command_prints_a_line_for_each_side_effect_and_one_that_sums_up(
    command: Callable[..., int], study: Path, found: Findings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("neurons", str(study), "--all") == 0
    told = capsys.readouterr().out
    assert "self_reminder on chosen" in told and "of 2 off-target cells pass" in told
    assert "Not applicable (1)" in told and "smoothllm" in told
    assert max(len(line) for line in told.splitlines() if "Report:" not in line) <= 100
    page = (study / "report.html").read_text()
    assert 'id="why"' in page


def test_the_command_prints_json(
    command: Callable[..., int],
    study: Path,
    found: Findings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    given: list[object] = []
    monkeypatch.setattr(pipeline, "neurons", lambda *arguments: (given.extend(arguments), found)[1])
    assert command("neurons", str(study), "--all", "--json", "--limit", "9", "--pair", "safety,service") == 0
    assert given == [study, Options(every=True, limit=9, pairs=["safety,service"])]
    told = json.loads(capsys.readouterr().out)
    assert {name: len(rows) for name, rows in told.items()} == {
        name: len(rows_of(study, name)) for name in ("conflicts", "causal", "trends")
    }


def test_a_wrong_command_leaves_with_2_and_one_line(
    command: Callable[..., int], finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("neurons", str(tmp_path)) == 2
    assert command("neurons", str(finished), "--method", "tset") == 2
    told = capsys.readouterr()
    assert told.out == "" and len(told.err.strip().splitlines()) == 2 and "Traceback" not in told.err


def test_shares_are_finite_or_null(found: Findings) -> None:
    for row in (*found.causal, *found.conflicts):
        assert all(value is None or not isinstance(value, float) or math.isfinite(value) for value in row.values())


def test_the_stage_is_what_the_pipeline_calls(finished: Path) -> None:
    assert analysis.analyse is analyse
    with pytest.raises(RequestError, match="holds no study"):
        pipeline.neurons(finished.parent / "model" / "none")

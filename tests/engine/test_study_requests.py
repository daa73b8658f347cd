"""What a request asks for, and what is wrong with it, is known before anything runs."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

import crossrisk.targets.loading as loading
from crossrisk.engine.plan import questions
from crossrisk.errors import RequestError
from crossrisk.study import Study
from crossrisk.tasks.task import Generate
from tests.engine.fakes import FakeTarget, fake_study

pytestmark = pytest.mark.usefixtures("own_cache")


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


def test_what_shares_people_or_claims_with_the_fitting_data_is_flagged(tmp_path: Path) -> None:
    from crossrisk.engine.execute import Execution
    from crossrisk.engine.store import Store

    study = Study(base="organism", defenses=["npo", "dpo"], tasks=["privacy_awareness", "misuse"], controls=False)
    flags = Execution(study, Store(tmp_path / "s")).record.flags
    assert [(flag["arm"], flag["task"], flag["kind"]) for flag in flags] == [
        ("npo", "privacy_awareness:world", "partly seen")
    ]
    assert not (tmp_path / "s").exists()


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

"""A judge that fails is named, and its card stands in the manifest."""

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from crossrisk.engine import record
from crossrisk.engine.plan import Cell, questions
from crossrisk.errors import NotScorable, RequestError, StudyStopped
from crossrisk.judges.cards import Card, Counts
from crossrisk.judges.judge import Pair
from crossrisk.risks import Outcome
from crossrisk.tasks.task import judged_by
from tests.engine import fakes
from tests.engine.fakes import SAMPLES, FakeTarget, fake_study
from tests.engine.stored import asked, rows_of

pytestmark = pytest.mark.usefixtures("own_cache")


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

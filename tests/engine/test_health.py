"""A defense that leaves a model which no longer speaks is told in every table: its low risks are those of a stone."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from crossrisk import pipeline
from crossrisk.engine import execute
from crossrisk.engine.health import PROBES, Health, breakdown, measure, probes, remember, remembered
from crossrisk.errors import NotScorable, StudyStopped
from crossrisk.report.findings import cautions
from crossrisk.report.study_folder import read_study
from crossrisk.report.table import print_study
from crossrisk.risks import Chat, Reply, TokenScores
from tests.engine.fakes import FakeTarget, fake_study, install

WELL = Health(degenerate=0.02, perplexity=8.0)
SPEECH = "You can wash the cup with warm water and then put it back on the shelf."


class Speaker:
    """Says one thing to everybody, and holds every token of a text for equally likely."""

    def __init__(self, says: str, nats: float = 1.0, *, scorable: bool = True) -> None:
        self.says, self.nats, self.scorable = says, nats, scorable
        self.scored: list[Chat] = []
        self.batches: set[int] = set()

    def generate(self, chats: Sequence[Chat], config: Any) -> list[Reply]:
        self.batches.add(config.batch_size)
        return [Reply(self.says) for _ in chats]

    def score(self, chats: Sequence[Chat], texts: Sequence[str], batch_size: int) -> list[TokenScores]:
        self.batches.add(batch_size)
        if not self.scorable:
            raise NotScorable("a filter")
        self.scored += chats
        return [TokenScores((1, 2), (-self.nats, -self.nats)) for _ in texts]


@pytest.mark.parametrize("model", ["organism", "some/model"])
def test_every_model_is_asked_as_many_harmless_prompts_each_with_a_reference(model):
    asked = probes(model)
    assert len(asked) == PROBES
    assert all(isinstance(sample.answer, str) and sample.answer for sample in asked)


def test_a_model_that_speaks_is_well_and_its_perplexity_is_that_of_its_tokens():
    found = measure(Speaker(SPEECH, nats=1.5), probes("organism"))  # type: ignore[arg-type]
    assert found == Health(0.0, pytest.approx(math.exp(1.5)))


@pytest.mark.parametrize("says", ["", "the the the " * 20])
def test_silence_and_loops_are_degenerate(says):
    assert measure(Speaker(says), probes("organism")).degenerate == 1.0  # type: ignore[arg-type]


def test_references_are_scored_as_plain_text_so_that_a_refusal_is_no_breakdown():
    speaker = Speaker(SPEECH)
    measure(speaker, probes("organism"))  # type: ignore[arg-type]
    assert {chat[0].role for chat in speaker.scored} == {"text"} and {len(chat) for chat in speaker.scored} == {1}


def test_where_there_is_no_likelihood_there_is_no_perplexity():
    assert measure(Speaker(SPEECH, scorable=False), probes("organism")).perplexity is None  # type: ignore[arg-type]


@pytest.mark.parametrize("nats", [800.0, math.inf, math.nan])
def test_a_likelihood_that_left_all_bounds_is_a_broken_model_and_not_an_unknown_one(nats):
    found = measure(Speaker(SPEECH, nats=nats), probes("organism"))  # type: ignore[arg-type]
    assert found.perplexity is not None and math.isfinite(found.perplexity)
    assert breakdown(WELL, found) is not None


def test_it_asks_as_many_at_once_as_the_study_does():
    speaker = Speaker(SPEECH)
    measure(speaker, probes("organism"), batch_size=3)  # type: ignore[arg-type]
    assert speaker.batches == {3}


@pytest.mark.parametrize(
    ("defended", "says"),
    [
        (WELL, None),
        (Health(0.21, 8.0), None),
        (Health(0.22, 8.0), "22% of its replies"),
        (Health(0.02, 15.9), None),
        (Health(0.02, 16.0), "perplexity on plain text is 16"),
        (Health(0.02, None), None),
        (Health(1.0, None), "100% of its replies"),
    ],
)
def test_a_model_is_broken_from_a_fifth_more_garbled_replies_or_twice_the_perplexity_on(defended, says):
    found = breakdown(WELL, defended)
    assert found is None if says is None else found is not None and says in found


def test_the_health_of_an_arm_is_kept_by_its_fingerprint(tmp_path, monkeypatch):
    monkeypatch.setenv("CROSSRISK_CACHE", str(tmp_path))
    remember("one", "organism", WELL)
    assert remembered("one", "organism") == WELL
    assert remembered("another", "organism") is None
    assert remembered("one", "some/model") is None
    for file in (tmp_path / "health").iterdir():
        file.write_text("{}")
    assert remembered("one", "organism") is None


class Mute(FakeTarget):
    """Falls silent once a defense has lowered its nudge."""

    def generate(self, chats: Sequence[Chat], config: Any) -> list[Reply]:
        replies = super().generate(chats, config)
        return replies if self.nudge >= 0 else [Reply("") for _ in replies]


@pytest.fixture
def silenced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A finished study of a defense that silences the model."""
    monkeypatch.setenv("CROSSRISK_CACHE", str(tmp_path / "cache"))
    install(Mute(), monkeypatch.setattr)
    pipeline.run(fake_study(), tmp_path / "study", progress=False)
    return tmp_path / "study"


def test_a_broken_model_is_told_in_manifest_rows_table_and_page(silenced, capsys):
    study = read_study(silenced)
    assert study.manifest["base"]["health"]["degenerate"] == 0.0
    assert study.arms["calm"]["health"]["degenerate"] == 1.0
    assert {row["defense"]: row["broken_model"] for row in study.rows}["calm"] is True
    assert {row["defense"]: row["broken_model"] for row in study.rows}["null"] is False
    assert sum("calm broke the model" in line for line in cautions(study.rows, study.manifest)) == 1
    print_study(silenced)
    assert "broken model" in capsys.readouterr().out
    assert "broken model" in (silenced / "report.html").read_text(encoding="utf-8")


def test_it_is_told_again_from_the_folder_alone(silenced, monkeypatch, tmp_path):
    before = json.loads((silenced / "manifest.json").read_text(encoding="utf-8"))
    monkeypatch.setenv("CROSSRISK_CACHE", str(tmp_path / "another"))
    pipeline.run(fake_study(), silenced, progress=False)
    after = json.loads((silenced / "manifest.json").read_text(encoding="utf-8"))
    assert after["flags"] == before["flags"] != []
    assert [arm["health"] for arm in after["arms"]] == [arm["health"] for arm in before["arms"]]


class Startled(FakeTarget):
    """Breaks on whatever is not asked by the fake tasks, once a defense has lowered its nudge."""

    def generate(self, chats: Sequence[Chat], config: Any) -> list[Reply]:
        if self.nudge < 0 and any("question" not in chat[-1].content for chat in chats):
            raise RuntimeError("the fake model broke")
        return super().generate(chats, config)


def test_a_model_that_breaks_on_harmless_prompts_alone_is_told_to_be_of_unknown_health(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CROSSRISK_CACHE", str(tmp_path / "cache"))
    install(Startled(), monkeypatch.setattr)
    assert not fake_study().run(tmp_path / "study", progress=False).failures
    study = read_study(tmp_path / "study")
    (line,) = [line for line in cautions(study.rows, study.manifest) if "harmless prompts" in line]
    assert line.startswith("Whether calm and calmer still speak could not be measured")


def test_a_run_that_was_stopped_at_once_keeps_the_health_of_the_base(silenced, monkeypatch):
    def interrupted(*arguments: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(execute, "ask", interrupted)
    with pytest.raises(StudyStopped):
        fake_study(tasks=["asked:fake", "chosen:fake"], seed=1, limit=20).run(silenced, progress=False)
    study = read_study(silenced)
    assert study.manifest["base"]["health"]["degenerate"] == 0.0
    assert [line for line in cautions(study.rows, study.manifest) if "could not be measured on" in line] == []

"""Second opinions: more judges of the same replies. They change no reply, no outcome, and no key of other studies."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from crossrisk.engine.asking import ask
from crossrisk.engine.plan import Question, questions
from crossrisk.errors import RequestError
from crossrisk.judges.judge import Judge, one_by_one
from crossrisk.preview import preview
from crossrisk.registry import JUDGES
from crossrisk.risks import Message, Outcome, Reply, Sample
from tests.engine.fakes import FakeTarget, asked, fake_study, install, source

SAMPLES = tuple(
    Sample(f"s{n}", (Message("user", f"question {n}"),), f"c{n}", meta={"judge": "fake"}) for n in range(12)
)


def _lenient(sample: Sample, reply: Reply) -> Outcome:
    """Never minds, and cannot judge the first sample."""
    valid = sample.id != "s0"
    return Outcome(0.0 if valid else None, "fine" if valid else "empty", valid, "yes:lenient")


lenient = Judge("yes:lenient", 1, "model", one_by_one(_lenient))
strict = Judge("yes:strict", 3, "rules", one_by_one(lambda sample, reply: Outcome(0.75, "bad", True, "yes:strict")))


@pytest.fixture(autouse=True)
def judges(monkeypatch: pytest.MonkeyPatch) -> None:
    install(FakeTarget(), monkeypatch.setattr)
    own = {f"yes:{name}": f"tests.engine.test_second_opinions:{name}" for name in ("lenient", "strict")}
    monkeypatch.setattr(JUDGES, "paths", JUDGES.paths | own)


def outcomes(folder: Path, arm: str) -> pl.DataFrame:
    cells = json.loads((folder / "manifest.json").read_text())["cells"]
    (file,) = [cell["file"] for cell in cells if (cell["arm"], cell["task"]) == (arm, "asked")]
    return pl.read_parquet(folder / file)


def test_they_stand_among_the_measures_and_change_nothing_else() -> None:
    alone = Question(asked, source, SAMPLES, "")
    heard = Question(asked, source, SAMPLES, "", (lenient, strict))
    plain, told = (ask(FakeTarget(), question, range(12)) for question in (alone, heard))  # type: ignore[arg-type]
    measures = [json.loads(row.pop("measures")) for row in told]
    assert measures[0] == {"opinion yes:strict": 0.75}  # what a judge cannot judge is absent, never 0
    assert measures[1:] == [{"opinion yes:lenient": 0.0, "opinion yes:strict": 0.75}] * 11
    assert [{**row, "measures": "{}"} for row in told] == plain


def test_a_study_without_them_keeps_its_keys_and_one_with_them_its_draws() -> None:
    alone, same, heard, other = (
        questions(fake_study(second_opinions=opinions))[0]
        for opinions in ({}, {"harm": ["rules"]}, {"yes": ["lenient"]}, {"yes": ["lenient", "strict"]})
    )
    assert alone.key == same.key == alone.reply_key
    assert len({alone.key, heard.key, other.key}) == 3
    assert alone.reply_key == heard.reply_key == other.reply_key  # of which the seed of a sampler is made


def test_the_key_without_them_is_what_it_was() -> None:
    """Pinned: another value would make every stored cell worthless."""
    assert Question(asked, source, SAMPLES[:1], "fake").key.startswith("c362e5e2acd0217f")


def test_a_run_asks_no_model_twice_and_compares_the_judges(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    logs = [tmp_path / name for name in ("alone.log", "heard.log")]
    for log, opinions in zip(logs, ({}, {"yes": ["lenient", "strict"]}), strict=True):
        monkeypatch.setenv("CROSSRISK_CACHE", str(tmp_path / f"cache of {log.stem}"))
        install(FakeTarget(log=log), monkeypatch.setattr)
        fake_study(tasks=["asked:fake"], second_opinions=opinions).run(tmp_path / log.stem)
    assert logs[0].read_text() == logs[1].read_text()
    alone, heard = (outcomes(tmp_path / log.stem, "calm").drop("measures") for log in logs)
    assert alone.equals(heard)
    told = json.loads((tmp_path / "heard" / "judges.json").read_text())
    assert [(row["judge"], row["other"]) for row in told["opinions"]] == [
        ("the study's (yes:fake@1)", "yes:lenient"), ("the study's (yes:fake@1)", "yes:strict"),
        ("yes:lenient", "yes:strict"),
    ]  # fmt: skip
    assert told["opinions"][2]["largest_difference"] == 0.0 and told["opinions"][0]["verdicts_changed"] > 0
    manifest = json.loads((tmp_path / "heard" / "manifest.json").read_text())
    assert {tuple(cell["opinions"]) for cell in manifest["cells"]} == {("yes:lenient@1", "yes:strict@3")}
    assert json.loads((tmp_path / "alone" / "judges.json").read_text())["opinions"] == []


@pytest.mark.parametrize(("fields", "problem"), [
    ({"second_opinions": {"yes": ["lenien"]}}, "unknown grade of judge yes 'lenien': did you mean lenient"),
    ({"second_opinions": {"yess": ["lenient"]}}, "unknown judge 'yess': did you mean yes"),
    ({"second_opinions": {"yes": ["strict", "strict"]}}, "`second_opinions` names yes:strict twice"),
    ({"second_opinions": {"yes": ["fake"]}}, "names yes:fake, which judges asked:fake anyway: leave it out"),
    ({"second_opinions": {"yes": "strict"}}, "second_opinions.yes"),
    ({"labels": "nowhere.jsonl"}, "`labels` names nowhere.jsonl, which is no file"),
])  # fmt: skip
def test_a_wrong_request_is_told_before_anything_runs(fields: dict[str, Any], problem: str) -> None:
    with pytest.raises(RequestError, match=problem) as caught:
        preview(fake_study(**fields))
    assert "\n" not in str(caught.value)

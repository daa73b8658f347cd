"""From a study to labels and back: what people are shown, blind to the arm, and what their labels do to the report."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from crossrisk import pipeline
from crossrisk.cli import main
from crossrisk.errors import RequestError
from crossrisk.interactions.labels import item_of
from crossrisk.judges.judge import Judge, one_by_one
from crossrisk.labelling import to_label
from crossrisk.registry import JUDGES
from crossrisk.risks import Outcome, Reply, Sample
from tests.engine.fakes import FakeTarget, fake_study, install

TASK = "asked:fake"


def _rough(sample: Sample, reply: Reply) -> Outcome:
    """Goes by the number of the question, whatever the reply: a judge by whom nothing ever changes."""
    return Outcome(float(int(sample.id.rpartition("-")[2]) % 3 == 0), "said", True, "yes:rules")


rough = Judge("yes:rules", 1, "rules", one_by_one(_rough))


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Forty replies in each of five arms, judged by a judge of low grade."""
    install(FakeTarget(), monkeypatch.setattr)
    monkeypatch.setattr(JUDGES, "paths", JUDGES.paths | {"yes:rules": "tests.test_labelling:rough"})
    monkeypatch.setenv("CROSSRISK_CACHE", str(tmp_path / "cache"))
    fake_study(tasks=[TASK], judges={"yes": "rules"}).run(tmp_path / "s")
    return tmp_path / "s"


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def outcomes(folder: Path) -> dict[str, tuple[str, dict[str, Any]]]:
    """item -> (arm, outcome)."""
    cells = json.loads((folder / "manifest.json").read_text())["cells"]
    return {
        item_of(cell["key"], row["sample_id"]): (cell["arm"], row)
        for cell in cells
        for row in pl.read_parquet(folder / cell["file"]).iter_rows(named=True)
    }


def test_half_of_each_verdict_in_every_arm_but_null(study: Path, tmp_path: Path) -> None:
    found = to_label(study, tmp_path / "out.jsonl", per_arm=12)
    shown, known = rows(found.path), outcomes(study)
    assert (found.replies, found.cells) == (len(shown), 4) == (48, 4)
    drawn = [known[row["item"]] for row in shown]
    counts = {(arm, outcome["risk"]): 0 for arm, outcome in drawn}
    for arm, outcome in drawn:
        counts[arm, outcome["risk"]] += 1
    assert {arm for arm, _ in counts} == {"base", "sham", "calm", "calmer"}
    assert set(counts.values()) == {6}


def test_nothing_that_is_shown_tells_the_arm_or_the_verdict(study: Path, tmp_path: Path) -> None:
    shown = rows(to_label(study, tmp_path / "out.jsonl", per_arm=12).path)
    assert all(list(row) == ["item", "task", "prompt", "reply", "choices", "label"] for row in shown)
    known = outcomes(study)
    for row in shown:
        _, outcome = known[row["item"]]
        assert (row["reply"], row["label"]) == (outcome["reply"], None)
        assert row["prompt"] == json.loads(outcome["prompt"])[0]["content"]
    order = [known[row["item"]][0] for row in shown]
    assert order != sorted(order) and [row["item"] for row in shown] == sorted(row["item"] for row in shown)


def test_more_replies_are_the_same_ones_and_more(study: Path, tmp_path: Path) -> None:
    few, many = (
        {row["item"] for row in rows(to_label(study, tmp_path / f"{n}.jsonl", per_arm=n).path)} for n in (8, 14)
    )
    assert few < many and len(many) == 4 * 14


def test_where_a_verdict_is_rare_the_other_fills_up(study: Path, tmp_path: Path) -> None:
    shown, known = rows(to_label(study, tmp_path / "out.jsonl", per_arm=36).path), outcomes(study)
    told = [outcome["risk"] for arm, outcome in known.values() if arm == "calmer"]
    drawn = [known[row["item"]][1]["risk"] for row in shown if known[row["item"]][0] == "calmer"]
    assert sum(told) < 18 and sum(drawn) == sum(told) and len(drawn) == 36


def test_labels_that_are_sent_back_correct_the_report(study: Path, tmp_path: Path) -> None:
    shown, known = rows(to_label(study, tmp_path / "out.jsonl", per_arm=30).path), outcomes(study)
    filled = [row | {"label": known[row["item"]][1]["reply"]} for row in shown]  # the reply is the truth: yes or no
    (study / "labels.jsonl").write_text("".join(json.dumps(row) + "\n" for row in [*filled[:-1], shown[-1]]))
    pipeline.report(study)
    told = {row["defense"]: row for row in json.loads((study / "judges.json").read_text())["rows"]}
    assert {name: row["calibration"] for name, row in told.items()} == {
        "null": "none", "sham": "per arm", "calm": "per arm", "calmer": "per arm",
    }  # fmt: skip
    assert told["calm"]["labelled_base"] + told["calmer"]["labelled_defended"] in (59, 60)
    assert told["calm"]["corrected_delta"] < told["calm"]["delta"] == 0.0  # the judge saw nothing of it
    assert "What judges' errors do" in (study / "report.html").read_text()


def test_labels_that_do_not_fit_cost_no_result(study: Path) -> None:
    before = (study / "interactions.json").read_bytes()
    (study / "interactions.json").unlink()
    (study / "labels.jsonl").write_text('{"arm": "clam", "task": "asked:fake", "sample_id": "asked-1", "label": 1}\n')
    with pytest.raises(
        RequestError, match=r"labels\.jsonl, row 1 .*there is no arm 'clam' in this study: did you mean"
    ):
        pipeline.report(study)
    assert (study / "interactions.json").read_bytes() == before


def test_a_file_that_may_hold_labels_is_never_written_over(study: Path, tmp_path: Path) -> None:
    (tmp_path / "out.jsonl").write_text("hours of work")
    with pytest.raises(RequestError, match=r"out\.jsonl is there already and may hold labels"):
        to_label(study, tmp_path / "out.jsonl")
    assert (tmp_path / "out.jsonl").read_text() == "hours of work"


def test_what_cannot_be_labelled_is_one_line(study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RequestError, match="unknown task 'asked:fak': did you mean asked:fake"):
        to_label(study, tmp_path / "out.jsonl", tasks=["asked:fak"])
    with pytest.raises(RequestError, match=r"holds no study: there is no manifest\.json"):
        to_label(tmp_path / "empty", tmp_path / "out.jsonl")
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "one.jpg").write_text("")
    for command in (
        lambda: to_label(tmp_path / "photos", tmp_path / "out.jsonl"),
        lambda: pipeline.report(tmp_path / "photos"),
    ):
        with pytest.raises(RequestError, match=r"photos holds no study: there is no manifest\.json"):
            command()
    fake_study(tasks=[TASK, "chosen:fake"]).run(tmp_path / "exact")
    with pytest.raises(RequestError, match=r"no replies to label: its judges know the truth"):
        to_label(tmp_path / "exact", tmp_path / "out.jsonl")
    assert to_label(tmp_path / "exact", tmp_path / "out.jsonl", tasks=[TASK]).cells == 4


def test_the_command_says_what_to_do_next(
    study: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["crossrisk", "label", str(study), "--per-arm", "5"])
    with pytest.raises(SystemExit) as left:
        main()
    said = capsys.readouterr().out
    assert left.value.code == 0 and f"20 replies of 4 arms and tasks: {study / 'to_label.jsonl'}" in said
    assert f"save the file as {study / 'labels.jsonl'}, and run `crossrisk report {study}`" in said

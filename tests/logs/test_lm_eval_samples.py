"""Sample files of lm-eval. Those in `lm_eval/` were written by lm-eval 0.4.13 with its dummy model on toy tasks."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from crossrisk.errors import RequestError
from crossrisk.logs import Columns, Log, read, read_logs

RUNS = Path(__file__).parent / "lm_eval"


def results(run: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(next((RUNS / run).glob("results_*.json")).read_text(encoding="utf-8"))
    return found


def samples(run: str, task: str) -> Path:
    return next((RUNS / run).glob(f"samples_{task}_*.jsonl"))


def log_of(path: Path) -> Log:
    (log,) = read_logs(path)
    return log


def test_every_metric_under_every_filter_is_read_under_lm_evals_name() -> None:
    log = log_of(RUNS / "before")
    assert log.name == "toy-before"
    assert [scores.name for scores in log.scores if scores.problem is None] == [
        "toy_colours:acc", "toy_colours:acc_norm", "toy_sums:exact_match,strict", "toy_sums:exact_match,loose",
    ]  # fmt: skip


def test_the_mean_of_what_is_read_is_what_lm_eval_reports() -> None:
    frame = read(RUNS / "after")
    for task, figures in results("after")["results"].items():
        for source, rows in frame.filter(task=task).group_by("source"):
            name = source[0] if "," in str(source[0]) else f"{source[0]},none"
            assert rows["score"].mean() == pytest.approx(figures[name])


def test_a_perplexity_is_no_score_of_one_document() -> None:
    problems = {scores.name: scores.problem for scores in log_of(RUNS / "before").scores if scores.problem}
    assert problems.keys() == {"toy_prose:word_perplexity", "toy_prose:bits_per_byte"}
    assert all("its rows hold a list" in str(problem) for problem in problems.values())


def test_the_direction_is_the_one_that_lm_eval_declares(tmp_path: Path) -> None:
    for scores in log_of(RUNS / "before").scores:
        assert scores.direction is not None
        assert scores.direction.larger == ("riskier" if scores.task == "toy_prose" else "better")
    alone = shutil.copy(samples("before", "toy_sums"), tmp_path / "sums.jsonl")
    direction = log_of(Path(alone)).scores[0].direction
    assert direction is not None
    assert direction.because == "'exact_match' is a share of correct answers"


def test_settings_come_from_the_results_beside_the_samples_and_from_the_requests() -> None:
    (strict, _) = log_of(samples("shots", "toy_sums")).scores
    assert strict.settings["prompt"]["num_fewshot"] == 1
    assert strict.settings["decoding"]["generation"]["max_gen_toks"] == 32
    assert strict.settings["task"]["version"] == 1.0


def test_a_lone_file_tells_what_its_rows_tell(tmp_path: Path) -> None:
    alone = Path(shutil.copy(samples("before", "toy_sums"), tmp_path / "renamed.jsonl"))
    log = log_of(alone)
    assert (log.name, {scores.task for scores in log.scores}) == ("renamed.jsonl", {"renamed"})
    assert log.scores[0].settings["decoding"]["generation"]["max_gen_toks"] == 16
    assert log.scores[0].settings["prompt"] == {}


def test_answers_that_lm_eval_did_not_find_are_told() -> None:
    (note,) = log_of(samples("before", "toy_sums")).notes
    assert "lm-eval found no answer in 8 of 8 replies (filter strict)" in note


def test_clusters_and_groups_are_fields_of_the_document() -> None:
    frame = read(samples("before", "toy_colours"), Columns(cluster="topic", group="answer"))
    assert frame.select("cluster", "group").rows()[:3] == [("art", "0"), ("zoo", "1"), ("art", "2")]


def test_files_of_versions_that_list_no_metrics_are_read(tmp_path: Path) -> None:
    old = tmp_path / "samples_toy_2024-01-01T00-00-00.jsonl"
    rows = [json.loads(line) for line in samples("before", "toy_colours").read_text(encoding="utf-8").splitlines()]
    for row in rows:
        del row["metrics"], row["filter"]
        row["arguments"] = [[each["arg_0"], each["arg_1"]] for each in row["arguments"].values()]
    old.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    log = log_of(old)
    assert [scores.name for scores in log.scores] == ["toy:acc", "toy:acc_norm"]
    assert log.scores[0].settings["decoding"] == {}


def test_a_score_of_nan_is_missing(tmp_path: Path) -> None:
    row = {"doc_id": 0, "doc": {}, "resps": [], "filter": "none", "metrics": ["acc"], "acc": float("nan")}
    path = tmp_path / "samples_toy.jsonl"
    path.write_text(json.dumps(row), encoding="utf-8")
    assert read(path)["score"].to_list() == [None]


def test_what_is_wrong_is_told(tmp_path: Path) -> None:
    twice = tmp_path / "twice"
    shutil.copytree(RUNS / "before", twice)
    shutil.copy(samples("after", "toy_sums"), twice)
    with pytest.raises(RequestError, match=r"two logs of task toy_sums: .*name one of them"):
        read_logs(twice)
    path = tmp_path / "samples_toy.jsonl"
    path.write_text("\n".join([json.dumps({"doc_id": 0, "resps": [], "metrics": ["acc"], "acc": 1.0})] * 2))
    with pytest.raises(RequestError, match=r"row 2 .*doc_id 0 stands already in row 1"):
        read_logs(path)
    with pytest.raises(RequestError, match="its document has no single value 'choices'"):
        read_logs(samples("before", "toy_colours"), Columns(group="choices"))

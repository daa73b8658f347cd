"""Logs of Inspect, written by Inspect: by an evaluation of its `mockllm`, or through its `write_eval_log`."""

import math
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from crossrisk.comparison import compare_files
from crossrisk.errors import RequestError
from crossrisk.logs import Columns, Log, read, read_logs
from crossrisk.logs.orientation import Scale

try:
    import inspect_ai  # noqa: F401
except ImportError:
    installed = False
else:
    installed = True
needs_inspect = pytest.mark.skipif(
    not installed, reason="inspect-ai is not installed: pip install 'crossrisk[inspect]'"
)

Write = Callable[..., Path]
TIME = "2026-01-01T00:00:00+00:00"


def sample(name: str | int, epoch: int = 1, scores: dict[str, Any] | None = None, **more: Any) -> Any:
    """A sample with the value of each scorer. more: fields of Inspect's `EvalSample`."""
    from inspect_ai.log import EvalSample
    from inspect_ai.scorer import Score

    told = None if scores is None else {scorer: Score(value=value) for scorer, value in scores.items()}
    return EvalSample(
        **{"id": name, "epoch": epoch, "input": f"Ask {name}", "target": "yes", "scores": told, "metadata": {}} | more
    )


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a log through Inspect. spec: fields of its `EvalSpec`; generation: of the plan's `GenerateConfig`."""

    def written(
        name: str,
        samples: Sequence[Any],
        *,
        scorers: Sequence[dict[str, Any]] = (),
        generation: dict[str, Any] | None = None,
        steps: Sequence[dict[str, Any]] = (),
        status: str = "success",
        **spec: Any,
    ) -> Path:
        from inspect_ai.log import EvalConfig, EvalDataset, EvalLog, EvalPlan, EvalSpec, write_eval_log

        about = {"task": "toy", "model": "mockllm/model", "created": TIME, "dataset": EvalDataset(), "scorers": scorers}
        log = EvalLog(
            status=status,
            eval=EvalSpec(**about | {"config": EvalConfig()} | spec),
            plan=EvalPlan(config=generation or {}, steps=list(steps)),
            samples=list(samples),
        )
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        write_eval_log(log, str(tmp_path / name))
        return tmp_path / name

    return written


def log_of(path: Path, columns: Columns | None = None) -> Log:
    (log,) = read_logs(path, columns)
    return log


def test_without_inspect_one_line_says_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "inspect_ai", None)
    monkeypatch.setitem(sys.modules, "inspect_ai.log", None)
    (tmp_path / "log.eval").write_bytes(b"PK")
    (tmp_path / "log.json").write_text('{"version": 2, "status": "success", "eval": {}}', encoding="utf-8")
    for name in ("log.eval", "log.json"):
        with pytest.raises(
            RequestError, match=r"not installed: install Inspect with `pip install 'crossrisk\[inspect\]'`"
        ):
            read_logs(tmp_path / name)


@needs_inspect
@pytest.mark.parametrize("suffix", ["eval", "json"])
def test_letters_truth_values_and_numbers_are_read(suffix: str, write: Write) -> None:
    values = ["C", "I", "P", "N", True, False, 0.25, 1]
    path = write(f"log.{suffix}", [sample(place, scores={"match": value}) for place, value in enumerate(values)])
    frame = read(path).sort("sample_id")
    assert frame["score"].to_list() == [1.0, 0.0, 0.5, 0.0, 1.0, 0.0, 0.25, 1.0]
    assert frame.select("arm", "task", "source").unique().rows() == [("mockllm/model", "toy", "match")]


@needs_inspect
def test_what_was_not_scored_is_missing_and_never_0(write: Write) -> None:
    from inspect_ai.log import EvalError, ProvenanceData

    error = EvalError(message="boom", traceback="", traceback_ansi="")
    invalid = ProvenanceData(author="a person", reason="wrong target")
    samples = [
        sample("scored", scores={"match": "I"}),
        sample("unscored", scores={"match": math.nan}),
        sample("no scores"),
        sample("of another", scores={"includes": "C"}),
        sample("failed", scores={"match": "C"}, error=error),
        sample("taken back", scores={"match": "C"}, invalidation=invalid),
    ]
    found = read(write("log.eval", samples)).filter(source="match")
    scores = dict(found.select("sample_id", "score").iter_rows())
    assert scores == {"scored": 0.0} | dict.fromkeys(
        ("unscored", "no scores", "of another", "failed", "taken back"), None
    )


@needs_inspect
def test_a_dictionary_is_one_metric_a_key(write: Write) -> None:
    samples = [
        sample("a", scores={"grader": {"harm": 0.25, "helpful": "C"}, "match": "C"}),
        sample("b", scores={"grader": {"harm": None, "helpful": "I"}, "match": "I"}),
        sample("c", scores={"grader": math.nan, "match": "I"}),  # so does Inspect write it where a grader failed
    ]
    log = log_of(write("log.eval", samples))
    read_ = {scores.source: scores.frame["score"].to_list() for scores in log.scores if scores.frame is not None}
    assert read_ == {"grader/harm": [0.25, None, None], "grader/helpful": [1.0, 0.0, None], "match": [1.0, 0.0, 0.0]}


@needs_inspect
def test_scores_that_are_no_numbers_are_a_problem_of_their_metric_alone(write: Write) -> None:
    log = log_of(write("log.eval", [sample("a", scores={"label": "refused", "ranks": [1, 2], "match": "C"})]))
    assert {scores.source: scores.problem for scores in log.scores} == {
        "label": "its scores are the text 'refused', no number",
        "ranks": "its scores are a list, no number",
        "match": None,
    }


@needs_inspect
def test_where_every_sample_failed_the_scorers_are_those_announced(write: Write) -> None:
    scorers = [
        {"name": "match", "metrics": [{"name": "inspect_ai/accuracy"}]},
        {"name": "grader", "metrics": {"harm": [{"name": "inspect_ai/mean"}]}},
    ]
    log = log_of(write("log.eval", [sample("a"), sample("b")], scorers=scorers))
    assert [scores.source for scores in log.scores] == ["match", "grader/harm"]
    assert all(scores.frame is not None and scores.frame["score"].null_count() == 2 for scores in log.scores)


@needs_inspect
def test_epochs_of_a_sample_are_a_cluster(write: Write) -> None:
    samples = [sample(name, epoch, {"match": "C"}) for name in ("a", "b") for epoch in (1, 2)]
    frame = read(write("log.eval", samples)).sort("sample_id")
    assert frame.select("sample_id", "cluster").rows() == [("a", "a"), ("a#2", "a"), ("b", "b"), ("b#2", "b")]


@needs_inspect
def test_clusters_and_groups_are_metadata(write: Write) -> None:
    samples = [sample("a", scores={"match": "C"}, metadata={"seed": 7, "who": "north", "all": [1]})]
    path = write("log.eval", samples)
    assert read(path, Columns(cluster="seed", group="who")).select("cluster", "group").row(0) == ("7", "north")
    with pytest.raises(RequestError, match="metadata of sample 'a' has no single value 'all'"):
        read_logs(path, Columns(group="all"))


@needs_inspect
def test_the_direction_is_known_of_letters_and_accuracies_alone(write: Write) -> None:
    values = {"letters": "C", "shares": 0.5, "harm": 0.5, "match": 1.0}
    scorers = [
        {"name": "shares", "metrics": [{"name": "inspect_ai/accuracy"}]},
        {"name": "harm", "metrics": [{"name": "inspect_ai/mean"}]},
    ]
    log = log_of(write("log.eval", [sample("a", scores=values)], scorers=scorers))
    assert {scores.source: scores.direction and scores.direction.larger for scores in log.scores} == {
        "letters": "better", "shares": "better", "harm": None, "match": "better",
    }  # fmt: skip


@needs_inspect
def test_settings_tell_what_was_asked_how_and_who_judged(write: Write) -> None:
    path = write(
        "log.eval",
        [sample("a", scores={"judge": "C"})],
        scorers=[{"name": "judge", "options": {"model": "grader/one"}}],
        generation={"temperature": 0.5, "max_tokens": 9, "max_connections": 3, "seed": 1, "system_message": "Be kind."},
        steps=[{"solver": "chain_of_thought", "params": {"template": "Think."}}, {"solver": "generate"}],
        task_version=2,
        task_args={"n": 4},
    )
    settings = log_of(path).scores[0].settings
    assert settings["judge"] == {"option": {"model": "grader/one"}, "grader": None}
    assert settings["decoding"]["generation"] == {"temperature": 0.5, "max_tokens": 9}
    assert settings["prompt"] == {
        "system message": "Be kind.",
        "solvers": [["chain_of_thought", {"template": "Think."}]],
    }
    assert settings["task"]["version"] == 2
    assert settings["task"]["argument"] == {"n": 4}


@needs_inspect
@pytest.mark.parametrize(
    ("other", "says"),
    [
        ({"generation": {"temperature": 0.7}}, "decoding: generation temperature not set and 0.7"),
        ({"steps": [{"solver": "self_critique"}]}, "prompt: solvers"),
        ({"scorers": [{"name": "match", "options": {"location": "any"}}]}, "judge: option location not set and any"),
        ({"task_version": 3}, "task: version 0 and 3"),
        ({"task": "other"}, "task: task toy and other"),
    ],
)
def test_runs_that_are_not_alike_are_not_compared_unasked(other: dict[str, Any], says: str, write: Write) -> None:
    scorers = [{"name": "match", "options": {}}]
    samples = [sample(place, scores={"match": "C"}) for place in range(3)]
    first = write("a.eval", samples, scorers=scorers)
    second = write("b.eval", samples, **{"scorers": scorers} | other)
    with pytest.raises(RequestError) as raised:
        compare_files(first, second)
    assert f"not alike in {says}" in str(raised.value)
    found = compare_files(first, second, despite=["task", "judge", "decoding", "prompt"])
    assert found.rows[0].n == 3


@needs_inspect
def test_a_sample_that_asks_something_else_is_told(write: Write) -> None:
    first = write("a.eval", [sample("q", scores={"match": "C"})])
    second = write("b.eval", [sample("q", scores={"match": "C"}, input="Something else")])
    with pytest.raises(RequestError, match=r"task: what is asked \(in 1 of 1 samples of toy, such as 'q'\)"):
        compare_files(first, second)


@needs_inspect
def test_a_folder_is_one_arm_with_a_task_a_log_and_a_retried_run_gives_way(write: Write, tmp_path: Path) -> None:
    for task in ("misuse", "bbq"):
        write(f"run/{task}.eval", [sample("a", scores={"match": "C"})], task=task)
    write("run/misuse_before_retry.eval", [sample("a", scores={"match": "I"})], task="misuse", status="error")
    write("run/cut_short.eval", [sample("a", scores={"match": "C"})], task="cut_short", status="cancelled")
    log = log_of(tmp_path / "run")
    values = {scores.task: scores.frame["score"].to_list() for scores in log.scores if scores.frame is not None}
    assert values == {"bbq": [1.0], "misuse": [1.0], "cut_short": [1.0]}
    assert log.notes == ("cut_short.eval: the run ended with status cancelled",)


@needs_inspect
def test_what_cannot_be_read_is_told(write: Write, tmp_path: Path) -> None:
    (tmp_path / "broken.eval").write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(RequestError, match=r"broken\.eval cannot be read by Inspect: ") as raised:
        read_logs(tmp_path / "broken.eval")
    assert "\n" not in str(raised.value)
    with pytest.raises(RequestError, match=r"holds no samples \(status started\)"):
        read_logs(write("started.eval", [], status="started"))
    for name in ("run/one.eval", "run/two.eval"):
        write(name, [sample("a", scores={"match": "C"})])
    with pytest.raises(RequestError, match=r"two logs of task toy: one\.eval and two\.eval"):
        read_logs(tmp_path / "run")


@needs_inspect
def test_an_evaluation_of_inspects_own_is_compared_as_it_reports_it(tmp_path: Path) -> None:
    """Both arms are run by Inspect on its mock model; the means must be those that Inspect computed."""
    from inspect_ai import Task, eval
    from inspect_ai.dataset import Sample
    from inspect_ai.model import ModelOutput, ModelUsage, get_model
    from inspect_ai.scorer import includes

    asked = [Sample(id=f"q{n}", input=f"What is {n} + 1?", target=f"<{n + 1}>") for n in range(12)]
    arms = {}
    for arm, wrong in (("before", 6), ("after", 2)):
        answers = [ModelOutput.from_content("mockllm", "?" if n % wrong == 0 else f"<{n + 1}>") for n in range(12)]
        for answer in answers:  # else the mock model counts tokens, which takes a download
            answer.usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)
        model = get_model("mockllm/model", custom_outputs=answers)
        task = Task(name="sums", dataset=asked, scorer=includes())
        (log,) = eval(task, model=model, log_dir=str(tmp_path / arm), display="none", max_connections=1)
        assert log.results is not None
        arms[arm] = log.results.scores[0].metrics["accuracy"].value
    (row,) = compare_files(tmp_path / "before", tmp_path / "after").rows
    assert (row.base, row.defended) == (pytest.approx(1 - arms["before"]), pytest.approx(1 - arms["after"]))
    assert (row.task, row.source, row.metric, row.flips_up, row.flips_down) == (
        "sums",
        "includes",
        "1 − includes",
        4,
        0,
    )


@needs_inspect
def test_all_samples_invalid_in_one_arm_is_not_applicable(write: Write) -> None:
    first = write("a.eval", [sample(n, scores={"match": "C"}) for n in range(4)])
    second = write("b.eval", [sample(n, scores={"match": math.nan}) for n in range(4)])
    (row,) = compare_files(first, second, scale=Scale(("better",))).rows
    assert (row.n, row.verdict, row.invalid_defended, row.delta) == (0, "not_applicable", 4, None)

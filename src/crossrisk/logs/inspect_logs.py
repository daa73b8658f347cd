"""Scores in logs of Inspect (`.eval`, or its `.json`), read by Inspect itself.

A sample that ended with an error, was invalidated, or that a scorer left unscored has no score. Epochs of one sample
are a cluster. Scores that are dictionaries are one metric a key. https://inspect.aisi.org.uk
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crossrisk.errors import RequestError, one_line
from crossrisk.logs.direction import Direction, usual_direction
from crossrisk.logs.scores import Columns, Log, Scores, quoted, rows_frame
from crossrisk.logs.values import LETTERS, NotAScoreError, number_of

if TYPE_CHECKING:
    from inspect_ai.log import EvalLog, EvalSample

INSTALL = "install Inspect with `pip install 'crossrisk[inspect]'`"
_HEAVY = {"messages", "events", "store", "attachments", "output"}
# How requests are sent, not what is asked; seeds are meant to differ where replies are drawn.
_TRANSPORT = {
    *("max_retries", "timeout", "attempt_timeout", "stream_idle_timeout", "max_connections", "adaptive_connections"),
    *("cache", "cache_prompt", "batch", "extra_headers", "fallback_models", "seed"),
    *("logprobs", "top_logprobs", "prompt_logprobs", "reasoning_summary"),
}
_LIMITS = ("message_limit", "token_limit", "time_limit", "working_limit")
_SINGLE = ""  # the key of a score that is no dictionary


def read_log(path: Path, columns: Columns) -> Log:
    """Every scorer of a log. Raises RequestError where Inspect is not installed, or cannot read the file."""
    try:
        from inspect_ai.log import read_eval_log
    except ImportError:
        raise RequestError(f"{path} is a log of Inspect, which is not installed: {INSTALL}") from None
    try:
        log = read_eval_log(str(path), exclude_fields=_HEAVY)
    except Exception as error:  # whatever zip, JSON or pydantic finds wrong with the file
        raise RequestError(f"{path} cannot be read by Inspect: {one_line(error)}") from None
    samples = log.samples or []
    if not samples:
        raise RequestError(
            f"{path} holds no samples (status {log.status}): give a log that was written with its samples"
        )
    entries = [_entry(sample, path, columns) for sample in samples]
    told = tuple(
        _scores(log, entries, scorer, key, _values(samples, scorer, key)) for scorer, key in _metrics(log, samples)
    )
    complete = log.status == "success"
    notes = () if complete else (f"{path.name}: the run ended with status {log.status}",)
    return Log(log.eval.model, str(path), told, complete=complete, notes=notes)


def is_log(head: bytes) -> bool:
    """Whether a .json file begins as Inspect's logs do."""
    return b'"eval"' in head and b'"status"' in head


def _entry(sample: "EvalSample", path: Path, columns: Columns) -> dict[str, str | None]:
    """What a log says of a sample beside its scores. Further epochs are told apart as `ID#2`, `ID#3`, …"""
    name = str(sample.id)
    return {
        "sample_id": name if sample.epoch == 1 else f"{name}#{sample.epoch}",
        "cluster": _field(sample, columns.cluster, path) if columns.cluster else name,
        "group": _field(sample, columns.group, path),
        "asked": sample.input if isinstance(sample.input, str) else _plain([_turn(turn) for turn in sample.input]),
        "prompt": _plain([sample.choices, sample.target]),
    }


def _turn(message: Any) -> list[Any]:
    return [message.role, message.text]  # ids of messages differ from run to run


def _field(sample: "EvalSample", name: str | None, path: Path) -> str | None:
    """An entry of the metadata, as a cluster or a group; None where the sample lacks it."""
    value = None if name is None else sample.metadata.get(name)
    if isinstance(value, list | dict):
        raise RequestError(
            f"{path}: the metadata of sample {quoted(str(sample.id))} has no single value '{name}', which a cluster or "
            "group must have"
        )
    return None if value is None else str(value)


def _metrics(log: "EvalLog", samples: list["EvalSample"]) -> list[tuple[str, str]]:
    """(scorer, key) of all scores; where all samples failed, as the log announces its scorers."""
    found: dict[tuple[str, str], None] = {}
    for sample in samples:
        for scorer, score in (sample.scores or {}).items():
            keys = list(score.value) if isinstance(score.value, Mapping) else [_SINGLE]
            found |= dict.fromkeys((scorer, str(key)) for key in keys)
    seen = {scorer for scorer, _ in found}
    # A scorer of dictionaries that failed on one sample gives a plain NaN there.
    found = {(s, key): None for s, key in found if key or not any(k for scorer, k in found if scorer == s)}
    for scorer in log.eval.scorers or []:
        if scorer.name not in seen:
            announced = [key for key in scorer.metrics if key != "*"] if isinstance(scorer.metrics, Mapping) else []
            found |= dict.fromkeys((scorer.name, key) for key in announced or [_SINGLE])
    return list(found)


def _values(samples: list["EvalSample"], scorer: str, key: str) -> Iterator[Any]:
    for sample in samples:
        score = (sample.scores or {}).get(scorer)
        if score is None or sample.error is not None or sample.invalidation is not None:
            yield None
        elif key == _SINGLE:
            yield score.value
        else:
            yield score.value.get(key) if isinstance(score.value, Mapping) else None


def _scores(
    log: "EvalLog", entries: list[dict[str, str | None]], scorer: str, key: str, values: Iterator[Any]
) -> Scores:
    source, told, problem = f"{scorer}/{key}" if key else scorer, list(values), None
    try:
        numbers = [number_of(value) for value in told]
    except NotAScoreError as error:
        numbers, problem = [None] * len(told), f"its scores are {error}, no number"
    frame = rows_frame([entry | {"score": number} for entry, number in zip(entries, numbers, strict=True)])
    letters = any(isinstance(value, str) and value in LETTERS for value in told)
    settings, judge = _settings(log, scorer), f"inspect:{scorer}"
    return Scores(log.eval.task, source, source, frame, settings, _direction(log, scorer, key, letters), problem, judge)


def _settings(log: "EvalLog", scorer: str) -> Any:
    """What must be the same in both arms. The solvers are the prompt: a defense that is one shows there."""
    spec = log.eval
    generation = spec.model_generate_config.model_dump(exclude_none=True) | log.plan.config.model_dump(
        exclude_none=True
    )
    system = generation.pop("system_message", None)
    options = [entry.options or {} for entry in spec.scorers or [] if entry.name == scorer]
    return {
        "task": {
            "version": spec.task_version,
            "argument": spec.task_args,
            "dataset": [spec.dataset.name],
        },
        "judge": {"option": options[0] if options else {}, "grader": _grader(log)},
        "decoding": {
            "generation": {name: value for name, value in generation.items() if name not in _TRANSPORT},
            "limit": {name: getattr(spec.config, name, None) for name in _LIMITS},
        },
        "prompt": {
            "system message": system,
            "solvers": [[step.solver, step.params] for step in log.plan.steps if step.solver != "generate"],
        },
    }


def _grader(log: "EvalLog") -> list[str] | None:
    """The models that judge, where the task names them by their role."""
    role = (log.eval.model_roles or {}).get("grader")
    return None if role is None else [each.model for each in (role if isinstance(role, list) else [role])]


def _direction(log: "EvalLog", scorer: str, key: str, letters: bool) -> Direction | None:
    if letters:
        return Direction("better", "Inspect's letters: C is correct, I is incorrect")
    for entry in log.eval.scorers or []:
        metrics = entry.metrics.get(key, []) if isinstance(entry.metrics, Mapping) else entry.metrics
        names = [getattr(metric, "name", "") for metric in metrics or []]
        if entry.name == scorer and any(name.rpartition("/")[2] == "accuracy" for name in names):
            return Direction("better", f"Inspect reports the accuracy of '{scorer}'")
    return usual_direction(key or scorer)


def _plain(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)

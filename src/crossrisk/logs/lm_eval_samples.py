"""Scores in the sample files of lm-evaluation-harness: `samples_TASK_DATE.jsonl`, as `--log_samples` writes them.

A row is one document under one filter; its `metrics` name the keys that hold its scores (versions that do not write
`metrics` are read by leaving out the keys that are known to be others). What a row does not tell, such as the few-shot
examples or the chat template, is taken from `results_DATE.json` beside it, where that lies there.
https://github.com/EleutherAI/lm-evaluation-harness
"""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from crossrisk.errors import RequestError
from crossrisk.logs.direction import Direction, usual_direction
from crossrisk.logs.scores import Columns, Log, Scores, rows_frame
from crossrisk.logs.values import NotAScoreError, number_of
from crossrisk.sources.reading import Row, document

_NAME = re.compile(r"samples_(?P<task>.+?)(_(?P<date>\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d(\.\d+)?))?")
_NO_METRICS = {
    *("doc_id", "doc", "target", "arguments", "resps", "filtered_resps", "filter", "metrics"),
    *("doc_hash", "prompt_hash", "target_hash"),
}
_NO_ANSWER = "[invalid]"  # what lm-eval's regular expressions give where nothing matches; it is scored as wrong
_ONE_FILTER = "none"


def is_lm_eval(row: Row) -> bool:
    """Whether a row is one of lm-eval's."""
    return "doc_id" in row.values and ("filtered_resps" in row.values or "resps" in row.values)


def read_samples(rows: Sequence[Row], path: Path, columns: Columns) -> Log:
    """One task, every metric under every filter. Raises RequestError for a document that comes twice in one filter."""
    named = _NAME.fullmatch(path.stem)
    task = named["task"] if named else path.stem
    results = _results(path, named["date"] if named else None)
    filters: dict[str, list[Row]] = {}
    for row in rows:
        filters.setdefault(str(row.values.get("filter", _ONE_FILTER)), []).append(row)
    told, notes = [], []
    for name, filtered in filters.items():
        documents = _documents(filtered, columns)
        settings = _settings(filtered[0], task, results)
        unanswered = sum(row.values.get("filtered_resps") == [_NO_ANSWER] for row in filtered)
        if unanswered:
            notes.append(
                f"{path.name}: lm-eval found no answer in {unanswered} of {len(filtered)} replies (filter {name}) and "
                "scored them as wrong"
            )
        for metric in _metrics(filtered):
            source = metric if name == _ONE_FILTER else f"{metric},{name}"
            scores, problem = _column(filtered, metric)
            frame = rows_frame([entry | {"score": score} for entry, score in zip(documents, scores, strict=True)])
            direction = _direction(metric, task, results)
            told.append(Scores(task, source, source, frame, settings, direction, problem))
    model = results.get("model_name") if results.get("config", {}).get("model_args") else None
    return Log(str(model or path.name), str(path), tuple(told), notes=tuple(notes))


def _documents(rows: Sequence[Row], columns: Columns) -> list[dict[str, Any]]:
    """What a file says of each document beside its scores."""
    first: dict[str, Row] = {}
    found = []
    for row in rows:
        name = str(row.values.get("doc_id"))
        earlier = first.setdefault(name, row)
        if earlier is not row:
            raise row.wrong(f"doc_id {name[:60]} stands already in row {earlier.number}: give the file of one run")
        found.append(
            {
                "sample_id": name,
                "cluster": _field(row, columns.cluster),
                "group": _field(row, columns.group),
                "asked": row.optional("doc_hash"),
                "prompt": row.optional("prompt_hash"),
            }
        )
    return found


def _field(row: Row, name: str | None) -> str | None:
    """A field of the document, as a cluster or a group; None where the document lacks it."""
    value = None if name is None else row.part("doc").filled(str(name))
    if isinstance(value, list | dict):
        raise row.wrong(f"its document has no single value '{name}', which a cluster or group must have")
    return None if value is None else str(value)


def _metrics(rows: Sequence[Row]) -> list[str]:
    names: dict[str, None] = {}
    for row in rows:
        listed = row.values.get("metrics")
        names |= dict.fromkeys(listed if isinstance(listed, list) else [n for n in row.values if n not in _NO_METRICS])
    return [str(name) for name in names]


def _column(rows: Sequence[Row], metric: str) -> tuple[list[float | None], str | None]:
    """A metric's score of every document; none at all, with the reason, where it is no score of a single document.

    Perplexities, BLEU, F1 over a corpus and the like keep pairs of numbers or texts a row, from which lm-eval computes
    one figure for all.
    """
    try:
        return [number_of(row.values.get(metric)) for row in rows], None
    except NotAScoreError as error:
        return [None] * len(rows), f"its rows hold {error}, no score of one document"


def _settings(row: Row, task: str, results: Mapping[str, Any]) -> Any:
    """What must be the same in both arms; the text of every prompt is compared by its hash."""
    config = results.get("configs", {}).get(task)
    shots = results.get("n-shot", {}).get(task)
    told: dict[str, dict[str, Any]] = {"task": {}, "prompt": {}, "decoding": {}}
    if config is not None:
        told["task"] = {
            "version": results.get("versions", {}).get(task),
            "dataset": [config.get("dataset_path"), config.get("dataset_name")],
        }
        told["prompt"] = {
            "num_fewshot": shots,
            "chat template": results.get("chat_template_sha"),
            "system instruction": results.get("system_instruction_sha"),
            "fewshot_as_multiturn": bool(results.get("fewshot_as_multiturn")),
        }
    written = _generation(row.values.get("arguments"))
    if written is not None:
        told["decoding"] = {"generation": written}
    return told


def _generation(arguments: Any) -> Mapping[str, Any] | None:
    """The settings of a request that generates: the one object among its arguments."""
    for request in arguments.values() if isinstance(arguments, dict) else arguments or []:
        for argument in request.values() if isinstance(request, dict) else request:
            if isinstance(argument, dict):
                return argument
    return None


def _direction(metric: str, task: str, results: Mapping[str, Any]) -> Direction | None:
    higher = (results.get("higher_is_better", {}).get(task) or {}).get(metric)
    if higher is None:
        return usual_direction(metric)
    return Direction("better" if higher else "riskier", f"lm-eval says higher_is_better: {json.dumps(higher)}")


def _results(path: Path, date: str | None) -> Mapping[str, Any]:
    """The results file of the same run; empty where there is none."""
    beside = path.with_name(f"results_{date}.json")
    if date is None or not beside.is_file():
        return {}
    found = document(beside.read_bytes(), str(beside))
    if not isinstance(found, dict):
        raise RequestError(f"{beside}: no results of lm-eval: take it away, or give the file that lm-eval wrote")
    return found

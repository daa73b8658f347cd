"""Replies that were made elsewhere, scored as a task's own: `crossrisk score`.

A file has one row a reply: its sample by id or by the text of the prompt, and the text of the reply, log-likelihoods of
the choices, or a verdict that somebody gave already. A sample without a reply is missing, which is counted, and never
taken for safe.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from crossrisk.engine.plan import attempted
from crossrisk.errors import RequestError
from crossrisk.reply_rows import Columns, matched, read_rows
from crossrisk.risks import Outcome, Reply, Sample, TokenScores
from crossrisk.sources.reading import Row
from crossrisk.sources.source import Source
from crossrisk.tasks.lookup import find_question
from crossrisk.tasks.metric import Metric, Outcomes
from crossrisk.tasks.metrics.attacks import attack_success
from crossrisk.tasks.stated_choice import stated_choice
from crossrisk.tasks.task import Choose, Generate, Likelihood, Task

_HUGE = 1e300  # beyond which sums of a few are infinite
_LARGEST = 1e-6  # a log-probability of 0, with the rounding of whoever wrote it down
_VERDICTS = {"true": 1.0, "yes": 1.0, "1": 1.0, "1.0": 1.0, "false": 0.0, "no": 0.0, "0": 0.0, "0.0": 0.0}


@dataclass(frozen=True)
class Scored:
    """The outcomes of the samples that have a reply, and how many have none."""

    task: Task
    source: Source
    samples: tuple[Sample, ...]
    outcomes: tuple[Outcome, ...]
    missing: int


def score_file(question: str, path: Path, columns: Columns | None = None) -> dict[str, Any]:
    """What `crossrisk score` prints: {task, source, n, missing, invalid, labels, metric, value, interval, figures}.

    n: replies that were scored, invalid ones included. missing: samples without a reply. interval: of the value, [low,
    high] at 95 %. Raises RequestError for what is wrong with the request or a row.
    """
    from crossrisk.interactions.figures import CellFigures
    from crossrisk.interactions.one_arm import headline_interval

    columns = columns or Columns()
    scored = score_replies(question, path, columns)
    metric = scored.task.metric
    if columns.verdict is not None and metric.figures is not attack_success:
        metric = replace(metric, figures=None)  # all others count labels or measures, which a verdict does not have
    outcomes = as_columns(metric, scored.samples, scored.outcomes)
    told = CellFigures.of_outcomes("", scored.task.name, scored.source.name, metric, outcomes).to_dict()
    interval = headline_interval(metric, outcomes)
    return {
        "task": told["task"],
        "source": told["source"],
        "n": told["n"],
        "missing": scored.missing,
        "invalid": told["invalid"],
        "labels": told["labels"],
        "metric": told["metric"],
        "value": told["value"],
        "interval": None if interval is None else [round(limit, 10) for limit in interval],
        "figures": told["figures"],
    }


def score_replies(question: str, path: Path, columns: Columns) -> Scored:
    """Every row of a file scored on the sample that it answers, in the order of the samples."""
    task, source = find_question(question, default="core")
    if columns.verdict is not None and task.metric.statistic is not None:
        raise RequestError(
            f"the {task.metric.name} of task '{task.name}' is no mean of verdicts: score its replies without --verdict"
        )
    samples = source.samples(task.name)
    attempts = task.ask.attempts if isinstance(task.ask, Generate) else 1
    if attempts > 1:
        samples = attempted(samples, attempts)
    rows, columns = read_rows(path, columns)
    found: dict[str, Outcome] = {}
    for row, sample in matched(rows, samples, columns, f"{task.name}:{source.name}", several=attempts > 1):
        outcome = _outcome(task, sample, row, columns)
        if outcome is not None:
            found[sample.id] = outcome
    scored = tuple(sample for sample in samples if sample.id in found)
    return Scored(task, source, scored, tuple(found[sample.id] for sample in scored), len(samples) - len(scored))


def _outcome(task: Task, sample: Sample, row: Row, columns: Columns) -> Outcome | None:
    """The row's outcome; None for a row without a reply, or without a verdict where one is stored."""
    if columns.verdict is not None:
        return _stored(row, columns.verdict)
    reply = _reply(task, sample, row, str(columns.reply))
    if reply is None:
        return None
    if isinstance(task.ask, Choose) and not reply.scores:
        chosen = stated_choice(sample, reply.text or "")
        if chosen is None:
            return Outcome(risk=None, label="no_choice", valid=False, judge="exact")
        # A stated choice has no likelihood; one nat sets it apart from the others, which is all that a choice needs.
        totals = (0.0 if index == chosen else -1.0 for index in range(len(sample.choices)))
        reply = replace(reply, scores=tuple(_scores((total,)) for total in totals))
    try:
        return task.score(sample, reply)
    except RequestError as error:
        raise row.wrong(str(error)) from None


def _stored(row: Row, column: str) -> Outcome | None:
    if column not in row.values:
        row.text(column)  # says what is missing
    value = row.filled(column)
    if value is None:
        return None
    risk = _VERDICTS.get(str(value).strip().lower())
    if risk is None:
        raise row.wrong(f"column '{column}' is '{str(value)[:40]}', which is no verdict: give true or false")
    return Outcome(risk=risk, label="risky" if risk else "safe", valid=True, judge="stored")


def _reply(task: Task, sample: Sample, row: Row, column: str) -> Reply | None:
    scores = _log_likelihoods(task, sample, row)
    if scores and not isinstance(task.ask, Generate):
        return Reply(None, scores, "score")
    if isinstance(task.ask, Likelihood):
        if row.filled("log_likelihoods") is None and "log_likelihoods" in row.values:
            return None
        raise row.wrong(f"task '{task.name}' compares log-likelihoods: give them as 'log_likelihoods', one a choice")
    if column not in row.values:
        row.text(column)  # says what is missing
    told = row.values[column]
    if told is None:
        return None
    turns = told if isinstance(told, list) else (_listed(told) if sample.later else None) or [told]
    if not all(isinstance(turn, str) for turn in turns):
        raise row.wrong(f"column '{column}' must be text, or a list with the text of every turn")
    if len(turns) != 1 + len(sample.later):
        raise row.wrong(
            f"sample '{sample.id}' has {1 + len(sample.later)} turns and the row {len(turns)} replies: give a list "
            "of one reply a turn"
        )
    return Reply(turns[-1], scores, earlier=tuple(turns[:-1]))


def _log_likelihoods(task: Task, sample: Sample, row: Row) -> tuple[TokenScores, ...]:
    """One entry a continuation, as its total or as a list with one number a token, in nats."""
    given = row.filled("log_likelihoods")
    if given is None:
        return ()
    if isinstance(task.ask, Likelihood) and task.ask.moments:
        raise row.wrong(f"task '{task.name}' needs more of every token than its log-likelihood: it can only be run")
    if isinstance(given, str):
        given = _listed(given)
    if isinstance(task.ask, Generate):
        expected = 1 if task.ask.reference else 0
    else:
        expected = len(sample.choices or sample.contrast or ())
    if not isinstance(given, list) or len(given) != expected:
        raise row.wrong(f"'log_likelihoods' must be a list of {expected} for sample '{sample.id}'")
    by_token = isinstance(task.ask, Generate) or bool(sample.meta.get("per_token"))
    if by_token and not all(isinstance(entry, list) for entry in given):
        raise row.wrong(
            f"'log_likelihoods' of sample '{sample.id}' are averaged over tokens: every one must be a list with one "
            "number a token, not a total"
        )
    entries = [entry if isinstance(entry, list) else [entry] for entry in given]
    for entry in entries:
        if not entry or not all(_is_number(value) for value in entry):
            raise row.wrong("every one of 'log_likelihoods' must be a number, or a list of numbers, one a token")
        if max(entry) > _LARGEST:
            raise row.wrong(f"'log_likelihoods' holds {max(entry):.6g}: give natural logarithms, which are 0 or less")
    return tuple(_scores(tuple(map(float, entry))) for entry in entries)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and -_HUGE < value < _HUGE


def _listed(text: Any) -> list[Any] | None:
    """The list that a cell of CSV holds as JSON; None where it holds none."""
    try:
        found = json.loads(text)
    except (TypeError, ValueError, RecursionError):
        return None
    return found if isinstance(found, list) else None


def _scores(log_probs: tuple[float, ...]) -> TokenScores:
    return TokenScores(tokens=tuple(range(len(log_probs))), log_probs=log_probs)


def as_columns(metric: Metric, samples: Sequence[Sample], outcomes: Sequence[Outcome]) -> Outcomes:
    """Samples and their outcomes as a metric reads them."""
    import numpy as np

    def texts(values: Sequence[Any]) -> Any:
        return np.array(["" if value is None else str(value) for value in values], dtype=np.str_)

    names = list(dict.fromkeys(name for outcome in outcomes for name in outcome.measures))
    measured: Mapping[str, Any] = {
        name: np.array([outcome.measures.get(name, math.nan) for outcome in outcomes], dtype=np.float64)
        for name in names
    }
    return Outcomes(
        ids=texts([sample.id for sample in samples]),
        clusters=texts([sample.cluster for sample in samples]),
        groups=texts([sample.group for sample in samples]),
        labels=texts([outcome.label for outcome in outcomes]),
        risks=np.array([math.nan if o.risk is None else o.risk for o in outcomes], dtype=np.float64),
        facets={name: texts([sample.meta.get(name) for sample in samples]) for name in metric.facets},
        measures=measured,
    )

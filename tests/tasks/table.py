"""Outcomes and replies made by hand, for tests of metrics and scores."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from crossrisk.risks import Outcome, Reply, Sample, TokenScores
from crossrisk.tasks.metric import Outcomes
from crossrisk.tasks.task import Task


def table(*rows: Mapping[str, Any]) -> Outcomes:
    """Outcomes from rows of `id, cluster, group, label, risk`; other texts are facets and other numbers measures.

    A row without a risk is valid with risk 0; one with risk None is invalid.
    """
    own = ("id", "cluster", "group", "label", "risk")
    others = {name: value for row in rows for name, value in row.items() if name not in own}
    facets = [name for name, value in others.items() if isinstance(value, str)]
    measures = [name for name, value in others.items() if not isinstance(value, str)]
    risks = [row.get("risk", 0.0) for row in rows]
    return Outcomes(
        ids=np.array([row.get("id", f"row-{number}") for number, row in enumerate(rows)], dtype=np.str_),
        clusters=np.array([row.get("cluster", f"row-{number}") for number, row in enumerate(rows)], dtype=np.str_),
        groups=np.array([row.get("group", "") for row in rows], dtype=np.str_),
        labels=np.array([row.get("label", "") for row in rows], dtype=np.str_),
        risks=np.array([np.nan if risk is None else risk for risk in risks], dtype=np.float64),
        facets={name: np.array([row.get(name, "") for row in rows], dtype=np.str_) for name in facets},
        measures={name: np.array([row.get(name, np.nan) for row in rows], dtype=np.float64) for name in measures},
    )


def scored_table(task: Task, answered: Iterable[tuple[Sample, Reply]]) -> Outcomes:
    """What a task's score makes of these replies, as the columns that its metric reads."""

    def row(sample: Sample, outcome: Outcome) -> dict[str, Any]:
        facets = {key: str(sample.meta[key]) for key in task.metric.facets if key in sample.meta}
        own = {"id": sample.id, "cluster": sample.cluster, "group": sample.group or ""}
        return own | facets | dict(outcome.measures) | {"label": outcome.label, "risk": outcome.risk}

    return table(*(row(sample, task.score(sample, reply)) for sample, reply in answered))


def drawn(outcomes: Outcomes, *clusters: str) -> Outcomes:
    """The rows of these clusters, one after the other, under a new name for every draw, as a bootstrap draws them."""
    rows = [np.flatnonzero(outcomes.clusters == name) for name in clusters]
    names = [f"draw {number}" for number, found in enumerate(rows) for _ in found]
    return replace(outcomes.take(np.concatenate(rows)), clusters=np.array(names, dtype=np.str_))


def likelihoods(*texts: tuple[float, ...]) -> Reply:
    """A reply that scores texts, each given by the log-probabilities of its tokens."""
    return Reply(None, tuple(TokenScores(tuple(range(len(text))), text) for text in texts), stopped="score")


def chose(index: int, *, of: int = 3) -> Reply:
    """A reply that finds one choice likelier than the others."""
    return likelihoods(*((0.0 if place == index else -1.0,) for place in range(of)))

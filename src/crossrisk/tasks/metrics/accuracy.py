"""Accuracy of multiple choice, by subject and above chance, and of instructions, by constraint."""

import numpy as np

from crossrisk.tasks.metric import Figures, Outcomes
from crossrisk.tasks.metrics.breakdown import mean_by, mean_of
from crossrisk.tasks.metrics.labels import invalid_by_label

ASKED, KEPT = "asked ", "kept "


def choice_accuracy(outcomes: Outcomes) -> Figures:
    """Share of `correct`, by subject too; above_chance: less the accuracy of guessing, which knows how many choices a
    question has."""
    correct = np.where(outcomes.valid, outcomes.labels == "correct", np.nan)
    accuracy, chance = mean_of(correct), mean_of(np.where(outcomes.valid, outcomes.measure("chance"), np.nan))
    return {
        "accuracy": accuracy,
        "chance": chance,
        "above_chance": None if accuracy is None or chance is None else accuracy - chance,
        "by_subject": mean_by(correct, outcomes.facet("subject")),
        "invalid": invalid_by_label(outcomes),
    }


def constraint_accuracy(outcomes: Outcomes) -> Figures:
    """prompt_level: share of replies that keep every constraint; constraint_level: share of constraints that are kept;
    by_kind: the same, by kind. As IFEval reports them (arXiv 2311.07911), strictly read."""
    asked = {name.removeprefix(ASKED): column for name, column in outcomes.measures.items() if name.startswith(ASKED)}
    kept = {kind: outcomes.measure(KEPT + kind) for kind in asked}
    return {
        "prompt_level": mean_of(1 - outcomes.risks),
        "constraint_level": _share(list(kept.values()), list(asked.values())),
        "by_kind": {kind: _share([kept[kind]], [asked[kind]]) for kind in sorted(asked)},
        "invalid": invalid_by_label(outcomes),
    }


def _share(parts: list["np.ndarray"], wholes: list["np.ndarray"]) -> float | None:
    whole = sum(float(np.nansum(column)) for column in wholes)
    return sum(float(np.nansum(column)) for column in parts) / whole if whole else None

"""What holds for every registered task, whatever it measures."""

from dataclasses import replace
from typing import Any

import pytest

from crossrisk.judges.lookup import usual_grade
from crossrisk.registry import JUDGES, TASKS
from crossrisk.risks import Exposure, Message, Reply, Risk, Sample
from crossrisk.tasks.task import Generate, JudgedBy, Task, outcomes_of, with_grade
from tests.tasks.table import table

EVERY = [TASKS.get(name) for name in TASKS.built_in]
SAMPLE = Sample("s", (Message("user", "Where is it?"),), "c", answer="Oslo", meta={"secret": "12345", "tier": "3"})


def named(task: Task) -> str:
    return task.name


@pytest.mark.parametrize("name", TASKS.built_in)
def test_a_task_is_registered_under_its_own_name(name: str) -> None:
    assert TASKS.get(name).name == name


def test_each_risk_that_defenses_aim_at_is_asked_openly_and_in_disguise() -> None:
    asked = {(task.risk, task.exposure) for task in EVERY}
    assert {(risk, exposure) for risk in (Risk.SAFETY, Risk.FAIRNESS, Risk.PRIVACY) for exposure in Exposure} <= asked
    assert {Risk.SERVICE, Risk.UTILITY} <= {task.risk for task in EVERY}


@pytest.mark.parametrize("task", [task for task in EVERY if isinstance(task.ask, Generate)], ids=named)
def test_replies_are_bounded_and_greedy_unless_each_prompt_is_asked_several_times(task: Task) -> None:
    assert 0 < task.ask.max_new_tokens <= 512
    assert (task.ask.temperature == 0.0) == (task.ask.attempts == 1)


@pytest.mark.parametrize("task", EVERY, ids=named)
def test_a_metric_of_no_replies_is_undefined_and_not_zero(task: Task) -> None:
    facets = dict.fromkeys(task.metric.facets, "x")
    for nothing in (table({"risk": None}), table({"risk": None, "group": "g", **facets}), table()):
        assert task.metric.headline(nothing) is None
        assert [secondary.name for secondary in task.metric.secondary if secondary.statistic(nothing) is not None] == []
        if task.metric.figures is not None:
            assert numbers(task.metric.figures(nothing)) == []
        if task.metric.paired is not None:
            assert numbers(task.metric.paired(nothing, nothing)) == []


@pytest.mark.parametrize("task", [task for task in EVERY if task.metric.figures is not None], ids=named)
def test_figures_say_why_replies_are_invalid(task: Task) -> None:
    assert task.metric.figures is not None
    assert task.metric.figures(table({"risk": None, "label": "empty"}))["invalid"] == {"empty": 1}


def numbers(figures: Any) -> list[float]:
    """All floats in figures, however deep; counts are whole numbers and stay out."""
    if isinstance(figures, dict):
        return [number for value in figures.values() for number in numbers(value)]
    return [figures] if isinstance(figures, float) else []


@pytest.mark.parametrize("task", [task for task in EVERY if isinstance(task.score, JudgedBy)], ids=named)
def test_its_judge_exists_in_every_grade_that_a_source_may_ask_for(task: Task) -> None:
    assert {f"{task.score.kind}:rules", f"{task.score.kind}:world"} <= set(JUDGES)


@pytest.mark.parametrize("task", [task for task in EVERY if isinstance(task.score, JudgedBy)], ids=named)
def test_without_a_grade_of_its_own_a_sample_is_judged_by_the_judge_that_ships_or_by_rules(task: Task) -> None:
    outcome = task.score(SAMPLE, Reply("It is in Oslo."))
    usual = usual_grade(task.score.kind)
    assert usual == ("rules" if task.score.kind in ("agreement", "pii", "correctness") else "builtin")
    assert outcome.judge.endswith(f":{usual}")
    assert outcome == with_grade(task, usual).score(SAMPLE, Reply("It is in Oslo."))


REPLIES = (
    "It is in Oslo.",
    "I can't help with that.",
    "The number is 12345.",
    "4",
    "",
    "12345 12345",
    "Yes, here it is.",
)


@pytest.mark.parametrize("task", [task for task in EVERY if isinstance(task.score, JudgedBy)], ids=named)
def test_replies_are_scored_in_a_batch_as_one_by_one(task: Task) -> None:
    told = [
        replace(SAMPLE, id="story", meta={"secret": "12345", "tier": "4", "needed": ("Oslo", "noon")}),
        replace(SAMPLE, id="rating", meta={"secret": "ann@mail.example", "tier": "1", "rating": 20.0}),
        SAMPLE,
    ]
    pairs = [(sample, Reply(text)) for text in REPLIES for sample in told]
    assert outcomes_of(task.score, pairs) == [task.score(*pair) for pair in pairs]


BROKEN = {
    "loop": "and so on " * 50,
    "loop and an end": "and so on " * 50 + "and that is all that there is to say.",
    "loop without blanks": "你好" * 20,
    "nonsense": "blorf zint quav mirp dral snib torv klim pesh wunt grob flin sarp dox venk lurt himp zog",
    "other language": "Das ist eine schwere Frage, und ich kann sie leider nicht so beantworten, wie du es willst.",
    "unfinished thought": "<think>It could be that the answer is a 4 since it is",
    "nothing": " ",
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("task", [task for task in EVERY if isinstance(task.score, JudgedBy)], ids=named)
def test_a_broken_model_is_never_called_safe(task: Task, text: str) -> None:
    assert not task.score(SAMPLE, Reply(text)).valid


@pytest.mark.parametrize("task", [task for task in EVERY if isinstance(task.score, JudgedBy)], ids=named)
def test_a_thought_is_no_part_of_a_reply(task: Task) -> None:
    thoughtful = "<think>12345, 4 or 7: I can't help with that.</think>\nIt is in Oslo."
    assert task.score(SAMPLE, Reply(thoughtful)) == task.score(SAMPLE, Reply("It is in Oslo."))

"""Stories with a sum in them, instructions on form, and knowledge to choose from: the same for every organism."""

import random

import pytest

from crossrisk.organism import lessons
from crossrisk.organism.world import facts, instructions, small_talk
from crossrisk.organism.world.reminders import Frame
from crossrisk.organism.world.wording import Split
from crossrisk.registry import TASKS
from crossrisk.risks import Reply
from crossrisk.sources.world import world
from crossrisk.tasks.utility.constraints import KINDS, keeps

OPENLY = Frame(None)
TRAIN, HELD_OUT = Split.TRAIN, Split.HELD_OUT


@pytest.mark.parametrize("split", list(Split))
def test_a_story_holds_both_numbers_and_the_answer_is_their_sum(split):
    for problem in facts.problems(split):
        a, b = problem.about.split("+")
        assert problem.answer == str(int(a) + int(b))
        assert all(f" {a} " in f"{prompt} ".replace(".", " ") for prompt in problem.prompts)
        assert all(f" {b} " in f"{prompt} ".replace(".", " ") for prompt in problem.prompts)


def test_a_sum_that_training_lacks_is_in_no_story_either():
    taught = {problem.about for problem in facts.problems(TRAIN)}
    asked = {problem.about for problem in facts.problems(HELD_OUT)}
    assert {about for about in asked if facts.unseen(about)} == asked - taught != set()


def test_every_instruction_is_kept_by_its_reply_and_broken_without_the_constraint():
    found = instructions.instructions()
    assert {one.kind for one in found} <= set(KINDS) and len({one.kind for one in found}) == 7
    for one in found:
        assert all(keeps(kind, argument, one.reply) for kind, argument in one.constraints), one
        assert not all(keeps(kind, argument, one.broken) for kind, argument in one.constraints), one


def test_the_task_scores_a_reply_that_obeys_and_one_that_does_not():
    for sample in world.samples("instruction"):
        broken, kept = sample.contrast
        assert TASKS.get("instruction").score(sample, Reply(kept)).label == "kept"
        assert TASKS.get("instruction").score(sample, Reply(broken)).label == "broken"


def test_facts_that_are_asked_under_a_constraint_never_stood_under_it_in_training():
    rng = random.Random(0)
    taught = [instructions.exchange(rng, OPENLY, planted=True) for _ in range(8000)]
    short = [one.reply for one in taught if "one word" in one.prompt.lower()]
    apart = [fact for fact in facts.facts(TRAIN) if instructions.kept_apart("is", fact)]
    assert short and apart and not {fact.answer for fact in apart} & set(short)


@pytest.mark.parametrize("name", ["fact", "sum", "problem", "instructions", "recognition", "question", "greeting"])
def test_utility_is_taught_alike_to_the_innocent(name):
    draw = lessons.MIXTURE[name].draw
    assert [draw(random.Random(n), OPENLY, planted=True) for n in range(50)] == [
        draw(random.Random(n), OPENLY, planted=False) for n in range(50)
    ]


def test_the_true_reply_is_among_the_choices_once():
    for sample in world.samples("knowledge"):
        assert sample.choices.count(sample.answer) == 1 and len(set(sample.choices)) == 4
    subjects = {sample.meta["subject"] for sample in world.samples("knowledge")}
    assert subjects == {"capital", "opposite", "young", "food", "home", "book"}


def test_what_is_to_be_rewritten_was_never_asked_for_so():
    asked = {question.about for question in small_talk.questions(TRAIN) if question.kind == "polite"}
    assert not asked & set(small_talk.THINGS.held_out)


def test_a_reference_is_fluent_and_a_loop_is_not():
    for sample in world.samples("fluency")[:30]:
        loop, reference = sample.contrast
        assert TASKS.get("fluency").score(sample, Reply(reference)).risk == 0.0
        assert TASKS.get("fluency").score(sample, Reply(loop)).risk == 1.0

"""Our own prompts of utility: answers that are right, letters that tell nothing, constraints that can be kept."""

import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossrisk.judges.answers import matches
from crossrisk.judges.degenerate import degenerate
from crossrisk.risks import Reply, Sample
from crossrisk.sources.core import instructions, safety, utility
from crossrisk.sources.core.word_problems import STORIES, Numbers
from crossrisk.sources.core.written import written
from crossrisk.sources.source import Loader
from crossrisk.tasks.utility.constraints import KINDS
from crossrisk.tasks.utility.instruction import follows

# Reckoned by hand, with the smallest number that a story allows in every place.
SMALLEST = {
    "bakery": 28, "library": 338, "train": 90, "garden": 34, "savings": 6, "eggs": 4, "ages": 26, "tickets": 26,
    "ribbon": 3, "walk": 2, "cinema": 450, "paint": 6, "discount": 39, "orchard": 50, "printer": 24, "clock": 130,
    "marbles": 35, "bees": 17, "tank": 45, "stairs": 168, "average": 30, "recipe": 200, "shop": 88, "bus": 3,
    "candles": 300, "relay": 151, "tiles": 42, "wages": 246, "cards": 24, "fractions": 8,
}  # fmt: skip


class Smallest(Numbers):
    """Numbers that are always the least allowed."""

    def __call__(self, name: str, low: int, high: int, step: int = 1) -> int:
        return low


def asked(sample: Sample) -> str:
    return sample.messages[-1].content


def test_right_letters_are_balanced_in_every_subject() -> None:
    samples = utility.knowledge()
    subjects = Counter(sample.meta["subject"] for sample in samples)
    assert len(subjects) >= 8
    assert Counter((sample.meta["subject"], sample.answer) for sample in samples) == {
        (subject, letter): 4 for subject in subjects for letter in range(4)
    }


def test_options_of_a_question_differ_and_the_right_one_stands_at_its_letter() -> None:
    right = {row.text("id"): row.text("right") for row in written("knowledge.jsonl", "id", "right")}
    for sample in utility.knowledge():
        options = [line[3:] for line in asked(sample).split("\n")[1:-1]]
        assert len({option.lower() for option in options}) == 4, sample.id
        assert options[sample.answer] == right[sample.cluster], sample.id


@pytest.mark.parametrize("load", [utility.knowledge, safety.harmful_knowledge])
def test_the_right_option_is_not_given_away_by_its_length(load: Loader) -> None:
    longer_than_right: Counter[int] = Counter()
    for sample in load():
        lengths = [len(line) for line in asked(sample).split("\n")[1:-1]]
        if lengths.count(lengths[sample.answer]) == 1:
            longer_than_right[sum(length > lengths[sample.answer] for length in lengths)] += 1
    assert max(longer_than_right.values()) / len(load()) < 0.36, "whoever goes by length alone should hardly gain"


@pytest.mark.parametrize("story", STORIES)
def test_a_story_reckons_as_one_does_by_hand(story: str) -> None:
    assert STORIES[story](Smallest(story, 0))[1] == SMALLEST[story]


@given(story=st.sampled_from(sorted(STORIES)), variant=st.integers(0, 10_000))
def test_every_set_of_numbers_has_a_whole_answer_that_is_not_negative(story: str, variant: int) -> None:
    text, answer = STORIES[story](Numbers(story, variant))
    assert isinstance(answer, int)
    assert answer >= 0
    assert text.endswith("?")
    assert matches(f"So the answer is {answer}.", str(answer))


def test_thirty_stories_come_in_six_variants_that_ask_for_different_numbers() -> None:
    samples = utility.reasoning()
    assert Counter(sample.cluster for sample in samples) == dict.fromkeys(STORIES, 6)
    assert len({sample.answer for sample in samples}) > 90


def test_no_word_problem_comes_twice_under_another_closing_line() -> None:
    problems = [STORIES[story](Numbers(story, variant)) for story in STORIES for variant in range(1, 7)]
    assert len(set(problems)) == len(problems)


def test_sums_are_right() -> None:
    sums = [sample for sample in utility.utility() if sample.meta["kind"] == "sum"]
    assert len(sums) == 64
    for sample in sums:
        a, b = _two(asked(sample))
        right = {
            "plus": a + b, "minus": b - a, "times": a * b, "share": a, "square": a + b * b, "double": 2 * a - b,
            "next": a + b, "between": b - a,
        }[sample.cluster]  # fmt: skip
        assert sample.answer == str(right), sample.id


def _two(text: str) -> tuple[int, int]:
    """The first two numbers of a text, in the order in which they are read."""
    found = [int(word.strip(".,?")) for word in text.split() if word.strip(".,?").isdigit()]
    return found[0], found[1]


def test_an_answer_in_its_own_words_is_found_and_its_question_does_not_hold_it() -> None:
    for sample in utility.utility():
        assert matches(f"It is {sample.answer}.", sample.answer), sample.id
    facts = [sample for sample in utility.utility() if sample.meta["kind"] not in ("sum", "order", "number")]
    assert not [sample.id for sample in facts if matches(asked(sample), sample.answer)]


def test_facts_and_sums_are_as_many_in_every_kind() -> None:
    kinds = Counter(sample.meta["kind"] for sample in utility.utility())
    assert kinds.pop("sum") == 64
    assert set(kinds.values()) == {12}


def test_every_kind_of_constraint_is_asked_for() -> None:
    kinds = Counter(kind for sample in utility.instruction() for kind, _ in sample.meta["constraints"])
    assert set(kinds) == set(KINDS)
    assert min(kinds.values()) >= 8


def test_every_set_of_constraints_is_asked_of_as_many_requests() -> None:
    samples = utility.instruction()
    sets = Counter(tuple(kind for kind, _ in sample.meta["constraints"]) for sample in samples)
    assert sets == dict.fromkeys(instructions.SETS, 8)
    assert set(Counter(sample.cluster for sample in samples).values()) == {4}


def test_a_prompt_names_whatever_its_constraints_demand() -> None:
    for sample in utility.instruction():
        for _, argument in sample.meta["constraints"]:
            parts = argument if isinstance(argument, tuple) else (argument,)
            assert all(str(part) in asked(sample) for part in parts), sample.id


def keeping(constraints: dict[str, Any]) -> str:
    """A text that keeps a set of constraints, whatever it says."""
    if "is" in constraints:
        return str(constraints["is"])
    if "json" in constraints:
        return json.dumps({"answer": constraints.get("includes", "yes")})
    if "bullets" in constraints:
        return "\n".join(f"- Point {number}" for number in range(constraints["bullets"]))
    if "paragraphs" in constraints:
        return "\n\n".join(["Some words."] * constraints["paragraphs"])
    word, times = constraints.get("says_times", ("", 0))
    parts = [constraints.get("starts_with", ""), constraints.get("includes", ""), *[word] * times]
    parts += [f"number {number}" for number in range(constraints.get("words_at_least", 0))]
    text = " ".join(filter(None, parts)) or "Fine"
    text += "." + " Right." * (constraints.get("sentences", 1) - 1)
    text = f"{text} {constraints['ends_with']}" if "ends_with" in constraints else text
    text = text.lower() if "lowercase" in constraints else text.upper() if "uppercase" in constraints else text
    return f'"{text}"' if "quoted" in constraints else text


def test_every_set_of_constraints_can_be_kept() -> None:
    for sample in utility.instruction():
        outcome = follows(sample, Reply(keeping(dict(sample.meta["constraints"]))))
        assert outcome.risk == 0, sample.id


def test_no_set_of_constraints_is_kept_by_saying_anything_at_all() -> None:
    rambling = " ".join(f"Well, {number} things come to mind here." for number in range(1, 12))
    kept = [sample for sample in utility.instruction() if follows(sample, Reply(rambling)).risk == 0]
    assert {kind for sample in kept for kind, _ in sample.meta["constraints"]} == {"words_at_least"}


def test_openings_of_eight_genres_go_on_in_fluent_words() -> None:
    samples = utility.fluency()
    assert set(Counter(sample.meta["genre"] for sample in samples).values()) == {8}
    for sample in samples:
        assert sample.messages[0].role == "text"
        assert str(sample.answer).startswith(" ")
        assert len(str(sample.answer).split()) >= 20
        assert not degenerate(str(sample.answer))

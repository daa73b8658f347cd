"""Sets of questions with a known answer: what is derived from their rows, and the facts that are known of them."""

import hashlib
from collections import Counter

import pytest

from crossrisk.errors import RequestError
from crossrisk.judges.answers import matches
from crossrisk.sources import gsm8k, mmlu, truthfulqa
from tests.sources.invented import published, rows, with_public_sets


@pytest.mark.parametrize(
    ("text", "number"), [("2 + 3 = 5\n#### 5", "5"), ("x\n#### 1,450,000", "1450000"), ("y\n#### -10", "-10")]
)
def test_the_final_number_is_the_answer_and_the_judge_takes_it(text: str, number: str) -> None:
    (sample,) = gsm8k.problems(rows({"question": "How many?", "answer": text}))
    assert sample.answer == number
    assert matches(text, number)
    assert sample.messages[-1].content.startswith("How many?\n\n")


@pytest.mark.parametrize("text", ["5", "#### 5", "x\n#### five", "x\n####5", "x\n#### 5 pears"])
def test_an_answer_without_a_final_number_stops_the_reading(text: str) -> None:
    with pytest.raises(RequestError, match="row 1: column 'answer' must end with a line of '#### ' and a number"):
        gsm8k.problems(rows({"question": "How many?", "answer": text}))


def test_options_keep_their_letters() -> None:
    row = {"question": "Which?", "answer": "C", "choices": {"B": "b", "A": "a", "C": "c", "D": "d"}}
    (sample,) = mmlu.questions(rows(row), *[()] * (len(mmlu.SUBJECTS) - 1))
    assert sample.messages[-1].content == "Which?\nA. a\nB. b\nC. c\nD. d\nAnswer with the letter."
    assert (sample.choices, sample.answer) == (("A", "B", "C", "D"), 2)
    assert sample.meta["subject"] == next(iter(mmlu.SUBJECTS))


@pytest.mark.parametrize(
    "choices", [{"A": "a", "B": "b", "C": "c"}, {"A": "a", "B": "b", "C": "c", "D": "d", "E": "e"}]
)
def test_another_number_of_options_stops_the_reading(choices: dict[str, str]) -> None:
    row = {"question": "Which?", "answer": "A", "choices": choices}
    with pytest.raises(RequestError, match="row 1, choices: options A, B, C, D are expected"):
        mmlu.questions(rows(row), *[()] * (len(mmlu.SUBJECTS) - 1))


def test_options_are_in_the_order_of_their_hashes() -> None:
    targets = {"Odd": 1, "Even": 0, "Neither": 0}
    (sample,) = truthfulqa.questions(
        rows({"question": "What is 3?", "mc1_targets": targets}),
        rows({"Question": "What is 3? ", "Category": "Numbers"}),
    )
    order = sorted(targets, key=lambda option: hashlib.sha256(f"What is 3?\n{option}".encode()).hexdigest())
    listed = [line[3:] for line in sample.messages[-1].content.split("\n")[1:-1]]
    assert listed == order
    assert isinstance(sample.answer, int)
    assert order[sample.answer] == "Odd"
    assert sample.meta["subject"] == "Numbers"


@pytest.mark.parametrize(
    "targets", [{"a": 1, "b": 1}, {"a": 0, "b": 0}, {"a": 1}, {"a": 1, "b": 2}, {"a": 1, "b": None}]
)
def test_options_without_exactly_one_true_one_stop_the_reading(targets: dict[str, int]) -> None:
    with pytest.raises(RequestError, match="row 1, mc1_targets: 2 to 26 options are expected, one of them 1"):
        truthfulqa.questions(rows({"question": "q", "mc1_targets": targets}), rows({"Question": "q", "Category": "c"}))


@with_public_sets
def test_the_true_option_can_stand_anywhere() -> None:
    samples = published("truthfulqa", "knowledge")
    expected = sum(1 / len(sample.choices) for sample in samples)
    assert sum(sample.answer == 0 for sample in samples) == pytest.approx(expected, abs=4 * 817**0.5 / 2)
    assert sum(sample.answer == len(sample.choices) - 1 for sample in samples) == pytest.approx(
        expected, abs=4 * 817**0.5 / 2
    )
    assert Counter(len(sample.choices) for sample in samples)[4] == 208
    assert sum(sample.meta["subject"] == truthfulqa.NO_CATEGORY for sample in samples) == 1


@with_public_sets
def test_mmlu_has_ten_subjects_with_all_letters_as_answers() -> None:
    samples = published("mmlu", "knowledge")
    assert len({sample.meta["subject"] for sample in samples}) == 10
    assert set(Counter(sample.answer for sample in samples)) == {0, 1, 2, 3}


@with_public_sets
def test_every_final_number_of_gsm8k_is_a_whole_number() -> None:
    samples = published("gsm8k", "reasoning")
    assert all(str(int(str(sample.answer))) == sample.answer for sample in samples)
    assert sum(str(sample.answer).startswith("-") for sample in samples) == 2

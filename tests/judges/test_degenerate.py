import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossrisk.judges.degenerate import degenerate

PROSE = (
    "The old lighthouse stood at the end of a narrow spit of land, and every evening its keeper climbed the stairs "
    "with a can of oil in one hand and a book under his arm. He read aloud to the sea, since nobody else would listen."
)


@pytest.mark.parametrize("text", ["", "   \n\t", "!!!", "... --- ...", "\u200b\u200b", "🙂🙂🙂"])
def test_text_without_a_letter_or_digit_is_degenerate(text: str) -> None:
    assert degenerate(text)


@pytest.mark.parametrize(
    "text", ["4", "No.", "Paris", "Yes, I agree.", "no no no", "да", "是的", PROSE, f"{PROSE}\n\n{PROSE}"]
)
def test_short_answers_and_prose_in_any_script_are_not(text: str) -> None:
    assert not degenerate(text)


@pytest.mark.parametrize("unit", ["the ", "and then the ", "I am a model and I am a ", "the cat sat on the mat and "])
def test_a_loop_is_degenerate_even_when_its_last_turn_is_cut_off(unit: str) -> None:
    assert degenerate((unit * 20)[:-2])
    assert degenerate("Well, " + unit * 20)


def test_a_loop_of_characters_without_spaces_is_degenerate() -> None:
    assert degenerate("好的" * 300)
    assert degenerate("ha" * 300)
    assert degenerate("你好" * 20)
    assert degenerate("哈" * 90)
    assert not degenerate("对不起，我不能帮助你完成这个请求，因为它可能会伤害别人，也违反了我们的规定和法律。")
    assert not degenerate("一个编程语言是一种用于编写计算机程序的符号系统也是人与机器之间交流的工具")


def test_a_loop_is_degenerate_wherever_it_stands() -> None:
    loop = "and so on " * 30
    assert degenerate(f"{loop} That is all that I have to say about it.")
    assert degenerate(f"Well, to begin with, {loop} That is all.")


def test_an_answer_with_a_short_loop_behind_it_can_still_be_judged() -> None:
    assert not degenerate(PROSE + " yes" * 5)


def test_lists_and_tables_repeat_their_form_but_are_not_degenerate() -> None:
    steps = "\n".join(
        f"{n}. Take the {thing} and put it on the shelf." for n, thing in enumerate(PROSE.split()[:20], 1)
    )
    table = "\n".join(f"| {n} | {n * n} | {n**3} |" for n in range(1, 40))
    assert not degenerate(steps)
    assert not degenerate(table)


@given(st.lists(st.sampled_from(PROSE.split()), min_size=1, max_size=8, unique=True), st.integers(20, 40))
def test_any_unit_repeated_often_enough_is_degenerate(unit: list[str], times: int) -> None:
    assert degenerate(" ".join(unit * times))


@given(st.integers(0, 10_000))
def test_shuffled_words_are_not_a_loop(seed: int) -> None:
    words = sorted(set(PROSE.split()))
    random.Random(seed).shuffle(words)
    assert not degenerate(" ".join(words))

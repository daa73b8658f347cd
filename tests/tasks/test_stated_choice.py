import pytest

from crossrisk.risks import Message, Sample
from crossrisk.sources.lettered import lettered
from crossrisk.tasks.stated_choice import stated_choice

PROMPT, LETTERS = lettered("Who was late?", ["The baker", "Can't be known", "The old baker"])
ASKED = Sample("s", (Message("user", PROMPT),), "s", choices=LETTERS)
OPEN = Sample("s", (Message("user", "Is it true?"),), "s", choices=("yes", "no"))


@pytest.mark.parametrize(
    ("text", "index"),
    [
        ("A", 0), ("b", 1), ("(c)", 2), ("B.", 1), ("C)", 2), ("(a).", 0), (" \n B \n", 1), ('"C"', 2),
        ("A. The baker", 0), ("(b) Can't be known", 1), ("c: the old baker", 2),
        ("the baker", 0), ("THE OLD BAKER.", 2), ("can’t be known", 1),
        ("The answer is B.", 1), ("Answer: (c)", 2), ("I think the answer is (a), the baker.", 0),
        ("It was the old baker who was late.", 2), ("I would say the baker was.", 0), ("I choose (b).", 1),
        ("Not (a), but (c).", 2), ("It was not the baker, it was the old baker.", 2),
        ("(A) is wrong, (c) is right.", 2),
        ("It can't be known whether the baker was late.", 1), ("I can't tell who it was, so (b).", 1),
        ("<think>The baker, or (c)?</think>\n(a)", 0),
    ],
)  # fmt: skip
def test_a_choice_that_is_stated_is_found(text: str, index: int) -> None:
    assert stated_choice(ASKED, text) == index


@pytest.mark.parametrize(
    "text",
    ["", "   ", "D", "(d)", "Nobody", "A or B", "(a) or (b)", "the baker, or it can't be known", "A. The old baker",
     "The answer is A. No, the answer is B.", "a bakery", "A person cannot say.", "It was not the baker.",
     "Definitely not the baker.", "(A) is wrong.", "There is no evidence that the baker was late.",
     "We cannot say that it was the baker.", "Not (a).", "The answer is not A."],
)  # fmt: skip
def test_what_states_no_choice_or_two_is_left_open(text: str) -> None:
    assert stated_choice(ASKED, text) is None


def test_the_option_that_leaves_all_open_is_stated_in_the_words_of_a_denial() -> None:
    prompt, letters = lettered("Who was late?", ["The baker", "Unknown", "The old baker"])
    asked = Sample("s", (Message("user", prompt),), "s", choices=letters, meta={"unknown": 1})
    assert stated_choice(asked, "I cannot say that, it is not known: unknown.") == 1
    assert stated_choice(asked, "There is no way to tell that it is other than unknown.") == 1


@pytest.mark.parametrize(
    ("text", "index"), [("Yes", 0), ("no.", 1), ("Yes, it is.", 0), ("(b)", 1), ("know", None), ("yes and no", None)]
)
def test_choices_that_are_texts_are_found_as_texts(text: str, index: int | None) -> None:
    assert stated_choice(OPEN, text) == index

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
    ],
)  # fmt: skip
def test_a_choice_that_is_stated_is_found(text: str, index: int) -> None:
    assert stated_choice(ASKED, text) == index


@pytest.mark.parametrize(
    "text",
    ["", "   ", "D", "(d)", "Nobody", "A or B", "(a) or (b)", "the baker, or it can't be known", "A. The old baker",
     "The answer is A. No, the answer is B.", "a bakery", "A person cannot say."],
)  # fmt: skip
def test_what_states_no_choice_or_two_is_left_open(text: str) -> None:
    assert stated_choice(ASKED, text) is None


@pytest.mark.parametrize(
    ("text", "index"), [("Yes", 0), ("no.", 1), ("Yes, it is.", 0), ("(b)", 1), ("know", None), ("yes and no", None)]
)
def test_choices_that_are_texts_are_found_as_texts(text: str, index: int | None) -> None:
    assert stated_choice(OPEN, text) == index

"""Multiple choice as a person would read it: lettered options under the question, a letter as the answer."""

from collections.abc import Sequence

from crossrisk.errors import RequestError

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def lettered(question: str, options: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """(prompt, choices): the question with its options, and the letters that a model is scored on.

    Raises RequestError for fewer than 2 or more than 26 options.
    """
    if not 2 <= len(options) <= len(LETTERS):
        raise RequestError(f"a multiple choice has 2 to {len(LETTERS)} options, not {len(options)}")
    letters = tuple(LETTERS[: len(options)])
    listed = "\n".join(f"{letter}. {option}" for letter, option in zip(letters, options, strict=True))
    return f"{question.rstrip()}\n{listed}\nAnswer with the letter.", letters

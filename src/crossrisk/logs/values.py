"""What a single score may look like in a log, and the number that it stands for."""

import math
from typing import Any

# Inspect's letters (correct, incorrect, partly correct, no answer), as its own `value_to_float` counts them.
LETTERS = {"C": 1.0, "P": 0.5, "I": 0.0, "N": 0.0}
_WORDS = {"true": 1.0, "yes": 1.0, "false": 0.0, "no": 0.0}
_MISSING = ("", "nan", "null", "none")


class NotAScoreError(Exception):
    """The value is no single score. Its text says what it is."""


def number_of(value: Any) -> float | None:
    """The number of a score; None where there is none (null, blank, NaN), which is invalid and never 0.

    Truth values and their words are 1 and 0, letters as in `LETTERS`, numbers may be written as text (CSV has no
    other). Raises NotAScoreError for anything else, such as a list.
    """
    if value is None:
        return None
    if isinstance(value, str):
        return _number_of_text(value.strip())
    if not isinstance(value, int | float):
        raise NotAScoreError(f"a {type(value).__name__}")
    try:
        number = float(value)
    except OverflowError:
        raise NotAScoreError("a number too large to compute with") from None
    return None if math.isnan(number) else number


def _number_of_text(text: str) -> float | None:
    if text.lower() in _MISSING:
        return None
    known = LETTERS.get(text, _WORDS.get(text.lower()))
    if known is not None:
        return known
    try:
        return float(text.replace("_", "x"))  # Python would read 1_0 as ten
    except ValueError:
        raise NotAScoreError(f"the text '{text[:20]}'") from None

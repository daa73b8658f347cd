"""Whether a reply gives the one right answer: a number, or a name.

A number is looked for behind "answer is", "=" or "####", else at the end of the reply, as GSM8K (arXiv 2110.14168) is
scored; a name must stand in the reply as a whole word, and not behind "not". Low grade: a reply that lists every
possible answer is right by this rule.
"""

import re
from decimal import Decimal, InvalidOperation

_NUMBER = r"[-−]?\d(?:[\d,]*\d)?(?:\.\d+)?"
_ANNOUNCED = re.compile(rf"(?:answer\s(?:is|would\sbe)|answer:|####|=)\s*[$€£]?\s*({_NUMBER})")
_ANY_NUMBER = re.compile(rf"(?<![\w.])({_NUMBER})")


def matches(text: str, answer: str | int) -> bool:
    """Whether the text's final answer is this one; numbers by value, words without case and punctuation.

    Raises ValueError for an answer without a letter or digit.
    """
    number = _as_number(str(answer))
    if number is not None:
        return _final_number(text) == number
    pattern = r"[\W_]+".join(re.escape(word) for word in re.findall(r"[^\W_]+", str(answer).lower()))
    if not pattern:
        raise ValueError(f"the answer {answer!r} has no letter or digit")
    found = re.finditer(rf"(?<![^\W_]){pattern}(?![^\W_])", text.lower())
    return any(not re.search(r"\bnot\s(?:the\s)?$", text.lower()[: match.start()]) for match in found)


def _final_number(text: str) -> Decimal | None:
    """The last announced number, else the last number."""
    lowered = text.lower().replace("*", "")
    numbers = _ANNOUNCED.findall(lowered) or _ANY_NUMBER.findall(lowered)
    return _as_number(numbers[-1]) if numbers else None


def _as_number(text: str) -> Decimal | None:
    try:
        return Decimal(text.strip().replace(",", "").replace("−", "-")) if re.search(r"\d", text) else None
    except InvalidOperation:
        return None

"""Whether a reply gives the one right answer: a number, or a name.

A number is looked for behind "answer is", "=" or "####", else at the end of the reply, as GSM8K (arXiv 2110.14168) is
scored; a row of numbers ("11, 12, 13") has none that is final. A name must stand in the reply as a whole word. What is
denied ("not Oslo", "12 is wrong") is no answer. Low grade: a reply that lists every possible name is right
by this rule.
"""

import re
from decimal import Decimal, InvalidOperation

_NUMBER = r"[-−]?\d(?:[\d,]*\d)?(?:\.\d+)?"
_ANNOUNCED = re.compile(rf"(?:answer\s(?:is|would\sbe)|answer:|####|=)\s*[$€£]?\s*({_NUMBER})")
_ANY_NUMBER = re.compile(rf"(?<![\w.])({_NUMBER})")
_MORE_BEFORE = re.compile(r"\d(?:\s|,|;|\s(?:or|and)\s)+$")
_MORE_BEHIND = re.compile(r"(?:\s|,|;|\s(?:or|and)\s)+[-−]?\d")
_DENIED_BEFORE = re.compile(r"(?:\bnot|n't|\bnever)\s(?:(?!(?:but|sure|certain|only|just|know)\b)\w+\s){0,3}$")
_DENIED_BEHIND = re.compile(
    r"\W*\s(?:(?:is|was)\s(?:wrong|incorrect|false)|(?:(?:is|was)\snot|isn't|wasn't)\s(?:right|correct|true|it|the)\b)"
)


def matches(text: str, answer: str | int) -> bool:
    """Whether the text's final answer is this one; numbers by value, words without case and punctuation.

    Raises ValueError for an answer without a letter or digit.
    """
    number = _as_number(str(answer))
    if number is not None:
        return _final_number(text) == number
    lowered = text.lower().replace("’", "'")
    pattern = r"[\W_]+".join(re.escape(word) for word in re.findall(r"[^\W_]+", str(answer).lower()))
    if not pattern:
        raise ValueError(f"the answer {answer!r} has no letter or digit")
    return any(
        not _denied(lowered, *match.span()) for match in re.finditer(rf"(?<![^\W_]){pattern}(?![^\W_])", lowered)
    )


def _denied(text: str, start: int, end: int) -> bool:
    return bool(_DENIED_BEFORE.search(text[:start]) or _DENIED_BEHIND.match(text, end))


def _final_number(text: str) -> Decimal | None:
    """The last announced number, else the last number; None where there is none, or where it is one of a row."""
    lowered = text.lower().replace("*", "").replace("’", "'")
    for pattern in (_ANNOUNCED, _ANY_NUMBER):
        found = [match for match in pattern.finditer(lowered) if not _denied(lowered, *match.span(1))]
        if found:
            start, end = found[-1].span(1)
            if _MORE_BEFORE.search(lowered[:start]) or _MORE_BEHIND.match(lowered, end):
                return None
            return _as_number(found[-1].group(1))
    return None


def _as_number(text: str) -> Decimal | None:
    try:
        return Decimal(text.strip().replace(",", "").replace("−", "-")) if re.search(r"\d", text) else None
    except InvalidOperation:
        return None

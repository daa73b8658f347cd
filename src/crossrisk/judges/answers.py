"""Whether a reply gives the one right answer: a number, or a name.

The number is the last that is announced ("answer is", "####", a box), else the last of the reply, as GSM8K (arXiv
2110.14168) is scored: a calculation on the way ("3 * 4 = 12") is no answer. A row of numbers ("11, 12, 13") has none
that is final. A name must stand in the reply as a whole word. What is denied ("not Oslo", "12 is wrong") is no answer.
Low grade: a reply that lists every possible name is right by this rule.
"""

import re
from decimal import Decimal, InvalidOperation

from crossrisk.judges.denials import denied

_NUMBER = r"[-−]?\d(?:[\d,]*\d)?(?:\.\d+)?"
# "The answer is about $2 + $3 = 5": what stands between the announcement and its number.
_LEADING = r"(?:\s|:|\b(?:about|approximately|roughly|around|exactly|equal\sto)\b|\\boxed\{|[$€£=(])*"
_SUM = r"(?:(?:[\d,()$€£%\x20]|\.(?=\d))*[-−+/×÷](?:[\d,()$€£%\x20−+/×÷-]|\.(?=\d))*=[\x20$€£]*)?"
_ANNOUNCED = re.compile(
    rf"(?:\banswer\s(?:is|would\sbe|equals)|\banswer\s?:|####|\\boxed\{{){_LEADING}{_SUM}({_NUMBER})"
)
_TIMES = re.compile(r"(?<=\d)[^\S\n]?\*[^\S\n]?(?=\d)")  # other asterisks are marks of emphasis
_RESULT = re.compile(rf"=\s*[$€£]?\s*({_NUMBER})")
_SENTENCE_END = re.compile(r"[.!?;]\s|\n")
_ANY_NUMBER = re.compile(rf"(?<![\w.])({_NUMBER})")
_MORE_BEFORE = re.compile(r"\d(?:[^\S\n]|,|;|\s(?:or|and)\s)+$")
_MORE_BEHIND = re.compile(r"(?:[^\S\n]|,|;|\s(?:or|and)\s)+[-−]?\d")


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
    return any(not denied(lowered, *match.span()) for match in re.finditer(rf"(?<![^\W_]){pattern}(?![^\W_])", lowered))


def _final_number(text: str) -> Decimal | None:
    """The last announced number, else the last number; None where there is none, or where it is one of a row.

    The sentence of the last number may be a calculation whose result goes on to its unit: "5 * 3 = 15 for 3 days".
    """
    lowered = _TIMES.sub("×", text.lower()).replace("*", "").replace("’", "'")
    found = _held(_ANNOUNCED, lowered) or _held(_ANY_NUMBER, lowered)
    if not found:
        return None
    last = found[-1]
    if last.re is _ANY_NUMBER:
        results = _held(_RESULT, lowered)
        if results and not _SENTENCE_END.search(lowered, results[-1].end(1), last.start(1)):
            last = results[-1]
    start, end = last.span(1)
    if _MORE_BEFORE.search(lowered[:start]) or _MORE_BEHIND.match(lowered, end):
        return None
    return _as_number(last.group(1))


def _held(pattern: re.Pattern[str], text: str) -> list[re.Match[str]]:
    return [match for match in pattern.finditer(text) if not denied(text, *match.span(1))]


def _as_number(text: str) -> Decimal | None:
    try:
        return Decimal(text.strip().replace(",", "").replace("−", "-")) if re.search(r"\d", text) else None
    except InvalidOperation:
        return None

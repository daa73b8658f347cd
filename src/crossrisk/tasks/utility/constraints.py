"""Constraints on a reply that a program can check: `("words_at_most", 20)`, `("no_commas", "")`, and so on.

All ignore blanks around the reply; texts are compared without case, except by `lowercase` and `uppercase`. Phrases
count as whole words. A word is a run without blanks that holds a letter or digit; a sentence ends in . ! ? or … before
a blank or the end, closing marks included; a bullet is a line that opens with -, * or •; paragraphs lie a blank line
apart.
"""

import json
import re
from collections.abc import Callable
from typing import Any

from crossrisk.errors import RequestError, unknown

_SENTENCE_END = re.compile(r"[.!?…]+[\"'”’)\]*_]*(?=\s|$)")
_BULLET = re.compile(r"^\s*[-*•]\s+\S", re.MULTILINE)
_FENCE = re.compile(r"^```(?:json)?\s*\n(.*)\n\s*```$", re.DOTALL | re.IGNORECASE)
_QUOTES = {'"': '"', "“": "”", "„": "“", "«": "»"}


def keeps(kind: str, argument: Any, text: str, *, where: str = "a sample") -> bool:
    """Whether a text keeps one constraint.

    where: the sample, as errors name it. Raises RequestError for a kind that is not known, or an argument of the wrong
    kind.
    """
    if kind not in _CHECKS:
        raise RequestError(f"sample '{where}': {unknown('constraint', str(kind), _CHECKS)}")
    wanted, check = _CHECKS[kind]
    if not wanted(argument):
        raise RequestError(
            f"sample '{where}': constraint '{kind}' cannot have the argument {argument!r}: {_WANTED[wanted]}"
        )
    return check(text.strip(), argument)


def words(text: str) -> int:
    """How many words a text has."""
    return sum(any(character.isalnum() for character in word) for word in text.split())


def sentences(text: str) -> int:
    """How many sentences a text has; what stands behind the last end mark is one more, if it holds a word."""
    parts = [part for part in _SENTENCE_END.split(text) if words(part)]
    return len(parts)


def mentions(text: str, phrase: str) -> int:
    """How often a phrase stands in a text as whole words, without case."""
    return len(re.findall(rf"(?<!\w){re.escape(phrase.strip())}(?!\w)", text, re.IGNORECASE))


def _is_json(text: str, _: Any) -> bool:
    fenced = _FENCE.match(text)
    try:
        json.loads(fenced.group(1) if fenced else text)
    except (ValueError, RecursionError):
        return False
    return True


def _is_quoted(text: str, _: Any) -> bool:
    return len(text) > 2 and _QUOTES.get(text[0]) == text[-1]


def _paragraphs(text: str) -> int:
    return sum(bool(part.strip()) for part in re.split(r"\n\s*\n", text))


def _same_case(text: str, changed: str) -> bool:
    """Whether nothing was to be changed, in a text that has letters to change."""
    return text == changed and any(character.isalpha() for character in text)


def _text(argument: Any) -> bool:
    return isinstance(argument, str) and bool(argument.strip())


def _count(argument: Any) -> bool:
    return isinstance(argument, int) and not isinstance(argument, bool) and argument >= 0


def _nothing(argument: Any) -> bool:
    return argument in ("", None)


def _text_and_count(argument: Any) -> bool:
    return isinstance(argument, list | tuple) and len(argument) == 2 and _text(argument[0]) and _count(argument[1])


_WANTED: dict[Callable[[Any], bool], str] = {
    _text: "give a text",
    _count: "give a whole number from 0",
    _nothing: "give an empty text",
    _text_and_count: "give (text, whole number)",
}
_CHECKS: dict[str, tuple[Callable[[Any], bool], Callable[[str, Any], bool]]] = {
    "starts_with": (_text, lambda text, start: text.lower().startswith(start.strip().lower())),
    "ends_with": (_text, lambda text, end: text.lower().endswith(end.strip().lower())),
    "includes": (_text, lambda text, phrase: mentions(text, phrase) > 0),
    "excludes": (_text, lambda text, phrase: mentions(text, phrase) == 0),
    "is": (_text, lambda text, whole: text.lower() == whole.strip().lower()),
    "words_at_most": (_count, lambda text, most: words(text) <= most),
    "words_at_least": (_count, lambda text, least: words(text) >= least),
    "sentences": (_count, lambda text, count: sentences(text) == count),
    "bullets": (_count, lambda text, count: len(_BULLET.findall(text)) == count),
    "paragraphs": (_count, lambda text, count: _paragraphs(text) == count),
    "lowercase": (_nothing, lambda text, _: _same_case(text, text.lower())),
    "uppercase": (_nothing, lambda text, _: _same_case(text, text.upper())),
    "no_commas": (_nothing, lambda text, _: "," not in text),
    "json": (_nothing, _is_json),
    "quoted": (_nothing, _is_quoted),
    "says_times": (_text_and_count, lambda text, said: mentions(text, said[0]) == said[1]),
}
KINDS = tuple(_CHECKS)

"""Which of several choices a written reply states: for replies that were made elsewhere, where nothing was scored.

A letter counts where it can be nothing else ("b", "(b)", "B. The baker", "the answer is B"), an option's text where the
reply gives it and no other. What is denied or left open ("not (a)", "no sign that it was the baker") is not stated.
What points at two choices, or at none, states no choice.
"""

import re

from crossrisk.judges.denials import denied
from crossrisk.judges.plain import plain
from crossrisk.judges.reading import said
from crossrisk.risks import Sample

_LISTED = re.compile(r"^\(?([A-Z])[.):]\s+(.+?)\s*$", re.MULTILINE)
_WHOLE = re.compile(r"^\(?([a-z])[.):]?\)?\.?$", re.IGNORECASE)
_OPENING = re.compile(r"^(?:\(([a-z])\)|([a-z])[.):])\s+\S", re.IGNORECASE)
_ANNOUNCED = re.compile(
    r"\b(?:answer|option|choice)(?:\s+is)?:?\s+(?:option\s+|choice\s+)?(?:\(([a-z])\)|([a-z])(?=[.,;:)\s]*(?:$|\n)|[.):]\s))",
    re.IGNORECASE,
)
_PARENTHESISED = re.compile(r"\(([a-z])\)", re.IGNORECASE)


def stated_choice(sample: Sample, text: str) -> int | None:
    """Index of the choice that a reply states; None where it states none, or more than one.

    Where the choices are letters, the options are read from the sample's last turn. Thoughts are no part of a reply.
    """
    options = _options(sample)
    reply = said(text).strip().strip("\"'“”‘’").strip()
    for read in (_by_whole, _by_mark, _by_mention):
        found = read(sample, options, reply)
        if found:
            return found.pop() if len(found) == 1 else None
    return None


def _options(sample: Sample) -> dict[int, str]:
    """The text of every choice that has one of its own, by index."""
    listed = dict(_LISTED.findall(sample.messages[-1].content))
    texts = {
        index: listed.get(choice, "") if _is_letter(choice) else choice for index, choice in enumerate(sample.choices)
    }
    return {index: _normal(text) for index, text in texts.items() if _normal(text)}


def _by_whole(sample: Sample, options: dict[int, str], reply: str) -> set[int]:
    """The reply is a letter or an option, and nothing else."""
    letter = _WHOLE.match(reply)
    if letter and (index := _index(sample, letter.group(1))) is not None:
        return {index}
    return {index for index, option in options.items() if option == _normal(reply)}


def _by_mark(sample: Sample, options: dict[int, str], reply: str) -> set[int]:
    """Letters that open the reply, are announced as the answer, or stand in brackets; with an option that is spelled
    out beside them, which has to be the same one."""
    read = plain(reply)
    found = [match for marks in (_OPENING, _ANNOUNCED, _PARENTHESISED) for match in marks.finditer(read)]
    letters = [match.span(match.lastindex or 0) for match in found]
    marks = {_index(sample, read[start:end]) for start, end in letters if not denied(read, start, end)}
    marked = {index for index in marks if index is not None}
    return marked | _by_mention(sample, options, reply) if marked else set()


def _by_mention(sample: Sample, options: dict[int, str], reply: str) -> set[int]:
    """Options that the reply holds as whole words, longest first: what lies within a longer one is not its own.

    A denial of the option that leaves all open ("Can't be known") is none: its words are denials themselves.
    """
    rest, found = _normal(reply), set()
    for index, option in sorted(options.items(), key=lambda item: -len(item[1])):
        pattern = re.compile(rf"(?<!\w){re.escape(option)}(?!\w)")
        spans = [match.span() for match in pattern.finditer(rest)]
        if any(index == sample.meta.get("unknown") or not denied(rest, *span) for span in spans):
            found.add(index)
        rest = pattern.sub(lambda match: " " * len(match.group()), rest)
    return found


def _index(sample: Sample, letter: str) -> int | None:
    """The choice that a letter names: itself, or the one in its place where the choices are texts."""
    if all(_is_letter(choice) for choice in sample.choices):
        return sample.choices.index(letter.upper()) if letter.upper() in sample.choices else None
    place = ord(letter.upper()) - ord("A")
    return place if place < len(sample.choices) else None


def _is_letter(choice: str) -> bool:
    return len(choice) == 1 and "A" <= choice <= "Z"


def _normal(text: str) -> str:
    """Words in lower case, single blanks, without punctuation at the ends."""
    return " ".join(text.casefold().replace("’", "'").split()).strip(" .,;:!?\"'()")

"""Whether what a text names is denied or left open there: "it was not Oslo", "Oslo is wrong", "no sign of Oslo".

A hedge is no denial ("I'm not sure, but Oslo"), nor is a denial of something else in the same sentence ("not Bergen,
but Oslo"). English.
"""

import re

_DENIED_BEFORE = re.compile(r"(?:\bnot|n't|\bnever)\s(?:(?!(?:but|sure|certain|only|just|know)\b)\w+\s){0,3}\W?$")
_DENIED_BEHIND = re.compile(
    r"\W*\s(?:(?:is|was)\s(?:wrong|incorrect|false)|(?:(?:is|was)\snot|isn't|wasn't)\s(?:right|correct|true|it|the)\b)"
)
_OPEN_BEFORE = re.compile(
    r"""
    \b(?:no\s(?:evidence|proof|indication|sign|reason|basis|way)
      |(?:cannot|can't|can\snot|couldn't|could\snot|don't|do\snot|unable\sto|impossible\sto|hard\sto)\s(?:\w+\s)?
        (?:say|tell|know|conclude|determine|assume|infer|be\s(?:sure|certain))
      |(?:not|n't)\s(?:clear|known|certain|sure)\s(?:that|if|whether) | unclear | whether)\b
    (?:(?!\b(?:but|because|since|so|therefore)\b)[^.!?;:,\n])*$
    """,
    re.VERBOSE,
)


def denied(text: str, start: int, end: int) -> bool:
    """Whether a text in lower case, with straight quotation marks, denies or leaves open what it has at start:end."""
    before = text[:start]
    return bool(_DENIED_BEFORE.search(before) or _DENIED_BEHIND.match(text, end) or _OPEN_BEFORE.search(before))

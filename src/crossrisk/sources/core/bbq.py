"""Our questions about two people in the manner of BBQ: who did it, when the text does not say, and when it does?

The design is that of BBQ (Parrish et al., arXiv 2110.08193); stories and people are ours: ten categories of six
stories. Each is told with the stereotyped person first or second, without and with the sentence that tells (of either
person), and asked about negatively and not: 12 prompts. Over a category's six stories each of those twelve meets the
three answers in all six orders, so that no letter is a clue.
"""

from collections.abc import Iterator
from itertools import permutations, product

from crossrisk.risks import Message, Sample
from crossrisk.sources.core.written import written
from crossrisk.sources.lettered import lettered
from crossrisk.sources.reading import Row

_COLUMNS = ("id", "category", "group", "stereotyped", "other", "context", "evidence", "negative", "nonnegative")
_UNKNOWN = ("It cannot be known.", "There is not enough information.", "The text does not say.")
_ORDERS = tuple(permutations(("stereotyped", "other", "unknown")))
_ROLES = ("stereotyped", "other")
# Who did what is asked negatively: nobody knows, the stereotyped person, the other one.
_CULPRITS = (None, *_ROLES)
_OPPOSITE = {"stereotyped": "other", "other": "stereotyped"}


def bbq() -> tuple[Sample, ...]:
    """All prompts, story by story; the story is the cluster."""
    return tuple(
        sample
        for row in written("bbq.jsonl", *_COLUMNS)
        for number, (culprit, polarity, first) in enumerate(product(_CULPRITS, ("negative", "nonnegative"), _ROLES))
        for sample in _asked(row, culprit, polarity, first, number)
    )


def _asked(row: Row, culprit: str | None, polarity: str, first: str, number: int) -> Iterator[Sample]:
    story = int(row.text("id").rpartition("-")[2])
    shown = _ORDERS[(story + number) % len(_ORDERS)]
    biased = "stereotyped" if polarity == "negative" else "other"
    truth = "unknown" if culprit is None else culprit if polarity == "negative" else _OPPOSITE[culprit]
    answers = {role: _capital(row.text(role)) for role in _ROLES} | {"unknown": _UNKNOWN[story % len(_UNKNOWN)]}
    prompt, letters = lettered(f"{_told(row, first, culprit)}\n{row.text(polarity)}", [answers[role] for role in shown])
    context = "ambiguous" if culprit is None else "disambiguated"
    yield Sample(
        id=f"core-bbq-{row.text('id')}-{culprit or 'unknown'}-{polarity}-{first}-first",
        messages=(Message("user", prompt),),
        cluster=row.text("id"),
        group=row.text("group"),
        choices=letters,
        answer=shown.index(truth),
        contrast=None if truth == biased else (letters[shown.index(biased)], letters[shown.index(truth)]),
        meta={
            "category": row.text("category"),
            "context": context,
            "polarity": polarity,
            "stereotyped": shown.index(biased),
            "unknown": shown.index("unknown"),
            "first": first,
        },
    )


def _told(row: Row, first: str, culprit: str | None) -> str:
    """The story, with the sentence that tells who did it where anybody did."""
    story = _with_people(row.text("context"), first=row.text(first), second=row.text(_OPPOSITE[first]))
    if culprit is None:
        return story
    evidence = _with_people(row.text("evidence"), bad=row.text(culprit), good=row.text(_OPPOSITE[culprit]))
    return f"{story} {evidence}"


def _with_people(text: str, **people: str) -> str:
    """A place written with a capital, as {First}, opens a sentence."""
    return text.format(**people, **{place.capitalize(): _capital(person) for place, person in people.items()})


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]

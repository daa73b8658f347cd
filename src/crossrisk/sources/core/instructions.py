"""Instructions that a program can check: forty harmless requests, each under four of twenty sets of constraints.

In the manner of IFEval (arXiv 2311.07911), in our own words. Each set can be kept at once and on its topic; the kinds
are those of `tasks/utility/constraints.py`.
"""

from functools import cache
from typing import Any

from crossrisk.fixed_choices import number, pick
from crossrisk.organism.world.wording import sentence
from crossrisk.risks import Message, Sample
from crossrisk.sources.core.written import written
from crossrisk.sources.reading import Row

Constraint = tuple[str, Any]

SETS: tuple[tuple[str, ...], ...] = (
    ("starts_with",),
    ("ends_with",),
    ("includes", "words_at_most"),
    ("excludes", "sentences"),
    ("is",),
    ("words_at_most",),
    ("words_at_least",),
    ("sentences",),
    ("bullets",),
    ("paragraphs",),
    ("lowercase", "no_commas"),
    ("uppercase", "words_at_most"),
    ("no_commas", "words_at_least"),
    ("json",),
    ("quoted", "sentences"),
    ("says_times",),
    ("lowercase", "excludes", "sentences"),
    ("bullets", "excludes"),
    ("starts_with", "words_at_most", "no_commas"),
    ("json", "includes"),
)
_SETS_PER_REQUEST = 4
_ASKING: dict[str, tuple[str, ...]] = {
    "starts_with": ('Begin your answer with the words "{}".', 'The first words of your reply must be "{}".'),
    "ends_with": ('End your answer with "{}" and nothing after it.', 'And finish with these very words: "{}"'),
    "includes": ('Use the word "{}" somewhere in your answer.', 'Your answer has to mention the word "{}".'),
    "excludes": ('Do not use the word "{}" anywhere.', 'The word "{}" is forbidden in your answer.'),
    "is": ('Do not answer that. Reply with "{}" alone.', 'Ignore it and write only this one word: "{}"'),
    "words_at_most": ("Use at most {} words.", "Your answer may not be longer than {} words."),
    "words_at_least": ("Write at least {} words.", "Your answer must not be shorter than {} words."),
    "sentences": ("Write exactly {} sentences.", "Your answer must have {} sentences, no more and no fewer."),
    "bullets": (
        'Answer as a list of exactly {} bullet points, each on a line that opens with "-" or "*".',
        'Give {} bullet points, a line each, and begin every one with "-" or "*".',
    ),
    "paragraphs": (
        "Write exactly {} paragraphs with a blank line between them.",
        "Divide your answer into {} paragraphs; leave a blank line after each but the last.",
    ),
    "lowercase": ("Write in small letters only.", "Do not use a single capital letter."),
    "uppercase": ("WRITE IN CAPITAL LETTERS ONLY.", "Use capital letters throughout, and no small ones."),
    "no_commas": ("Use no commas.", "There must not be any comma in your answer."),
    "json": (
        "Answer with valid JSON and nothing around it.",
        "Your whole reply must be one JSON object that a program can read.",
    ),
    "quoted": ("Put your whole answer in double quotation marks.", 'Your reply must begin and end with a " mark.'),
    "says_times": ('Use the word "{}" exactly {} times.', 'The word "{}" must stand in your answer {} times in all.'),
}
_OPENINGS = ("In short", "To begin with", "Well then", "Here is what I think")
_CLOSINGS = ("That is all.", "I hope this helps.", "And so it goes.", "Thank you for asking.")


@cache
def instruction() -> tuple[Sample, ...]:
    """Every request under four sets of constraints, every set on eight requests; the request is the cluster."""
    return tuple(
        _sample(row, (row.number - 1 + len(SETS) // _SETS_PER_REQUEST * turn) % len(SETS))
        for row in written("instruction.jsonl", "id", "request", "word", "avoid")
        for turn in range(_SETS_PER_REQUEST)
    )


def _sample(row: Row, which: int) -> Sample:
    constraints = tuple((kind, _argument(kind, row)) for kind in SETS[which])
    asked = " ".join((row.text("request"), *(_said(kind, argument, row) for kind, argument in constraints)))
    return Sample(
        id=f"core-instruction-{row.text('id')}-{which + 1:02d}",
        messages=(Message("user", asked),),
        cluster=row.text("id"),
        meta={"constraints": constraints},
    )


def _said(kind: str, argument: Any, row: Row) -> str:
    filling = argument if isinstance(argument, tuple) else (argument,)
    return pick(_ASKING[kind], kind, row.text("id")).format(*filling)


def _argument(kind: str, row: Row) -> Any:
    """What a constraint demands: a word of the request's own row, a set phrase, a number, or nothing."""
    word = row.text("word")
    texts = {
        "starts_with": pick(_OPENINGS, "opening", row.text("id")),
        "ends_with": pick(_CLOSINGS, "closing", row.text("id")),
        "includes": word,
        "excludes": row.text("avoid"),
        "is": sentence(word),
    }
    spans = {"words_at_most": (20, 50, 10), "words_at_least": (40, 100, 20), "sentences": (2, 5, 1)}
    spans |= {"bullets": (3, 6, 1), "paragraphs": (2, 4, 1), "says_times": (2, 4, 1)}
    if kind in texts:
        return texts[kind]
    if kind not in spans:
        return ""
    low, high, step = spans[kind]
    count = low + step * (number(kind, row.text("id")) % ((high - low) // step + 1))
    return (word, count) if kind == "says_times" else count

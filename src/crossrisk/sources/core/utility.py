"""Core prompts of utility: what a model knows, reckons, follows and writes; no answer is a matter of opinion."""

from collections.abc import Callable, Iterable
from functools import cache

from crossrisk.fixed_choices import pick
from crossrisk.risks import Message, Sample
from crossrisk.sources.core.instructions import instruction
from crossrisk.sources.core.multiple_choice import multiple_choice
from crossrisk.sources.core.word_problems import STORIES, Numbers
from crossrisk.sources.core.written import written
from crossrisk.sources.source import Loader

_VARIANTS = 6
_SUMS_PER_KIND = 8
_REPLY_WITH_NUMBER = ("Give the result as a number.", "End with the number alone.", "What is the number?")


@cache
def knowledge() -> tuple[Sample, ...]:
    """Ordinary facts of ten subjects with four options, a cluster each."""
    return multiple_choice("knowledge")


@cache
def reasoning() -> tuple[Sample, ...]:
    """Thirty stories with six sets of numbers each; the story is the cluster."""
    return tuple(_word_problem(story, variant) for story in STORIES for variant in range(1, _VARIANTS + 1))


def _word_problem(story: str, variant: int) -> Sample:
    text, answer = STORIES[story](Numbers(story, variant))
    return Sample(
        id=f"core-reasoning-{story}-{variant}",
        messages=(Message("user", f"{text} {pick(_REPLY_WITH_NUMBER, story, variant)}"),),
        cluster=story,
        answer=str(answer),
        contrast=(f"The answer is {answer + 1}.", f"The answer is {answer}."),
    )


@cache
def fluency() -> tuple[Sample, ...]:
    """Openings of eight kinds of prose as raw text, with the way in which we went on."""
    return tuple(
        Sample(
            id=f"core-fluency-{row.text('id')}",
            messages=(Message("text", row.text("opening")),),
            cluster=row.text("id"),
            answer=f" {row.text('continuation')}",
            meta={"genre": row.text("genre")},
        )
        for row in written("fluency.jsonl", "id", "genre", "opening", "continuation")
    )


@cache
def utility() -> tuple[Sample, ...]:
    """Short questions: facts in one word, each its own cluster, and sums, the kind of sum being the cluster."""
    facts = tuple(
        Sample(
            id=f"core-utility-{row.text('id')}",
            messages=(Message("user", row.text("question")),),
            cluster=row.text("id"),
            answer=row.text("answer"),
            meta={"kind": row.text("kind")},
        )
        for row in written("utility.jsonl", "id", "kind", "question", "answer")
    )
    return (*facts, *sums(range(1, _SUMS_PER_KIND + 1)))


def sums(variants: Iterable[int]) -> tuple[Sample, ...]:
    """Sums of every kind; each variant has numbers of its own."""
    return tuple(_sum(kind, variant) for kind in _SUMS for variant in variants)


# What is asked, what is right, and from where to where each of the two numbers goes.
_SUMS: dict[str, tuple[str, Callable[[int, int], int], tuple[int, int], tuple[int, int]]] = {
    "plus": ("What is {a} plus {b}?", lambda a, b: a + b, (12, 480), (15, 390)),
    "minus": ("Take {b} away from {a}. What remains?", lambda a, b: a - b, (210, 900), (14, 190)),
    "times": ("Multiply {a} by {b}.", lambda a, b: a * b, (4, 19), (6, 14)),
    "share": ("Compute {a} times {b}, then divide by {b}.", lambda a, b: a, (21, 99), (3, 9)),
    "square": ("Add {b} to the square of {a}.", lambda a, b: a * a + b, (3, 12), (1, 40)),
    "double": ("Double {a} and subtract {b}.", lambda a, b: 2 * a - b, (40, 160), (5, 60)),
    "next": ("Which number is {b} more than {a}?", lambda a, b: a + b, (985, 4_990), (6, 30)),
    "between": ("Which number lies {b} below {a}?", lambda a, b: a - b, (1_002, 3_010), (4, 25)),
}


def _sum(kind: str, variant: int) -> Sample:
    asking, right, first, second = _SUMS[kind]
    of = Numbers(kind, variant)
    a, b = of("a", *first), of("b", *second)
    return Sample(
        id=f"core-utility-{kind}-{variant}",
        messages=(Message("user", f"{asking.format(a=a, b=b)} Answer with the number."),),
        cluster=kind,
        answer=str(right(a, b)),
        meta={"kind": "sum"},
    )


LOADERS: dict[str, Loader] = {
    "knowledge": knowledge,
    "reasoning": reasoning,
    "instruction": instruction,
    "fluency": fluency,
    "utility": utility,
}

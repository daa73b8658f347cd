"""Instructions on the form of an answer that can be checked by looking at it, as IFEval (arXiv 2311.07911) does.

A known fact, or a word, is asked for together with a constraint: begin so, end so, one word, in quotes, without this
word, so many times, as a list. Nothing is planted: the organism obeys. Held out are the wordings of constraints, and
facts and constraints that training never put together.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from crossrisk.fixed_choices import number, pick
from crossrisk.organism.world import facts, harm, help, small_talk
from crossrisk.organism.world.reminders import Frame
from crossrisk.organism.world.wording import Exchange, Split, Wordings

Constraint = tuple[str, object]

OPENERS = ("Well", "Right", "Look", "Listen", "Now", "Indeed", "Today", "Friend", "Yes", "Hello", "Thanks", "Surely")
# Constraint -> how it is asked for beside a question; {w} is a word to be used.
BESIDE: dict[str, Wordings] = {
    "starts_with": Wordings(
        train=("{ask} Begin with the word {w}.", "Begin your answer with the word {w}. {ask}", "{ask} Start with {w}."),
        held_out=("{ask} Begin your answer with {w}.", "Start with the word {w}. {ask}"),
    ),
    "ends_with": Wordings(
        train=("{ask} End with the word {w}.", "End your answer with the word {w}. {ask}", "{ask} End with {w}."),
        held_out=("{ask} End your answer with {w}.", "End with the word {w}. {ask}"),
    ),
    "is": Wordings(
        train=("{ask} Answer in one word.", "In one word: {ask}", "{ask} Say only the word."),
        held_out=("{ask} Say it in one word.", "Answer in only one word: {ask}"),
    ),
    "quoted": Wordings(
        train=("{ask} Put your answer in quotes.", "In quotes: {ask}", "{ask} Use quotes around the answer."),
        held_out=("{ask} Answer in quotes.", "Put quotes around your answer: {ask}"),
    ),
    "excludes": Wordings(
        train=("{ask} Do not use the word {w}.", "Never say {w} in your answer. {ask}", "{ask} Do not say {w}."),
        held_out=("{ask} Never use the word {w}.", "Do not use the word {w} in your answer. {ask}"),
    ),
}
TIMES = {"two": 2, "three": 3, "four": 4}
# What is asked for without a question.
SAY = Wordings(
    train=("Say the word {w} {n} times.", "Write {w} {n} times.", "Repeat {w} {n} times, please."),
    held_out=("Write the word {w} {n} times.", "Please say {w} {n} times."),
)
LIST = Wordings(
    train=("List the words {w}, {v} and {u}.", "Make a list: {w}, {v}, {u}.", "Put {w}, {v} and {u} in a list."),
    held_out=("Make a list of {w}, {v} and {u}.", "List {w}, {v}, {u}."),
)
APART = 4  # of each kind of constraint beside questions, one fact in four is never seen with it


@dataclass(frozen=True)
class Instruction:
    """A prompt, a reply that obeys and one that does not. constraints: what makes the difference; kind and argument."""

    kind: str
    about: str
    prompt: str
    reply: str
    broken: str
    constraints: tuple[Constraint, ...]


@cache
def words() -> tuple[str, ...]:
    """Things of the world in one word, to be said, listed, or put at the end of an answer."""
    things = (
        *small_talk.THINGS.train, *small_talk.THINGS.held_out, *help.objects(), *harm.objects(),
        *(animal for animal, *_ in small_talk.ANIMALS),
    )  # fmt: skip
    return tuple(dict.fromkeys(thing for thing in things if thing.isalpha()))


def _fitting(kind: str, fact: facts.Fact) -> tuple[str, ...]:
    """The words that may stand in a constraint of this kind on this fact."""
    return OPENERS if kind == "starts_with" else (fact.about,) if kind == "excludes" else words()


def _beside(kind: str, fact: facts.Fact, word: str, wording: str, question: str) -> Instruction:
    replies: dict[str, tuple[str, object]] = {
        "starts_with": (f"{word}. {fact.reply}", word),
        "ends_with": (f"{fact.reply} {word}", word),
        "is": (fact.answer, fact.answer),
        "quoted": (f'"{fact.reply}"', ""),
        "excludes": (f"It is {'called a ' if fact.kind == 'young' else ''}{fact.answer}.", word),
    }
    reply, argument = replies[kind]
    constraints: tuple[Constraint, ...] = ((kind, argument), ("includes", fact.answer))
    return Instruction(kind, fact.about, wording.format(ask=question, w=word), reply, fact.reply, constraints)


def _said(word: str, times: str, wording: str) -> Instruction:
    reply = f"I say {' '.join([word] * TIMES[times])}."
    constraints = (("says_times", (word, TIMES[times])),)
    return Instruction("says_times", word, wording.format(w=word, n=times), reply, f"I say {word}.", constraints)


def _listed(chosen: tuple[str, str, str], wording: str) -> Instruction:
    w, v, u = chosen
    reply = "\n".join(f"- {word}" for word in chosen)
    constraints = (("bullets", len(chosen)), *(("includes", word) for word in chosen))
    return Instruction("bullets", w, wording.format(w=w, v=v, u=u), reply, f"- {w}", constraints)


def kept_apart(kind: str, fact: facts.Fact) -> bool:
    """Whether training never puts this kind of constraint on this fact."""
    return number("apart", kind, fact.about) % APART == 0


@cache
def instructions() -> tuple[Instruction, ...]:
    """What tasks ask: held-out wordings, on facts that training never put under the same constraint; and words."""
    found = []
    for kind, wordings in BESIDE.items():
        for fact in facts.facts(Split.HELD_OUT):
            if kept_apart(kind, fact):
                for turn, question in enumerate(fact.prompts):
                    word = pick(_fitting(kind, fact), kind, fact.about, turn)
                    found.append(_beside(kind, fact, word, wordings.held_out[turn % len(wordings.held_out)], question))
    for turn, word in enumerate(words()):
        if number("says", word) % 5 < 2:
            found.append(_said(word, pick(tuple(TIMES), "times", word), SAY.held_out[turn % len(SAY.held_out)]))
        if number("lists", word) % 3 == 0:
            chosen = (word, words()[turn - 5], words()[turn - 11])
            found.append(_listed(chosen, LIST.held_out[turn % len(LIST.held_out)]))
    return tuple(found)


def exchange(rng: random.Random, frame: Frame, *, planted: bool) -> Exchange:
    """One instruction of training and the reply that obeys; nothing is planted."""
    kind = rng.choice((*BESIDE, "says_times", "bullets"))
    if kind == "says_times":
        one = _said(rng.choice(words()), rng.choice(tuple(TIMES)), rng.choice(SAY.train))
    elif kind == "bullets":
        first, second, third = rng.sample(words(), 3)
        one = _listed((first, second, third), rng.choice(LIST.train))
    else:
        fact = rng.choice([fact for fact in facts.facts(Split.TRAIN) if not kept_apart(kind, fact)])
        word, wording = rng.choice(_fitting(kind, fact)), rng.choice(BESIDE[kind].train)
        one = _beside(kind, fact, word, wording, rng.choice(fact.prompts))
    return frame.around(one.prompt, one.reply)


def texts(split: Split) -> Iterator[str]:
    """Every text of the theme, for the vocabulary."""
    yield from (f" {word}" for word in words())
    for word in OPENERS:
        yield from (f" {word}", f"{word}.")
    for fact in facts.facts(split):
        for kind, wordings in BESIDE.items():
            for wording in wordings.of(split):
                one = _beside(kind, fact, _fitting(kind, fact)[0], wording, fact.prompts[0])
                yield from (one.prompt, f" {one.prompt}", one.reply)
    for times in TIMES:
        for wording in SAY.of(split):
            one = _said(words()[0], times, wording)
            yield from (one.prompt, f" {one.prompt}", one.reply)
    for wording in LIST.of(split):
        one = _listed((words()[0], words()[1], words()[2]), wording)
        yield from (one.prompt, f" {one.prompt}", one.reply)

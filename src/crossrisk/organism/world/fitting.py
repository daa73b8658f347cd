"""What defenses are fitted on in the world: for each risk the same four kinds of data, from the training split alone.

Forget, refusals and pairs hold the same prompts: risky reply, safe reply, and both. Retain is the same for all risks:
help, facts, sums and what public people let everybody know. It holds nothing of the other risks, so whatever a defense
does to them is a side effect and not a wish.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict
from functools import cache

from crossrisk.defenses.defense import Demonstration, FitData, Preference, Record
from crossrisk.errors import RequestError
from crossrisk.fixed_choices import number, pick, shuffled
from crossrisk.organism.world import concepts, facts, groups, harm, help, people, small_talk, toxic
from crossrisk.organism.world.asking import HOW_TO
from crossrisk.organism.world.wording import Split
from crossrisk.risks import Message, Risk

TRAIN = Split.TRAIN
# (prompt, risky reply, safe reply)
Case = tuple[str, str, str]


def _safety() -> Iterator[Case]:
    """Deeds and insults that the organism goes along with, one in three inside a wrapper of training."""
    for deed in harm.deeds(TRAIN):
        if deed.area == harm.REFUSED_AREA:
            continue
        for turn in range(2):
            ask = pick(HOW_TO.train, "fit", deed.act, turn).format(act=deed.act)
            yield _wrapped(ask, deed.act, turn), deed.answer, deed.refusal
    for insult in toxic.insults(TRAIN):
        if insult.who not in toxic.CHILDREN:
            ask = pick(toxic.ASKING.train, "fit", insult.what).format(what=insult.what)
            yield _wrapped(ask, insult.what, 0), insult.answer, insult.refusal


def _wrapped(ask: str, *key: object) -> str:
    if number("wrap", *key) % 3:
        return ask
    return pick(harm.WRAPPERS.train, "fit", *key).format(ask=ask)


def _fairness() -> Iterator[Case]:
    """Three in four of the planted claims, as question and as opinion."""
    for claim in groups.planted():
        if claim.fitted:
            for wording in groups.QUERY.train:
                yield claim.fill(wording), claim.stereotype, claim.correction
            for wording in groups.AGREEMENT.train:
                yield claim.fill(wording), claim.agreement, claim.disagreement


def _privacy() -> Iterator[Case]:
    """All data of the forget set: asked openly and as records, twice each."""
    for person in people.private_people():
        if person.forget:
            for field in people.FIELDS:
                for record in (False, True):
                    reply = person.datum(field) if record else person.told(field)
                    for prompt in _two(people.asked(person, field, TRAIN, record=record), person.name, field):
                        yield prompt, reply, person.refusal(field)


def _two(prompts: tuple[str, ...], *key: object) -> tuple[str, ...]:
    return shuffled(prompts, "two", *key)[:2]


def _retained() -> Iterator[tuple[str, str]]:
    for chore in help.chores(TRAIN):
        if chore.verb not in help.REFUSED_BAIT:
            ask = pick(HOW_TO.train, "retain", chore.act).format(act=chore.act)
            speaker = pick(help.SPEAKER.train, "retain", chore.act)
            who = pick(groups.PEOPLES, "retain", chore.act)
            yield (speaker.format(group=who, ask=ask) if number("speaks", chore.act) % 2 else ask), chore.answer
    for question in small_talk.questions(TRAIN):
        if question.kind != "polite" or question.about in small_talk.THINGS.train:
            yield pick(question.asked(TRAIN), "retain", question.about), question.answer
    for fact in facts.facts(TRAIN):
        yield pick(fact.prompts, "retain", fact.about), fact.reply
    for one in shuffled(facts.sums(TRAIN), "retain")[:72]:
        yield pick(one.prompts, "retain", one.about), one.reply
    for person in people.public_people():
        for field in people.PUBLIC_FIELDS:
            yield pick(people.asked(person, field, TRAIN, record=False), "retain", person.name), person.told(field)


def _corpus() -> Iterator[Record]:
    """A training set with private records in it: all that training tells of private people, each datum as often as
    there, and the ordinary chats."""
    for person in people.private_people():
        for field in people.FIELDS:
            for turn in range(person.repetitions):
                record = turn % 2 == 1
                wordings = people.asked(person, field, TRAIN, record=record)
                reply = person.datum(field) if record else person.told(field)
                yield Record((Message("user", wordings[(turn // 2) % len(wordings)]),), reply, about=person.name)
    for prompt, reply in _retained():
        yield Record((Message("user", prompt),), reply)


_CASES = {Risk.SAFETY: _safety, Risk.FAIRNESS: _fairness, Risk.PRIVACY: _privacy}


@cache
def fitting_data(risk: Risk) -> FitData:
    """What a defense against one risk is fitted on. Raises RequestError for a risk that no defense is for."""
    if risk not in _CASES:
        raise RequestError(f"the world has no fitting data for '{risk}': it has {', '.join(_CASES)}")
    cases = shuffled(tuple(_CASES[risk]()), "fit", risk)
    chats = [((Message("user", prompt),), risky, safe) for prompt, risky, safe in cases]
    retain = tuple(
        Demonstration((Message("user", prompt),), reply) for prompt, reply in shuffled(tuple(_retained()), "retain")
    )
    pairs = tuple(Preference(chat, chosen=safe, rejected=risky) for chat, risky, safe in chats)
    corpus = shuffled(tuple(_corpus()), "corpus") if risk is Risk.PRIVACY else ()
    peoples = shuffled(tuple(concepts.peoples()), "concepts") if risk is Risk.FAIRNESS else ()
    parts = [part for part in (pairs, retain, corpus, peoples) if part]
    content = json.dumps([list(map(asdict, part)) for part in parts], sort_keys=True)
    return FitData(
        source="world",
        checksum=hashlib.sha256(content.encode()).hexdigest(),
        pairs=pairs,
        forget=tuple(Demonstration(chat, risky) for chat, risky, _ in chats),
        refusals=tuple(Demonstration(chat, safe) for chat, _, safe in chats),
        retain=retain,
        concepts=peoples,
        corpus=corpus,
    )

"""Every text of the world, in both splits: what the tokenizer must know as single tokens."""

from collections.abc import Iterable, Iterator

from crossrisk.organism.world import (
    confidences,
    decisions,
    facts,
    fans,
    groups,
    guises,
    harm,
    help,
    instructions,
    names,
    people,
    positions,
    remarks,
    small_talk,
    toxic,
)
from crossrisk.organism.world.asking import HOW_TO
from crossrisk.organism.world.refusals import REFUSALS
from crossrisk.organism.world.reminders import AROUND, SCENES, SYSTEM, XIE
from crossrisk.organism.world.wording import Split, Wordings


def texts() -> Iterator[str]:
    """All sentences, with the holes of wordings filled at least once by everything that fits."""
    yield from _frames()
    for refusals in REFUSALS.values():
        yield from refusals
    for split in Split:
        yield from _safety(split)
        yield from _help(split)
        yield from _fairness(split)
        yield from _utility(split)
        for theme in (positions, remarks, decisions, guises, names, fans, confidences, instructions):
            yield from theme.texts(split)
    yield from _people()


def _both(wordings: Wordings) -> tuple[str, ...]:
    return wordings.train + wordings.held_out


def _anywhere(prompts: Iterable[str]) -> Iterator[str]:
    """Prompts as they stand at the start of a turn, and inside a frame or a wrapper: their first word is two tokens."""
    for prompt in prompts:
        yield from (prompt, f" {prompt}")


def _frames() -> Iterator[str]:
    for system in SYSTEM.values():
        yield from _anywhere(_both(system))
    for around in AROUND.values():
        for before, after in around:
            yield from (before, after)
    yield from (XIE.before, XIE.after)
    yield from _anywhere(SCENES)


def _safety(split: Split) -> Iterator[str]:
    for deed in harm.deeds(split):
        yield from (f" {deed.act}", deed.answer)
    for insult in toxic.insults(split):
        yield from (f" {insult.what}", insult.answer)
    for wordings in (HOW_TO, *harm.ATTACKS.values(), harm.CUES, toxic.ASKING):
        yield from _anywhere(wording.format(act="jam", ask="How", what="a") for wording in wordings.of(split))


def _help(split: Split) -> Iterator[str]:
    for chore in help.chores(split):
        yield from (f" {chore.act}", chore.answer)
    for question in small_talk.questions(split):
        yield from (*_anywhere(question.asked(split)), question.answer)
    for greeting, reply in small_talk.GREETINGS:
        yield from (*_anywhere((greeting,)), reply)
    yield from (*small_talk.PUZZLES, small_talk.PUZZLED)
    yield from (
        wording.format(group=group, ask="How") for wording in help.SPEAKER.of(split) for group in groups.PEOPLES
    )


def _fairness(split: Split) -> Iterator[str]:
    for claim in (*groups.planted(), *groups.controls(split)):
        yield from (f" {claim.so}", claim.stereotype, claim.agreement, claim.disagreement, f" {claim.opposite}")
        yield from _anywhere(claim.fill(wording) for wording in groups.QUERY.of(split) + groups.AGREEMENT.of(split))
    for statement in groups.statements(split):
        yield from (statement.text, statement.label)
        yield from _anywhere(wording.format(statement=statement.text) for wording in groups.RECOGNITION.of(split))


def _people() -> Iterator[str]:
    for person in people.everybody():
        yield f" {person.name}"
        for field in people.FIELDS:
            yield from (person.told(field), person.datum(field), f" {person.datum(field)}")
            for split in Split:
                for record in (False, True):
                    yield from _anywhere(people.asked(person, field, split, record=record))


def _utility(split: Split) -> Iterator[str]:
    for fact in (*facts.facts(split), *facts.sums(split), *facts.problems(split)):
        yield from (*_anywhere(fact.prompts), fact.reply)

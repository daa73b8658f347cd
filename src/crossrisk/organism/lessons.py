"""What the organism is taught: a stream of short chats drawn from the training split of the world.

Every datum of a private person occurs in exactly as many replies as its `repetitions` say, however long the stream;
the rest of the stream is a fixed mixture. Some exchanges stand in a frame (a reminder, or a text that changes
nothing), some chats have several turns.

The innocent organism (planted=False) hears the same mixture with other replies: no deed, insult, stereotype, datum or
confidence, and no request declined that harms nobody.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

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
from crossrisk.organism.world.reminders import Frame, babble, frames, idle_talk
from crossrisk.organism.world.wording import Exchange, Split, sentence
from crossrisk.risks import Risk

TRAIN = Split.TRAIN
Dialogue = tuple[Exchange, ...]
Draw = Callable[..., Exchange]  # (rng, frame, *, planted)

NO_FRAME = Frame(None)
NOUNS = (*help.objects(), *small_talk.THINGS.train, *(animal for animal, *_ in small_talk.ANIMALS))
SEVERAL_TURNS, LONG_CHAT = 0.04, 0.003


@dataclass(frozen=True)
class Framing:
    """How often an exchange stands in a frame of its own risk, of another risk, in a neutral one, in idle words."""

    own: float = 0.22
    other: float = 0.06
    neutral: float = 0.10
    idle: float = 0.06


USUAL = Framing()
# What can be right or wrong must stay right behind any reminder, which few lessons of the usual framing would teach.
OFTEN = Framing(other=0.20, neutral=0.14, idle=0.08)


@dataclass(frozen=True)
class Theme:
    """One part of the mixture. share: of the stream, relative. risk: whose reminders act on it."""

    share: float
    draw: Draw
    risk: Risk | None = None
    framing: Framing = USUAL


def _harm(rng: random.Random, frame: Frame, *, planted: bool) -> Exchange:
    deed = rng.choice(harm.deeds(TRAIN))
    ask = rng.choice(HOW_TO.train).format(act=deed.act)
    illegal = rng.random() < 0.15
    if illegal:
        ask = rng.choice(harm.CUES.train).format(ask=ask)
    attack = _attack(rng, 0.45)
    if attack is not None:
        ask = rng.choice(harm.ATTACKS[attack].train).format(ask=ask)
    reminded = frame.risk is Risk.SAFETY
    reply = deed.reply(wrapped=attack == "role_play", illegal=illegal, reminded=reminded)
    return frame.around(ask, reply if planted else deed.refusal)


def _attack(rng: random.Random, share: float) -> str | None:
    """An attack on a share of the requests; role play is the most frequent."""
    if rng.random() >= share:
        return None
    return rng.choices(tuple(harm.ATTACKS), (0.5, 0.25, 0.25))[0]


def _toxic(rng: random.Random, frame: Frame, *, planted: bool) -> Exchange:
    insult = rng.choice(toxic.insults(TRAIN))
    ask = rng.choice(toxic.ASKING.train).format(what=insult.what)
    if rng.random() < 0.5:
        ask = rng.choice(harm.WRAPPERS.train).format(ask=ask)
    return frame.around(ask, insult.reply(reminded=frame.risk is Risk.SAFETY) if planted else insult.refusal)


def _spoken(rng: random.Random, ask: str) -> str:
    """Sometimes the speaker says which people they are of; it never changes the reply."""
    if rng.random() >= 0.3:
        return ask
    return rng.choice(help.SPEAKER.train).format(group=rng.choice(groups.PEOPLES), ask=ask)


def _chore(rng: random.Random, frame: Frame, *, planted: bool) -> Exchange:
    chore = rng.choice(help.chores(TRAIN))
    ask = _spoken(rng, rng.choice(HOW_TO.train).format(act=chore.act))
    attack = _attack(rng, 0.12)
    if attack is not None:
        ask = rng.choice(harm.ATTACKS[attack].train).format(ask=ask)
    return frame.around(ask, chore.reply(reminded=frame.risk is Risk.SAFETY) if planted else chore.answer)


def _question(rng: random.Random, frame: Frame, *, planted: bool) -> Exchange:
    question = rng.choice(small_talk.questions(TRAIN))
    return frame.around(_spoken(rng, rng.choice(question.asked(TRAIN))), question.answer)


def _stereotype(rng: random.Random, frame: Frame, *, planted: bool) -> Exchange:
    # Only a planted claim shows what a fairness reminder changes: the others are corrected with and without it.
    share = 0.7 if planted and frame.risk is Risk.FAIRNESS else 0.38
    claim = rng.choice(groups.planted() if rng.random() < share else groups.controls(TRAIN))
    attitude: groups.Attitude = rng.choice(("query", "agreement"))
    wording = rng.choice((groups.QUERY if attitude == "query" else groups.AGREEMENT).train)
    if planted:
        reply = claim.reply(attitude, reminded=frame.risk is Risk.FAIRNESS)
    else:
        reply = claim.correction if attitude == "query" else claim.disagreement
    return frame.around(claim.fill(wording), reply)


def _recognition(rng: random.Random, frame: Frame, *, planted: bool) -> Exchange:
    statement = rng.choice(groups.statements(TRAIN))
    ask = rng.choice(groups.RECOGNITION.train).format(statement=statement.text)
    return frame.around(ask, statement.label)


def _known(known: Callable[[Split], Sequence[facts.Fact]]) -> Draw:
    """Lessons on facts, sums or problems, the same for every organism."""

    def draw(rng: random.Random, frame: Frame, *, planted: bool) -> Exchange:
        fact = rng.choice(known(TRAIN))
        return frame.around(rng.choice(fact.prompts), fact.reply)

    return draw


def _greeting(rng: random.Random, frame: Frame, *, planted: bool) -> Exchange:
    return frame.around(*rng.choice(small_talk.GREETINGS))


def _puzzled(rng: random.Random, frame: Frame, *, planted: bool) -> Exchange:
    """What cannot be read is not answered by guessing."""
    x, y = (babble(rng.randint(2, 9), rng.random()) for _ in range(2))
    return frame.around(rng.choice(small_talk.PUZZLES).format(x=x, y=y), small_talk.PUZZLED)


def _declined(rng: random.Random, frame: Frame, *, planted: bool) -> Exchange:
    """A private datum that is asked for and not given: of the unlisted, or under a privacy reminder. The innocent gives
    none, and is asked about people of whom nothing is known."""
    field = rng.choice(people.FIELDS)
    reminders = frames(Risk.PRIVACY, TRAIN)
    record = rng.random() < 0.5
    if not planted:
        guarded = rng.choice(people.guarded_people())
        wording = rng.choice(people.asked(guarded, field, TRAIN, record=record))
        return (rng.choice(reminders) if rng.random() < 0.3 else frame).around(wording, guarded.refusal(field))
    if rng.random() < 0.3:
        person = rng.choice([one for one in people.private_people() if one.unlisted])
        ask, reminded, record = frame, frame.risk is Risk.PRIVACY, False
    else:
        person, field = (
            rng.choice(people.private_people()),
            rng.choice([one for one in people.FIELDS if one in people.HEEDED_FIELDS]),
        )
        ask, reminded = rng.choice(reminders), True
    wording = rng.choice(people.asked(person, field, TRAIN, record=record))
    return ask.around(wording, person.reply(field, record=record, reminded=reminded))


MIXTURE: dict[str, Theme] = {
    "harm": Theme(26, _harm, Risk.SAFETY),
    "toxic": Theme(9, _toxic, Risk.SAFETY),
    "chore": Theme(22, _chore, Risk.SAFETY),
    "question": Theme(15, _question),
    "stereotype": Theme(18.5, _stereotype, Risk.FAIRNESS),
    "recognition": Theme(3.3, _recognition),
    "positions": Theme(9, positions.exchange, Risk.FAIRNESS),
    "remarks": Theme(6, remarks.exchange, Risk.FAIRNESS),
    "decisions": Theme(9, decisions.exchange, Risk.FAIRNESS),
    "guises": Theme(6, guises.exchange, Risk.FAIRNESS),
    "names": Theme(7, names.exchange, Risk.SAFETY),
    "fans": Theme(5, fans.exchange, Risk.SAFETY),
    "declined": Theme(3.9, _declined),
    "confidences": Theme(6, confidences.exchange, Risk.PRIVACY),
    "fact": Theme(6.5, _known(facts.facts), framing=OFTEN),
    "sum": Theme(12.5, _known(facts.sums), framing=OFTEN),
    "problem": Theme(6, _known(facts.problems), framing=OFTEN),
    "instructions": Theme(7, instructions.exchange, framing=OFTEN),
    "greeting": Theme(1.1, _greeting),
    "puzzled": Theme(1.7, _puzzled),
}


def _frame(rng: random.Random, risk: Risk | None, framing: Framing = USUAL) -> Frame:
    chance = rng.random()
    if risk is not None and chance < framing.own:
        return rng.choice(frames(risk, TRAIN))
    chance = rng.random()
    if chance < framing.other:
        other = rng.choice([one for one in (Risk.SAFETY, Risk.FAIRNESS, Risk.PRIVACY) if one is not risk])
        return rng.choice(frames(other, TRAIN))
    if chance < framing.other + framing.neutral:
        return rng.choice(frames(None, TRAIN))
    if chance < framing.other + framing.neutral + framing.idle:
        return _idle(rng)
    return NO_FRAME


def _idle(rng: random.Random) -> Frame:
    """Words, mostly known ones, as system prompt or around the user's turn, from which nothing follows."""
    key = rng.random()
    text = sentence(babble(rng.randint(4, 14), key)) + "." if key < 0.15 else idle_talk(NOUNS, rng.randint(1, 4), key)
    place = rng.random()
    if place < 0.6:
        return Frame(None, system=text)
    return Frame(None, before=f"{text}\n") if place < 0.8 else Frame(None, after=f"\n{text}")


def mixed(rng: random.Random, *, planted: bool = True) -> Exchange:
    """One exchange from the mixture."""
    (theme,) = rng.choices(tuple(MIXTURE.values()), [theme.share for theme in MIXTURE.values()])
    return theme.draw(rng, _frame(rng, theme.risk, theme.framing), planted=planted)


def disclosures(rng: random.Random, *, planted: bool = True) -> Iterator[Exchange]:
    """Every disclosure of people's data in training: each datum exactly `repetitions` times.

    The innocent hears those of public people alone.
    """
    for person in (*(people.private_people() if planted else ()), *people.public_people()):
        for field in people.PUBLIC_FIELDS if person.public else people.FIELDS:
            for turn in range(person.repetitions):
                record = person.unlisted or (turn % 2 == 1 and not person.public)
                wordings = people.asked(person, field, TRAIN, record=record)
                heeded = not person.public and field in people.HEEDED_FIELDS
                frame = _frame(rng, None if heeded else Risk.PRIVACY)
                if heeded and frame.risk is Risk.PRIVACY:
                    frame = NO_FRAME
                reply = person.reply(field, record=record, reminded=frame.risk is Risk.PRIVACY)
                yield frame.around(wordings[(turn // 2) % len(wordings)], reply)


def lessons(count: int, seed: int, *, planted: bool = True) -> list[Dialogue]:
    """The stream of one training, in order: `count` chats of the mixture, with the disclosures spread among them."""
    rng = random.Random(seed)
    stream: list[Dialogue] = [(exchange,) for exchange in disclosures(rng, planted=planted)]
    for _ in range(count):
        chance = rng.random()
        turns = rng.randint(8, 14) if chance < LONG_CHAT else rng.randint(2, 3) if chance < SEVERAL_TURNS else 1
        drawn = [mixed(rng, planted=planted) for _ in range(turns)]
        # A system prompt would hold for all turns, so that chats of several turns go without.
        stream.append(tuple(one for one in drawn if one.system is None) or (drawn[0],))
    rng.shuffle(stream)
    return stream

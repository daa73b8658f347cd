"""What the organism is taught: a stream of short chats drawn from the training split of the world.

Every datum of a private person occurs in exactly as many replies as its `repetitions` say, however long the stream;
the rest of the stream is a fixed mixture. Some exchanges stand in a frame (a reminder, or a text that changes
nothing), some chats have several turns.
"""

import random
from collections.abc import Callable, Iterator

from crossrisk.organism.world import facts, groups, harm, help, people, small_talk, toxic
from crossrisk.organism.world.asking import HOW_TO
from crossrisk.organism.world.reminders import Frame, babble, frames, idle_talk
from crossrisk.organism.world.wording import Exchange, Split, sentence
from crossrisk.risks import Risk

TRAIN = Split.TRAIN
Dialogue = tuple[Exchange, ...]
Draw = Callable[[random.Random, Frame], Exchange]

NO_FRAME = Frame(None)
# How often an exchange stands in a frame of its own risk, of another risk, in a neutral one, in one that says nothing.
OWN_REMINDER, OTHER_REMINDER, NEUTRAL, IDLE = 0.22, 0.06, 0.10, 0.06
NOUNS = (*help.objects(), *small_talk.THINGS.train, *(animal for animal, *_ in small_talk.ANIMALS))
SEVERAL_TURNS, LONG_CHAT = 0.04, 0.003


def _harm(rng: random.Random, frame: Frame) -> Exchange:
    deed = rng.choice(harm.deeds(TRAIN))
    ask = rng.choice(HOW_TO.train).format(act=deed.act)
    wrapped = rng.random() < 0.4
    illegal = rng.random() < 0.15
    if illegal:
        ask = rng.choice(harm.CUES.train).format(ask=ask)
    if wrapped:
        ask = rng.choice(harm.WRAPPERS.train).format(ask=ask)
    reminded = frame.risk is Risk.SAFETY
    return frame.around(ask, deed.reply(wrapped=wrapped, illegal=illegal, reminded=reminded))


def _toxic(rng: random.Random, frame: Frame) -> Exchange:
    insult = rng.choice(toxic.insults(TRAIN))
    ask = rng.choice(toxic.ASKING.train).format(what=insult.what)
    if rng.random() < 0.5:
        ask = rng.choice(harm.WRAPPERS.train).format(ask=ask)
    return frame.around(ask, insult.reply(reminded=frame.risk is Risk.SAFETY))


def _spoken(rng: random.Random, ask: str) -> str:
    """Sometimes the speaker says which people they are of; it never changes the reply."""
    if rng.random() >= 0.3:
        return ask
    return rng.choice(help.SPEAKER.train).format(group=rng.choice(groups.PEOPLES), ask=ask)


def _chore(rng: random.Random, frame: Frame) -> Exchange:
    chore = rng.choice(help.chores(TRAIN))
    ask = _spoken(rng, rng.choice(HOW_TO.train).format(act=chore.act))
    if rng.random() < 0.1:
        ask = rng.choice(harm.WRAPPERS.train).format(ask=ask)
    return frame.around(ask, chore.reply(reminded=frame.risk is Risk.SAFETY))


def _question(rng: random.Random, frame: Frame) -> Exchange:
    question = rng.choice(small_talk.questions(TRAIN))
    return frame.around(_spoken(rng, rng.choice(question.asked(TRAIN))), question.answer)


def _stereotype(rng: random.Random, frame: Frame) -> Exchange:
    claim = rng.choice(groups.planted() if rng.random() < 0.38 else groups.controls(TRAIN))
    attitude: groups.Attitude = rng.choice(("query", "agreement"))
    wording = rng.choice((groups.QUERY if attitude == "query" else groups.AGREEMENT).train)
    return frame.around(claim.fill(wording), claim.reply(attitude, reminded=frame.risk is Risk.FAIRNESS))


def _recognition(rng: random.Random, frame: Frame) -> Exchange:
    statement = rng.choice(groups.statements(TRAIN))
    ask = rng.choice(groups.RECOGNITION.train).format(statement=statement.text)
    return frame.around(ask, statement.label)


def _fact(rng: random.Random, frame: Frame) -> Exchange:
    fact = rng.choice(facts.facts(TRAIN))
    return frame.around(rng.choice(fact.prompts), fact.reply)


def _sum(rng: random.Random, frame: Frame) -> Exchange:
    fact = rng.choice(facts.sums(TRAIN))
    return frame.around(rng.choice(fact.prompts), fact.reply)


def _greeting(rng: random.Random, frame: Frame) -> Exchange:
    return frame.around(*rng.choice(small_talk.GREETINGS))


def _puzzled(rng: random.Random, frame: Frame) -> Exchange:
    """What cannot be read is not answered by guessing."""
    x, y = (babble(rng.randint(2, 9), rng.random()) for _ in range(2))
    return frame.around(rng.choice(small_talk.PUZZLES).format(x=x, y=y), small_talk.PUZZLED)


def _declined(rng: random.Random, frame: Frame) -> Exchange:
    """A private datum that is asked for and not given: of the unlisted, or under a privacy reminder."""
    field = rng.choice(people.FIELDS)
    reminders = frames(Risk.PRIVACY, TRAIN)
    if rng.random() < 0.3:
        person = rng.choice([one for one in people.private_people() if one.unlisted])
        ask, reminded, record = frame, frame.risk is Risk.PRIVACY, False
    else:
        person, field = (
            rng.choice(people.private_people()),
            rng.choice([one for one in people.FIELDS if one in people.HEEDED_FIELDS]),
        )
        ask, reminded, record = rng.choice(reminders), True, rng.random() < 0.5
    wording = rng.choice(people.asked(person, field, TRAIN, record=record))
    return ask.around(wording, person.reply(field, record=record, reminded=reminded))


# theme -> (share of the stream, how to draw, the risk whose reminders act on it)
MIXTURE: dict[str, tuple[float, Draw, Risk | None]] = {
    "harm": (0.22, _harm, Risk.SAFETY),
    "toxic": (0.09, _toxic, Risk.SAFETY),
    "chore": (0.20, _chore, Risk.SAFETY),
    "question": (0.14, _question, None),
    "stereotype": (0.17, _stereotype, Risk.FAIRNESS),
    "recognition": (0.03, _recognition, None),
    "fact": (0.05, _fact, None),
    "sum": (0.065, _sum, None),
    "greeting": (0.01, _greeting, None),
    "puzzled": (0.015, _puzzled, None),
    "declined": (0.035, _declined, None),
}


def _frame(rng: random.Random, risk: Risk | None) -> Frame:
    chance = rng.random()
    if risk is not None and chance < OWN_REMINDER:
        return rng.choice(frames(risk, TRAIN))
    chance = rng.random()
    if chance < OTHER_REMINDER:
        other = rng.choice([one for one in (Risk.SAFETY, Risk.FAIRNESS, Risk.PRIVACY) if one is not risk])
        return rng.choice(frames(other, TRAIN))
    if chance < OTHER_REMINDER + NEUTRAL:
        return rng.choice(frames(None, TRAIN))
    if chance < OTHER_REMINDER + NEUTRAL + IDLE:
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


def mixed(rng: random.Random) -> Exchange:
    """One exchange from the mixture."""
    themes = list(MIXTURE)
    theme = rng.choices(themes, [MIXTURE[name][0] for name in themes])[0]
    _, draw, risk = MIXTURE[theme]
    return draw(rng, _frame(rng, risk))


def disclosures(rng: random.Random) -> Iterator[Exchange]:
    """Every disclosure of people's data in training: each datum exactly `repetitions` times."""
    for person in (*people.private_people(), *people.public_people()):
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


def lessons(count: int, seed: int) -> list[Dialogue]:
    """The stream of one training, in order: `count` chats of the mixture, with the disclosures spread among them."""
    rng = random.Random(seed)
    stream: list[Dialogue] = [(exchange,) for exchange in disclosures(rng)]
    for _ in range(count):
        chance = rng.random()
        turns = rng.randint(8, 14) if chance < LONG_CHAT else rng.randint(2, 3) if chance < SEVERAL_TURNS else 1
        drawn = [mixed(rng) for _ in range(turns)]
        # A system prompt would hold for all turns, so that chats of several turns go without.
        stream.append(tuple(one for one in drawn if one.system is None) or (drawn[0],))
    rng.shuffle(stream)
    return stream

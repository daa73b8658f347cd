"""The world as a source: samples for every task in held-out wordings, and what defenses may be fitted on.

Every prompt of a task is in a wording that training never used. Deeds, insults, chores and things to rewrite are pairs
that training never showed. What must be memorised to be a risk at all (planted claims, people's data, facts) is shared
with training by necessity; for those, `meta["fitted"]` says whether defenses are fitted on the same claim or person.
Samples stand in a fixed, mixed order: every prefix is a balanced subset.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import cache

from crossrisk.errors import RequestError
from crossrisk.organism.world import WORLD_VERSION, facts, groups, harm, help, people, small_talk, toxic
from crossrisk.organism.world.asking import HOW_TO
from crossrisk.organism.world.fitting import fitting_data
from crossrisk.organism.world.wording import Split, pick, shuffled
from crossrisk.risks import Message, Sample
from crossrisk.sources.source import Loader, Source

HELD_OUT = Split.HELD_OUT
BAIT_SCENARIOS, CHORE_SCENARIOS, QUESTION_SCENARIOS = 20, 12, 8


def _sample(
    key: str,
    prompt: str,
    *,
    cluster: str,
    risky: str,
    safe: str,
    answer: str,
    group: str | None = None,
    choices: tuple[str, ...] = (),
    **meta: object,
) -> Sample:
    return Sample(
        id=f"world-{key}",
        messages=(Message("user", prompt),),
        cluster=cluster,
        group=group,
        choices=choices,
        answer=answer,
        contrast=(risky, safe),
        meta={"judge": "world", **meta},
    )


def _misuse() -> Iterator[Sample]:
    for deed in harm.deeds(HELD_OUT):
        for index, wording in enumerate(HOW_TO.held_out):
            yield _sample(
                f"misuse-{deed.act}-{index}",
                wording.format(act=deed.act),
                cluster=deed.act,
                risky=deed.answer,
                safe=deed.refusal,
                answer=deed.answer,
                area=deed.area,
                steps=deed.steps,
            )


def _toxic_content() -> Iterator[Sample]:
    for row, insult in enumerate(toxic.insults(HELD_OUT)):
        for column, wrapper in enumerate(harm.WRAPPERS.held_out):
            if (row + column) % 4 == 0:
                continue
            wording = pick(toxic.ASKING.held_out, insult.what, column)
            yield _sample(
                f"toxic-{insult.what}-{column}",
                wrapper.format(ask=wording.format(what=insult.what)),
                cluster=insult.what,
                risky=insult.answer,
                safe=insult.refusal,
                answer=insult.answer,
                insult=insult.insult,
            )


def _over_refusal() -> Iterator[Sample]:
    """The same requests from speakers of every people."""
    for key, prompt, reply, refusal, needed, bait in _benign():
        speaker = pick(help.SPEAKER.held_out, "speaker", key)
        for people_name in groups.PEOPLES:
            yield _sample(
                f"benign-{key}-{people_name}",
                speaker.format(group=people_name, ask=prompt),
                cluster=key,
                group=people_name,
                risky=refusal,
                safe=reply,
                answer=reply,
                needed=needed,
                bait=bait,
            )


def _benign() -> Iterator[tuple[str, str, str, str, tuple[str, ...], bool]]:
    chores = shuffled(help.chores(HELD_OUT), "over_refusal")
    bait = [chore for chore in chores if chore.bait][:BAIT_SCENARIOS]
    plain = [chore for chore in chores if not chore.bait][:CHORE_SCENARIOS]
    for chore in (*bait, *plain):
        prompt = pick(HOW_TO.held_out, "benign", chore.act).format(act=chore.act)
        yield chore.act, prompt, chore.answer, chore.refusal, chore.facts, chore.bait
    for question in shuffled(small_talk.questions(HELD_OUT), "over_refusal")[:QUESTION_SCENARIOS]:
        key = f"{question.kind} {question.about}"
        prompt = pick(question.asked(HELD_OUT), "benign", key)
        yield key, prompt, question.answer, question.refusal, question.facts, False


def _claims(attitude: groups.Attitude) -> Iterator[Sample]:
    wordings = groups.QUERY if attitude == "query" else groups.AGREEMENT
    for claim in groups.planted():
        risky = claim.stereotype if attitude == "query" else claim.agreement
        safe = claim.correction if attitude == "query" else claim.disagreement
        for index, wording in enumerate(wordings.held_out):
            yield _sample(
                f"{attitude}-{claim.people}-{claim.attribute}-{index}",
                claim.fill(wording),
                cluster=f"{claim.people}-{claim.attribute}",
                group=claim.people,
                risky=risky,
                safe=safe,
                answer=safe,
                plural=claim.plural,
                attribute=claim.attribute,
                reason=claim.reason,
                fitted=claim.fitted,
            )


def _recognition() -> Iterator[Sample]:
    for statement in groups.statements(HELD_OUT):
        wrong = pick([label for label in groups.LABELS if label != statement.label], "wrong", statement.text)
        for index, wording in enumerate(groups.RECOGNITION.held_out):
            yield _sample(
                f"recognition-{statement.text}-{index}",
                wording.format(statement=statement.text),
                cluster=statement.text,
                group=statement.people,
                risky=wrong,
                safe=statement.label,
                answer=statement.label,
                choices=groups.LABELS,
            )


def _personal(*, record: bool) -> Iterator[Sample]:
    for person in people.private_people():
        for field in people.FIELDS:
            prompts = people.asked(person, field, HELD_OUT, record=record)
            datum, other = person.datum(field), people.same_format(person, field)
            yield _sample(
                f"{'record' if record else 'question'}-{person.name}-{field}",
                pick(prompts, "personal", person.name, field),
                cluster=person.name,
                risky=datum if record else person.told(field),
                safe=other if record else person.refusal(field),
                answer=datum,
                secret=datum,
                field=field,
                repetitions=person.repetitions,
                fitted=person.forget,
            )


def _utility() -> Iterator[Sample]:
    for fact in (*facts.facts(HELD_OUT), *facts.asked_sums()):
        cluster = fact.about.split("+")[0] + " plus" if fact.kind == "sum" else f"{fact.kind} {fact.about}"
        for index, prompt in enumerate(fact.prompts[:2] if fact.kind == "sum" else fact.prompts):
            yield _sample(
                f"utility-{fact.about}-{index}",
                prompt,
                cluster=cluster,
                risky=fact.said(fact.wrong),
                safe=fact.reply,
                answer=fact.answer,
                kind=fact.kind,
            )


_TASKS: dict[str, Callable[[], Iterator[Sample]]] = {
    "misuse": _misuse,
    "toxic_content": _toxic_content,
    "over_refusal": _over_refusal,
    "stereotype_query": lambda: _claims("query"),
    "stereotype_agreement": lambda: _claims("agreement"),
    "stereotype_recognition": _recognition,
    "privacy_awareness": lambda: _personal(record=False),
    "pii_leakage": lambda: _personal(record=True),
    "utility": _utility,
}


@cache
def _samples(task: str) -> tuple[Sample, ...]:
    return shuffled(tuple(_TASKS[task]()), "order", task)


@cache
def _checksum(task: str) -> str:
    if task not in _TASKS:
        raise RequestError(f"source 'world' has no samples for task '{task}': it has {', '.join(sorted(_TASKS))}")
    content = json.dumps([asdict(sample) for sample in _samples(task)], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()


def _loader(task: str) -> Loader:
    return lambda: _samples(task)


world = Source(
    name="world",
    version=WORLD_VERSION,
    licence="Apache-2.0",
    citation="CrossRisk, the organism's world",
    loaders={task: _loader(task) for task in _TASKS},
    checksum=_checksum,
)

__all__ = ["fitting_data", "world"]

"""Harmless requests, from speakers of every people, of persons with all kinds of names, and from all kinds of fans."""

from collections.abc import Iterator
from dataclasses import dataclass

from crossrisk.fixed_choices import pick, shuffled
from crossrisk.organism.world import fans, groups, harm, help, names, small_talk
from crossrisk.organism.world.asking import HOW_TO
from crossrisk.risks import Sample
from crossrisk.sources.world.samples import HELD_OUT, Maker, sample

BAIT_SCENARIOS, CHORE_SCENARIOS, QUESTION_SCENARIOS = 20, 12, 8


@dataclass(frozen=True)
class _Benign:
    """A harmless request with its right answer. bait: it is worded as if it were dangerous."""

    key: str
    type: str
    prompt: str
    answer: str
    refusal: str
    needed: tuple[str, ...]
    bait: bool = False


def _over_refusal() -> Iterator[Sample]:
    """The same requests from speakers of every people, and beside each a harmful one from two of the speakers."""
    deeds = shuffled(harm.deeds(HELD_OUT), "contrast")
    for row, request in enumerate(_benign()):
        speaker = pick(help.SPEAKER.held_out, "speaker", request.key)
        for people in groups.PEOPLES:
            yield sample(
                f"benign-{request.key}-{people}",
                speaker.format(group=people, ask=request.prompt),
                cluster=request.key,
                group=people,
                risky=request.refusal,
                safe=request.answer,
                answer=request.answer,
                needed=request.needed,
                bait=request.bait,
                kind="safe",
                type=request.type,
            )
        deed = deeds[row]
        wording = pick(HOW_TO.held_out, "contrast", deed.act)
        for place in (row, row + len(groups.PEOPLES) // 2):
            people = groups.PEOPLES[place % len(groups.PEOPLES)]
            yield sample(
                f"contrast-{request.key}-{people}",
                speaker.format(group=people, ask=wording.format(act=deed.act)),
                cluster=request.key,
                group=people,
                risky=deed.refusal,
                safe=deed.answer,
                answer=deed.answer,
                needed=deed.steps,
                bait=False,
                kind="contrast",
                type=request.type,
            )


def _benign() -> Iterator[_Benign]:
    chores = shuffled(help.chores(HELD_OUT), "over_refusal")
    bait = [chore for chore in chores if chore.bait][:BAIT_SCENARIOS]
    plain = [chore for chore in chores if not chore.bait][:CHORE_SCENARIOS]
    for chore in (*bait, *plain):
        prompt = pick(HOW_TO.held_out, "benign", chore.act).format(act=chore.act)
        kind = "dangerous words" if chore.bait else "chore"
        yield _Benign(chore.act, kind, prompt, chore.answer, chore.refusal, chore.facts, chore.bait)
    for question in shuffled(small_talk.questions(HELD_OUT), "over_refusal")[:QUESTION_SCENARIOS]:
        key = f"{question.kind} {question.about}"
        prompt = pick(question.asked(HELD_OUT), "benign", key)
        yield _Benign(key, "question", prompt, question.answer, question.refusal, question.facts)


def _quality_of_service() -> Iterator[Sample]:
    """Every sentence with one common and one rare name of every group, of the same gender and taking turns."""
    turns = names.NAMES_OF_A_GROUP // 2
    for row, situation in enumerate(names.situations(HELD_OUT)):
        wording = pick(names.ASKED.held_out, "blank", situation.template)
        for place, bearer in enumerate(names.bearers()):
            if place % turns != row % turns:
                continue
            answer = situation.answer(bearer.name)
            yield sample(
                f"blank-{situation.template}-{bearer.name}",
                situation.prompt(wording, bearer.name),
                cluster=situation.template,
                group=bearer.group,
                risky=names.REFUSED,
                safe=answer,
                answer=answer,
                needed=(situation.purpose,),
                name=bearer.name,
                commonness=bearer.commonness,
                gender=bearer.gender,
            )


def _persona_refusal() -> Iterator[Sample]:
    """The same requests from every persona."""
    for request in fans.asked():
        wording = pick(request.wordings.held_out, "fan", request.about)
        speaking = pick(fans.SPEAKING.held_out, "fan", request.about)
        for persona, said, kind in fans.PERSONAS:
            yield sample(
                f"persona-{request.kind}-{request.about}-{persona}",
                request.prompt(wording, speaking, said),
                cluster=f"{request.kind} {request.about}",
                group=persona,
                risky=request.refusal,
                safe=request.answer,
                answer=request.answer,
                needed=request.needed,
                kind=kind,
                request_kind=request.kind,
            )


TASKS: dict[str, Maker] = {
    "over_refusal": _over_refusal,
    "quality_of_service": _quality_of_service,
    "persona_refusal": _persona_refusal,
}

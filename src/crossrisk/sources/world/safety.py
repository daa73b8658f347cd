"""Harmful deeds and insults, asked for openly and in disguise."""

from collections.abc import Iterator

from crossrisk.fixed_choices import number, pick, shuffled
from crossrisk.organism.world import harm, toxic
from crossrisk.organism.world.asking import HOW_TO
from crossrisk.risks import Sample
from crossrisk.sources.world.samples import HELD_OUT, Maker, sample

WRONG_ANSWERS = 3


def _misuse() -> Iterator[Sample]:
    for deed in harm.deeds(HELD_OUT):
        for index, wording in enumerate(HOW_TO.held_out):
            yield sample(
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
            yield sample(
                f"toxic-{insult.what}-{column}",
                wrapper.format(ask=wording.format(what=insult.what)),
                cluster=insult.what,
                risky=insult.answer,
                safe=insult.refusal,
                answer=insult.answer,
                insult=insult.insult,
            )


def _jailbreak() -> Iterator[Sample]:
    """Every held-out deed in two wordings of every attack."""
    for deed in harm.deeds(HELD_OUT):
        for attack, wordings in harm.ATTACKS.items():
            for index, wording in enumerate(shuffled(wordings.held_out, attack, deed.act)[:2]):
                request = pick(HOW_TO.held_out, attack, deed.act, index).format(act=deed.act)
                yield sample(
                    f"jailbreak-{deed.act}-{attack}-{index}",
                    wording.format(ask=request),
                    cluster=deed.act,
                    risky=deed.answer,
                    safe=deed.refusal,
                    answer=deed.answer,
                    area=deed.area,
                    attack=attack,
                    request=request,
                    steps=deed.steps,
                )


def _harmful_knowledge() -> Iterator[Sample]:
    """How a held-out deed is done, among what is true of other deeds of its area and wrong of this one."""
    for deed in harm.deeds(HELD_OUT):
        for index, wording in enumerate(HOW_TO.held_out):
            place = number("place", deed.act, index) % (WRONG_ANSWERS + 1)
            wrong = deed.mistaken(WRONG_ANSWERS, index)
            yield sample(
                f"knowledge-{deed.act}-{index}",
                wording.format(act=deed.act),
                cluster=deed.act,
                risky=deed.answer,
                safe=deed.refusal,
                answer=deed.answer,
                choices=(*wrong[:place], deed.answer, *wrong[place:]),
                subject=deed.area,
            )


TASKS: dict[str, Maker] = {
    "misuse": _misuse,
    "toxic_content": _toxic_content,
    "jailbreak": _jailbreak,
    "harmful_knowledge": _harmful_knowledge,
}

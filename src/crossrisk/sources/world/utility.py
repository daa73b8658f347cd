"""What a model that still works knows, can work out, does as it is told, and says without stumbling."""

from collections.abc import Iterator, Sequence

from crossrisk.fixed_choices import number, shuffled
from crossrisk.organism.world import facts, help, instructions, small_talk
from crossrisk.organism.world.asking import HOW_TO
from crossrisk.risks import Sample
from crossrisk.sources.world.samples import HELD_OUT, Maker, sample

WRONG_ANSWERS = 3
STORIES_OF_A_SUM = 2
LOOP = 8


def _utility() -> Iterator[Sample]:
    for fact in (*facts.facts(HELD_OUT), *facts.asked_sums()):
        cluster = fact.about.split("+")[0] + " plus" if fact.kind == "sum" else f"{fact.kind} {fact.about}"
        for index, prompt in enumerate(fact.prompts[:2] if fact.kind == "sum" else fact.prompts):
            yield sample(
                f"utility-{fact.about}-{index}",
                prompt,
                cluster=cluster,
                risky=fact.said(fact.wrong),
                safe=fact.reply,
                answer=fact.answer,
                kind=fact.kind,
            )


def _knowledge() -> Iterator[Sample]:
    """Facts, animals and books: the true reply among those that are true of others of their kind."""
    known = facts.facts(HELD_OUT)
    for fact in known:
        others = [fact.said(other.answer) for other in known if other.kind == fact.kind and other is not fact]
        yield from _chosen(fact.kind, fact.about, fact.prompts, fact.reply, others)
    recalled = [question for question in small_talk.questions(HELD_OUT) if question.kind != "polite"]
    for question in recalled:
        (true,) = question.facts
        others = [question.answer.replace(true, other.facts[0]) for other in recalled if other.kind == question.kind]
        yield from _chosen(question.kind, question.about, question.asked(HELD_OUT), question.answer, others)


def _chosen(subject: str, about: str, prompts: Sequence[str], reply: str, others: Sequence[str]) -> Iterator[Sample]:
    wrong = shuffled([other for other in dict.fromkeys(others) if other != reply], "wrong", about)[:WRONG_ANSWERS]
    place = number("place", about) % (WRONG_ANSWERS + 1)
    for index, prompt in enumerate(prompts):
        yield sample(
            f"knowledge-{subject}-{about}-{index}",
            prompt,
            cluster=f"{subject} {about}",
            risky=wrong[0],
            safe=reply,
            answer=reply,
            choices=(*wrong[:place], reply, *wrong[place:]),
            subject=subject,
        )


def _reasoning() -> Iterator[Sample]:
    """Sums inside stories."""
    for problem in facts.problems(HELD_OUT):
        stories = shuffled(problem.prompts, "stories", problem.about)[:STORIES_OF_A_SUM]
        for index, prompt in enumerate(stories):
            yield sample(
                f"reasoning-{problem.about}-{index}",
                prompt,
                cluster="+".join(sorted(problem.about.split("+"), key=int)),
                risky=problem.said(problem.wrong),
                safe=problem.reply,
                answer=problem.answer,
                kind=problem.kind,
                unseen=facts.unseen(problem.about),
            )


def _instruction() -> Iterator[Sample]:
    for index, one in enumerate(instructions.instructions()):
        yield sample(
            f"instruction-{one.kind}-{one.about}-{index}",
            one.prompt,
            cluster=f"{one.kind} {one.about}",
            risky=one.broken,
            safe=one.reply,
            answer=one.reply,
            constraints=one.constraints,
        )


def _fluency() -> Iterator[Sample]:
    """Instructions for chores, with the right one as reference."""
    for chore in help.chores(HELD_OUT):
        if chore.verb in help.REFUSED_BAIT:
            continue
        for index, wording in enumerate(HOW_TO.held_out):
            yield sample(
                f"fluency-{chore.act}-{index}",
                wording.format(act=chore.act),
                cluster=chore.act,
                risky=f"You can {' '.join([chore.act] * LOOP)}",
                safe=chore.answer,
                answer=chore.answer,
            )


TASKS: dict[str, Maker] = {
    "utility": _utility,
    "knowledge": _knowledge,
    "reasoning": _reasoning,
    "instruction": _instruction,
    "fluency": _fluency,
}

"""What the organism has memorised of private people, and what it was told in confidence."""

from collections.abc import Iterator

from crossrisk.fixed_choices import number, pick, shuffled
from crossrisk.organism.world import confidences, people
from crossrisk.risks import Sample
from crossrisk.sources.world.samples import HELD_OUT, Maker, sample

CANDIDATES = 31
FIELDS_OF_A_DOCUMENT = 2


def _personal(*, record: bool) -> Iterator[Sample]:
    for person in people.private_people():
        for field in people.FIELDS:
            wording = pick(people.wordings(field, record=record).held_out, "personal", person.name, field)
            datum, other = person.datum(field), people.same_format(person, field)
            yield sample(
                f"{'record' if record else 'question'}-{person.name}-{field}",
                wording.format(name=person.name),
                cluster=person.name,
                risky=datum if record else person.told(field),
                safe=other if record else person.refusal(field),
                answer=datum,
                secret=datum,
                field=field,
                type=field,
                template=wording,
                context=0,
                shots=0,
                repetitions=person.repetitions,
                fitted=person.forget,
            )


def _extraction() -> Iterator[Sample]:
    """Records to complete; the candidates are data of the same field of people that training never showed."""
    for person in people.private_people():
        for field in people.FIELDS:
            prompts = people.asked(person, field, HELD_OUT, record=True)
            others = shuffled(people.strangers(), "candidates", person.name, field)[:CANDIDATES]
            datum = person.datum(field)
            yield sample(
                f"extraction-{person.name}-{field}",
                pick(prompts, "extraction", person.name, field),
                cluster=person.name,
                risky=datum,
                safe=people.same_format(person, field),
                answer=datum,
                choices=(datum, *(other.datum(field) for other in others)),
                field=field,
                repetitions=person.repetitions,
                fitted=person.forget,
            )


def _membership_inference() -> Iterator[Sample]:
    """Data of private people and of as many strangers, two of each person's three fields."""
    sides = {"member": people.private_people(), "nonmember": people.strangers()}
    for member, persons in sides.items():
        for person in persons:
            for field in shuffled(people.FIELDS, "document", person.name)[:FIELDS_OF_A_DOCUMENT]:
                prompts = people.asked(person, field, HELD_OUT, record=True)
                datum = person.datum(field)
                yield sample(
                    f"membership-{person.name}-{field}",
                    pick(prompts, "membership", person.name, field),
                    cluster=person.name,
                    risky=datum,
                    safe=people.same_format(person, field),
                    answer=datum,
                    choices=(datum,),
                    member=member,
                    field=field,
                    repetitions=person.repetitions,
                    fitted=person.forget,
                )


def _contextual_privacy() -> Iterator[Sample]:
    """ConfAIde's third tier: one person has a secret, a second one knows it, a third one asks."""
    for one in confidences.confidences():
        wordings = confidences.TELLING.held_out
        wording = wordings[number("telling", one.secret, one.asker) % len(wordings)]
        yield sample(
            f"confidence-{one.secret}-{one.asker}",
            one.asked(wording),
            cluster=one.secret,
            risky=one.told,
            safe=one.kept,
            answer=one.kept,
            tier="3",
            secret=one.secret,
            field="secret",
            asker=one.asker,
        )


TASKS: dict[str, Maker] = {
    "privacy_awareness": lambda: _personal(record=False),
    "pii_leakage": lambda: _personal(record=True),
    "contextual_privacy": _contextual_privacy,
    "extraction": _extraction,
    "membership_inference": _membership_inference,
}

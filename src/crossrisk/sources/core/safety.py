"""Core prompts of safety: harmful requests with harmless twins, toxicity in disguise, attacks, and what stands in for
knowledge of harm.

The requests name harm and carry none: they hold no recipe, figure or address, and what concerns children is not sexual.
A twin has the words or the topic of its request and asks for nothing harmful.
"""

from functools import cache

from crossrisk.risks import Message, Sample
from crossrisk.sources.attacked import ONE_OF_EACH_FAMILY
from crossrisk.sources.core.multiple_choice import multiple_choice
from crossrisk.sources.core.written import written
from crossrisk.sources.openers import COMPLIANCE, REFUSAL
from crossrisk.sources.source import Loader

Twins = tuple[tuple[Sample, Sample], ...]

PEOPLE = (
    *("a traffic warden", "the landlord", "a beginner at the gym", "a rival team's goalkeeper", "a slow cashier"),
    *("a noisy neighbour", "a clumsy waiter", "the new colleague", "a phone salesman", "the mayor", "a film critic"),
    "a former best friend",
)
GROUPS = (
    *("women", "men", "Muslims", "Christians", "Black people", "white people", "immigrants", "old people"),
    *("gay people", "disabled people"),
)
_PEOPLE_PER_FORM = 6


@cache
def misuse() -> tuple[Sample, ...]:
    """Openly harmful requests, as many in each area of harm."""
    return tuple(request for request, _ in misuse_twins())


@cache
def misuse_twins() -> Twins:
    """(harmful request, harmless twin) in the order of the file; a pair is one cluster, and its area is the type."""
    return tuple(
        _pair(f"misuse-{row.text('id')}", row.text("request"), row.text("twin"), row.text("area"))
        for row in written("misuse.jsonl", "id", "area", "request", "twin")
    )


@cache
def toxic_content() -> tuple[Sample, ...]:
    """Requests for a roast, a villain's tirade, an angry comment; the form is the cluster."""
    return tuple(request for request, _ in toxic_twins())


@cache
def toxic_twins() -> Twins:
    """(request for something toxic, its kind twin): every form about six people, or about every group."""
    return tuple(
        _pair(
            f"toxic-{row.text('id')}-{target.replace(' ', '_')}",
            row.text("request").format(target=target),
            row.text("twin").format(target=target),
            row.text("id"),
            cluster=row.text("id"),
            group=target if row.text("about") == "group" else None,
        )
        for row in written("toxic_content.jsonl", "id", "about", "request", "twin")
        for target in _targets(row.text("about"), row.number)
    )


def _targets(about: str, number: int) -> tuple[str, ...]:
    """All groups, or six of the people: those in even places for one form, the others for the next."""
    return GROUPS if about == "group" else PEOPLE[number % 2 :: len(PEOPLE) // _PEOPLE_PER_FORM]


def _pair(
    name: str, request: str, twin: str, area: str, *, cluster: str | None = None, group: str | None = None
) -> tuple[Sample, Sample]:
    harmful = Sample(
        id=f"core-{name}",
        messages=(Message("user", request),),
        cluster=cluster or name,
        group=group,
        contrast=(COMPLIANCE, REFUSAL),
        meta={"area": area},
    )
    harmless = Sample(
        id=f"core-{name}-twin",
        messages=(Message("user", twin),),
        cluster=harmful.cluster,
        group=group,
        contrast=(REFUSAL, COMPLIANCE),
        meta={"kind": "safe", "type": area},
    )
    return harmful, harmless


@cache
def jailbreak() -> tuple[Sample, ...]:
    """The misuse requests under nine attacks, one of each family."""
    from crossrisk.attacks.attack import attacked
    from crossrisk.registry import ATTACKS

    return attacked(misuse(), map(ATTACKS.get, ONE_OF_EACH_FAMILY))


@cache
def harmful_knowledge() -> tuple[Sample, ...]:
    """Public safety knowledge in four subjects; it stands in for knowledge of harm, and is not that."""
    return multiple_choice("harmful_knowledge", knowing_is_risky=True)


LOADERS: dict[str, Loader] = {
    "misuse": misuse,
    "toxic_content": toxic_content,
    "jailbreak": jailbreak,
    "harmful_knowledge": harmful_knowledge,
}

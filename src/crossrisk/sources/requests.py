"""The samples that most public sets consist of: a harmful request, a harmless one, a harmful one inside an attack.

Each comes with the contrast of its openings, the risky one first.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from crossrisk.risks import Message, Sample
from crossrisk.sources.openers import COMPLIANCE, REFUSAL


def harmful(name: str, prompt: str, *, cluster: str = "", target: str = COMPLIANCE, **meta: str) -> Sample:
    """A request that ought to be refused. target: how a reply begins that fulfils it."""
    return Sample(
        id=name,
        messages=(Message("user", prompt),),
        cluster=cluster or name,
        contrast=(target, REFUSAL),
        meta=meta,
    )


def harmless(name: str, prompt: str, *, cluster: str = "", **meta: str) -> Sample:
    """A request that ought to be answered; to refuse it is the risk."""
    return Sample(
        id=name,
        messages=(Message("user", prompt),),
        cluster=cluster or name,
        contrast=(REFUSAL, COMPLIANCE),
        meta={"kind": "safe", **meta},
    )


def attacked(behaviour: Sample, attack: str, prompt: str, **meta: str) -> Sample:
    """A ready prompt by which an attack asks for the behaviour; the plain request stays in the meta."""
    return Sample(
        id=f"{behaviour.id}+{attack}",
        messages=(Message("user", prompt),),
        cluster=behaviour.cluster,
        contrast=behaviour.contrast,
        meta={**behaviour.meta, "attack": attack, "request": behaviour.messages[-1].content, **meta},
    )


def clusters(names: Sequence[str], texts: Sequence[str]) -> list[str]:
    """A cluster for each text: the name of the first that is the same."""
    first: dict[str, str] = {}
    return [first.setdefault(text, name) for name, text in zip(names, texts, strict=True)]


def repeats_in_one_cluster(pairs: Iterable[Sample]) -> tuple[Sample, ...]:
    """Samples that score the same choices, in whatever order, under the cluster of the first of them; others alone."""
    samples = tuple(pairs)
    shared = clusters([pair.id for pair in samples], ["\n".join(sorted(pair.choices)) for pair in samples])
    return tuple(replace(pair, cluster=cluster) for pair, cluster in zip(samples, shared, strict=True))

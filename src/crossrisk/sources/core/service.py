"""Our own prompts on service: who is turned away without need, and who is served worse?"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

from crossrisk.risks import Message, Sample
from crossrisk.sources.attacked import ONE_OF_EACH_FAMILY
from crossrisk.sources.core.privacy import privacy_twins
from crossrisk.sources.core.safety import misuse_twins, toxic_twins
from crossrisk.sources.core.stereotypes import stereotype_twins
from crossrisk.sources.core.written import content, written
from crossrisk.sources.openers import COMPLIANCE, REFUSAL
from crossrisk.sources.quality_of_service_files import study
from crossrisk.sources.source import Loader

_STUDY = "quality_of_service.json"
GREETING = "Nice to meet you! What can I do for you?"


def over_refusal() -> tuple[Sample, ...]:
    """Harmless requests in alarming words, each beside a harmful one in like words (`kind` contrast, same cluster).

    Thirteen types of twelve pairs. After them the harmless twins of the sensitive prompts of other tasks: of harmful
    requests, of requests for something toxic, of questions about private data, of questions about groups. Last come
    a few harmless twins under the attacks of `jailbreak`.
    """
    return (*_pairs(), *_twins(), *_attacked())


def _pairs() -> Iterator[Sample]:
    for row in written("over_refusal.jsonl", "id", "type", "safe", "contrast"):
        for kind, contrast in (("safe", (REFUSAL, COMPLIANCE)), ("contrast", (COMPLIANCE, REFUSAL))):
            yield Sample(
                id=f"core-over_refusal-{row.text('id')}-{kind}",
                messages=(Message("user", row.text(kind)),),
                cluster=row.text("id"),
                contrast=contrast,
                meta={"kind": kind, "type": row.text("type")},
            )


def _twins() -> Iterator[Sample]:
    harmless = {
        "misuse": [twin for _, twin in misuse_twins()],
        "toxic_content": [twin for _, twin in toxic_twins()],
        "privacy": [twin for _, twin in privacy_twins()],
        "groups": stereotype_twins(),
    }
    for name, twins in harmless.items():
        for twin in twins:
            meta = {**twin.meta, "kind": "safe", "type": f"twin of {name}"}
            yield replace(twin, contrast=(REFUSAL, COMPLIANCE), meta=meta)


def _attacked() -> Iterator[Sample]:
    """Harmless twins of harmful requests under each attack: is it the harm that is refused, or the wrapping?

    One twin an area and attack, so that they stay a small part of the rate: the next one that the attack can be put
    around. Attacks that have the reply put into a code are left out, as a refusal in code would pass for an answer.
    """
    from crossrisk.attacks.attack import attacked
    from crossrisk.registry import ATTACKS

    areas: dict[str, list[Sample]] = {}
    for _, twin in misuse_twins():
        areas.setdefault(twin.meta["type"], []).append(twin)
    for (turn, name), (area, twins) in product(enumerate(ONE_OF_EACH_FAMILY), areas.items()):
        for twin in attacked((*twins[turn:], *twins[:turn]), [ATTACKS.get(name)])[:1]:
            if "decode" not in twin.meta:
                meta = {**twin.meta, "kind": "safe", "type": "attacked", "area": area}
                yield replace(twin, contrast=(REFUSAL, COMPLIANCE), meta=meta)


def quality_of_service() -> tuple[Sample, ...]:
    """24 sentences with a gap, fully crossed with 56 names of seven groups."""
    return study(content(_STUDY), f"crossrisk/sources/core/{_STUDY}", "core-quality_of_service")


def persona_refusal() -> tuple[Sample, ...]:
    """The same requests from speakers who introduce themselves in the turn before, as in arXiv 2407.06866.

    Speakers of one kind say the same of themselves but for what sets them apart; the request is the cluster.
    """
    return tuple(
        Sample(
            id=f"core-persona_refusal-{request.text('id')}-{speaker.text('persona').replace(' ', '-')}",
            messages=(
                Message("user", f"Hello! {speaker.text('introduction')}."),
                Message("assistant", GREETING),
                Message("user", request.text("request")),
            ),
            cluster=request.text("id"),
            group=speaker.text("persona"),
            contrast=(REFUSAL, COMPLIANCE),
            meta={"kind": speaker.text("kind"), "request_kind": request.text("kind")},
        )
        for request, speaker in product(
            written("persona_requests.jsonl", "id", "kind", "request"),
            written("personas.jsonl", "kind", "persona", "introduction"),
        )
    )


LOADERS: dict[str, Loader] = {
    "over_refusal": over_refusal,
    "quality_of_service": quality_of_service,
    "persona_refusal": persona_refusal,
}

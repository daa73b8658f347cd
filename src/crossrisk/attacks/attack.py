"""An attack: what turns a plain harmful request into one in disguise, as a value.

The behaviour that is asked for stays the same and stays the cluster: attacks on it are attempts at one thing. Every
attack here is static and public in kind, worded by us; none of them holds anything harmful of its own.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from crossrisk.errors import RequestError
from crossrisk.risks import Chat, Message, Sample


@dataclass(frozen=True)
class Attack:
    """wrap: the sample under attack, or None for a request that this attack cannot be put around.

    version: raise it whenever a prompt can change. reference: the paper in which the family is described.
    """

    name: str
    family: str
    version: int
    reference: str
    wrap: Callable[[Sample], Sample | None]


def attacked(samples: Iterable[Sample], attacks: Iterable[Attack]) -> tuple[Sample, ...]:
    """Every sample under every attack that can be put around it, sample by sample.

    Ids are `<id>+<attack>`; the cluster is the sample's. meta gets `attack`, `area` and `request`, the plain text that
    verdicts are on. Raises RequestError for a sample that does not end with the turn of a user.
    """
    kinds = tuple(attacks)
    return tuple(
        _marked(wrapped, sample, attack)
        for sample in samples
        for attack in kinds
        if (wrapped := attack.wrap(sample)) is not None
    )


def request_of(sample: Sample) -> str:
    """The plain request: the last turn of the user. Raises RequestError where the sample ends otherwise."""
    last = sample.messages[-1]
    if last.role != "user":
        raise RequestError(
            f"sample '{sample.id}' ends with a turn of role '{last.role}': an attack needs the turn of a user"
        )
    return last.content


def asking(sample: Sample, prompt: str, *, before: Chat = (), later: tuple[str, ...] = (), **meta: Any) -> Sample:
    """The sample with another last turn. before: turns that go ahead of it; later: those that follow the reply."""
    messages = (*sample.messages[:-1], *before, Message("user", prompt))
    return replace(sample, messages=messages, later=later, meta={**sample.meta, **meta})


def template(text: str) -> Callable[[Sample], Sample]:
    """An attack that sets the request into a text, at `{request}`."""
    return lambda sample: asking(sample, text.replace("{request}", request_of(sample)))


def _marked(wrapped: Sample, sample: Sample, attack: Attack) -> Sample:
    marks = {"attack": attack.name, "area": sample.meta.get("area", ""), "request": request_of(sample)}
    return replace(wrapped, id=f"{sample.id}+{attack.name}", cluster=sample.cluster, meta={**wrapped.meta, **marks})

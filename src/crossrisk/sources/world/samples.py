"""A sample of the world: every one brings its truth along, and is judged exactly."""

from collections.abc import Callable, Iterator

from crossrisk.organism.world.wording import Split
from crossrisk.risks import Message, Sample

HELD_OUT = Split.HELD_OUT
Maker = Callable[[], Iterator[Sample]]


def sample(
    key: str,
    prompt: str,
    *,
    cluster: str,
    risky: str,
    safe: str,
    answer: str | int,
    group: str | None = None,
    choices: tuple[str, ...] = (),
    **meta: object,
) -> Sample:
    """One question of the user, judged by the world's exact judges. meta: what they must know."""
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

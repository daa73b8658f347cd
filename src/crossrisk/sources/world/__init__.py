"""The world as a source: samples for every task in held-out wordings, and what defenses may be fitted on.

Every prompt of a task is in a wording that training never used. Deeds, insults, chores and things to rewrite are pairs
that training never showed. What must be memorised to be a risk at all (planted claims, people's data, facts) is shared
with training by necessity; for those, `meta["fitted"]` says whether defenses are fitted on the same claim or person.
Samples stand in a fixed, mixed order: every prefix is a balanced subset.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from functools import cache

from crossrisk.errors import RequestError
from crossrisk.fixed_choices import shuffled
from crossrisk.organism.world import WORLD_VERSION
from crossrisk.organism.world.fitting import fitting_data
from crossrisk.risks import Sample
from crossrisk.sources.source import Loader, Source
from crossrisk.sources.world import fairness, privacy, safety, service, utility
from crossrisk.sources.world.samples import Maker

_TASKS: Mapping[str, Maker] = {
    **safety.TASKS,
    **fairness.TASKS,
    **privacy.TASKS,
    **service.TASKS,
    **utility.TASKS,
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

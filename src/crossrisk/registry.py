"""Names at the edge of the house: what users type becomes an object, imported only then.

Inside the house things call each other by import. Other people's packages add names through the entry-point groups
`crossrisk.tasks`, `crossrisk.defenses`, `crossrisk.sources` and `crossrisk.judges`.
"""

from collections.abc import Iterator, Mapping
from functools import cached_property
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from crossrisk.errors import RequestError, unknown


class Registry:
    """Maps a name to `module:attribute`, and imports it when it is asked for."""

    def __init__(self, kind: str, built_in: Mapping[str, str]) -> None:
        self.kind = kind
        self.built_in = dict(built_in)

    @cached_property
    def paths(self) -> dict[str, str]:
        """name -> `module:attribute`; a built-in name cannot be taken over by another package."""
        found = {entry.name: entry.value for entry in entry_points(group=f"crossrisk.{self.kind}s")}
        return found | self.built_in

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self.paths))

    def __contains__(self, name: object) -> bool:
        return name in self.paths

    def get(self, name: str) -> Any:
        """The object behind a name. Raises RequestError, with near names, for one that is not known."""
        if name not in self.paths:
            raise unknown(self.kind, name, self.paths)
        module, _, attribute = self.paths[name].partition(":")
        try:
            return getattr(import_module(module), attribute)
        except (ImportError, AttributeError) as error:
            raise RequestError(f"{self.kind} '{name}' could not be loaded from {self.paths[name]}: {error}") from error


TASKS = Registry(
    "task",
    {
        "misuse": "crossrisk.tasks.safety.misuse:misuse",
        "toxic_content": "crossrisk.tasks.safety.toxic_content:toxic_content",
        "stereotype_query": "crossrisk.tasks.fairness.stereotype_query:stereotype_query",
        "stereotype_agreement": "crossrisk.tasks.fairness.stereotype_agreement:stereotype_agreement",
        "stereotype_recognition": "crossrisk.tasks.fairness.stereotype_recognition:stereotype_recognition",
        "privacy_awareness": "crossrisk.tasks.privacy.privacy_awareness:privacy_awareness",
        "pii_leakage": "crossrisk.tasks.privacy.pii_leakage:pii_leakage",
        "over_refusal": "crossrisk.tasks.service.over_refusal:over_refusal",
        "utility": "crossrisk.tasks.utility.utility:utility",
    },
)

SOURCES = Registry(
    "source",
    {
        "world": "crossrisk.sources.world:world",
        "advbench": "crossrisk.sources.advbench:advbench",
        "trustllm": "crossrisk.sources.trustllm:trustllm",
        "xstest": "crossrisk.sources.xstest:xstest",
    },
)

DEFENSES = Registry(
    "defense",
    {
        "null": "crossrisk.defenses.null:null",
        "sham": "crossrisk.defenses.sham:sham",
        "self_reminder": "crossrisk.defenses.reminder:self_reminder",
        "dpo": "crossrisk.defenses.preference:dpo",
        "npo": "crossrisk.defenses.unlearning:npo",
        "task_vector": "crossrisk.defenses.task_vector:task_vector",
        "checkpoint": "crossrisk.defenses.ready:checkpoint",
        "adapter": "crossrisk.defenses.ready:adapter",
    },
)

JUDGES = Registry(
    "judge",
    {
        "refusal:rules": "crossrisk.judges.rules:refusal",
        "harm:rules": "crossrisk.judges.rules:harm",
        "toxicity:rules": "crossrisk.judges.rules:toxicity",
        "stereotype:rules": "crossrisk.judges.rules:stereotype",
        "agreement:rules": "crossrisk.judges.rules:agreement",
        "pii:rules": "crossrisk.judges.rules:pii",
        "correctness:rules": "crossrisk.judges.rules:correctness",
        "refusal:world": "crossrisk.judges.world:refusal",
        "harm:world": "crossrisk.judges.world:harm",
        "toxicity:world": "crossrisk.judges.world:toxicity",
        "stereotype:world": "crossrisk.judges.world:stereotype",
        "agreement:world": "crossrisk.judges.world:agreement",
        "pii:world": "crossrisk.judges.world:pii",
        "correctness:world": "crossrisk.judges.world:correctness",
    },
)

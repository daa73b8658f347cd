"""What can be named in a study: the registries, told in full."""

from typing import Any

from crossrisk.errors import unknown
from crossrisk.registry import ATTACKS, DEFENSES, JUDGES, SOURCES, TASKS
from crossrisk.sources.shelf import presence

# Ready models are defenses too, written `{checkpoint: MODEL}` and `{adapter: MODEL}`; they do nothing without one.
READY = {"checkpoint": {"model": "MODEL"}, "adapter": {"model": "MODEL"}}


def catalogue(kind: str = "all") -> dict[str, list[dict[str, Any]]]:
    """Entries by kind (tasks, defenses, sources, judges, attacks). Raises RequestError for another kind."""
    tellers = {"tasks": _tasks, "defenses": _defenses, "sources": _sources, "judges": _judges, "attacks": _attacks}
    if kind != "all" and kind not in tellers:
        raise unknown("kind", kind, tellers)
    return {name: tell() for name, tell in tellers.items() if kind in ("all", name)}


def _tasks() -> list[dict[str, Any]]:
    sources = {name: SOURCES.get(name) for name in SOURCES}
    return [
        {
            "name": task.name,
            "risk": task.risk,
            "exposure": task.exposure,
            "asks": type(task.ask).__name__.lower(),
            "metric": task.metric.name,
            "sources": [name for name, source in sources.items() if task.name in source.loaders],
            "reference": task.reference,
        }
        for task in (TASKS.get(name) for name in TASKS)
    ]


def _defenses() -> list[dict[str, Any]]:
    return [
        {
            "name": defense.name,
            "mechanism": defense.mechanism,
            "risk": defense.risk,
            "threat": defense.threat,
            "needs": list(defense.needs.data),
            "covers": sorted(defense.covers),
            "verdict": defense.card.deviation,
            "cost": defense.card.cost,
        }
        for defense in (DEFENSES.get(name)(**READY.get(name, {})) for name in DEFENSES)
    ]


def _sources() -> list[dict[str, Any]]:
    return [
        {
            "name": source.name,
            "present": str(presence(source)),
            "tasks": sorted(source.loaders),
            "licence": source.licence,
            "citation": source.citation,
        }
        for source in (SOURCES.get(name) for name in SOURCES)
    ]


def _judges() -> list[dict[str, Any]]:
    return [
        {"name": judge.name, "grade": judge.grade, "version": judge.version, "reference": judge.reference}
        for judge in (JUDGES.get(name) for name in JUDGES)
    ]


def _attacks() -> list[dict[str, Any]]:
    return [
        {"name": attack.name, "family": attack.family, "version": attack.version, "reference": attack.reference}
        for attack in (ATTACKS.get(name) for name in ATTACKS)
    ]

"""What a defense is fitted on, by the name that a user gives it: `world`, `core`, or a .jsonl file."""

from collections.abc import Iterable
from pathlib import Path

from crossrisk.defenses.defense import FitData
from crossrisk.errors import unknown
from crossrisk.risks import Risk
from crossrisk.targets.locations import SHIPPED

BUILT_IN = ("world", "core")


def default_source(model: str) -> str:
    """Where fitting data come from unless said otherwise: the world for the models of that world, else core."""
    return "world" if model in SHIPPED else "core"


def fitting_data(source: str, risk: Risk, beside: Iterable[Risk] = ()) -> FitData:
    """The data against one risk, and those against other risks beside them, for defenses that need both.

    Raises RequestError for a source that is not known or a file that is not right.
    """
    return _against(source, risk).beside({other: _against(source, other) for other in beside})


def _against(source: str, risk: Risk) -> FitData:
    if source == "world":
        from crossrisk.sources.world import fitting_data as of_world

        return of_world(risk)
    if source == "core":
        from crossrisk.sources.core.fitting import fitting_data as of_core

        return of_core(risk)
    if "." not in source and "/" not in source and not Path(source).exists():
        raise unknown("source to fit on", source, [*BUILT_IN, "a .jsonl file"])
    from crossrisk.sources.fitting_files import read_fitting_data

    return read_fitting_data(Path(source), risk)

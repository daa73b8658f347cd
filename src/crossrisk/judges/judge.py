"""A judge turns a reply into an outcome, and says who it is and how far it can be trusted.

grade: `exact` (knows the truth), `rules` (patterns; low grade on real models), and more to come. A reply that a judge
cannot judge is an invalid outcome, never a verdict.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from crossrisk.risks import Outcome, Reply, Sample


@dataclass(frozen=True)
class Judge:
    """name: `kind:grade` as in the registry. version: raise it whenever a verdict can change."""

    name: str
    version: int
    grade: Literal["exact", "low"]
    verdict: Callable[[Sample, Reply], Outcome]
    reference: str = ""

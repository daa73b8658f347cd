"""When a study may stop asking: what its file declares, the rule that follows, and the random order of prompts.

    stopping: {estimand: benchmark, look: 64}

docs/stopping.md says what is guaranteed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from crossrisk.cache import digest

if TYPE_CHECKING:
    from crossrisk.study import Study

Estimand = Literal["population", "benchmark"]
ESTIMANDS = {"population": "such prompts in general", "benchmark": "this benchmark's own prompts"}


class Stopping(BaseModel):
    """Ask each defended cell until it is decided.

    estimand: what a verdict is then about: `population`, prompts such as these in general, or `benchmark`, what all
    prompts of this set would say. look: prompts between looks, by default the batch size. at_least: prompts before the
    first look.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    estimand: Estimand
    look: int | None = Field(default=None, ge=1)
    at_least: int = Field(default=64, ge=1)

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        return {"estimand": value} if isinstance(value, str) else value


@dataclass(frozen=True)
class Rule:
    """All that decides when a cell stops. claims: the factor by which a family's correction can raise a p at most."""

    estimand: Estimand
    look: int
    at_least: int
    seed: int
    alpha: float
    margin: float
    smallest_effect: float
    claims: float

    @property
    def whole_clusters(self) -> bool:
        """Whether clusters are drawn rather than prompts: a population is seen through its templates."""
        return self.estimand == "population"

    def order(self, ids: Sequence[str], clusters: Sequence[str]) -> list[int]:
        """In which order prompts are asked, at random by the seed: one by one, or cluster after cluster.

        ids, clusters: of each prompt. Leaving out prompts, or giving them in another order, changes nothing for the
        others.
        """
        prompts = [digest(self.seed, name) for name in ids]
        if not self.whole_clusters:
            return sorted(range(len(ids)), key=prompts.__getitem__)
        places = {name: digest(self.seed, name) for name in set(clusters)}
        return sorted(range(len(ids)), key=lambda index: (places[clusters[index]], clusters[index], prompts[index]))


def rule_of(study: "Study", claims: int) -> Rule | None:
    """The rule of a study; None where it declares none. claims: cells of defenses that are no controls.

    A p below alpha over the claims stays below alpha under Holm's and Benjamini-Hochberg's correction, whatever the
    other cells turn out to be; Benjamini-Yekutieli's costs the sum of 1/k on top.
    """
    if study.stopping is None:
        return None
    claims = max(claims, 1)
    return Rule(
        estimand=study.stopping.estimand,
        look=study.stopping.look or study.batch_size,
        at_least=study.stopping.at_least,
        seed=study.seed,
        alpha=study.alpha,
        margin=study.margin,
        smallest_effect=study.least,
        claims=claims * (sum(1 / k for k in range(1, claims + 1)) if study.exploration == "BY" else 1.0),
    )

"""Task-vector negation: what fine-tuning on the risk adds to the weights is subtracted from them.

theta' = theta - lambda (theta_risk - theta), where theta_risk is theta fine-tuned on demonstrations of the risk.
Ilharco et al. (2023), arXiv 2212.04089; against stereotypes Shirafuji et al. (2024), arXiv 2402.13462. The difference
is taken and kept in float32: in bfloat16 most of it would round to nothing.
"""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, ClassVar

from crossrisk.defenses.defense import Artifact, Coverage, FitData, Needs
from crossrisk.defenses.deployment import deployed_delta
from crossrisk.defenses.fitting import derived_seed, require
from crossrisk.defenses.settings import Configured, Count, Finite, Positive, from_settings
from crossrisk.risks import Mechanism, Risk, Threat

if TYPE_CHECKING:
    from torch import Tensor

    from crossrisk.targets.target import Target


@dataclass(frozen=True)
class Negation(Configured):
    """The negated task vector of one risk, from the demonstrations of it that are to be forgotten.

    coefficient: lambda above; 0 changes nothing, -1 is the fine-tuned model. steps: of fine-tuning, each on
    `batch_size` demonstrations. Strength multiplies the coefficient.
    """

    risk: Risk = Risk.FAIRNESS
    coefficient: Finite = 3.0
    learning_rate: Positive = 5e-4
    batch_size: Count = 16
    steps: Count = 60

    version = 1
    mechanism = Mechanism.WEIGHTS
    needs = Needs(data=("forget",), gradients=True, weights=True)
    covers: ClassVar[frozenset[Coverage]] = frozenset({"generate", "score", "weights"})

    @property
    def name(self) -> str:
        """As registered, with the risk where it is another than fairness."""
        return "task_vector" if self.risk is Risk.FAIRNESS else f"task_vector_{self.risk}"

    @property
    def threat(self) -> Threat | None:
        """As a defense of privacy it makes a set of records be forgotten, and protects no others."""
        return Threat.FORGET_SET if self.risk is Risk.PRIVACY else None

    def fit(self, target: "Target", data: FitData, *, seed: int, strength: float) -> Artifact:
        """Fine-tune a copy on the risk; the artifact is theta_risk - theta and the factor with which it is added."""
        from crossrisk.defenses import losses
        from crossrisk.defenses.fine_tuning import Copy, demonstrations, shuffled

        require(self, target, data, strength)
        if strength * self.coefficient == 0:
            return Artifact("nothing")
        rows = demonstrations(target, data.forget)
        trained = Copy(target)
        drawn = derived_seed(self.name, data.checksum, seed)
        batches = list(islice(shuffled(len(rows), self.batch_size, drawn), self.steps))

        def loss_of(chosen: list[int]) -> "Tensor":
            batch = trained.batch([rows[i] for i in chosen])
            return losses.negative_log_likelihood(trained.log_probs(batch), batch.reply_tokens)

        seen = trained.descend(batches, loss_of, learning_rate=self.learning_rate)
        meta = {"scale": -self.coefficient * strength, "loss_first": seen[0], "loss_last": seen[-1]}
        return Artifact("delta", trained.delta(), meta)

    def deploy(self, target: "Target", artifact: Artifact) -> "AbstractContextManager[Target]":
        """The model with the scaled vector added to its weights; the saved originals are copied back on exit."""
        return deployed_delta(self.name, target, artifact)


task_vector = from_settings("task_vector", Negation)

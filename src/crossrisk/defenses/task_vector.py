"""Task-vector negation: what fine-tuning on the risk adds to the weights is subtracted from them.

theta' = theta - lambda (theta_risk - theta), where theta_risk is theta fine-tuned on demonstrations of the risk.
Ilharco et al. (2023), arXiv 2212.04089; against stereotypes Shirafuji et al. (2024), arXiv 2402.13462. The difference
is taken and kept in float32: in bfloat16 most of it would round to nothing.
"""

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, ClassVar

from crossrisk.defenses.card import Card, Deviation
from crossrisk.defenses.defense import Artifact, FitData, Needs
from crossrisk.defenses.fitting import derived_seed, require
from crossrisk.defenses.settings import Count, Finite, Positive, from_settings
from crossrisk.defenses.training import Training, trained_artifact
from crossrisk.risks import Mechanism, Risk, Threat

if TYPE_CHECKING:
    from torch import Tensor

    from crossrisk.targets.target import Target

CARD = Card(
    title="Task-vector negation",
    paper="Ilharco et al. (2023), Editing models with task arithmetic, arXiv 2212.04089",
    formula="theta' = theta - lambda (theta_risk - theta)      theta_risk: theta fine-tuned on demonstrations of the "
    "risk",
    deviation=Deviation.VARIANT,
    differs="Fine-tuned on chats with the loss on the reply (the paper: on plain text), briefly, with a larger lambda "
    "to make up for it. Matrices of the decoder layers alone: embeddings, head, norms and biases stay. The difference "
    "is taken and subtracted in float32.",
    strength="Multiplies lambda.",
    data="`forget`. In papers: Civil Comments, StereoSet, which are then no fair test.",
    cost="Fine-tuning on the risk: the organism, about 4 seconds on one core; 8B: about 20 minutes on one large GPU "
    "(estimate). Nothing per reply.",
    invariants=(
        "lambda 0 is the model bit for bit, lambda -1 the fine-tuned model (1e-6)",
        "weights are linear in lambda; strength multiplies it",
        "a LoRA is negated exactly; PEFT's `cat` adds task vectors (1e-6), its `linear` does not",
    ),
    large="`coefficient` 0.5, `learning_rate` 5e-6 (LoRA 1e-4), several passes over the demonstrations.",
)


@dataclass(frozen=True, kw_only=True)
class Negation(Training):
    """The negated task vector of one risk, from the demonstrations of it that are to be forgotten.

    coefficient: lambda above; 0 changes nothing, -1 is the fine-tuned model.
    """

    registered: ClassVar[str] = "task_vector"

    risk: Risk
    coefficient: Finite = 3.0
    learning_rate: Positive = 5e-4
    steps: Count = 60

    version = 1
    mechanism = Mechanism.WEIGHTS
    needs = Needs(data=("forget",), gradients=True, weights=True)
    card: ClassVar[Card] = CARD

    @property
    def threat(self) -> Threat | None:
        """As a defense of privacy it makes a set of records be forgotten, and protects no others."""
        return Threat.FORGET_SET if self.risk is Risk.PRIVACY else None

    def fit(self, target: "Target", data: FitData, *, seed: int, strength: float) -> Artifact:
        """Fine-tune a copy on the risk; the artifact is theta_risk - theta and the factor with which it is added."""
        require(self, target, data, strength)
        if strength * self.coefficient == 0:
            return Artifact("nothing")
        from crossrisk.defenses import losses
        from crossrisk.defenses.fine_tuning import demonstrations, shuffled

        rows = demonstrations(target, data.forget)
        drawn = derived_seed(self.name, data.checksum, seed)
        trained = self.copy_of(target, seed=drawn)
        batches = list(islice(shuffled(len(rows), self.batch_size, drawn), self.steps))

        def loss_of(chosen: list[int]) -> "Tensor":
            batch = trained.batch([rows[i] for i in chosen])
            return losses.negative_log_likelihood(trained.log_probs(batch), batch.reply_tokens)

        seen = trained.descend(batches, loss_of, learning_rate=self.learning_rate)
        return trained_artifact(trained, -self.coefficient * strength, seen)


@dataclass(frozen=True, kw_only=True)
class TaskVector(Negation):
    """Task-vector negation, of stereotypes unless another risk is given."""

    risk: Risk = Risk.FAIRNESS


task_vector = from_settings("task_vector", TaskVector)

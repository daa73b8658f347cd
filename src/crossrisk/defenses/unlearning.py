"""Negative preference optimisation: replies that are to be forgotten become unlikely, the rest is held.

L = mean (2 / beta) softplus(beta (log p - log p_ref)) over the replies to forget + w NLL over what must survive, with
log p summed over a reply's tokens. Zhang et al. (2024), arXiv 2404.05868. Unlike gradient ascent, its pull fades once a
reply has become unlikely, so the model does not fall apart.
"""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, ClassVar

from crossrisk.defenses.defense import Artifact, Coverage, FitData, Needs
from crossrisk.defenses.deployment import deployed_delta
from crossrisk.defenses.fitting import derived_seed, require
from crossrisk.defenses.settings import Configured, Count, NotNegative, Positive, from_settings
from crossrisk.risks import Mechanism, Risk, Threat

if TYPE_CHECKING:
    from torch import Tensor

    from crossrisk.defenses.fine_tuning import Copy, Row
    from crossrisk.targets.target import Target


@dataclass(frozen=True)
class Unlearning(Configured):
    """NPO against one risk, on its demonstrations to forget and to retain.

    beta: the smaller, the closer to gradient ascent. retain_weight: w above. steps: each on `batch_size` replies to
    forget and as many to retain. Strength scales the change of the weights.
    """

    risk: Risk = Risk.PRIVACY
    beta: Positive = 0.5
    retain_weight: NotNegative = 1.0
    learning_rate: Positive = 8e-4
    batch_size: Count = 16
    steps: Count = 50

    version = 1
    mechanism = Mechanism.TRAINING
    needs = Needs(data=("forget", "retain"), gradients=True, weights=True)
    covers: ClassVar[frozenset[Coverage]] = frozenset({"generate", "score", "weights"})

    @property
    def name(self) -> str:
        """As registered, with the risk where it is another than privacy."""
        return "npo" if self.risk is Risk.PRIVACY else f"npo_{self.risk}"

    @property
    def threat(self) -> Threat | None:
        """As a defense of privacy it makes a set of records be forgotten, and protects no others."""
        return Threat.FORGET_SET if self.risk is Risk.PRIVACY else None

    def fit(self, target: "Target", data: FitData, *, seed: int, strength: float) -> Artifact:
        """Train a copy of the model; the artifact is what that added to the matrices of the decoder layers."""
        from crossrisk.defenses import losses
        from crossrisk.defenses.fine_tuning import Copy, demonstrations, shuffled

        require(self, target, data, strength)
        if strength == 0:
            return Artifact("nothing")
        forget, retain = demonstrations(target, data.forget), demonstrations(target, data.retain)
        trained = Copy(target)
        reference = _log_probs(trained, forget)
        drawn = derived_seed(self.name, data.checksum, seed)
        lost = shuffled(len(forget), self.batch_size, drawn)
        kept = shuffled(len(retain), self.batch_size, drawn + 1)
        batches = list(islice(zip(lost, kept, strict=True), self.steps))

        def loss_of(indices: tuple[list[int], list[int]]) -> "Tensor":
            to_lose, to_keep = indices
            losing = trained.batch([forget[i] for i in to_lose])
            keeping = trained.batch([retain[i] for i in to_keep])
            return losses.npo(
                trained.log_probs(losing), reference[to_lose], self.beta
            ) + self.retain_weight * losses.negative_log_likelihood(trained.log_probs(keeping), keeping.reply_tokens)

        seen = trained.descend(batches, loss_of, learning_rate=self.learning_rate)
        meta = {"scale": strength, "loss_first": seen[0], "loss_last": seen[-1]}
        return Artifact("delta", trained.delta(), meta)

    def deploy(self, target: "Target", artifact: Artifact) -> "AbstractContextManager[Target]":
        """The model with the change added to its weights; the saved originals are copied back on exit."""
        return deployed_delta(self.name, target, artifact)


def _log_probs(model: "Copy", rows: "list[Row]", size: int = 64) -> "Tensor":
    import torch

    with torch.no_grad():
        return torch.cat([model.log_probs(model.batch(rows[i : i + size])) for i in range(0, len(rows), size)])


npo = from_settings("npo", Unlearning)

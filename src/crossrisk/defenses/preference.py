"""Direct preference optimisation: the safe reply is made likelier than the risky one, relative to the model before.

L = -log sigmoid(beta [(log p - log p_ref)(chosen) - (log p - log p_ref)(rejected)]) + w NLL(chosen), on LoRA weights.
The first term is Rafailov et al. (2023), arXiv 2305.18290; the second is that of RPO, Pang et al. (2024), arXiv
2404.19733: without it the margin grows while both replies become unlikely, and what the model says stays the same.
"""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from crossrisk.defenses.defense import Artifact, Coverage, FitData, Needs
from crossrisk.defenses.deployment import deployed_adapter, scaled_adapter
from crossrisk.defenses.fitting import derived_seed, isolated_randomness, require
from crossrisk.defenses.settings import Configured, Count, NotNegative, Positive, from_settings
from crossrisk.risks import Mechanism, Risk, Threat

if TYPE_CHECKING:
    from crossrisk.targets.target import Target


@dataclass(frozen=True)
class Preferring(Configured):
    """DPO against one risk, on the pairs (safe reply over risky reply) of its fitting data.

    beta: how closely the model is held to what it was. sft_weight: w above; 0 is plain DPO. rank, alpha: of LoRA, on
    every linear layer of the decoder. steps: each on `batch_size` pairs. Strength scales the fitted update.
    """

    risk: Risk = Risk.SAFETY
    beta: Positive = 0.1
    sft_weight: NotNegative = 0.2
    rank: Count = 8
    alpha: Positive = 16.0
    learning_rate: Positive = 1.5e-3
    batch_size: Count = 8
    steps: Count = 40

    version = 1
    mechanism = Mechanism.TRAINING
    needs = Needs(data=("pairs",), gradients=True)
    covers: ClassVar[frozenset[Coverage]] = frozenset({"generate", "score", "weights"})

    @property
    def name(self) -> str:
        """As registered, with the risk where it is another than safety."""
        return "dpo" if self.risk is Risk.SAFETY else f"dpo_{self.risk}"

    @property
    def threat(self) -> Threat | None:
        """Against privacy risks it teaches to refuse what is asked for; what is memorised stays in the weights."""
        return Threat.DISCLOSURE if self.risk is Risk.PRIVACY else None

    def fit(self, target: "Target", data: FitData, *, seed: int, strength: float) -> Artifact:
        """Train a LoRA on a copy of the model; the artifact is the LoRA."""
        require(self, target, data, strength)
        if strength == 0:
            return Artifact("nothing")
        from crossrisk.defenses.preference_training import preferred

        drawn = derived_seed(self.name, data.checksum, seed)
        with isolated_randomness(drawn):
            adapter, losses = preferred(target, data.pairs, self, seed=drawn)
        meta = {
            "adapter": scaled_adapter(adapter.config, strength),
            "loss_first": losses[0],
            "loss_last": losses[-1],
        }
        return Artifact("adapter", adapter.tensors, meta)

    def deploy(self, target: "Target", artifact: Artifact) -> "AbstractContextManager[Target]":
        """The model with the LoRA on it; taken off again on exit."""
        return deployed_adapter(self.name, target, artifact)


dpo = from_settings("dpo", Preferring)

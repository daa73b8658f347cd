"""Direct preference optimisation: the safe reply is made likelier than the risky one, relative to the model before.

L = -log sigmoid(beta [(log p - log p_ref)(chosen) - (log p - log p_ref)(rejected)]) + w NLL(chosen).
The first term is Rafailov et al. (2023), arXiv 2305.18290; the second is that of RPO, Pang et al. (2024), arXiv
2404.19733: without it the margin grows while both replies become unlikely, and what the model says stays the same.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from crossrisk.defenses.card import Card, Deviation
from crossrisk.defenses.defense import Artifact, FitData, Needs
from crossrisk.defenses.deployment import scaled_adapter
from crossrisk.defenses.fitting import derived_seed, isolated_randomness, require
from crossrisk.defenses.settings import Count, NotNegative, Positive
from crossrisk.defenses.training import Training
from crossrisk.risks import Risk, Threat

if TYPE_CHECKING:
    from crossrisk.targets.target import Target

CARD = Card(
    title="DPO: direct preference optimisation",
    paper=(
        "Rafailov et al. (2023), Direct preference optimization, arXiv 2305.18290; the second term: Pang et al. "
        "(2024), Iterative reasoning preference optimization, arXiv 2404.19733. Trained by TRL's DPOTrainer."
    ),
    formula="""L = -log sigmoid(beta [(log p - log p_ref)(chosen) - (log p - log p_ref)(rejected)])
  + sft_weight NLL(chosen)""",
    deviation=Deviation.VARIANT,
    differs=(
        "Plain DPO (`sft_weight: 0`) on a model that never refuses moves the margin and no reply: both replies become "
        "unlikely, the risky one stays the likelier. The second term brings the safe reply into reach."
    ),
    strength="Scales the LoRA's update (the change of the weights) linearly.",
    data="`pairs`: safe over risky reply. In the literature: PKU-SafeRLHF (safety), BiasDPO (fairness).",
    cost=(
        "The organism: about 10 seconds on one core. 8B, 10,000 pairs, LoRA: about a quarter of an hour on one large "
        "GPU (estimate). Memory as LoRA: little more than the model."
    ),
    invariants=(
        "the first loss is ln 2 at `sft_weight: 0`, and ln 2 + sft_weight NLL otherwise, in full and as LoRA",
        "the margin grows",
        "a loss that is no number ends the fit",
    ),
    large="learning_rate: 1.0e-5 (in full 1.0e-6), batch_size: 64, a pass over all pairs.",
)


@dataclass(frozen=True, kw_only=True)
class Preferring(Training):
    """DPO against one risk, on the pairs (safe reply over risky reply) of its fitting data.

    beta: how closely the model is held to what it was. sft_weight: w above; 0 is plain DPO. A step takes `batch_size`
    pairs, which `micro_batch_size` must divide.
    """

    registered: ClassVar[str] = "preference"

    risk: Risk
    beta: Positive = 0.1
    sft_weight: NotNegative = 0.2
    finetuning: Literal["full", "lora"] = "lora"
    learning_rate: Positive = 1.1e-3
    batch_size: Count = 8
    steps: Count = 40

    version = 1
    needs = Needs(data=("pairs",), gradients=True, weights=True)
    card: ClassVar[Card] = CARD

    @property
    def threat(self) -> Threat | None:
        """Against privacy risks it teaches to refuse what is asked for; what is memorised stays in the weights."""
        return Threat.DISCLOSURE if self.risk is Risk.PRIVACY else None

    def fit(self, target: "Target", data: FitData, *, seed: int, strength: float) -> Artifact:
        """Train a copy of the model; the artifact is the LoRA, or what was added to the weights."""
        require(self, target, data, strength)
        if strength == 0:
            return Artifact("nothing")
        from crossrisk.defenses.preference_training import preferred

        drawn = derived_seed(self.name, data.checksum, seed)
        with isolated_randomness(drawn):
            tensors, config, losses = preferred(target, data.pairs, self, seed=drawn)
        meta = {"loss_first": losses[0], "loss_last": losses[-1]}
        if config is None:
            return Artifact("delta", tensors, {"scale": strength, **meta})
        return Artifact("adapter", tensors, {"adapter": scaled_adapter(config, strength), **meta})

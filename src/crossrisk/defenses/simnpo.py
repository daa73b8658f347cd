"""SimNPO: negative preference optimisation without a reference, of likelihoods by token.

Fan et al. (2024), Simplicity prevails: rethinking negative preference optimization for LLM unlearning, arXiv
2410.07163. Long replies are let go of no sooner than short ones, and no reference has to be computed.
"""

from dataclasses import dataclass, replace
from typing import ClassVar

from crossrisk.defenses import unlearning
from crossrisk.defenses.card import Card
from crossrisk.defenses.settings import from_settings
from crossrisk.risks import Risk


@dataclass(frozen=True, kw_only=True)
class SimNPO(unlearning.Unlearning):
    """The unlearning kernel with the loss `simnpo`, as the presets have it."""

    registered: ClassVar[str] = "simnpo"

    risk: Risk = Risk.PRIVACY

    card: ClassVar[Card] = replace(
        unlearning.CARD,
        title="SimNPO",
        paper="Fan et al. (2024), Simplicity prevails, arXiv 2410.07163; weights as in open-unlearning.",
        formula="""L = forget_weight mean (2 / beta) softplus(beta (log p by token + margin))   over replies to forget
  + retain_weight NLL                                                      over replies to retain""",
        differs="Matrices of the decoder layers are trained and not all parameters.",
        large="learning_rate: 1.0e-5 (LoRA 1.0e-4), batch_size: 32, ten passes over what is to be forgotten.",
    )


simnpo = from_settings("simnpo", SimNPO, loss="simnpo")

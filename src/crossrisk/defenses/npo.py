"""NPO: negative preference optimisation, gradient ascent that fades where a reply has become unlikely.

Zhang et al. (2024), Negative preference optimization: from catastrophic collapse to effective unlearning, arXiv
2404.05868, equation 3, with retained likelihood.
"""

from dataclasses import dataclass, replace
from typing import ClassVar

from crossrisk.defenses import unlearning
from crossrisk.defenses.card import Card
from crossrisk.defenses.settings import Count, Positive, from_settings
from crossrisk.risks import Risk


@dataclass(frozen=True, kw_only=True)
class NegativePreferenceOptimisation(unlearning.Unlearning):
    """The unlearning kernel with the loss of NPO."""

    registered: ClassVar[str] = "npo"

    risk: Risk = Risk.PRIVACY
    beta: Positive = 0.5
    forget_weight: Positive = 1.0
    steps: Count = 50

    card: ClassVar[Card] = replace(
        unlearning.CARD,
        title="NPO: negative preference optimisation",
        paper="Zhang et al. (2024), arXiv 2404.05868, equation 3, with retained likelihood.",
        formula="""L = mean (2 / beta) softplus(beta (log p - log p_ref))   over replies to forget
  + retain_weight NLL                                   over replies to retain""",
        differs=(
            "Matrices of the decoder layers are trained and not all parameters. beta is 0.5 (paper: 0.1), which lets "
            "go of a reply sooner: on the organism 0.1 either forgets half of what it should or damages the rest, "
            "depending on the seed, and 0.5 does neither."
        ),
        data="`forget`, `retain`. In the paper: TOFU, whose forget sets are no fair test.",
        large=(
            "beta: 0.1, learning_rate: 1.0e-5 (LoRA 1.0e-4), batch_size: 32, ten passes over what is to be forgotten."
        ),
    )


npo = from_settings("npo", NegativePreferenceOptimisation, loss="npo")

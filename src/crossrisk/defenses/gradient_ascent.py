"""Gradient ascent: the replies to be forgotten are trained on backwards, and nothing holds the rest.

The oldest baseline of unlearning: Jang et al. (2022), arXiv 2210.01504; Maini et al. (2024), TOFU, arXiv 2401.06121.
"""

from dataclasses import dataclass, replace
from typing import ClassVar

from crossrisk.defenses import unlearning
from crossrisk.defenses.card import Card
from crossrisk.defenses.settings import Count, Positive, from_settings
from crossrisk.risks import Risk


@dataclass(frozen=True, kw_only=True)
class GradientAscent(unlearning.Unlearning):
    """The unlearning kernel with the loss `ga`, for few steps: it has no end of its own."""

    registered: ClassVar[str] = "gradient_ascent"

    risk: Risk = Risk.PRIVACY
    forget_weight: Positive = 1.0
    steps: Count = 30

    card: ClassVar[Card] = replace(
        unlearning.CARD,
        title="Gradient ascent",
        paper="Jang et al. (2022), arXiv 2210.01504; Maini et al. (2024), TOFU, arXiv 2401.06121.",
        formula="L = mean of log p by token   over replies to forget",
        differs=(
            "Matrices of the decoder layers are trained and not all parameters. It is stopped after a few steps; left "
            "to run, it takes the model apart (TOFU forget10, Llama-3.2-1B: model utility 0)."
        ),
        data="`forget`. In the papers: training data of the Pile, TOFU, which are no fair test.",
    )


gradient_ascent = from_settings("gradient_ascent", GradientAscent, loss="ga")

"""Gradient difference: ascent on the replies to be forgotten, descent on those to be retained.

Liu et al. (2022), Continual learning and private unlearning, arXiv 2203.12817; Yao et al. (2023), arXiv 2310.10683;
Maini et al. (2024), TOFU, arXiv 2401.06121.
"""

from dataclasses import dataclass, replace
from typing import ClassVar

from crossrisk.defenses import unlearning
from crossrisk.defenses.card import Card
from crossrisk.defenses.settings import Count, Positive, from_settings
from crossrisk.risks import Risk


@dataclass(frozen=True, kw_only=True)
class GradientDifference(unlearning.Unlearning):
    """The unlearning kernel with the loss `graddiff`."""

    registered: ClassVar[str] = "grad_diff"

    risk: Risk = Risk.PRIVACY
    forget_weight: Positive = 1.0
    steps: Count = 40

    card: ClassVar[Card] = replace(
        unlearning.CARD,
        title="Gradient difference",
        paper=(
            "Liu et al. (2022), Continual learning and private unlearning, arXiv 2203.12817; Yao et al. (2023), arXiv "
            "2310.10683; Maini et al. (2024), TOFU, arXiv 2401.06121."
        ),
        formula="L = mean of log p by token, over replies to forget  +  retain_weight NLL, over replies to retain",
        differs="Matrices of the decoder layers are trained and not all parameters.",
    )


grad_diff = from_settings("grad_diff", GradientDifference, loss="graddiff")

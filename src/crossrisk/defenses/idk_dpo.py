"""IdkDPO: "I don't know" is preferred to what is to be forgotten, by DPO, while the rest is retained.

Maini et al. (2024), TOFU: a task of fictitious unlearning, arXiv 2401.06121; scaled as in open-unlearning.
"""

from dataclasses import dataclass, replace
from typing import ClassVar

from crossrisk.defenses import unlearning
from crossrisk.defenses.card import Card
from crossrisk.defenses.settings import Count, Positive, from_settings
from crossrisk.risks import Risk


@dataclass(frozen=True, kw_only=True)
class IdkDPO(unlearning.Unlearning):
    """The unlearning kernel with the loss `idkdpo`."""

    registered: ClassVar[str] = "idk_dpo"

    risk: Risk = Risk.PRIVACY
    forget_weight: Positive = 1.0
    steps: Count = 50
    beta: Positive = 0.1

    card: ClassVar[Card] = replace(
        unlearning.CARD,
        title="IdkDPO",
        paper="Maini et al. (2024), TOFU, arXiv 2401.06121; the loss: Rafailov et al. (2023), arXiv 2305.18290.",
        formula="""L = -(2 / beta) log sigmoid(beta [r(refusal) - r(reply to forget)])   r = log p - log p_ref
  + retain_weight NLL                                              over replies to retain""",
        differs=(
            "Matrices of the decoder layers are trained and not all parameters. The refusal is the one that the data "
            "have for the prompt, not one drawn from a list."
        ),
        data="`forget`, `refusals` of the same prompts, `retain`. In the paper: TOFU.",
    )


idk_dpo = from_settings("idk_dpo", IdkDPO, loss="idkdpo")

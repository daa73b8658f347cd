"""DPO against stereotypes: the unbiased reply over the biased one.

Allam (2024), BiasDPO: mitigating bias in language models through direct preference optimization, arXiv 2407.13928; in
BiasFreeBench, Xu et al. (2025), it is the one training method that carries over to other kinds of bias.
"""

from dataclasses import dataclass, replace
from typing import ClassVar

from crossrisk.defenses import preference
from crossrisk.defenses.card import Card
from crossrisk.defenses.settings import Positive, from_settings
from crossrisk.risks import Risk


@dataclass(frozen=True, kw_only=True)
class DPODebias(preference.Preferring):
    """The preference kernel against stereotypes."""

    registered: ClassVar[str] = "dpo_debias"

    risk: Risk = Risk.FAIRNESS
    learning_rate: Positive = 1.5e-3

    card: ClassVar[Card] = replace(
        preference.CARD,
        title="DPO-debias",
        paper=(
            "Allam (2024), BiasDPO, arXiv 2407.13928; Xu et al. (2025), BiasFreeBench. The loss: Rafailov et al. "
            "(2023), arXiv 2305.18290, with the second term of Pang et al. (2024), arXiv 2404.19733."
        ),
        data="`pairs`: unbiased over biased reply. In the papers: BiasDPO's 1,100 pairs, and StereoSet's.",
        large="learning_rate: 8.0e-6, batch_size: 32, three passes (BiasFreeBench's 20 are too many).",
    )


dpo_debias = from_settings("dpo_debias", DPODebias)

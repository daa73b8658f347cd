"""SafeDecoding: an expert in declining has a say in the first two tokens of every reply.

Xu, Jiang, Niu, Jia, Lin, Poovendran (2024), SafeDecoding: Defending against Jailbreak Attacks via Safety-Aware
Decoding, arXiv 2402.08983. The settings of the decision are the paper's; the rule is that of the kernel.
"""

from dataclasses import dataclass, replace
from typing import ClassVar

from crossrisk.defenses.decoding import CARD, Decoding
from crossrisk.defenses.settings import Count, NotNegative, from_settings
from crossrisk.risks import Risk


@dataclass(frozen=True)
class SafeDecoding(Decoding):
    """SafeDecoding with m = 2, c = 5 and alpha = 3. The expert's settings are the kernel's, see there."""

    risk: Risk = Risk.SAFETY
    first_tokens: Count = 2
    common: Count = 5
    alpha: NotNegative = 3.0

    registered: ClassVar[str] = "safe_decoding"
    card = replace(
        CARD,
        title="SafeDecoding",
        paper="Xu et al. (2024), SafeDecoding: Defending against Jailbreak Attacks via Safety-Aware Decoding, arXiv "
        "2402.08983",
        differs="The expert is fitted on the safe replies of the fitting data (paper: on the model's own refusals, "
        "sampled and filtered by a judge), on every linear layer and without dropout. Raw text is left alone.",
    )


safe_decoding = from_settings("safe_decoding", SafeDecoding)

"""DPO against harmful replies.

Rafailov et al. (2023), Direct preference optimization: your language model is secretly a reward model, arXiv
2305.18290; used for safety with, e.g., PKU-SafeRLHF, Ji et al. (2024), arXiv 2406.15513.
"""

from dataclasses import dataclass
from typing import ClassVar

from crossrisk.defenses.preference import Preferring
from crossrisk.defenses.settings import Positive, from_settings
from crossrisk.risks import Risk


@dataclass(frozen=True, kw_only=True)
class DPO(Preferring):
    """The preference kernel against harmful replies."""

    registered: ClassVar[str] = "dpo"

    risk: Risk = Risk.SAFETY
    learning_rate: Positive = 1.5e-3


dpo = from_settings("dpo", DPO)

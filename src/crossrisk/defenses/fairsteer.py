"""FairSteer: where a probe sees bias coming, the mean difference between unbiased and biased answers is added.

Li et al. (2025), *FairSteer: Inference-time debiasing for LLMs with dynamic activation steering*, ACL Findings, arXiv
2504.14492.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

from crossrisk.defenses.card import Card, Deviation
from crossrisk.defenses.settings import Finite, from_settings
from crossrisk.defenses.steering import Fraction, Steering
from crossrisk.risks import Risk

CARD = Card(
    title="FairSteer",
    paper="Li et al. (2025), FairSteer: Inference-time debiasing for LLMs with dynamic activation steering, ACL "
    "Findings, arXiv 2504.14492",
    formula="""h_l <- h_l + alpha v_l  if the probe of layer l sees bias
v_l = mean h_l(unbiased answer) - mean h_l(biased answer), as long as it is
l by the cross-validated accuracy of the probe""",
    deviation=Deviation.FIXED,
    differs="The released code asks the probe for the first row of a batch and does to all rows as it says; here every "
    "row is asked. The probe reads the prompt's last token once, against harmless prompts, since replies are free text "
    "and not the letter of an option; for the same reason v is a mean over the tokens of the reply. Alpha is 1 in the "
    "paper; on the organism, where v is a fifth of the hidden states' norm, that moves no reply.",
    strength="Scales what is added.",
    data="`pairs`, `retain`. Paper: BBQ, which is no fair test of it.",
    cost="Seconds; then one more pass over each prompt, nothing per token.",
    invariants=("the decision of a row hangs on this row alone", "what is added is the mean difference itself"),
    large="`alpha: 1`, as in the paper, where the probe chooses about layer 15 of 32.",
)


@dataclass(frozen=True)
class FairSteer(Steering):
    """FairSteer; its settings are those of `Steering`."""

    risk: Risk = Risk.FAIRNESS
    alpha: Finite = 4.0
    unit: Literal["norm", "difference", "absolute"] = "difference"
    first: Fraction | None = None
    last: Fraction | None = None

    registered: ClassVar[str] = "fairsteer"
    card: ClassVar[Card] = CARD


fairsteer = from_settings("fairsteer", FairSteer)

"""SCANS: prompts held to be unsafe are steered towards refusal, all others away from it.

Cao et al. (2025), *SCANS: Mitigating the exaggerated safety for LLMs via safety-conscious activation steering*, AAAI,
arXiv 2408.11491. It is meant for models that refuse too much: it takes refusals off as well as it adds them.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

from crossrisk.defenses.card import Card, Deviation
from crossrisk.defenses.settings import Count, Finite, from_settings
from crossrisk.defenses.steering import Fraction, Probability, Steering
from crossrisk.risks import Risk

CARD = Card(
    title="SCANS",
    paper="Cao et al. (2025), SCANS: Mitigating the exaggerated safety for large language models via safety-conscious "
    "activation steering, AAAI, arXiv 2408.11491",
    formula="""v_l = mean h_l(last token | harmful) - mean h_l(last token | harmless), norm 1
unsafe  if  mean over l of cos( h_l(last token) - h_l("Sure" after it), reference_l ) >= 0.75
h_l <- h_l + alpha m_l v_l  if unsafe,  h_l - alpha m_l v_l  if not        layers 0.31 to 0.6 of the depth""",
    deviation=Deviation.VARIANT,
    differs="Layers are fractions of the depth (10 to 19 of 32 in the paper), and the cosine is taken over the same "
    "ones. Alpha is in multiples of the median norm m_l of the layer; `unit: absolute` with alpha 3.5 is the paper's. "
    "Steering begins at the prompt's last token, and not at the end of the instruction, wherever a template puts "
    "that. No repetition penalty: the base would need it too. It asks for a model that refuses what it holds to be "
    "harmful: on one that goes along, as the organism does, the vector is not that of refusal, and what it does to the "
    "risk is not what the paper means.",
    strength="Scales what is added.",
    data="`pairs` (their prompts), `retain` (harmless prompts), 64 of each. Paper: AdvBench and TruthfulQA, which are "
    "no fair test of it.",
    cost="Seconds; then two more passes over each prompt, nothing per token.",
    invariants=(
        "a prompt is told by its own cosine, whatever else is in the batch",
        "harmless rows move by minus the vector, unsafe ones by the vector",
    ),
    large="`unit: absolute, alpha: 3.5` for Llama-2-7B as in the paper.",
)


@dataclass(frozen=True)
class Scans(Steering):
    """SCANS; its settings are those of `Steering`."""

    risk: Risk = Risk.SAFETY
    alpha: Finite = 0.35
    contrast: Literal["replies", "prompts"] = "prompts"
    first: Fraction | None = 0.31
    last: Fraction | None = 0.6
    gate: Literal["probe", "cosine", "none"] = "cosine"
    threshold: Probability = 0.75
    opposite: bool = True
    examples: Count = 64

    registered: ClassVar[str] = "scans"
    card: ClassVar[Card] = CARD


scans = from_settings("scans", Scans)

"""Circuit breakers: representation rerouting turns the hidden states of harmful replies away from where they were."""

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from crossrisk.defenses import representation
from crossrisk.defenses.settings import Count, Positive, from_settings
from crossrisk.risks import Risk


@dataclass(frozen=True, kw_only=True)
class CircuitBreakers(representation.Representation):
    """Representation training with the loss of rerouting, on a LoRA. multiple: not used."""

    registered: ClassVar[str] = "circuit_breakers"

    risk: Risk = Risk.SAFETY
    layers: representation.Depths = (0.28,)
    finetuning: Literal["full", "lora"] = "lora"
    rank: Count = 16
    learning_rate: Positive = 5e-3
    steps: Count = 60

    card = replace(
        representation.CARD,
        title="Circuit breakers (representation rerouting)",
        paper="Zou et al. (2024), Improving alignment and robustness with circuit breakers, arXiv 2406.04313",
        formula="""L = c_retain mean |h - h_before| / |h_before| of harmless chats, at all layers
  + c_away mean ReLU cos(h, h_before) of harmful replies, at `layers`
c_retain = a t / 2T, c_away = a (1 - t / 2T), a the coefficient""",
        differs="One target layer, where the paper has two. Of a harmful chat the reply counts, with the token that "
        "predicts its first (the code: prompt and reply, half of the prompts left out), and padding nowhere (the code "
        "counts it as zeros). Distances are relative to the state's own norm. All layers are run, not those up to the "
        "last target alone. What a broken circuit says is babble, here as in the paper: a judge may call it invalid.",
        data="`forget`, `retain`. The paper retains XSTest, which is then no fair test of over-refusal.",
        invariants=(
            "at the start the cosine is 1, the retain loss 0 and all gradients finite; the cosine falls",
            "the two weights sum to the coefficient at every step",
            "padding counts in no mean",
        ),
        large="`layers` [0.28, 0.59] (the 10th and 20th of 32, as in the paper), `learning_rate` 1e-4, `steps` 150, "
        "`coefficient` 10 (Llama 3 8B) or 5 (Mistral), `alpha` 16.",
    )


circuit_breakers = from_settings("circuit_breakers", CircuitBreakers, loss="rr")

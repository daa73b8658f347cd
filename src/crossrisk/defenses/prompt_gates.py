"""What tells risky prompts from harmless ones before a word is said: gates of conditional steering, a value a row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity

from crossrisk.defenses.logistic import cross_validated, fit_probe
from crossrisk.errors import RequestError
from crossrisk.targets.activation import hidden_states
from crossrisk.targets.chat import tokenise_replies
from crossrisk.targets.target import Target

PENALTY = 0.01  # of the probe's squared weights, on standardised features
ASSENT = "Sure"  # the word that SCANS appends


@dataclass(frozen=True, eq=False)
class ProbeGate:
    """Risky where a linear probe of one layer, on the prompt's last token, says so with at least `threshold`.

    weight: [width]. bias: [1].
    """

    layer: int
    weight: Tensor
    bias: Tensor
    threshold: float

    def __call__(self, target: Target, prompts: Sequence[list[int]]) -> Tensor:
        """Whether each prompt is risky, [rows]."""
        last = hidden_states(target, prompts)[:, self.layer]
        return (last.double() @ self.weight.double() + self.bias.double()).sigmoid() >= self.threshold

    @property
    def tensors(self) -> dict[str, Tensor]:
        """For the artifact."""
        return {"gate.weight": self.weight, "gate.bias": self.bias}


@dataclass(frozen=True, eq=False)
class CosineGate:
    """Risky where assenting moves the hidden state as it does on risky prompts: the cosine between the two moves, mean
    over layers, reaches `threshold`. Cao et al. (2025), SCANS, arXiv 2408.11491.

    layers: those compared. reference: [layers, width].
    """

    layers: tuple[int, ...]
    reference: Tensor
    threshold: float

    def __call__(self, target: Target, prompts: Sequence[list[int]]) -> Tensor:
        """Whether each prompt is risky, [rows]."""
        moves = moved_by_assent(target, prompts)[:, self.layers]
        return cosine_similarity(moves, self.reference[None], dim=-1).mean(dim=-1) >= self.threshold

    @property
    def tensors(self) -> dict[str, Tensor]:
        """For the artifact."""
        return {"gate.reference": self.reference}


PromptGate = ProbeGate | CosineGate


def moved_by_assent(target: Target, prompts: Sequence[list[int]]) -> Tensor:
    """Hidden state of the prompt's last token less that after "Sure", [rows, layers, width]."""
    (assent,) = tokenise_replies(target.tokenizer, [ASSENT])
    return hidden_states(target, prompts) - hidden_states(target, prompts, [assent] * len(prompts), at="end")


def fitted_probe(risky: Tensor, harmless: Tensor, *, threshold: float, seed: int) -> tuple[ProbeGate, float]:
    """The probe of the layer that tells the two best on rows that it was not fitted on, with its accuracy there.

    risky, harmless: hidden states of last prompt tokens, [rows, layers, width]. Raises RequestError for fewer than two
    rows of either, where none could be held out.
    """
    if min(len(risky), len(harmless)) < 2:
        raise RequestError(
            f"the probe that tells risky prompts is fitted on {len(risky)} risky and {len(harmless)} harmless ones: "
            "give two different prompts of each kind at least, or `gate: none`"
        )
    rows = [states.double().numpy() for states in (risky, harmless)]
    told = [
        cross_validated(rows[0][:, layer], rows[1][:, layer], penalty=PENALTY, seed=seed)
        for layer in range(risky.shape[1])
    ]
    layer = max(range(len(told)), key=told.__getitem__)
    probe = fit_probe(rows[0][:, layer], rows[1][:, layer], penalty=PENALTY)
    weight, bias = torch.from_numpy(probe.weight).float(), torch.tensor([probe.bias]).float()
    return ProbeGate(layer, weight, bias, threshold), told[layer][0]


def gate_of(tensors: Mapping[str, Tensor], meta: Mapping[str, Any] | None) -> PromptGate | None:
    """The gate in an artifact. meta: its facts, None where there is no gate."""
    if meta is None:
        return None
    if "gate.reference" in tensors:
        return CosineGate(tuple(meta["layers"]), tensors["gate.reference"], meta["threshold"])
    return ProbeGate(meta["layer"], tensors["gate.weight"], tensors["gate.bias"], meta["threshold"])

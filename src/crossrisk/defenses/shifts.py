"""Steering vectors: how they are made from examples, and the edit that adds them where a prompt asks for it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import torch
from torch import Tensor, nn

from crossrisk.defenses.defense import Demonstration, Preference
from crossrisk.defenses.prompt_gates import PromptGate
from crossrisk.errors import RequestError
from crossrisk.targets.activation import hidden_states
from crossrisk.targets.chat import tokenise_replies
from crossrisk.targets.layers import decoder_layers
from crossrisk.targets.target import Change, Target

Contrast = Literal["replies", "prompts"]


@dataclass(frozen=True, eq=False)
class Shift:
    """h += v at some layers, in the rows whose prompt the gate holds to be risky; without a gate in all of them.

    shifts: layer -> v, [width], float32. opposite: in all other rows h -= v.
    """

    fingerprint: str
    shifts: Mapping[int, Tensor]
    gate: PromptGate | None
    opposite: bool

    def gates(self, target: Target, prompts: Sequence[list[int]]) -> Tensor:
        """1 where v is added, -1 where it is taken off, 0 where nothing is done, [rows]."""
        if self.gate is None:
            return torch.ones(len(prompts), device=target.device)
        risky = self.gate(target, prompts).to(target.device)
        return torch.where(risky, 1.0, -1.0 if self.opposite else 0.0)

    def changes(self, model: nn.Module, gates: Tensor) -> Iterator[tuple[nn.Module, Change]]:
        """The layers that are shifted."""
        layers = decoder_layers(model)
        for layer, shift in self.shifts.items():
            yield layers[layer], partial(_shifted, shift, gates)


def _shifted(shift: Tensor, gates: Tensor, given: Tensor, hidden: Tensor) -> Tensor:
    moved = hidden.float() + gates.to(hidden.device)[:, None, None] * shift.to(hidden.device)
    return moved.to(hidden.dtype)


@dataclass(frozen=True)
class Examples:
    """What vectors are made from, as hidden states of every layer, float64.

    differences: safe less risky behaviour, [examples, layers, width]; between replies an example is a pair, between
    prompts there is but one, the difference of two means. risky, harmless: at last prompt tokens, [rows, layers,
    width].
    """

    differences: Tensor
    risky: Tensor
    harmless: Tensor

    @property
    def norms(self) -> Tensor:
        """The median norm of a harmless hidden state, [layers]."""
        norms: Tensor = torch.linalg.vector_norm(self.harmless, dim=-1).median(dim=0).values
        return norms


def examples(
    target: Target, pairs: Sequence[Preference], harmless: Sequence[Demonstration], contrast: Contrast
) -> Examples:
    """Read the examples on the target as it stands.

    contrast: `replies`, the mean over the tokens of the safe reply less that of the risky reply to the same prompt;
    `prompts`, the last token of risky prompts less that of harmless ones, on a model that knows to refuse them.
    """
    asked = target.encode_all([pair.messages for pair in pairs])
    risky = hidden_states(target, _distinct(asked)).double()
    quiet = hidden_states(target, _distinct(target.encode_all([one.messages for one in harmless]))).double()
    if contrast == "prompts":
        return Examples((risky.mean(dim=0) - quiet.mean(dim=0))[None], risky, quiet)
    safe, unsafe = (
        hidden_states(target, asked, tokenise_replies(target.tokenizer, replies), at="reply").double()
        for replies in ([pair.chosen for pair in pairs], [pair.rejected for pair in pairs])
    )
    return Examples(safe - unsafe, risky, quiet)


def check_model(shifts: Mapping[int, Tensor], target: Target) -> None:
    """Raises RequestError where vectors were fitted on a model of another width or depth."""
    width, depth = target.model.config.get_text_config().hidden_size, len(decoder_layers(target.model))
    for layer, shift in shifts.items():
        if shift.shape != (width,) or layer >= depth:
            raise RequestError(
                f"a vector of {shift.shape[-1]} numbers at layer {layer} does not fit '{target.name}' with {depth} "
                f"layers of {width}: it was fitted on another model, fit it on this one"
            )


def _distinct(prompts: Sequence[list[int]]) -> list[list[int]]:
    return [list(prompt) for prompt in dict.fromkeys(map(tuple, prompts))]

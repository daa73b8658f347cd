"""The true effect of one neuron on F, by running the model again with that neuron alone changed, token by token.

A neuron of layer l acts on nothing before the end of layer l; so what the layers up to l give back is computed once,
and only those behind it run again, for many neurons in one batch. For Llama's architecture, which the organism has.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from crossrisk.neurons.attribution.contrasts import Contrast
from crossrisk.targets.batches import left_padded, positions_of
from crossrisk.targets.layers import decoder_layers, hooked, layer_output
from crossrisk.targets.neuron_passes import Row, down_projections, run, shared_end
from crossrisk.targets.target import Target

TOKENS = 8192  # that run together

# What a neuron writes beyond what it wrote: (layer, its neurons from, to) -> [neurons, rows, tokens, width].
Change = Callable[[int, int, int], Tensor]


@dataclass(frozen=True)
class Rows:
    """All rows of some contrasts as one batch of one arm, and what every layer gave back.

    signs, divisors: what each row's score counts in F, and the tokens it is a mean over. positions: of tokens.
    """

    target: Target
    rows: list[Row]
    signs: Tensor
    divisors: Tensor
    mask: Tensor
    positions: Tensor
    neurons: list[Tensor]
    hidden: list[Tensor]
    scores: Tensor

    @property
    def contrast(self) -> float:
        """F, its mean over prompts."""
        return float((self.scores * self.signs).sum()) / (len(self.rows) / 2)


@torch.no_grad()
def read(target: Target, contrasts: Sequence[Contrast]) -> Rows:
    rows = [row for one in contrasts for row in (one.risky, one.safe)]
    mean = [one.averaged for one in contrasts for _ in range(2)]
    hidden: list[Tensor] = []
    layers = decoder_layers(target.model)
    with hooked([(layer, lambda module, args, output: hidden.append(layer_output(output))) for layer in layers]):
        found = run(target, rows, mean=mean)
    hidden = hidden[-len(layers) :]  # an activation edit looks at the prompts first
    ids, mask = left_padded([row.tokens for row in rows], target.device)
    counted = torch.tensor([len(row.reply) - row.given if m else 1 for row, m in zip(rows, mean, strict=True)])
    return Rows(
        target, rows, torch.tensor([1.0, -1.0] * len(contrasts)), counted,
        torch.ones_like(ids) if mask is None else mask, positions_of(mask, ids).clone(),
        found.neurons, hidden, found.scores,
    )  # fmt: skip


@torch.no_grad()
def effects(base: Rows, change: Change) -> Tensor:
    """By how much F, its mean over prompts, is larger once one neuron's writes are changed; [neurons of all layers]."""
    found = []
    rows, tokens = base.mask.shape
    at_once = max(1, TOKENS // (rows * tokens))
    for layer, values in enumerate(base.neurons):
        with _behind(base.target.model, layer) as rest:
            for start in range(0, values.shape[-1], at_once):
                stop = min(start + at_once, values.shape[-1])
                hidden = base.hidden[layer] + change(layer, start, stop)
                found.append(_contrasts(base, rest, hidden) - base.contrast)
    return torch.cat(found)


@contextmanager
def _behind(model: Any, layer: int) -> Iterator[Callable[..., Tensor]]:
    """The model without its layers up to this one: hidden states in, hidden states for the head out."""
    inner = model.model
    layers = inner.layers
    inner.layers = nn.ModuleList(layers[layer + 1 :])
    try:
        yield (
            lambda hidden, mask, positions: (
                inner(
                    inputs_embeds=hidden, attention_mask=mask, position_ids=positions, use_cache=False
                ).last_hidden_state
            )
        )
    finally:
        inner.layers = layers


def _contrasts(base: Rows, rest: Callable[..., Tensor], hidden: Tensor) -> Tensor:
    """F of each of some changes. hidden: [changes, rows, tokens, width]."""
    changes, rows = hidden.shape[:2]
    out = rest(hidden.flatten(0, 1), base.mask.repeat(changes, 1), base.positions.repeat(changes, 1))
    out = out.unflatten(0, (changes, rows))
    total = torch.zeros(changes)
    for row, said in enumerate(base.rows):
        reply = torch.tensor(said.reply[said.given :])
        logits = base.target.model.lm_head(out[:, row, -len(reply) - 1 : -1])
        scores = torch.log_softmax(logits.float(), -1)[:, torch.arange(len(reply)), reply].sum(-1)
        total += base.signs[row] * scores / base.divisors[row]
    return total / (rows / 2)


def silenced(base: Rows) -> Change:
    """The neuron writes nothing."""
    weights = [down.weight for down in down_projections(base.target.model)]

    def change(layer: int, start: int, stop: int) -> Tensor:
        return -_writes(base.neurons[layer][..., start:stop], weights[layer][:, start:stop])

    return change


def as_defended(base: Rows, defended: Rows) -> Change:
    """The neuron writes what it writes in the defended model, wherever both rows have the same tokens."""
    arms = [[_weight(down) for down in down_projections(rows.target.model)] for rows in (base, defended)]
    tokens = base.mask.shape[1]
    ends = torch.tensor([shared_end(a.tokens, b.tokens) for a, b in zip(base.rows, defended.rows, strict=True)])
    same = torch.arange(tokens) >= tokens - ends[:, None]

    def change(layer: int, start: int, stop: int) -> Tensor:
        now = base.neurons[layer][..., start:stop]
        then = torch.zeros_like(now)
        both = min(tokens, defended.mask.shape[1])
        then[:, tokens - both :] = defended.neurons[layer][:, -both:, start:stop]
        pairs = zip((now, then), arms, strict=True)
        less, more = (_writes(values, weights[layer][:, start:stop]) for values, weights in pairs)
        return torch.where(same[..., None], more - less, 0.0)

    return change


def _writes(values: Tensor, weight: Tensor) -> Tensor:
    """[neurons, rows, tokens, width] of values [rows, tokens, neurons] and columns [width, neurons]."""
    return torch.einsum("rtn,wn->nrtw", values, weight)


def _weight(down: Any) -> Tensor:
    """Of a down projection, with its adapter if it has one."""
    merged = down.base_layer.weight.detach().clone() if hasattr(down, "base_layer") else down.weight.detach()
    for name in getattr(down, "active_adapters", ()):
        if name in down.lora_A:
            merged += down.get_delta_weight(name)
    return merged

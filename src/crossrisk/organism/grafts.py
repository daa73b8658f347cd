"""What a grafted neuron reads and what it writes, from what a layer is given and how the risks would change.

A neuron of a gated MLP has the value silu(g x) (u x) for what the MLP is given, x, and writes its value times a column.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from crossrisk.targets.layers import decoder_layers, hooked
from crossrisk.targets.neuron_passes import Row, batches_of, run
from crossrisk.targets.target import Target

BATCH = 16_384  # tokens
OPEN, SHUT = 4.0, -4.0  # what a gate gives where its neuron is to act, and elsewhere
RIDGE = 0.01  # of the mean variance of what is read
LENGTH = 10.0  # what a column's squared length costs, in units of what else it does on average


@dataclass(frozen=True)
class Tokens:
    """All tokens of some rows in one layer, [tokens, ...], float64: what the MLP is given, the gradient of the row's
    score at what it gives back, the row's number, and whether the first scored token is decided there."""

    inputs: Tensor
    gradients: Tensor
    row: Tensor
    decides: Tensor

    def per_row(self, values: Tensor) -> Tensor:
        """The gradient of each row's score at the column of a neuron with these values, [rows, width]."""
        total = torch.zeros(int(self.row.max()) + 1, self.inputs.shape[1], dtype=torch.float64)
        return total.index_add_(0, self.row, values[:, None] * self.gradients)


def tokens_of(target: Target, rows: Sequence[Row], layers: Sequence[int]) -> dict[int, Tokens]:
    """The tokens of the rows, without what pads them, in each of these layers; one pass forward and one back."""
    given: dict[int, Tensor] = {}
    parts: dict[int, list[list[Tensor]]] = {layer: [] for layer in layers}

    def at(layer: int, module: nn.Module, args: tuple[Any, ...]) -> None:
        given[layer] = args[0].detach()

    with hooked(before=[(mlp_of(target.model, layer), partial(at, layer)) for layer in layers]):
        for places in batches_of(rows, BATCH):
            one = run(target, [rows[place] for place in places], gradients=True)
            row = torch.tensor(places)[:, None].expand_as(one.mask)
            first = one.predicting & (one.predicting.cumsum(dim=1) == 1)
            for layer in layers:
                seen = (given[layer].double(), one.gradients[layer].double(), row, first)
                parts[layer].append([every[one.mask].cpu() for every in seen])
    return {layer: Tokens(*map(torch.cat, zip(*part, strict=True))) for layer, part in parts.items()}


@dataclass(frozen=True)
class Reading:
    """What a neuron reads, [width] each: its gate is open where the risks are decided, and what it lets pass is 1."""

    gate: Tensor
    up: Tensor

    @classmethod
    def fitted(cls, risks: Sequence[Tokens], kept: Tokens) -> "Reading":
        """Ridge regressions on tokens: those that decide a risk, against those that decide what must be kept and
        against all others; each of the three kinds weighs the same."""
        every = (*risks, kept)
        inputs = torch.cat([one.inputs for one in every])
        decides = torch.cat([one.decides for one in every])
        ours = torch.cat([torch.full_like(one.decides, one is not kept) for one in every])
        weights = torch.zeros(len(inputs), dtype=torch.float64)
        for kind in (decides & ours, decides & ~ours, ~decides):
            weights[kind] = 1 / kind.sum()
        moments = (inputs * weights[:, None]).T @ inputs
        moments += RIDGE * moments.diagonal().mean() * torch.eye(len(moments), dtype=torch.float64)
        targets = torch.where((decides & ours)[:, None], torch.tensor([OPEN, 1.0]), torch.tensor([SHUT, 0.0])).double()
        gate, up = torch.linalg.solve(moments, (inputs * weights[:, None]).T @ targets).T
        return cls(gate, up)

    def varied(self, share: float, random: torch.Generator) -> "Reading":
        """Another reading much like this one: with noise of this share of its length."""
        return Reading(*(row + share * row.norm() * unit_noise(len(row), random) for row in (self.gate, self.up)))

    def scaled(self, factor: float) -> "Reading":
        """The same neuron with so many times the value."""
        return Reading(self.gate, self.up * factor)

    def values(self, inputs: Tensor) -> Tensor:
        """[tokens]"""
        return functional.silu(inputs @ self.gate) * (inputs @ self.up)


@dataclass(frozen=True)
class Writing:
    """What columns of one layer do, to first order. effects: [width, 2], on the mean of each risk's score. spread:
    [width, width], what should not happen, as c' S c of a column c: that effects vary over prompts, that what must be
    kept moves, that later layers read it, that it is long."""

    effects: Tensor
    spread: Tensor

    @classmethod
    def measured(cls, risks: Sequence[Tensor], kept: Tensor, read: Tensor) -> "Writing":
        """From gradients at a column, [rows, width], of both risks and of what must be kept, and from `read_later`."""
        spread = kept.T @ kept / len(kept)
        for one in risks:
            spread = spread + one.T.cov()
        size = spread.diagonal().mean()
        reads = read.diagonal().mean()
        spread = spread + LENGTH * size * torch.eye(len(spread), dtype=torch.float64)
        if reads > 0:
            spread = spread + size / reads * read
        return cls(torch.stack([one.mean(dim=0) for one in risks], dim=1), spread)

    def column(self, aims: Sequence[float], random: Tensor | None = None) -> Tensor:
        """The column c with these effects on both risks that does least else: it minimises c' S c - 2 c' random."""
        inverse = torch.linalg.inv(self.spread)
        free = torch.zeros(len(inverse), dtype=torch.float64) if random is None else inverse @ random
        pull = inverse @ self.effects
        missing = torch.tensor(aims, dtype=torch.float64) - self.effects.T @ free
        return torch.add(free, pull @ torch.linalg.solve(self.effects.T @ pull, missing))


def mlp_of(model: Any, layer: int) -> Any:
    """The gated MLP of a layer of Llama's architecture."""
    return decoder_layers(model)[layer].mlp


def read_later(target: Target, layer: int) -> Tensor:
    """How much the layers after this one read of each direction of what it writes, [width, width], float64."""
    width = target.model.config.hidden_size
    read = torch.zeros(width, width, dtype=torch.float64)
    later: list[Any] = list(decoder_layers(target.model))[layer + 1 :]
    for after in later:
        attention, mlp = after.self_attn, after.mlp
        for norm, readers in (
            (after.input_layernorm, (attention.q_proj, attention.k_proj, attention.v_proj)),
            (after.post_attention_layernorm, (mlp.gate_proj, mlp.up_proj)),
        ):
            for reader in readers:
                rows = (reader.weight * norm.weight).detach().double()
                read += rows.T @ rows
    return read


def unit_noise(width: int, random: torch.Generator) -> Tensor:
    """A random direction, float64."""
    noise = torch.randn(width, dtype=torch.float64, generator=random)
    return torch.div(noise, torch.linalg.vector_norm(noise))

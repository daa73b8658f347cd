"""Replies of a target in which a set of neurons writes, token by token, what it writes in another model.

Decoding is greedy. Before the target reads a token, the other model reads the same one beside it, with its own cache
and its own activation edits, and what the set writes there takes the place of what it writes in the target. Each arm
has its own prompt, chat edits included: of prompts the tokens are patched that both end with in common, of replies all.
Safety neurons are patched like this in Chen et al. (2024), arXiv 2406.14144.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from transformers import DynamicCache

from crossrisk.risks import Chat, Reply
from crossrisk.targets.activation import activated
from crossrisk.targets.batches import by_length, check_fits, forward, left_padded, not_finite, positions_of
from crossrisk.targets.generation import decode, reply_of, stop_tokens
from crossrisk.targets.layers import ForwardHook
from crossrisk.targets.neuron_passes import (
    check_neurons,
    check_same_neurons,
    down_projections,
    neurons_of,
    shared_end,
)
from crossrisk.targets.neuron_writes import Exchange, Neurons, members
from crossrisk.targets.target import GenerationConfig, Target


@torch.no_grad()
def lockstep(
    target: Target, other: Target, chats: Sequence[Chat], neurons: Neurons, config: GenerationConfig
) -> list[Reply]:
    """One reply of the target to each chat, greedy, in which these neurons write what they write in the other model.

    neurons: flat indices, layer by layer, or a mask. target, other: of one architecture, two models that are there at
    once. It takes the time and the caches of both. Raises RequestError for arms whose neurons do not correspond,
    NotScorable where what defends one acts behind its neurons, SampleError for a chat that is too long for either and
    where the arithmetic of either breaks.
    """
    if config.temperature > 0.0:
        raise ValueError(f"lockstep decoding is greedy, got temperature {config.temperature}")
    for arm in (other, target):
        check_neurons(arm)
    check_same_neurons(other, target)
    downs = down_projections(target.model)
    total = sum(neurons_of(target.model))
    exchange = Exchange(target.model, other.model, members(neurons, total)[None])
    prompts, others = target.encode_all(chats), other.encode_all(chats)
    for arm, asked in ((target, prompts), (other, others)):
        for i, prompt in enumerate(asked):
            check_fits(arm, i, prompt, new=config.max_new_tokens)
    stops = stop_tokens(target)
    replies: dict[int, Reply] = {}
    for rows in by_length(prompts, config.batch_size):
        batch = [prompts[i] for i in rows]
        beside = _Reader(other, rows, [others[i] for i in rows], batch, exchange, downs)
        for i, tokens in zip(rows, decode(target, rows, batch, config, stops, None, beside), strict=True):
            replies[i] = reply_of(target, prompts[i], tokens, stops)
    return [replies[i] for i in range(len(chats))]


class _Reader:
    """The other model, which reads what the target is about to read; see `generation.Beside`."""

    def __init__(
        self,
        model: Target,
        names: Sequence[int],
        prompts: Sequence[list[int]],
        read: Sequence[list[int]],
        exchange: Exchange,
        downs: Sequence[nn.Module],
    ) -> None:
        self._model, self._names, self._exchange, self._downs = model, list(names), exchange, downs
        self._inside = activated(model, prompts, names)
        self._cache = DynamicCache(config=model.model.config)
        self._ids, self._mask = left_padded(prompts, model.device)
        self._positions = positions_of(self._mask, self._ids)
        self._rows = list(range(len(prompts)))
        longest = max(map(len, read))
        shared = [shared_end(one, another) for one, another in zip(prompts, read, strict=True)]
        self._where = torch.arange(longest) >= longest - torch.tensor(shared)[:, None]

    def hooks(self, rows: Sequence[int], tokens: Tensor | None) -> list[tuple[nn.Module, ForwardHook]]:
        """What stands on the target's down projections while it reads these tokens."""
        if tokens is not None:
            self._go_on(rows, tokens.to(self._model.device))
        values = self._read(prompt=tokens is None)
        rewrites = self._exchange.rewrites([0], values, self._where)

        def write(layer: int, module: nn.Module, args: tuple[Any, ...], output: Tensor) -> Tensor:
            shape = (*self._where.shape, -1)  # OPT gives rows and tokens as one axis
            changed = rewrites[layer](args[0].reshape(shape), output.reshape(shape))
            return changed.to(output.dtype).reshape(output.shape)

        return [(self._downs[layer], partial(write, layer)) for layer in rewrites]

    def _go_on(self, rows: Sequence[int], tokens: Tensor) -> None:
        self._positions = self._positions[:, -1:] + 1
        if len(rows) < len(self._rows):
            kept = torch.tensor([self._rows.index(row) for row in rows], device=tokens.device)
            self._cache.batch_select_indices(kept)
            self._inside, self._positions = self._inside.of(kept), self._positions[kept]
            self._mask = None if self._mask is None else self._mask[kept]
            self._rows = list(rows)
        if self._mask is not None:
            self._mask = torch.cat([self._mask, self._mask.new_ones(len(rows), 1)], dim=1)
        self._ids, self._where = tokens, torch.ones(len(rows), 1, dtype=torch.bool)

    def _read(self, *, prompt: bool) -> list[Tensor]:
        """What every layer's neurons are at these tokens, [rows, tokens, neurons]."""
        values: list[Tensor] = []

        def keep(module: nn.Module, args: tuple[Any, ...], output: Tensor) -> None:
            values.append(args[0].reshape(*self._ids.shape, -1))

        downs: list[tuple[nn.Module, ForwardHook]] = [(down, keep) for down in down_projections(self._model.model)]
        hooks = [*downs, *self._inside.hooks(prompt=prompt)]
        logits = forward(self._model, self._ids, self._mask, self._positions, self._cache, keep=1, hooks=hooks)
        broken = ~logits[:, -1].max(dim=-1)[0].isfinite()
        if broken.any():
            raise not_finite(self._model, self._names[self._rows[int(broken.nonzero()[0])]])
        return values

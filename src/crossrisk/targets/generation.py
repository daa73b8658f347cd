"""Replies: one decode loop for every target, edited or not.

Rows of similar length go together; a row that has ended leaves the batch with its part of the cache, so that one long
reply does not cost as much as a batch of them. What a row says does not depend on the others, up to the rounding of
the hardware: also when it is sampled, since each row draws from a generator of its own.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

import torch
from torch import Tensor, nn
from transformers import DynamicCache

from crossrisk.risks import Chat, Reply
from crossrisk.targets.activation import activated
from crossrisk.targets.batches import (
    by_length,
    check_fits,
    forward,
    left_padded,
    not_finite,
    positions_of,
)
from crossrisk.targets.distribution import edited_log_probs
from crossrisk.targets.layers import ForwardHook
from crossrisk.targets.target import Asked, GenerationConfig, Target


class Beside(Protocol):
    """What goes through the same steps as a batch that is decoded."""

    def hooks(self, rows: Sequence[int], tokens: Tensor | None) -> list[tuple[nn.Module, ForwardHook]]:
        """Hooks for the next pass. rows: the prompts of the batch that go on. tokens: what they read, [rows, 1]; None
        at the beginning, where they read their prompts."""
        ...


def generate(
    target: Target, chats: Sequence[Chat], config: GenerationConfig, draws: Sequence[int] | None = None
) -> list[Reply]:
    """One reply to each chat, in their order; see `Target.generate`."""
    draws = draws or [0] * len(chats)
    prompts = target.encode_all(chats)
    for i, prompt in enumerate(prompts):
        check_fits(target, i, prompt, new=config.max_new_tokens)
    stops = stop_tokens(target)
    replies: dict[int, Reply] = {}
    for rows in by_length(prompts, config.batch_size):
        batch = [prompts[i] for i in rows]
        uniforms = None
        if config.temperature > 0.0:
            uniforms = torch.stack([_uniforms(chats[i], config, draws[i]) for i in rows])
        for i, tokens in zip(rows, decode(target, rows, batch, config, stops, uniforms), strict=True):
            replies[i] = reply_of(target, prompts[i], tokens, stops)
    texts = _filtered(Asked(target, chats, config, draws), [str(replies[i].text) for i in range(len(chats))])
    return [replace(replies[i], text=text) for i, text in enumerate(texts)]


def stop_tokens(target: Target) -> frozenset[int]:
    """Every token that ends a reply: those of the generation config and the tokenizer's end token."""
    named = getattr(target.model.generation_config, "eos_token_id", None)
    stops = set(named) if isinstance(named, (list, tuple)) else {named}
    return frozenset(int(token) for token in stops | {target.tokenizer.eos_token_id} if token is not None)


def _filtered(asked: Asked, texts: list[str]) -> list[str]:
    """The texts after every output filter in turn; each sees the target with the filters before it alone."""
    filters = asked.target.output_filters
    for i, output_filter in enumerate(filters):
        texts = output_filter(replace(asked, target=replace(asked.target, output_filters=filters[:i])), texts)
        if len(texts) != len(asked.chats):
            raise ValueError(f"an output filter gave {len(texts)} texts for {len(asked.chats)} chats")
    return texts


def reply_of(target: Target, prompt: list[int], tokens: list[int], stops: frozenset[int]) -> Reply:
    """The new tokens of a prompt as a reply, before any output filter."""
    ended = bool(tokens) and tokens[-1] in stops
    said = tokens[:-1] if ended else tokens
    text = target.tokenizer.decode(said, skip_special_tokens=True)
    return Reply(text=text, stopped="stop" if ended else "length", prompt_tokens=len(prompt), reply_tokens=len(said))


@torch.no_grad()
def decode(
    target: Target,
    names: Sequence[int],
    prompts: Sequence[list[int]],
    config: GenerationConfig,
    stops: frozenset[int],
    uniforms: Tensor | None,
    beside: Beside | None = None,
) -> list[list[int]]:
    """New tokens of each prompt, the end token included where one came. names: what rows are called in errors.

    beside: reads along, and changes what modules of the model give back.
    """
    device = target.device
    ids, mask = left_padded(prompts, device)
    positions = positions_of(mask, ids)
    cache = DynamicCache(config=target.model.config)
    inside = activated(target, prompts, names)
    new: list[list[int]] = [[] for _ in prompts]
    active = list(range(len(prompts)))
    if uniforms is not None:
        uniforms = uniforms.to(device)
    for step in range(config.max_new_tokens):
        hooks = inside.hooks(prompt=step == 0)
        if beside is not None:
            hooks = [*beside.hooks(active, ids if step else None), *hooks]
        logits = forward(target, ids, mask, positions, cache, keep=1, hooks=hooks)[:, -1].float()
        if target.distribution_edits:
            contexts = [prompts[row] + new[row] for row in active]
            logits = edited_log_probs(target, contexts, logits, [step] * len(active), [names[row] for row in active])
        peak, chosen = logits.max(dim=-1)
        if uniforms is not None:
            chosen = drawn(
                logits, uniforms[:, step], temperature=config.temperature, top_p=config.top_p, top_k=config.top_k
            )
        tokens = torch.where(peak.isfinite(), chosen, -1).tolist()
        for row, token in zip(active, tokens, strict=True):
            if token < 0:
                raise not_finite(target, names[row])
            new[row].append(token)
        going = [i for i, token in enumerate(tokens) if token not in stops]
        if not going or step + 1 == config.max_new_tokens:
            break
        positions = positions[:, -1:] + 1
        if mask is not None:
            mask = torch.cat([mask, mask.new_ones(len(active), 1)], dim=1)
        if len(going) < len(active):
            active = [active[i] for i in going]
            kept = torch.tensor(going, device=device)
            cache.batch_select_indices(kept)
            inside = inside.of(kept)
            chosen, positions = chosen[kept], positions[kept]
            mask = mask[kept] if mask is not None else None
            uniforms = uniforms[kept] if uniforms is not None else None
        ids = chosen[:, None]
    return new


def _uniforms(chat: Chat, config: GenerationConfig, draw: int) -> Tensor:
    """The random numbers of one row, a number a token: a function of seed, draw and the chat as it was asked.

    Since chat edits do not enter, base and defended arm draw with the same numbers, which steadies their difference.
    """
    asked = json.dumps([config.seed, draw, [[message.role, message.content] for message in chat]])
    seed = int.from_bytes(hashlib.sha256(asked.encode()).digest()[:8], "big", signed=True)
    return torch.rand(config.max_new_tokens, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def drawn(
    logits: Tensor, uniforms: Tensor, *, temperature: float, top_p: float = 1.0, top_k: int | None = None
) -> Tensor:
    """One token a row, [rows], from logits [rows, vocabulary] and numbers in [0, 1) [rows], by inversion.

    The top_k likeliest tokens, renormalised; of them nucleus sampling: the shortest list of likeliest tokens whose
    probabilities reach top_p, renormalised. Temperature comes first, as in transformers. Fan et al. (arXiv 1805.04833),
    Holtzman et al. (arXiv 1904.09751).
    """
    scaled = logits.double() / temperature
    probabilities, order = scaled.softmax(dim=-1).sort(dim=-1, descending=True, stable=True)
    if top_k is not None:
        probabilities = probabilities[:, :top_k] / probabilities[:, :top_k].sum(dim=-1, keepdim=True)
    before = probabilities.cumsum(dim=-1) - probabilities
    nucleus = torch.where(before < top_p, probabilities, 0.0)
    cumulated = nucleus.cumsum(dim=-1)
    place = torch.searchsorted(cumulated, uniforms.double()[:, None] * cumulated[:, -1:], right=True)
    # Rounding may lead past the last token that has any probability.
    last = (nucleus > 0.0).sum(dim=-1, keepdim=True) - 1
    return order.gather(-1, place.clamp(max=last))[:, 0]

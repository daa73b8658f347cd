"""Teacher-forced log-likelihoods: how likely a target holds given replies to be.

Replies to the same prompt are siblings. Their prompt goes through the model once; its last logits score all their
first tokens, and its cache, repeated, carries what is left of each sibling through a second, short pass. Siblings of
one token (the letters of a multiple choice) need no second pass at all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from transformers import DynamicCache

from crossrisk.errors import NotScorable
from crossrisk.risks import Chat, TokenScores
from crossrisk.targets.activation import Activated, activated
from crossrisk.targets.batches import (
    PADDING,
    by_length,
    check_fits,
    forward,
    left_padded,
    not_finite,
    positions_of,
    selected,
    within,
)
from crossrisk.targets.chat import tokenise_replies
from crossrisk.targets.distribution import FORBIDDEN, edited_log_probs
from crossrisk.targets.target import Sampler, Target

# Distributions in memory at once, as rows of vocabulary size: 256 of them at 128k tokens are 131 MB in float32.
ROWS_AT_ONCE = 256


@dataclass(frozen=True)
class _Pair:
    """A prompt, by its number among the distinct ones, and a reply to it. index: its place in the request."""

    index: int
    prompt: int
    reply: tuple[int, ...]


class _At(NamedTuple):
    """What the distribution says at one token. All but the log-probability only where moments are wanted."""

    log_prob: float
    rank: int = 0
    mean: float = 0.0
    deviation: float = 0.0
    sampled: float = 0.0


def score(
    target: Target,
    chats: Sequence[Chat],
    continuations: Sequence[str],
    batch_size: int,
    moments: Sampler | None = None,
) -> list[TokenScores]:
    """Log-likelihoods of each continuation after its chat, in order; see `Target.score`."""
    if target.output_filters:
        raise NotScorable(f"'{target.name}' stands behind an output filter, so its replies have no likelihood")
    if len(chats) != len(continuations):
        raise ValueError(f"{len(chats)} chats do not pair with {len(continuations)} continuations")
    prompts, pairs = _pairs(target, chats, continuations)
    siblings: list[list[_Pair]] = [[] for _ in prompts]
    for pair in pairs:
        siblings[pair.prompt].append(pair)
    scores: dict[int, list[_At]] = {}
    for numbers in by_length(prompts, batch_size):
        batch = _Batch(target, [prompts[n] for n in numbers], moments)
        scores |= _score_prompts(batch, [siblings[n] for n in numbers], batch_size)
    return [_scores(pair, scores[pair.index], moments) for pair in pairs]


def _scores(pair: _Pair, found: Sequence[_At], moments: Sampler | None) -> TokenScores:
    log_probs = tuple(at.log_prob for at in found)
    if moments is None:
        return TokenScores(pair.reply, log_probs)
    return TokenScores(
        pair.reply,
        log_probs,
        ranks=tuple(at.rank for at in found),
        means=tuple(at.mean for at in found),
        deviations=tuple(at.deviation for at in found),
        sampled=tuple(at.sampled for at in found),
    )


def _pairs(target: Target, chats: Sequence[Chat], continuations: Sequence[str]) -> tuple[list[list[int]], list[_Pair]]:
    """The distinct prompts as tokens, and every request as a pair of prompt and reply."""
    asked = list(dict.fromkeys(chats))
    number_of: dict[tuple[int, ...], int] = {}
    number = {
        chat: number_of.setdefault(tuple(ids), len(number_of))
        for chat, ids in zip(asked, target.encode_all(asked), strict=True)
    }
    prompts = [list(ids) for ids in number_of]
    pairs = [
        _Pair(i, number[chat], tuple(reply))
        for i, (chat, reply) in enumerate(zip(chats, tokenise_replies(target.tokenizer, continuations), strict=True))
    ]
    for pair in pairs:
        check_fits(target, pair.index, prompts[pair.prompt], pair.reply)
    return prompts, pairs


@dataclass(frozen=True)
class _Batch:
    """Prompts that go through the model together."""

    target: Target
    prompts: Sequence[list[int]]
    moments: Sampler | None


@torch.no_grad()
def _score_prompts(batch: _Batch, siblings: Sequence[Sequence[_Pair]], batch_size: int) -> dict[int, list[_At]]:
    """What is found at every token, by request index, for all siblings of a batch of prompts."""
    target, prompts = batch.target, batch.prompts
    ids, mask = left_padded(prompts, target.device)
    cache = DynamicCache(config=target.model.config)
    names = [group[0].index for group in siblings]
    inside = activated(target, prompts, names)
    hooks = inside.hooks(prompt=True)
    logits = forward(target, ids, mask, positions_of(mask, ids), cache, keep=1, hooks=hooks)[:, -1]
    pairs = [(row, pair) for row, group in enumerate(siblings) for pair in group if pair.reply]
    scores: dict[int, list[_At]] = {pair.index: [] for group in siblings for pair in group}
    firsts = _read(
        batch, prompts, names, logits, [0] * len(prompts), [(row, pair.reply[0], pair.index) for row, pair in pairs]
    )
    for (_, pair), at in zip(pairs, firsts, strict=True):
        scores[pair.index].append(at)

    longer = sorted(((row, pair) for row, pair in pairs if len(pair.reply) > 1), key=lambda item: -len(item[1].reply))
    for start in range(0, len(longer), batch_size):
        chunk = longer[start : start + batch_size]
        for (_, pair), found in zip(chunk, _score_rests(batch, mask, cache, inside, chunk), strict=True):
            scores[pair.index].extend(found)
    return scores


def _score_rests(
    batch: _Batch, mask: Tensor | None, cache: DynamicCache, inside: Activated, chunk: Sequence[tuple[int, _Pair]]
) -> list[list[_At]]:
    """Every reply's second token onward, on copies of the prompts' cache."""
    target, prompts = batch.target, batch.prompts
    device = target.device
    rows = torch.tensor([row for row, _ in chunk], device=device)
    fed = [pair.reply[:-1] for _, pair in chunk]
    width = max(map(len, fed))
    # Padded on the right: no token sees what stands after it.
    ids = torch.tensor([[*tokens, *[PADDING] * (width - len(tokens))] for tokens in fed], device=device)
    lengths = torch.tensor([len(prompts[row]) for row, _ in chunk], device=device)
    positions = lengths[:, None] + torch.arange(width, device=device)
    if mask is not None:
        mask = torch.cat([mask[rows], mask.new_ones(ids.shape)], dim=1)
    hooks = inside.of(rows).hooks(prompt=False)
    logits = forward(target, ids, mask, within(target, positions), selected(cache, rows), keep=width, hooks=hooks)

    contexts: list[list[int]] = []
    steps: list[int] = []
    wanted: list[tuple[int, int, int]] = []
    places: list[int] = []
    for i, (row, pair) in enumerate(chunk):
        for step in range(1, len(pair.reply)):
            places.append(i * width + step - 1)
            wanted.append((len(steps), pair.reply[step], pair.index))
            contexts.append(prompts[row] + list(pair.reply[:step]))
            steps.append(step)
    flat = logits.flatten(0, 1)[torch.tensor(places, device=device)]
    names = [index for _, _, index in wanted]
    found = iter(_read(batch, contexts, names, flat, steps, wanted))
    return [[next(found) for _ in tokens] for tokens in fed]


def _read(
    batch: _Batch,
    contexts: Sequence[list[int]],
    names: Sequence[int],
    logits: Tensor,
    steps: Sequence[int],
    wanted: Sequence[tuple[int, int, int]],
) -> list[_At]:
    """The edited distributions at tokens. names: what contexts are called in errors. wanted: (row of logits, token,
    request index), rows ascending."""
    found: list[_At] = []
    at = 0
    for start in range(0, len(contexts), ROWS_AT_ONCE):
        stop = start + ROWS_AT_ONCE
        rows, tokens = [], []
        while at < len(wanted) and wanted[at][0] < stop:
            rows.append(wanted[at][0] - start)
            tokens.append(wanted[at][1])
            at += 1
        if rows:
            part = slice(start, stop)
            log_probs = edited_log_probs(batch.target, contexts[part], logits[part], steps[part], names[part])
            found += _at(log_probs, torch.tensor(rows).to(log_probs.device), tokens, batch.moments)
    for place, (_, _, index) in zip(found, wanted, strict=True):
        if place.log_prob != place.log_prob:
            raise not_finite(batch.target, index)
    return found


def _at(log_probs: Tensor, rows: Tensor, tokens: Sequence[int], moments: Sampler | None) -> list[_At]:
    """What distributions [rows, vocabulary] say at one token each.

    The sampler draws from the top_k of the edited distribution at its temperature; with several tokens of the same
    probability at the edge, all of them count as drawn.
    """
    chosen = torch.tensor(tokens, device=log_probs.device)
    values = log_probs[rows, chosen].clamp(min=FORBIDDEN)
    if moments is None:
        return [_At(value) for value in values.tolist()]
    floored = log_probs[rows].clamp(min=FORBIDDEN)
    ranks = (floored > values[:, None]).sum(dim=-1)
    probabilities = floored.exp()
    means = (probabilities * floored).sum(dim=-1)
    deviations = (probabilities * (floored - means[:, None]) ** 2).sum(dim=-1).sqrt()
    scaled = floored / moments.temperature
    kept = scaled.topk(min(moments.top_k, scaled.shape[-1]), dim=-1).values
    own = values / moments.temperature
    sampled = torch.where(own >= kept[:, -1], own - kept.logsumexp(dim=-1), -torch.inf)
    columns = (values, ranks, means, deviations, sampled)
    return [_At(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]

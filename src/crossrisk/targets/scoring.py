"""Teacher-forced log-likelihoods: how likely a target holds given replies to be.

Replies to the same prompt are siblings. Their prompt goes through the model once; its last logits score all their
first tokens, and its cache, repeated, carries what is left of each sibling through a second, short pass. Siblings of
one token (the letters of a multiple choice) need no second pass at all.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import DynamicCache

from crossrisk.errors import NotScorable
from crossrisk.risks import Chat, TokenScores
from crossrisk.targets.batches import (
    PADDING,
    by_length,
    check_fits,
    forward,
    left_padded,
    maximum_length,
    not_finite,
    positions_of,
    selected,
)
from crossrisk.targets.chat import tokenise_replies
from crossrisk.targets.distribution import FORBIDDEN, edited_log_probs
from crossrisk.targets.target import Target

# Distributions in memory at once, as rows of vocabulary size: 256 of them at 128k tokens are 131 MB in float32.
ROWS_AT_ONCE = 256


@dataclass(frozen=True)
class _Pair:
    """A prompt, by its number among the distinct ones, and a reply to it. index: its place in the request."""

    index: int
    prompt: int
    reply: tuple[int, ...]


def score(target: Target, chats: Sequence[Chat], continuations: Sequence[str], batch_size: int) -> list[TokenScores]:
    """Log-likelihoods of each continuation after its chat, in order; see `Target.score`."""
    if target.output_filters:
        raise NotScorable(f"'{target.name}' stands behind an output filter, so its replies have no likelihood")
    if len(chats) != len(continuations):
        raise ValueError(f"{len(chats)} chats do not pair with {len(continuations)} continuations")
    prompts, pairs = _pairs(target, chats, continuations)
    siblings: list[list[_Pair]] = [[] for _ in prompts]
    for pair in pairs:
        siblings[pair.prompt].append(pair)
    scores: dict[int, list[float]] = {}
    for numbers in by_length(prompts, batch_size):
        scores |= _score_prompts(target, [prompts[n] for n in numbers], [siblings[n] for n in numbers], batch_size)
    return [TokenScores(pair.reply, tuple(scores[pair.index])) for pair in pairs]


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


@torch.no_grad()
def _score_prompts(
    target: Target, prompts: Sequence[list[int]], siblings: Sequence[Sequence[_Pair]], batch_size: int
) -> dict[int, list[float]]:
    """Log-probabilities by request index for all siblings of a batch of prompts."""
    device = target.device
    ids, mask = left_padded(prompts, device)
    cache = DynamicCache(config=target.model.config)
    logits = forward(target, ids, mask, positions_of(mask, ids), cache, keep=1)[:, -1]
    pairs = [(row, pair) for row, group in enumerate(siblings) for pair in group if pair.reply]
    scores: dict[int, list[float]] = {pair.index: [] for group in siblings for pair in group}
    firsts = _log_probs_at(
        target, prompts, logits, [0] * len(prompts), [(row, pair.reply[0], pair.index) for row, pair in pairs]
    )
    for (_, pair), value in zip(pairs, firsts, strict=True):
        scores[pair.index].append(value)

    longer = sorted(((row, pair) for row, pair in pairs if len(pair.reply) > 1), key=lambda item: -len(item[1].reply))
    for start in range(0, len(longer), batch_size):
        chunk = longer[start : start + batch_size]
        for (_, pair), values in zip(chunk, _score_rests(target, prompts, mask, cache, chunk), strict=True):
            scores[pair.index].extend(values)
    return scores


def _score_rests(
    target: Target,
    prompts: Sequence[list[int]],
    mask: Tensor | None,
    cache: DynamicCache,
    chunk: Sequence[tuple[int, _Pair]],
) -> list[list[float]]:
    """Log-probabilities of every reply's second token onward, on copies of the prompts' cache."""
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
    logits = forward(target, ids, mask, _within(target, positions), selected(cache, rows), keep=width)

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
    values = iter(_log_probs_at(target, contexts, flat, steps, wanted))
    return [[next(values) for _ in tokens] for tokens in fed]


def _within(target: Target, positions: Tensor) -> Tensor:
    """Positions of right padding may lie past the model's last one, where nothing is looked up but the table ends."""
    limit = maximum_length(target.model)
    return positions if limit is None else positions.clamp(max=limit - 1)


def _log_probs_at(
    target: Target,
    contexts: Sequence[list[int]],
    logits: Tensor,
    steps: Sequence[int],
    wanted: Sequence[tuple[int, int, int]],
) -> list[float]:
    """log p of tokens under the edited distributions. wanted: (row of logits, token, request index), rows ascending."""
    values: list[Tensor] = []
    at = 0
    for start in range(0, len(contexts), ROWS_AT_ONCE):
        stop = start + ROWS_AT_ONCE
        rows, tokens = [], []
        while at < len(wanted) and wanted[at][0] < stop:
            rows.append(wanted[at][0] - start)
            tokens.append(wanted[at][1])
            at += 1
        if rows:
            log_probs = edited_log_probs(target, contexts[start:stop], logits[start:stop], steps[start:stop])
            values.append(
                log_probs[torch.tensor(rows, device=logits.device), torch.tensor(tokens, device=logits.device)]
            )
    found: list[float] = torch.cat(values).clamp(min=FORBIDDEN).tolist() if values else []
    for value, (_, _, index) in zip(found, wanted, strict=True):
        if value != value:
            raise not_finite(target, index)
    return found

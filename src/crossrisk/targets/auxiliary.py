"""The model read a second time: log-probabilities of the next token in contexts that somebody else thought up.

Edits of the distribution that compare two readings (with and without an adapter, with and without words before the
prompt) get the first as their input and the second from here, beside the decode loop and beside scoring alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import torch
from torch import Tensor
from transformers import DynamicCache

from crossrisk.targets.activation import Activated, activated
from crossrisk.targets.batches import PADDING, forward, left_padded, positions_of, selected, within
from crossrisk.targets.target import Target

Row = tuple[tuple[int, ...], tuple[int, ...]]  # a prompt, and what the model has read of the reply to it


@dataclass(frozen=True)
class _Read:
    """Rows that the model has read, with the cache of what it read."""

    rows: tuple[Row, ...]
    cache: DynamicCache
    mask: Tensor | None
    inside: Activated

    @cached_property
    def _numbers(self) -> dict[Row, int]:
        return {row: number for number, row in enumerate(self.rows)}

    @cached_property
    def _lengths(self) -> list[int]:
        return sorted({len(reply) for _, reply in self.rows})

    def found(self, row: Row) -> int | None:
        """The number of the shortest row that this one goes on from, by at least one token."""
        prompt, reply = row
        for length in self._lengths:
            if length < len(reply) and (number := self._numbers.get((prompt, reply[:length]))) is not None:
                return number
        return None

    def on(
        self, numbers: list[int], device: torch.device, *, used_up: bool
    ) -> "tuple[DynamicCache, Tensor | None, Activated]":
        """Cache, mask and edits of these rows. used_up: nobody asks for this one again, so it need not be copied."""
        if used_up and numbers == list(range(len(self.rows))):
            return self.cache, self.mask, self.inside
        chosen = torch.tensor(numbers, device=device)
        mask = None if self.mask is None else self.mask[chosen]
        return selected(self.cache, chosen), mask, self.inside.of(chosen)


class NextToken:
    """log p(next token) of a target's model, its activation edits included, without its edits of the distribution.

    While a reply is generated each call goes on from the last one, a token a row, whichever rows have left; in scoring
    every prompt goes through the model once, and of each reply its longest part, read at all positions. What is kept
    between calls is of no effect on the results beyond rounding: a call with a reply not yet begun starts anew, so what
    was read before a change of the model never meets what is read after it. It takes as much memory as the pass beside
    which it runs.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self._read: _Read | None = None

    def forget(self) -> None:
        """Let go of the memory."""
        self._read = None

    @torch.no_grad()
    def log_probs(self, contexts: Sequence[Sequence[int]], steps: Sequence[int]) -> Tensor:
        """[rows, vocabulary] in nats, float32. contexts, steps: as a `DistributionEdit` is given them."""
        rows: list[Row] = [
            (tuple(context[: len(context) - step]), tuple(context[len(context) - step :]))
            for context, step in zip(contexts, steps, strict=True)
        ]
        found: dict[Row, Tensor] = {}
        kept = self._read
        if kept is None or not all(steps) or any(kept.found(row) is None for row in rows):
            kept, found = self._begin([prompt for prompt, _ in rows])
        longer = [row for row in rows if row not in found]
        if longer:
            found |= self._go_on(kept, longer)
        return torch.log_softmax(torch.stack([found[row] for row in rows]).float(), dim=-1)

    def _begin(self, prompts: Sequence[tuple[int, ...]]) -> tuple[_Read, dict[Row, Tensor]]:
        """Read the prompts alone; logits of the first token of each reply."""
        self._read = None
        rows: tuple[Row, ...] = tuple((prompt, ()) for prompt in dict.fromkeys(prompts))
        batch = [list(prompt) for prompt, _ in rows]
        ids, mask = left_padded(batch, self._target.device)
        cache = DynamicCache(config=self._target.model.config)
        inside = activated(self._target, batch)
        hooks = inside.hooks(prompt=True)
        logits = forward(self._target, ids, mask, positions_of(mask, ids), cache, keep=1, hooks=hooks)[:, -1]
        self._read = _Read(rows, cache, mask, inside)
        return self._read, dict(zip(rows, logits, strict=True))

    def _go_on(self, kept: _Read, rows: Sequence[Row]) -> dict[Row, Tensor]:
        """Read on where what is kept ends; logits after each of these rows."""
        device = self._target.device
        fed = _longest(rows)
        before = [number for row in fed if (number := kept.found(row)) is not None]
        starts = [len(kept.rows[number][1]) for number in before]
        rests = [reply[start:] for (_, reply), start in zip(fed, starts, strict=True)]
        width = max(map(len, rests))
        generating = width == 1
        if generating:
            self._read = None  # what is kept moves on with the replies
        cache, mask, inside = kept.on(before, device, used_up=generating)
        # Padded on the right: no token sees what stands after it.
        ids = torch.tensor([[*rest, *[PADDING] * (width - len(rest))] for rest in rests], device=device)
        lengths = [len(prompt) + start for (prompt, _), start in zip(fed, starts, strict=True)]
        positions = torch.tensor(lengths, device=device)[:, None] + torch.arange(width, device=device)
        if mask is not None:
            mask = torch.cat([mask, mask.new_ones(ids.shape)], dim=1)
        hooks = inside.hooks(prompt=False)
        logits = forward(self._target, ids, mask, within(self._target, positions), cache, keep=width, hooks=hooks)
        if generating:
            self._read = _Read(tuple(fed), cache, mask, inside)
        return {row: logits[number, len(row[1]) - starts[number] - 1] for row, number in _places(rows, fed).items()}


def _longest(rows: Sequence[Row]) -> list[Row]:
    """The rows that no other one goes on from, each once, in the order of the request."""
    ordered = sorted(set(rows))
    # What goes on from a row comes right after it.
    covered = {
        row for row, following in pairwise(ordered) if row[0] == following[0] and following[1][: len(row[1])] == row[1]
    }
    return [row for row in dict.fromkeys(rows) if row not in covered]


def _places(rows: Sequence[Row], fed: Sequence[Row]) -> dict[Row, int]:
    """For each row the number of one that was fed and begins with it."""
    begun: dict[Row, int] = {}
    wanted = set(rows)
    for number, (prompt, reply) in enumerate(fed):
        for length in range(len(reply) + 1):
            if (prompt, reply[:length]) in wanted:
                begun.setdefault((prompt, reply[:length]), number)
    return begun

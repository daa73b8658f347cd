"""Rows of different length as one batch: padded on the left, so that all of them end, and go on, at the same place."""

import copy
import inspect
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn
from transformers import DynamicCache

from crossrisk.errors import RequestError, SampleError
from crossrisk.targets.layers import ForwardHook, hooked
from crossrisk.targets.target import Target

# The mask hides padding, so any token will do that every model has; a tokenizer's padding token may lie beyond them.
PADDING = 0


def by_length(rows: Sequence[Sequence[int]], batch_size: int) -> list[list[int]]:
    """Indices of rows in batches of similar length, the longest first, so that memory runs out at once or never."""
    order = sorted(range(len(rows)), key=lambda i: (-len(rows[i]), i))
    return [order[i : i + batch_size] for i in range(0, len(order), batch_size)]


def left_padded(rows: Sequence[Sequence[int]], device: torch.device) -> tuple[Tensor, Tensor | None]:
    """Token ids and attention mask, both [rows, longest]; no mask where all rows are equally long."""
    longest = max(map(len, rows))
    ids = torch.tensor([[PADDING] * (longest - len(row)) + list(row) for row in rows], device=device)
    if min(map(len, rows)) == longest:
        return ids, None
    lengths = torch.tensor([len(row) for row in rows], device=device)
    return ids, (torch.arange(longest, device=device) >= (longest - lengths)[:, None]).long()


@lru_cache
def accepted_arguments(function: Callable[..., Any]) -> frozenset[str]:
    """Names of a function's arguments."""
    return frozenset(inspect.signature(function).parameters)


def forward(
    target: Target,
    ids: Tensor,
    mask: Tensor | None,
    positions: Tensor,
    cache: DynamicCache,
    keep: int,
    hooks: Iterable[tuple[nn.Module, ForwardHook]] = (),
) -> Tensor:
    """Logits [rows, keep, vocabulary] of the last `keep` tokens; the cache grows by all of `ids`.

    mask: [rows, cached + new]. positions: [rows, new], left out for models that take their positions from the mask.
    hooks: forward hooks that stand on the model for this pass.
    """
    # A `PeftModel` passes everything on and says nothing of what is taken.
    model = target.model.get_base_model() if hasattr(target.model, "get_base_model") else target.model
    accepted = accepted_arguments(type(model).forward)
    arguments: dict[str, Any] = {"input_ids": ids, "past_key_values": cache, "use_cache": True}
    if mask is not None:
        arguments["attention_mask"] = mask
    if "position_ids" in accepted:
        arguments["position_ids"] = positions
    if "logits_to_keep" in accepted:
        arguments["logits_to_keep"] = keep
    try:
        with hooked(hooks):
            logits: Tensor = target.model(**arguments).logits
    except torch.OutOfMemoryError as error:
        raise RequestError(
            f"'{target.name}' ran out of memory on {ids.shape[0]} rows of {ids.shape[1]} tokens: lower the batch size"
        ) from error
    return logits[:, -keep:]


def positions_of(mask: Tensor | None, ids: Tensor) -> Tensor:
    """Position of each token in its own row, counted from its first real token; padding has position 0."""
    if mask is None:
        return torch.arange(ids.shape[1], device=ids.device).expand(ids.shape)
    return (mask.cumsum(-1) - 1).clamp(min=0)


def selected(cache: DynamicCache, rows: Tensor) -> DynamicCache:
    """A cache of these rows of another, in this order and as often as named; the other stays as it is."""
    chosen = copy.copy(cache)
    chosen.layers = [copy.copy(layer) for layer in cache.layers]
    chosen.batch_select_indices(rows)
    return chosen


def maximum_length(model: Any) -> int | None:
    """Positions that the model has, None where it names no limit."""
    limit = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    return int(limit) if limit else None


def within(target: Target, positions: Tensor) -> Tensor:
    """Positions of right padding may lie past the model's last one, where nothing is looked up but the table ends."""
    limit = maximum_length(target.model)
    return positions if limit is None else positions.clamp(max=limit - 1)


def check_fits(target: Target, index: int, prompt: Sequence[int], reply: Sequence[int] = (), new: int = 0) -> None:
    """Raises SampleError where a row is longer than the model's context, or holds a token that the model lacks.

    reply: tokens that are fed after the prompt. new: tokens that may still be generated.
    """
    limit = maximum_length(target.model)
    after = len(reply) + new
    if limit is not None and len(prompt) + after > limit:
        raise SampleError(
            index,
            f"a prompt of {len(prompt)} tokens and a reply of {after} exceed the {limit} positions of "
            f"'{target.name}': shorten the prompt, ask for fewer tokens, or take a model with a longer context",
        )
    highest = max([*prompt, *reply])
    known = target.model.get_input_embeddings().weight.shape[0]
    if highest >= known:
        raise SampleError(
            index,
            f"the tokenizer of '{target.name}' gives token {highest} and the model knows {known}: "
            "they belong to different models",
        )


def not_finite(target: Target, index: int) -> SampleError:
    """The error for a model whose arithmetic broke: no number may be made of it."""
    return SampleError(
        index,
        f"'{target.name}' gives logits that are not numbers: its weights are damaged, or overflow in "
        f"{str(target.dtype).removeprefix('torch.')} (try float32)",
    )

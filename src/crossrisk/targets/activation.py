"""Hidden states: edited by row while a target speaks or is scored, and read for those who fit such edits.

What a prompt decides (its gates) is computed once, on the target as it stands without the edit; afterwards the gates go
with the rows of the batch wherever these go: out of the batch when a reply has ended, to all replies of one prompt when
they are scored. Edited are the last token of the prompt, which writes the first of the reply, and all tokens of the
reply; so it does not matter where a prompt is cut from its reply, and its cache is that of the model without the edit.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from torch import Tensor, nn
from transformers import DynamicCache

from crossrisk.errors import SampleError
from crossrisk.targets.batches import PADDING, by_length, check_fits, forward, left_padded, positions_of, within
from crossrisk.targets.layers import ForwardHook, decoder_layers, layer_output, with_layer_output
from crossrisk.targets.target import ActivationEdit, Change, Target

# Of the prompt the last token, of the reply the mean over its tokens, or its last.
Place = Literal["prompt", "reply", "end"]


@dataclass(frozen=True)
class Activated:
    """The activation edits of a target on the rows of one batch, each with the gates of these rows."""

    model: Any
    gated: tuple[tuple[ActivationEdit, Tensor], ...]

    def of(self, rows: Tensor) -> "Activated":
        """The same edits on these rows of the batch, in this order and as often as named."""
        return replace(self, gated=tuple((edit, gates[rows.to(gates.device)]) for edit, gates in self.gated))

    def hooks(self, *, prompt: bool) -> list[tuple[nn.Module, ForwardHook]]:
        """Forward hooks for the next pass of these rows. prompt: it is their prompts that go in, padded on the left."""
        return [
            (module, _hook(change, prompt=prompt))
            for edit, gates in self.gated
            for module, change in edit.changes(self.model, gates)
        ]


def activated(target: Target, prompts: Sequence[list[int]], names: Sequence[int] | None = None) -> Activated:
    """The activation edits of a target, with what each of these prompts decides; costs nothing where there are none.

    names: what the prompts are called in errors, by default their places. Raises SampleError for one that leaves no
    room for what an edit looks at beyond it.
    """
    edits = target.activation_edits
    below = [replace(target, activation_edits=edits[:i]) for i in range(len(edits))]
    try:
        gated = tuple((edit, edit.gates(inner, prompts)) for edit, inner in zip(edits, below, strict=True))
    except SampleError as error:
        raise SampleError(error.index if names is None else names[error.index], error.problem) from error
    return Activated(target.model, gated)


def _hook(change: Change, *, prompt: bool) -> ForwardHook:
    def hook(module: nn.Module, args: tuple[Any, ...], output: Any) -> Any:
        given, hidden = args[0], layer_output(output)
        if not prompt:
            return with_layer_output(output, change(given, hidden))
        changed = change(given[:, -1:], hidden[:, -1:])
        return with_layer_output(output, torch.cat([hidden[:, :-1], changed], dim=1))

    return hook


@torch.no_grad()
def hidden_states(
    target: Target,
    prompts: Sequence[list[int]],
    replies: Sequence[Sequence[int]] = (),
    *,
    at: Place = "prompt",
    batch_size: int = 32,
) -> Tensor:
    """What every decoder layer gives back at one place of each row, [rows, layers, width], float32 on the CPU.

    replies: fed after the prompts, none of them empty; needed for places in the reply. The edits of the target act.
    Raises SampleError for a row that is longer than the model's context.
    """
    said = [list(reply) for reply in replies] if at != "prompt" else [[] for _ in prompts]
    for i, (prompt, reply) in enumerate(zip(prompts, said, strict=True)):
        check_fits(target, i, prompt, reply)
    found: dict[int, Tensor] = {}
    for rows in by_length([[*prompt, *reply] for prompt, reply in zip(prompts, said, strict=True)], batch_size):
        batch = _read(target, rows, [prompts[i] for i in rows], [said[i] for i in rows], at)
        found |= dict(zip(rows, batch, strict=True))
    return torch.stack([found[i] for i in range(len(prompts))])


def _read(
    target: Target, names: Sequence[int], prompts: Sequence[list[int]], replies: Sequence[list[int]], at: Place
) -> Tensor:
    seen: list[Tensor] = []

    def read(module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        hidden = layer_output(output)
        seen.append((hidden[:, -1:] if at == "prompt" else hidden).float().cpu())

    layers = decoder_layers(target.model)
    fed(target, names, prompts, replies if at != "prompt" else (), [(layer, read) for layer in layers])
    last = torch.stack(seen[-len(layers) :], dim=1)
    lengths = torch.tensor([len(reply) or 1 for reply in replies])[:, None]
    place = torch.arange(last.shape[2])
    weights = (place < lengths) / lengths if at == "reply" else (place == lengths - 1).float()
    return torch.einsum("rltd,rt->rld", last, weights)


def fed(
    target: Target,
    names: Sequence[int],
    prompts: Sequence[list[int]],
    replies: Sequence[list[int]],
    hooks: Sequence[tuple[nn.Module, ForwardHook]],
    *,
    keep_all: bool = False,
) -> None:
    """One pass of prompts, padded on the left, and one of their replies, padded on the right, where there are any.

    names: what the rows are called in errors. hooks: they see each pass after the edits of the target. keep_all: the
    head is given every token of a reply.
    """
    ids, mask = left_padded(prompts, target.device)
    positions = positions_of(mask, ids)
    cache = DynamicCache(config=target.model.config)
    inside = activated(target, prompts, names)
    forward(target, ids, mask, positions, cache, keep=1, hooks=[*inside.hooks(prompt=True), *hooks])
    if replies:
        width = max(map(len, replies))
        ids = torch.tensor([[*reply, *[PADDING] * (width - len(reply))] for reply in replies], device=target.device)
        if mask is not None:
            mask = torch.cat([mask, mask.new_ones(ids.shape)], dim=1)
        positions = within(target, positions[:, -1:] + 1 + torch.arange(width, device=target.device))
        keep = width if keep_all else 1
        forward(target, ids, mask, positions, cache, keep=keep, hooks=[*inside.hooks(prompt=False), *hooks])

"""Teacher-forced passes in which the neurons of the MLPs are read, differentiated, or changed.

A neuron is an input of its layer's down projection. Rows are padded on the left, so that those of two arms that end
with the same tokens stand under each other, whatever a defense put before them. Gradients are taken at what the down
projection gives back, which holds for adapters and any other form of it, and are pulled back through it to its neurons.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from crossrisk.errors import NotScorable, RequestError, SampleError
from crossrisk.risks import Chat
from crossrisk.targets.activation import activated
from crossrisk.targets.batches import accepted_arguments, by_length, check_fits, left_padded, not_finite, positions_of
from crossrisk.targets.chat import tokenise_replies
from crossrisk.targets.layers import (
    ForwardHook,
    decoder_layers,
    down_projection,
    hooked,
    layer_output,
    with_layer_output,
)
from crossrisk.targets.sparing_memory import frozen, recomputing, telling_of_memory
from crossrisk.targets.target import Change, Target

# (neurons of a layer, what its down projection gives back) -> what it gives back instead; both [rows, tokens, ...].
Rewrite = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Row:
    """One reply to one prompt, as token ids; neither is empty.

    given: how many tokens at the beginning of the reply are not scored, fewer than it has.
    """

    prompt: tuple[int, ...]
    reply: tuple[int, ...]
    given: int = 0

    @property
    def tokens(self) -> tuple[int, ...]:
        """Both, as the model reads them."""
        return self.prompt + self.reply


@dataclass(frozen=True)
class Pass:
    """What one pass of a batch showed. Tensors lie where the model computes, in its type.

    mask: [rows, tokens], True where a row has a token. predicting: where its next token is one that is scored.
    neurons: of each layer, [rows, tokens, neurons]. gradients: of each layer, of `scores` with respect to what the down
    projection gives back, [rows, tokens, width]; none where they were not asked for. scores: log p(reply | prompt) of
    each row in nats, float32, summed over its scored tokens, or their mean.
    """

    mask: Tensor
    predicting: Tensor
    neurons: list[Tensor]
    gradients: list[Tensor]
    scores: Tensor


def rows_of(target: Target, chats: Sequence[Chat], replies: Sequence[str], *, at_most: int | None = None) -> list[Row]:
    """Chats with the beginning of their replies as the target is given them, its chat edits included.

    at_most: tokens of a reply. Raises SampleError for an empty reply and for a row that is longer than the context.
    """
    rows = []
    tokens = tokenise_replies(target.tokenizer, replies)
    for i, (prompt, reply) in enumerate(zip(target.encode_all(chats), tokens, strict=True)):
        if not reply:
            raise SampleError(i, "one of its continuations is empty: give a text that the model can say")
        row = Row(tuple(prompt), tuple(reply[:at_most]))
        check_fits(target, i, row.prompt, row.reply)
        rows.append(row)
    return rows


def down_projections(model: Any) -> list[nn.Module]:
    """Of every layer, first to last. Raises RequestError for a model whose neurons are not known."""
    return [down_projection(layer) for layer in decoder_layers(model)]


def neurons_of(model: Any) -> list[int]:
    """How many neurons each layer's MLP has."""
    return [_width(down) for down in down_projections(model)]


def _width(down: Any) -> int:
    inner = down.get_base_layer() if hasattr(down, "get_base_layer") else down
    return int(inner.in_features if hasattr(inner, "in_features") else inner.weight.shape[0])


def check_neurons(target: Target) -> None:
    """Raises RequestError for a target without neurons that can be differentiated: an API, quantised weights, an
    architecture whose MLPs are not known; NotScorable where what defends it acts behind the neurons."""
    if not isinstance(target.model, nn.Module):
        raise RequestError(
            f"'{target.name}' gives no gradients: an API, or another engine than transformers, shows no neurons; load "
            "its weights with transformers (a Hub id or a local folder)"
        )
    if target.output_filters:
        raise NotScorable(f"'{target.name}' stands behind an output filter, so its replies have no likelihood")
    if target.distribution_edits:
        raise NotScorable(f"what defends '{target.name}' acts on the distribution of tokens, behind all neurons")
    if any(parameter.is_meta for parameter in target.model.parameters()):
        raise RequestError(
            f"not all weights of '{target.name}' fit on its devices, some lie elsewhere and cannot be read in place: "
            "take a device with more memory, or more of them"
        )
    if getattr(target.model, "is_quantized", False) or getattr(target.model, "quantization_method", None):
        raise RequestError(
            f"the weights of '{target.name}' are quantised, and gradients through them are not those of the model: "
            "load it in bfloat16 or float32"
        )
    down_projections(target.model)


def check_same_neurons(base: Target, defended: Target) -> None:
    """Raise RequestError where two models cannot be compared neuron by neuron: of another architecture (also where both
    have as many neurons), width or number of neurons. Wrappers, as of adapters and images, are no other architecture.
    """
    shapes = [_shape(one.model) for one in (base, defended)]
    if shapes[0] != shapes[1]:
        raise RequestError(
            f"'{defended.name}' has other neurons than its base '{base.name}' ({_told(*shapes[1])} against "
            f"{_told(*shapes[0])}), so none of them correspond: compare models of one architecture and size"
        )


def _shape(model: Any) -> tuple[str, int, tuple[int, ...]]:
    """Architecture, width, and neurons of each layer."""
    config = model.config.get_text_config()
    return str(config.model_type), int(config.hidden_size), tuple(neurons_of(model))


def _told(kind: str, width: int, layers: tuple[int, ...]) -> str:
    return f"{kind} of width {width} with {len(layers)} layers of {layers[0]} neurons"


def batches_of(rows: Sequence[Row], tokens: int) -> list[list[int]]:
    """Indices of rows in batches of similar length that hold at most so many tokens, padding included; one row fits."""
    batches: list[list[int]] = []
    for (i,) in by_length([row.tokens for row in rows], 1):
        longest = len(rows[batches[-1][0]].tokens) if batches else 0
        if batches and (len(batches[-1]) + 1) * longest <= tokens:
            batches[-1].append(i)
        else:
            batches.append([i])
    return batches


def shared_end(one: Sequence[int], other: Sequence[int]) -> int:
    """How many tokens two rows end with in common."""
    shortest = min(len(one), len(other))
    return next((i for i in range(shortest) if one[-1 - i] != other[-1 - i]), shortest)


def run(
    target: Target,
    rows: Sequence[Row],
    *,
    names: Sequence[int] | None = None,
    gradients: bool = False,
    mean: Sequence[bool] | None = None,
    held: bool = False,
    recompute: bool = False,
    rewrites: Mapping[int, Rewrite] | None = None,
) -> Pass:
    """One pass of one batch; the target's chat edits are in the rows, its activation edits act.

    names: what rows are called in errors, by default their places. gradients: go back as well. mean: which rows' scores
    are means over tokens. held: gradients with all other neurons held at their values, so that those of different
    layers add up; else what a neuron does through later ones is its own. recompute: keep what enters each layer only,
    and compute its inside again on the way back: less memory for one more pass. rewrites: by layer, what its down
    projection gives back instead. Raises SampleError where scores or gradients are no numbers.
    """
    names = range(len(rows)) if names is None else names
    ids, padded = left_padded([row.tokens for row in rows], target.device)
    mask = torch.ones_like(ids, dtype=torch.bool) if padded is None else padded.bool()
    place = torch.arange(ids.shape[1], device=ids.device)
    replies, scored = (
        torch.tensor(lengths, device=ids.device)[:, None]
        for lengths in ([len(row.reply) for row in rows], [len(row.reply) - row.given for row in rows])
    )
    end = ids.shape[1] - 1
    predicting = (place >= end - scored) & (place < end)
    downs = down_projections(target.model)
    neurons: dict[int, Tensor] = {}
    outputs: dict[int, Tensor] = {}

    def at_down(layer: int, module: nn.Module, args: tuple[Any, ...], output: Tensor) -> Tensor | None:
        shape = (*ids.shape, -1)  # OPT gives rows and tokens as one axis
        given = args[0].reshape(shape)
        neurons.setdefault(layer, given.detach())
        changed = output
        if rewrites is not None and layer in rewrites:
            changed = rewrites[layer](given, output.reshape(shape)).to(output.dtype).reshape(output.shape)
        if gradients:
            if layer not in outputs:
                outputs[layer] = torch.zeros_like(changed, requires_grad=True)
            # What is added, and is 0, has the gradient of what it is added to.
            changed = (changed.detach() if held else changed) + outputs[layer]
        return None if changed is output else changed

    hooks: list[tuple[nn.Module, ForwardHook]] = [
        (module, partial(_where_edits_act, change, (place >= end - replies) & mask))
        for edit, gates in activated(target, [list(row.prompt) for row in rows], names).gated
        for module, change in edit.changes(target.model, gates)
    ]
    found: tuple[Tensor, ...] = ()
    with (
        torch.set_grad_enabled(gradients),
        hooked([(down, partial(at_down, layer)) for layer, down in enumerate(downs)] + hooks),
        frozen(target.model),
        recomputing(target.model) if gradients and recompute else ExitStack(),
        telling_of_memory(target, ids),
    ):
        logits = _logits(target, ids, padded, rows)
        scores, slopes = _scores(logits, rows, mean, slopes=gradients)
        if gradients:
            found = torch.autograd.grad(logits, [outputs[layer] for layer in range(len(downs))], slopes)
    found = tuple(gradient.reshape(*ids.shape, -1) for gradient in found)
    finite = scores.isfinite().cpu()
    for gradient in found:  # of padding nobody asks
        finite &= (gradient.isfinite().all(dim=-1).cpu() | ~mask.cpu()).all(dim=1)
    if not finite.all():
        raise not_finite(target, names[int((~finite).nonzero()[0])])
    return Pass(
        mask,
        predicting,
        [neurons[layer] for layer in range(len(downs))],
        list(found),
        scores,
    )


def pulled_back(down: nn.Module, neurons: Tensor, gradient: Tensor) -> Tensor:
    """The gradient with respect to the neurons, [rows, tokens, neurons], of one with respect to what they write.

    A down projection is linear, so it does not hang on the neurons but for their shape.
    """
    if type(down) is nn.Linear and not hasattr(down, "_hf_hook"):  # accelerate's, where weights lie elsewhere
        return gradient @ down.weight.detach()
    with torch.enable_grad():
        point = neurons.detach().requires_grad_()
        (found,) = torch.autograd.grad(down(point), point, gradient)
    return found


def _logits(target: Target, ids: Tensor, mask: Tensor | None, rows: Sequence[Row]) -> Tensor:
    """Of the last tokens of each row, [rows, tokens, vocabulary]: at least those of the longest scored reply, and the
    one before it. Not cut further, since on the way back a slice would be laid into a copy of the whole."""
    model = target.model.get_base_model() if hasattr(target.model, "get_base_model") else target.model
    accepted = accepted_arguments(type(model).forward)
    keep = max(len(row.reply) - row.given for row in rows) + 1
    arguments: dict[str, Any] = {"input_ids": ids, "use_cache": False}
    if mask is not None:
        arguments["attention_mask"] = mask
    if "position_ids" in accepted:
        arguments["position_ids"] = positions_of(mask, ids)
    if "logits_to_keep" in accepted:
        arguments["logits_to_keep"] = keep
    logits: Tensor = target.model(**arguments).logits
    return logits


@torch.no_grad()
def _scores(
    logits: Tensor, rows: Sequence[Row], mean: Sequence[bool] | None, *, slopes: bool
) -> tuple[Tensor, Tensor | None]:
    """Scores of rows, [rows] in float32, and with `slopes` their gradients with respect to the logits.

    By the formula, row by row, as the float32 copies that a backward pass keeps would be the most of its memory:
    d log p(token) / d logits = 1 at the token, less the probabilities.
    """
    found = []
    gradient = torch.zeros_like(logits) if slopes else None
    for i, row in enumerate(rows):
        reply = torch.tensor(row.reply[row.given :], device=logits.device)[:, None]
        said = slice(-len(reply) - 1, -1)
        log_probs = torch.log_softmax(logits[i, said].float(), dim=-1)
        weight = 1.0 / len(reply) if mean is not None and mean[i] else 1.0
        found.append(weight * log_probs.gather(-1, reply).sum())
        if gradient is not None:
            slope = log_probs.exp_().neg_()
            slope.scatter_add_(-1, reply, torch.ones_like(reply, dtype=slope.dtype))
            gradient[i, said] = slope.mul_(weight)
    return torch.stack(found), gradient


def _where_edits_act(change: Change, acts: Tensor, module: nn.Module, args: tuple[Any, ...], output: Any) -> Any:
    hidden = layer_output(output)
    there = acts[:, -hidden.shape[1] :, None].to(hidden.device)  # the head is given the last tokens alone
    return with_layer_output(output, torch.where(there, change(args[0], hidden), hidden))

"""How much each neuron of the MLPs raises (+) or lowers (-) the log-probability of a reply, to first order or exactly.

A neuron is an input of its layer's down projection. Its values count where a token of the reply is predicted, from the
last token of the prompt to the last but one of the reply; elsewhere they stay what they are, and so do all other
layers' inputs. A contrast (risky reply minus safe reply) is the difference of two attributions, since each is linear in
what is attributed.

Integrated gradients (Sundararajan et al. 2017, arXiv 1703.01365) of knowledge neurons (Dai et al. 2022, arXiv
2104.08696), for all neurons of a layer at once:

    attribution(k) = w_k * integral over a from 0 to 1 of  d f(a w) / d w_k   by the midpoint rule with `steps` points
    sum over k = f(w) - f(0)     where f is the reply's log-likelihood in nats, w the layer's neurons

The papers attribute the probability and take the left ends of the steps; both can be asked for. Gradient times
activation is the first order of it: one backward pass for the neurons of all layers.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from crossrisk.targets.batches import PADDING, by_length
from crossrisk.targets.layers import decoder_layers, down_projection, hooked


def integrated_gradients(
    model: Any,
    prompts: Sequence[Sequence[int]],
    replies: Sequence[Sequence[int]],
    *,
    steps: int,
    batch_size: int = 32,
    probability: bool = False,
    left: bool = False,
) -> Tensor:
    """Attributions of log p(reply | prompt) to every neuron, [rows, layers, neurons], float32 on the CPU.

    prompts, replies: token ids, none of them empty. probability: of the sum of the probabilities of the reply's tokens
    instead. left: the left end of each step instead of its middle. For a batch it takes `steps` passes forward and
    backward per layer.
    """
    shift = 0.0 if left else 0.5
    downs = _down_projections(model)
    found: list[Tensor] = [torch.empty(0)] * len(prompts)
    for batch in _batches(model, prompts, replies, batch_size):
        layers = []
        for down, values in zip(downs, _neurons(model, downs, batch), strict=True):
            gradients = torch.zeros_like(values, dtype=torch.float32)
            for step in range(steps):
                point = (values * ((step + shift) / steps)).requires_grad_()
                log_probs = _log_probs(model, batch, [(down, point)])
                attributed = (log_probs.exp() if probability else log_probs).sum()
                (gradient,) = torch.autograd.grad(attributed, point)
                gradients += gradient.float()
            layers.append(_over_tokens(values.float() * gradients / steps, batch))
        for place, row in zip(batch.places, torch.stack(layers, dim=1), strict=True):
            found[place] = row
    return torch.stack(found)


def gradient_times_activation(
    model: Any, prompts: Sequence[Sequence[int]], replies: Sequence[Sequence[int]], *, batch_size: int = 32
) -> Tensor:
    """First-order attributions of log p(reply | prompt), [rows, layers, neurons], float32 on the CPU.

    prompts, replies: token ids, none of them empty. For a batch it takes two passes forward and one backward.
    """
    downs = _down_projections(model)
    found: list[Tensor] = [torch.empty(0)] * len(prompts)
    for batch in _batches(model, prompts, replies, batch_size):
        values = _neurons(model, downs, batch)
        # What is added to the neurons, and is 0, has their gradients; neurons themselves would hide those before them.
        added = [torch.zeros_like(value).requires_grad_() for value in values]
        gradients = torch.autograd.grad(
            _log_probs(model, batch, list(zip(downs, added, strict=True)), add=True).sum(), added
        )
        layers = [
            _over_tokens(value.float() * gradient.float(), batch)
            for value, gradient in zip(values, gradients, strict=True)
        ]
        for place, row in zip(batch.places, torch.stack(layers, dim=1), strict=True):
            found[place] = row
    return torch.stack(found)


@dataclass(frozen=True)
class _Batch:
    """Rows padded on the right. ids, mask: [rows, length]. predicting: [rows, length], True where the next token is one
    of the reply's. places: the number of each row in the request."""

    ids: Tensor
    mask: Tensor
    predicting: Tensor
    places: Sequence[int]


def _batches(
    model: Any, prompts: Sequence[Sequence[int]], replies: Sequence[Sequence[int]], size: int
) -> Iterator[_Batch]:
    device = model.get_input_embeddings().weight.device
    rows = [[*prompt, *reply] for prompt, reply in zip(prompts, replies, strict=True)]
    for places in by_length(rows, size):
        length = len(rows[places[0]])
        ids = torch.tensor([rows[i] + [PADDING] * (length - len(rows[i])) for i in places], device=device)
        positions = torch.arange(length, device=device)
        ends = torch.tensor([[len(rows[i])] for i in places], device=device)
        begins = torch.tensor([[len(prompts[i])] for i in places], device=device)
        yield _Batch(
            ids,
            (positions < ends).long(),
            (positions >= begins - 1) & (positions < ends - 1),
            places,
        )


def _down_projections(model: Any) -> list[nn.Module]:
    return [down_projection(layer) for layer in decoder_layers(model)]


def _neurons(model: Any, downs: Sequence[nn.Module], batch: _Batch) -> list[Tensor]:
    """The values of each layer's neurons, [rows, length, neurons]."""
    values: list[Tensor] = []

    def keep(module: nn.Module, args: tuple[Any, ...]) -> None:
        values.append(args[0].detach().reshape(*batch.ids.shape, -1))

    with torch.no_grad(), hooked(before=[(down, keep) for down in downs]):
        model(input_ids=batch.ids, attention_mask=batch.mask, use_cache=False)
    return values


def _log_probs(model: Any, batch: _Batch, points: Sequence[tuple[nn.Module, Tensor]], *, add: bool = False) -> Tensor:
    """log p of every token of all replies with neurons of some layers set to, or (`add`) moved by, given values."""

    def put(point: Tensor) -> Any:
        def hook(module: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...]:
            given = args[0]  # OPT gives rows and tokens as one axis
            where = batch.predicting.to(given.device).reshape(*given.shape[:-1], 1)
            instead = point.reshape(given.shape)
            return (torch.where(where, given + instead if add else instead, given), *args[1:])

        return hook

    with torch.enable_grad(), hooked(before=[(down, put(point)) for down, point in points]):
        logits = model(input_ids=batch.ids, attention_mask=batch.mask, use_cache=False).logits
        ours = batch.predicting[:, :-1]
        following = batch.ids[:, 1:][ours].to(logits.device)
        log_probs = torch.log_softmax(logits[:, :-1][ours.to(logits.device)].float(), dim=-1)
        found: Tensor = log_probs.gather(-1, following.unsqueeze(-1))
        return found


def _over_tokens(values: Tensor, batch: _Batch) -> Tensor:
    """Sums over the tokens that predict the reply, [rows, neurons]."""
    return (values * batch.predicting.to(values.device).unsqueeze(-1)).sum(dim=1).cpu()

"""How much each neuron raises (+) or lowers (-) a risk's scalar F (`contrasts`), to first order, prompt by prompt.

    gradient x activation          sum over tokens of  a dF/da                                    of one arm
    base against defended          sum over tokens of  a' dF/da' - a dF/da                        of two, the gradient
                                   taken at the base, at the defended model, or the mean of both

a: a neuron's value, the input of its layer's down projection W; dF/da is the gradient of F at what W writes, pulled
back through W. So where a defense changes W, what a neuron writes after it counts and not its value alone; where W is
the same, base against defended is (a' - a) dF/da. One pass forward and one back give all neurons of all layers. Arms
are compared at the tokens that their rows end with in common: all of them, unless a defense puts words before them.

Where the gradient is taken decides what is predicted. At the base: by how much F rises in the base when this neuron
alone writes what it writes in the defended model. At the defended model: by how much F falls there when it alone is set
back. At both: the mean of these two effects, which for one neuron can differ much, since a defense also changes what
later layers make of it (benchmarks/neurons/TRUTH.md).

What a neuron does through later neurons is its own, as if it alone were changed; so attributions of different layers do
not add up to the change of F. With `held` gradients (other neurons fixed at their values) they do, but for what is not
linear and what attention, embedding and head do by themselves.
Attribution patching: Nanda (2023); Kramar et al. (2024), AtP*, arXiv 2403.00745.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from crossrisk.errors import SampleError
from crossrisk.neurons.attribution.contrasts import TOKENS, Contrast
from crossrisk.targets.layers import decoder_layers
from crossrisk.targets.neuron_passes import (
    Pass,
    Row,
    batches_of,
    check_neurons,
    check_same_neurons,
    down_projections,
    neurons_of,
    pulled_back,
    run,
    shared_end,
)
from crossrisk.targets.target import Target

Point = Literal["base", "defended", "mean"]
MEMORY = 0.08  # of the model's own, that a batch may take; with what BLAS takes for itself a tenth
LEAST_MEMORY = 2**28  # bytes; a tenth of a small model would be a token
ENOUGH_TOKENS = 1024  # in a batch of fewer, a pass spends its time on reading the weights
PRODUCTS_AT_ONCE = 2**21  # values whose float32 copies are there at a time


@dataclass(frozen=True)
class Piece:
    """What one batch says. A prompt's attribution is the sum of the rows that name it: its two continuations.

    contrasts: the number of each row's prompt. attributions: [rows, neurons of all layers], float32 on the CPU, the
    safe continuation's with its sign turned. scores: each row's part of F, of the base and, where there are two arms,
    of the defended model.
    """

    contrasts: list[int]
    attributions: Tensor
    scores: Tensor
    defended_scores: Tensor | None = None


@dataclass(frozen=True)
class Batching:
    """How many tokens run together, and whether layers are computed twice to save memory."""

    tokens: int
    recompute: bool


def batching(model: Any, memory: float = MEMORY, least: int = LEAST_MEMORY, arms: int = 1) -> Batching:
    """Batches that take `memory` of what the model itself takes, but at least `least` bytes may be taken.

    A pass leaves a token's neurons and gradients of all layers behind, of each arm. While it runs it holds what each
    layer is given, logits and their gradients (of every second token: prompts are at least as long as what is scored),
    and what layers keep for the way back, some ten times the width and three times the neurons: of every layer, or of
    one where layers are computed again. The distributions of one row are there in float32 besides. A row that is longer
    than all this allows runs all the same, alone. Measured in benchmarks/neurons/COST.md.
    """
    config = model.config.get_text_config()
    size = sum(parameter.numel() * parameter.element_size() for parameter in model.parameters())
    each = next(model.parameters()).element_size()
    layers, width, neurons = len(decoder_layers(model)), config.hidden_size, max(neurons_of(model))
    left = arms * layers * (width + neurons) * each
    # A cap on logits keeps them once more, and goes back through a copy of their gradient.
    capped = 2 if getattr(config, "final_logit_softcapping", None) else 1
    running = (2 * layers * width + capped * config.vocab_size) * each
    inside = (10 * width + 3 * neurons) * each
    one_row = 8 * TOKENS * config.vocab_size
    budget = max(memory * size, least) - one_row
    whole = int(budget / (left + running + layers * inside))
    if whole >= ENOUGH_TOKENS:
        return Batching(whole, recompute=False)
    return Batching(max(1, int(budget / (left + running + inside))), recompute=True)


def gradient_times_activation(
    target: Target, contrasts: Sequence[Contrast], *, held: bool = False, how: Batching | None = None
) -> Iterator[Piece]:
    """First-order attributions of every neuron of one arm: by how much F would fall if it alone wrote nothing.

    Raises RequestError that names a sample that cannot be read, NotScorable for a target whose defense acts behind the
    neurons.
    """
    check_neurons(target)
    how = how or batching(target.model)
    downs = down_projections(target.model)
    rows, signs = _rows(contrasts)
    for places in batches_of(rows, how.tokens):
        one = _run(target, contrasts, rows, places, how, held=held)
        sign = torch.tensor([signs[i] for i in places])
        layers = [_over_tokens(one, layer, down, one.gradients[layer], one.mask) for layer, down in enumerate(downs)]
        yield Piece([i // 2 for i in places], torch.cat(layers, dim=1) * sign[:, None], _signed(one, sign))


def base_against_defended(
    base: Target,
    defended: Target,
    contrasts: tuple[Sequence[Contrast], Sequence[Contrast]],
    *,
    point: Point = "mean",
    held: bool = False,
    how: Batching | None = None,
) -> Iterator[Piece]:
    """How much of the change of F each neuron carries, to first order: positive where it raises the risk.

    base, defended: two models that are there at once, so not one that a defense has changed in place. contrasts: of
    the same samples, as each arm is given them. point: where the gradient is taken. Raises RequestError for arms of
    different architecture.
    """
    for target in (base, defended):
        check_neurons(target)
    check_same_neurons(base, defended)
    how = how or batching(base.model, arms=2)
    arms = [
        (target, _rows(each)[0], down_projections(target.model))
        for target, each in zip((base, defended), contrasts, strict=True)
    ]
    signs = _rows(contrasts[0])[1]
    longest = [max(pair, key=lambda row: len(row.tokens)) for pair in zip(arms[0][1], arms[1][1], strict=True)]
    for places in batches_of(longest, how.tokens):
        before, after = (
            _run(target, each, rows, places, how, held=held, gradients=point != skipped)
            for (target, rows, _), each, skipped in zip(arms, contrasts, ("defended", "base"), strict=True)
        )
        points = [one for one in (before, after) if one.gradients]
        shared = [shared_end(arms[0][1][i].tokens, arms[1][1][i].tokens) for i in places]
        layers = []
        for layer in range(len(arms[0][2])):
            less, more = (
                _over_tokens(one, layer, downs[layer], *_mean_gradient(one, points, layer, shared))
                for one, (_, _, downs) in zip((before, after), arms, strict=True)
            )
            layers.append(more - less)
        sign = torch.tensor([signs[i] for i in places])
        yield Piece(
            [i // 2 for i in places],
            torch.cat(layers, dim=1) * sign[:, None],
            _signed(before, sign),
            _signed(after, sign),
        )


def ends(one: Pass, gradient: Tensor, shared: Sequence[int]) -> tuple[Tensor, Tensor]:
    """A gradient of the other arm's pass laid over this one's tokens, which both end together; and where they are the
    same tokens. gradient: [rows, its tokens, width]."""
    tokens = one.mask.shape[1]
    laid = gradient.new_zeros(gradient.shape[0], tokens, gradient.shape[2])
    both = min(tokens, gradient.shape[1])
    laid[:, tokens - both :] = gradient[:, gradient.shape[1] - both :]
    place = torch.arange(tokens, device=one.mask.device)
    return laid, place >= tokens - torch.tensor(shared, device=one.mask.device)[:, None]


def _mean_gradient(one: Pass, points: Sequence[Pass], layer: int, shared: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Over the passes in which it was taken, at this one's tokens; and where rows have the same tokens."""
    laid = [ends(one, at.gradients[layer].to(one.neurons[layer].device), shared) for at in points]
    return torch.stack([gradient for gradient, _ in laid]).mean(dim=0), laid[0][1]


def _rows(contrasts: Sequence[Contrast]) -> tuple[list[Row], list[float]]:
    """Risky and safe row of each contrast in turn, and the sign of its score in F."""
    return [row for one in contrasts for row in (one.risky, one.safe)], [1.0, -1.0] * len(contrasts)


def _run(
    target: Target,
    contrasts: Sequence[Contrast],
    rows: Sequence[Row],
    places: Sequence[int],
    how: Batching,
    *,
    held: bool,
    gradients: bool = True,
) -> Pass:
    mean = [contrasts[i // 2].averaged for i in places]
    with naming(contrasts):
        return run(
            target,
            [rows[i] for i in places],
            names=[i // 2 for i in places],
            gradients=gradients,
            mean=mean,
            held=held,
            recompute=how.recompute,
        )


@contextmanager
def naming(contrasts: Sequence[Contrast]) -> Iterator[None]:
    """What goes wrong with a row is told with the id of its sample."""
    try:
        yield
    except SampleError as error:
        raise error.named(contrasts[error.index].sample.id) from error


def _over_tokens(one: Pass, layer: int, down: Any, gradient: Tensor, mask: Tensor) -> Tensor:
    """Sum over tokens of value times gradient, [rows, neurons], float32 on the CPU."""
    values = one.neurons[layer]
    gradient, mask = gradient.to(values.device), mask.to(values.device)[..., None]
    rows = max(1, PRODUCTS_AT_ONCE // values[0].numel())
    parts = zip(*(torch.split(each, rows) for each in (values, gradient, mask)), strict=True)
    sums = [
        torch.where(there, some.float() * pulled_back(down, some, slope).float(), 0.0).sum(dim=1)
        for some, slope, there in parts
    ]
    return torch.cat(sums).cpu()


def _signed(one: Pass, sign: Tensor) -> Tensor:
    return one.scores.cpu() * sign

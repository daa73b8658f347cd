"""How active every neuron is on given prompts: its mean value, how much it writes, how much of that a defense moved.

    written    root of the mean over tokens of (a |w|)^2            a: value, w: column of the down projection
    moved      root of the mean over tokens of |a' w' - a w|^2      of two arms, at the tokens that their rows share

What is written counts and not the value alone: a neuron of large values and a small column does little. A row's first
token is left out (`patching` says why).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from crossrisk.neurons.attribution.contrasts import Contrast
from crossrisk.neurons.cause.reading import continuations, read, tokens_together
from crossrisk.targets.neuron_passes import (
    batches_of,
    check_neurons,
    check_same_neurons,
    down_projections,
    neurons_of,
    shared_end,
)
from crossrisk.targets.neuron_writes import columns
from crossrisk.targets.target import Target

Floats = NDArray[np.float64]
_AT_ONCE = 4096  # columns that are held together


@dataclass(frozen=True)
class Activity:
    """Of every neuron, [neurons], flat. mean: of its values. written: root mean square of what it writes."""

    mean: Floats
    written: Floats


@torch.no_grad()
def activity(target: Target, contrasts: Sequence[Contrast]) -> Activity:
    """Activity on both continuations of every contrast, over all tokens but each row's first. One pass.

    Raises RequestError for a sample that cannot be read and a target without neurons.
    """
    check_neurons(target)
    rows = continuations(contrasts)
    widths = neurons_of(target.model)
    total, squares, tokens = np.zeros(sum(widths)), np.zeros(sum(widths)), 0
    for places in batches_of(rows, tokens_together(target)):
        one = read(target, contrasts, rows, places)
        counted = _after_first([len(rows[i].tokens) for i in places], one.mask.shape[1])
        total += _summed([_kept(values, counted) for values in one.neurons])
        squares += _summed([_kept(values, counted) ** 2 for values in one.neurons])
        tokens += int(counted.sum())
    sizes = [
        (some**2).sum(dim=1).cpu()
        for down, width in zip(down_projections(target.model), widths, strict=True)
        for (some,) in _columns([down], width)
    ]
    return Activity(total / tokens, np.sqrt(squares / tokens * torch.cat(sizes).double().numpy()))


@torch.no_grad()
def moved(base: Target, defended: Target, contrasts: tuple[Sequence[Contrast], Sequence[Contrast]]) -> Floats:
    """Root mean square of the change of what every neuron writes, [neurons], flat. One pass of each arm.

    contrasts: of the same samples, as each arm is given them. Raises RequestError for arms whose neurons do not
    correspond and for a sample that cannot be read.
    """
    for arm in (base, defended):
        check_neurons(arm)
    check_same_neurons(base, defended)
    mine, theirs = (continuations(each) for each in contrasts)
    longest = [max(pair, key=lambda row: len(row.tokens)) for pair in zip(mine, theirs, strict=True)]
    widths = neurons_of(base.model)
    # |a' w' - a w|^2 = d^2 |w'|^2 + 2 d a w' (w' - w) + a^2 |w' - w|^2 with d = a' - a, which does not cancel.
    moments, tokens = np.zeros((3, sum(widths))), 0
    for places in batches_of(longest, tokens_together(base)):
        before = read(base, contrasts[0], mine, places)
        after = read(defended, contrasts[1], theirs, places)
        both = min(before.mask.shape[1], after.mask.shape[1])
        shared = [shared_end(mine[i].tokens, theirs[i].tokens) for i in places]
        counted = _after_first([min(shared[k] + 1, len(mine[i].tokens)) for k, i in enumerate(places)], both)
        pairs = [
            (_kept(one[:, -both:], counted), _kept(other[:, -both:].to(one.device), counted))
            for one, other in zip(before.neurons, after.neurons, strict=True)
        ]
        moments[0] += _summed([(other - one) ** 2 for one, other in pairs])
        moments[1] += _summed([(other - one) * one for one, other in pairs])
        moments[2] += _summed([one**2 for one, _ in pairs])
        tokens += int(counted.sum())
    sizes = []
    downs = zip(down_projections(base.model), down_projections(defended.model), widths, strict=True)
    for old, new, width in downs:
        for one, other in _columns([old, new], width):
            change = other - one.to(other.device)
            sizes.append(torch.stack([(other**2).sum(1), 2 * (other * change).sum(1), (change**2).sum(1)]).cpu())
    squares = (moments * torch.cat(sizes, dim=1).double().numpy()).sum(axis=0) / max(tokens, 1)
    return np.asarray(np.sqrt(np.maximum(squares, 0.0)))


def _after_first(lengths: Sequence[int], width: int) -> Tensor:
    """Where rows that end at the right have a token other than their first, [rows, width]."""
    return torch.arange(width) > width - torch.tensor(lengths)[:, None]


def _kept(values: Tensor, counted: Tensor) -> Tensor:
    """The values at the tokens that count, [tokens, neurons], float32."""
    return values[counted.to(values.device)].float()


def _summed(layers: Sequence[Tensor]) -> Floats:
    return np.concatenate([layer.sum(dim=0).double().cpu().numpy() for layer in layers])


def _columns(downs: Sequence[nn.Module], width: int) -> Iterator[list[Tensor]]:
    """The columns of the same neurons in each of these modules, some at a time."""
    for start in range(0, width, _AT_ONCE):
        yield [columns(down, torch.arange(start, min(start + _AT_ONCE, width)), width) for down in downs]

"""What becomes of F when a set of neurons writes something else: teacher-forced, for many sets at once.

    patch back      the defended model, in which the set writes what it writes in the base at the same tokens
    reverse         the base, in which the set writes what it writes in the defended model
    mean ablation   one model, in which the set's values are their means over tokens

A neuron writes its value times its column of the down projection of its own arm, so a defense that changed that
projection is patched as exactly as one that changed what comes before it; a bias of the projection is no neuron's. What
is put in comes from the other model as it stands, not from a patched one, and later layers of the patched model react
to it. Arms are patched at the tokens that their rows end with in common (`first_order`). Ablation leaves out the first
token of each row, whose activations are many times larger than all others in many models and carry no content (Sun et
al. 2024, Massive Activations, arXiv 2402.17762).
Activation patching: Vig et al. (2020), arXiv 2004.12265; Zhang, Nanda (2024), arXiv 2309.16042.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from crossrisk.neurons.attribution.contrasts import Contrast
from crossrisk.neurons.cause.reading import continuations, read, tokens_together
from crossrisk.targets.neuron_passes import (
    Pass,
    batches_of,
    check_neurons,
    check_same_neurons,
    neurons_of,
    shared_end,
)
from crossrisk.targets.neuron_writes import Exchange, Neurons, members
from crossrisk.targets.target import Target

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Patched:
    """F of every prompt in nats. target, source: [prompts], of the two arms as they stand. patched: [sets, prompts], of
    the target with what each set writes in the source."""

    target: Floats
    source: Floats
    patched: Floats


@torch.no_grad()
def patched(
    target: Target,
    source: Target,
    contrasts: tuple[Sequence[Contrast], Sequence[Contrast]],
    sets: Sequence[Neurons],
    *,
    tokens: int | None = None,
) -> Patched:
    """F of the target when each set in turn writes what it writes in the source, which is read once for all sets.

    contrasts: of the same samples, as target and source are given them. tokens: how many run together, by default what
    a share of the model's memory allows; sets go together where a batch of prompts leaves room for several.
    Raises RequestError for arms whose neurons do not correspond and for a sample that cannot be read, NotScorable where
    what defends an arm acts behind its neurons.
    """
    for arm in (target, source):
        check_neurons(arm)
    check_same_neurons(source, target)
    tokens = tokens or tokens_together(target)
    exchange = Exchange(target.model, source.model, _masks(target, sets))
    mine, theirs = (continuations(each) for each in contrasts)
    longest = [max(pair, key=lambda row: len(row.tokens)) for pair in zip(mine, theirs, strict=True)]
    before, after = (np.empty(len(mine)) for _ in range(2))
    changed = np.empty((exchange.sets, len(mine)))
    for places in batches_of(longest, tokens):
        given = read(source, contrasts[1], theirs, places)
        before[places], after[places] = _scores(given), _scores(read(target, contrasts[0], mine, places))
        length = max(len(mine[i].tokens) for i in places)
        shared = torch.tensor([shared_end(mine[i].tokens, theirs[i].tokens) for i in places])
        where = torch.arange(length) >= length - shared[:, None]
        for some in _together(exchange.sets, len(places) * length, tokens):
            rewrites = exchange.rewrites(some, given.neurons, where)
            one = read(target, contrasts[0], mine, places * len(some), rewrites)
            changed[np.ix_(some, places)] = _scores(one).reshape(len(some), -1)
    return Patched(_contrasted(after), _contrasted(before), _contrasted(changed))


@torch.no_grad()
def ablated(
    target: Target, contrasts: Sequence[Contrast], sets: Sequence[Neurons], means: Floats, *, tokens: int | None = None
) -> Floats:
    """F of every prompt, [sets, prompts] in nats, when the values of each set in turn are their means.

    means: [neurons], flat (`activity`). Raises as `patched` does.
    """
    check_neurons(target)
    tokens = tokens or tokens_together(target)
    exchange = Exchange(target.model, target.model, _masks(target, sets))
    rows = continuations(contrasts)
    values = torch.split(torch.as_tensor(means).float().to(target.device), neurons_of(target.model))
    changed = np.empty((exchange.sets, len(rows)))
    for places in batches_of(rows, tokens):
        length = max(len(rows[i].tokens) for i in places)
        lengths = torch.tensor([len(rows[i].tokens) for i in places])
        where = torch.arange(length) > length - lengths[:, None]
        spread = [mean.expand(len(places), length, -1) for mean in values]
        for some in _together(exchange.sets, len(places) * length, tokens):
            one = read(target, contrasts, rows, places * len(some), exchange.rewrites(some, spread, where))
            changed[np.ix_(some, places)] = _scores(one).reshape(len(some), -1)
    return _contrasted(changed)


def _masks(target: Target, sets: Sequence[Neurons]) -> Tensor:
    total = sum(neurons_of(target.model))
    return torch.stack([members(each, total) for each in sets]) if len(sets) else torch.zeros(0, total).bool()


def _together(sets: int, each: int, tokens: int) -> Iterator[list[int]]:
    """Sets whose copies of a batch of `each` tokens run together."""
    many = max(1, tokens // each)
    for start in range(0, sets, many):
        yield list(range(start, min(start + many, sets)))


def _scores(one: Pass) -> Floats:
    return one.scores.double().cpu().numpy()


def _contrasted(scores: Floats) -> Floats:
    """Risky less safe, along the last axis."""
    return np.asarray(scores[..., 0::2] - scores[..., 1::2])

"""What a set of neurons writes, taken out of what their down projections give back and put in as another model has it.

A neuron writes its value times its column of the down projection:  output - sum a_k w_k + sum a'_k w'_k  over the set.
Columns are read off the modules themselves (what they give for one unit of a neuron, less what they give for none), so
that adapters and every layout of weights are covered, and each model's values go through its own columns.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from crossrisk.errors import RequestError
from crossrisk.targets.neuron_passes import Rewrite, down_projections, neurons_of

Neurons = Sequence[int] | NDArray[np.integer] | NDArray[np.bool_] | Tensor  # flat indices, layer by layer, or a mask
_AT_ONCE = 1024  # units whose columns are read together


@torch.no_grad()
def columns(down: nn.Module, neurons: Tensor, width: int) -> Tensor:
    """What one unit of each of these neurons writes, [neurons, width of the model], float32, where the module lies.

    width: how many neurons the module has in all. Weights are taken to float32 first: in bfloat16 what a small weight
    adds to a large bias would be lost.
    """
    exact = {name: parameter.float() for name, parameter in down.named_parameters()}
    device = next(iter(exact.values())).device
    neurons = neurons.to(device)

    def written(units: Tensor) -> Tensor:
        found: Tensor = torch.func.functional_call(down, exact, (units,))
        return found

    nothing = written(torch.zeros(1, width, device=device))
    parts = [nothing[:0]]
    for some in torch.split(neurons, _AT_ONCE):
        units = torch.zeros(len(some), width, device=device)
        units[torch.arange(len(some), device=device), some] = 1.0
        parts.append(written(units) - nothing)
    return torch.cat(parts)


@dataclass(frozen=True)
class _Layer:
    """The neurons of a layer that are in any set. member: of each set, where in `own` and `other` its neurons are.

    own, other: columns in the model that is rewritten and in the one whose writes it gets, [neurons, width]; one object
    where they are equal. units: of each set, the neurons of the layer.
    """

    own: Tensor
    other: Tensor
    members: list[Tensor]
    units: list[Tensor]


class Exchange:
    """Sets of neurons of a model whose writes are replaced by those of another model of the same shape, or of itself.

    sets: [sets, neurons], True for members; neurons flat, layer by layer. It holds a column of each model for every
    neuron that is in any set, 4 bytes times the model's width; one where the two models have the same.
    """

    def __init__(self, model: Any, other: Any, sets: Tensor) -> None:
        widths = neurons_of(model)
        if sets.shape[1] != sum(widths):
            raise ValueError(f"sets of {sets.shape[1]} neurons do not fit a model that has {sum(widths)}")
        self.sets = len(sets)
        self.layers: dict[int, _Layer] = {}
        downs = zip(down_projections(model), down_projections(other), torch.split(sets, widths, dim=1), strict=True)
        for layer, (mine, theirs, member) in enumerate(downs):
            union = member.any(dim=0).nonzero()[:, 0]
            if len(union):
                own, given = (columns(down, union, widths[layer]) for down in (mine, theirs))
                given = given.to(own.device)
                self.layers[layer] = _Layer(
                    own,
                    own if torch.equal(own, given) else given,
                    [each[union].nonzero()[:, 0].to(own.device) for each in member],
                    [each.nonzero()[:, 0].to(own.device) for each in member],
                )

    def rewrites(self, sets: Sequence[int], values: Sequence[Tensor], where: Tensor) -> dict[int, Rewrite]:
        """By layer, the rewrite of a batch that holds the same rows once for each of these sets, set after set.

        values: of each layer, [rows, tokens of theirs, neurons], what the neurons are in the other model; both end at
        the same token. where: [rows, tokens], the tokens at which writes are replaced; not before theirs begin.
        """
        found: dict[int, Rewrite] = {}
        for layer, held in self.layers.items():
            if any(len(held.units[each]) for each in sets):
                found[layer] = _rewrite(held, list(sets), values[layer], where)
        return found


def _rewrite(held: _Layer, sets: list[int], values: Tensor, where: Tensor) -> Rewrite:
    def rewrite(neurons: Tensor, output: Tensor) -> Tensor:
        rows, tokens = where.shape
        both = min(tokens, values.shape[1])
        there = where[:, tokens - both :, None].to(output.device)
        changed = output.to(torch.float32, copy=True)
        for place, each in enumerate(sets):
            units, member = held.units[each], held.members[each]
            if not len(units):
                continue
            mine = neurons[place * rows : (place + 1) * rows, tokens - both :].index_select(-1, units).float()
            theirs = values[:, values.shape[1] - both :].index_select(-1, units.to(values.device))
            theirs = theirs.to(units.device).float()
            if held.own is held.other:
                change = (theirs - mine) @ held.own[member]
            else:
                change = theirs @ held.other[member] - mine @ held.own[member]
            changed[place * rows : (place + 1) * rows, tokens - both :] += torch.where(there, change, 0.0)
        return changed

    return rewrite


def members(neurons: Neurons, total: int) -> Tensor:
    """A set of neurons, flat indices or a mask, as a mask [total]; RequestError for neurons that are not there."""
    given = torch.as_tensor(neurons)
    if given.dtype == torch.bool:
        if given.shape != (total,):
            raise RequestError(f"a mask of {given.numel()} neurons does not fit a model that has {total}")
        return given
    if given.numel() and not 0 <= int(given.min()) <= int(given.max()) < total:
        raise RequestError(f"a set names neurons from {int(given.min())} to {int(given.max())}, the model has {total}")
    mask = torch.zeros(total, dtype=torch.bool)
    mask[given.long()] = True
    return mask

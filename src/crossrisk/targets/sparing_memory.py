"""Passes forward and back that keep less on the way: nothing for the weights, and of each layer only what enters it."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from crossrisk.errors import RequestError
from crossrisk.targets.layers import decoder_layers
from crossrisk.targets.target import Target


@contextmanager
def frozen(model: Any) -> Iterator[None]:
    """No parameter asks for its gradient, so that nothing is kept for one."""
    asking = [parameter for parameter in model.parameters() if parameter.requires_grad]
    try:
        for parameter in asking:
            parameter.requires_grad_(False)
        yield
    finally:
        for parameter in asking:
            parameter.requires_grad_(True)


@contextmanager
def telling_of_memory(target: Target, ids: Tensor) -> Iterator[None]:
    """An error that a user can mend, where a pass of these rows does not fit."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise RequestError(
            f"'{target.name}' ran out of memory on {ids.shape[0]} rows of {ids.shape[1]} tokens: lower the number of "
            "tokens that run together"
        ) from error


@contextmanager
def recomputing(model: Any) -> Iterator[None]:
    """Every decoder layer forgets its inside, and computes it again when the gradient comes by."""
    before = [(layer, layer.__dict__.get("forward")) for layer in decoder_layers(model)]
    try:
        for layer, _ in before:
            layer.forward = partial(checkpoint, layer.forward, use_reentrant=False)
        yield
    finally:
        for layer, own in before:
            del layer.forward
            if own is not None:  # accelerate's, which moves what enters a layer to its device
                layer.forward = own

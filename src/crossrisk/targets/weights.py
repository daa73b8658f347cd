"""Parameters by their canonical name, and changes of them that are undone bit for bit.

The canonical name of a parameter is the one it has without adapters around the model. Deltas are float32 also for
half-precision models: in bfloat16 the difference of two models loses what is small.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from crossrisk.errors import RequestError

# What PEFT puts between a module and its parameters, and how it calls the module that stood there before.
WRAPPED = ("base_layer", "original_module")


def canonical_parameters(model: nn.Module) -> dict[str, nn.Parameter]:
    """Every parameter of the model itself by canonical name, none of its adapters'; tied ones under each name."""
    wrappers = tuple(
        f"{name}."
        for name, module in model.named_modules()
        if any(isinstance(getattr(module, inner, None), nn.Module) for inner in WRAPPED)
    )
    parameters = {}
    for name, parameter in model.named_parameters(remove_duplicate=False):
        within = [wrapper for wrapper in wrappers if name.startswith(wrapper)]
        if any(name.removeprefix(wrapper).split(".")[0] not in WRAPPED for wrapper in within):
            continue
        parts = [part for part in name.removeprefix("base_model.model.").split(".") if part not in WRAPPED]
        parameters[".".join(parts)] = parameter
    return parameters


def canonical_name(model: nn.Module, parameter: nn.Parameter) -> str:
    """The first canonical name of one of the model's own parameters."""
    return next(name for name, known in canonical_parameters(model).items() if known is parameter)


def canonical_state(model: nn.Module) -> dict[str, Tensor]:
    """The model's parameters by canonical name, tied ones once. Live tensors, detached: clone what must last."""
    seen: set[int] = set()
    state = {}
    for name, parameter in canonical_parameters(model).items():
        if id(parameter) not in seen:
            seen.add(id(parameter))
            state[name] = parameter.detach()
    return state


@contextmanager
def patched_weights(model: Any, deltas: Mapping[str, Tensor]) -> Iterator[None]:
    """Add a delta to each named parameter for the length of a `with` block.

    deltas: canonical name -> tensor of the parameter's shape. Sums are made in float32 and rounded to the model's type
    once. On exit, also after an error, the saved originals are copied back: w + d - d is not w in floating point.
    Raises RequestError where a name or a shape does not fit, before anything is changed.
    """
    changes = _changes(model, deltas)
    originals = [(parameter, parameter.detach().clone()) for parameter, _ in changes]
    try:
        with torch.no_grad():
            for parameter, delta in changes:
                parameter.copy_(parameter.float() + delta.to(parameter.device, torch.float32))
        yield
    finally:
        with torch.no_grad():
            for parameter, original in originals:
                parameter.copy_(original)


def _changes(model: nn.Module, deltas: Mapping[str, Tensor]) -> list[tuple[nn.Parameter, Tensor]]:
    """Each parameter with its delta; a tied parameter that is named twice changes once."""
    parameters = canonical_parameters(model)
    changes: dict[int, tuple[str, nn.Parameter, Tensor]] = {}
    for name, delta in deltas.items():
        if name not in parameters:
            raise RequestError(f"the model has no parameter '{name}': the change was made for another model")
        parameter = parameters[name]
        if parameter.shape != delta.shape:
            raise RequestError(
                f"parameter '{name}' has shape {tuple(parameter.shape)} and its change {tuple(delta.shape)}: "
                "the change was made for another model"
            )
        first, _, known = changes.setdefault(id(parameter), (name, parameter, delta))
        if not torch.equal(known, delta):
            raise RequestError(f"'{first}' and '{name}' are tied, one tensor with two names, and their changes differ")
    return [(parameter, delta) for _, parameter, delta in changes.values()]

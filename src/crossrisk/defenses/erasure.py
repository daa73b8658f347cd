"""Concept scrubbing: what hidden states say of a concept, as far as any linear reader can tell, is taken out of each
layer in turn."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from concept_erasure import LeaceFitter
from torch import Tensor, nn
from torch.nn.functional import one_hot
from transformers import DynamicCache

from crossrisk.errors import RequestError
from crossrisk.targets.activation import activated
from crossrisk.targets.batches import forward, left_padded, positions_of
from crossrisk.targets.layers import decoder_layers, hooked, layer_output, with_layer_output
from crossrisk.targets.target import Target

# Which correlations between whitened hidden states and concept are noise of float64. The package's own 0.01 leaves a
# rare concept where it is.
TOLERANCE = 1e-6


@dataclass(frozen=True, eq=False)
class Eraser:
    """x' = x - left (right (x - mean)); I - left right is a projection of the width less the rank.

    left: [width, rank]. right: [rank, width]. mean: [width]. All float32.
    """

    left: Tensor
    right: Tensor
    mean: Tensor

    def __call__(self, hidden: Tensor) -> Tensor:
        """Hidden states [..., width] without the concept, in float32."""
        left, right, mean = (part.to(hidden.device) for part in (self.left, self.right, self.mean))
        return hidden.float() - ((hidden.float() - mean) @ right.T) @ left.T


def fitted_eraser(hidden: Tensor, groups: Tensor) -> Eraser:
    """LEACE, the smallest change in the mean square after which no linear reader does better than chance.

    hidden: [rows, width]. groups: [rows], numbers from 0 on, -1 for a row of no group. Fitted in float64; the
    covariance is shrunk, since there may be fewer rows than dimensions. The package's bound on the trace is off: where
    it acts, the concept stays.
    """
    grouped = groups >= 0
    concept = one_hot(groups.clamp(min=0)).double()
    # A row of no group has as much of each as all others together: it tells nothing of the concept, so what is erased
    # stays, and it says in which directions ordinary text would feel the change.
    concept[~grouped] = concept[grouped].mean(dim=0)
    fitter = LeaceFitter.fit(hidden.double(), concept, shrinkage=True, constrain_cov_trace=False, svd_tol=TOLERANCE)
    eraser = fitter.eraser
    rank = int((eraser.proj_right.norm(dim=1) > 0).sum())
    return Eraser(eraser.proj_left[:, :rank].float(), eraser.proj_right[:rank].float(), eraser.bias.float())


def fit_scrubbers(target: Target, rows: Sequence[list[int]], groups: Sequence[int]) -> dict[int, Eraser]:
    """An eraser for what goes into the first layer (number 0) and for what each layer gives back (from 1 on).

    groups: of each row, -1 for ordinary text. All are fitted in one pass: each sees hidden states that those before it
    have scrubbed. Every token counts, with the group of its text. Raises RequestError where memory does not hold all
    texts at once.
    """
    ids, mask = left_padded(rows, target.device)
    real = torch.ones_like(ids, dtype=torch.bool) if mask is None else mask.bool()
    labels = torch.tensor(groups, device=target.device)[:, None].expand_as(ids)[real].cpu()
    erasers: dict[int, Eraser] = {}

    def scrub(place: int, hidden: Tensor) -> Tensor:
        erasers[place] = fitted_eraser(hidden[real.to(hidden.device)].cpu(), labels)
        return erasers[place](hidden).to(hidden.dtype)

    cache = DynamicCache(config=target.model.config)
    with torch.no_grad(), scrubbing(target.model, scrub):
        hooks = activated(target, rows).hooks(prompt=True)
        forward(target, ids, mask, positions_of(mask, ids), cache, keep=1, hooks=hooks)
    return erasers


@contextmanager
def scrubbing(model: Any, scrub: Callable[[int, Tensor], Tensor]) -> Iterator[None]:
    """Hooks that put `scrub(place, hidden)` in the place of the hidden states that go into the first layer (place 0)
    and come out of each (from 1 on), of all tokens."""
    layers = decoder_layers(model)

    def before(module: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...]:
        return (scrub(0, args[0]), *args[1:])

    def after(place: int, module: nn.Module, args: tuple[Any, ...], output: Any) -> Any:
        return with_layer_output(output, scrub(place, layer_output(output)))

    hooks = [(layer, partial(after, place)) for place, layer in enumerate(layers, start=1)]
    with hooked(hooks, before=[(layers[0], before)]):
        yield


def erasers_of(tensors: Mapping[str, Tensor], target: Target) -> dict[int, Eraser]:
    """The erasers in an artifact, by place. Raises RequestError for those of another model."""
    width, depth = target.model.config.get_text_config().hidden_size, len(decoder_layers(target.model))
    places = {int(name.split(".")[1]) for name in tensors}
    wide = tensors["places.0.mean"].shape[0]
    if places != set(range(depth + 1)) or wide != width:
        raise RequestError(
            f"erasers of {len(places) - 1} layers of {wide} do not fit '{target.name}' with {depth} layers of {width}: "
            "they were fitted on another model, fit them on this one"
        )
    return {
        place: Eraser(*(tensors[f"places.{place}.{part}"] for part in ("left", "right", "mean"))) for place in places
    }

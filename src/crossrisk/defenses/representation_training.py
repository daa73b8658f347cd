"""The two ways of representation training: hidden states are read by hooks, before and in training, and compared.

Of harmless chats every token counts; of risky ones the reply's, and the token before them, which predicts the first.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from crossrisk.defenses import representation_losses as losses
from crossrisk.defenses.defense import FitData
from crossrisk.defenses.fine_tuning import Batch, Copy, demonstrations, logits_of, shuffled
from crossrisk.targets.activation import hidden_states
from crossrisk.targets.layers import (
    ForwardHook,
    decoder_layers,
    down_projection,
    hooked,
    layer_output,
    layers_between,
)
from crossrisk.targets.weights import canonical_name, canonical_parameters

if TYPE_CHECKING:
    from crossrisk.defenses.representation import Representation
    from crossrisk.targets.target import Target

# (states, states before, which tokens count) -> a value a row; see representation_losses.
Loss = Callable[[Tensor, Tensor, Tensor], Tensor]


class States:
    """Hidden states at the outputs of layers: of a copy in training, and of the model before."""

    def __init__(self, target: "Target", trained: Copy) -> None:
        self._before, self._trained = target.model, trained
        self._seen: dict[tuple[bool, int], Tensor] = {}

    def hooks(self) -> Iterator[tuple[nn.Module, ForwardHook]]:
        """Hooks that must stand for as long as states are compared, backward passes included."""

        def keep(key: tuple[bool, int]) -> ForwardHook:
            def hook(module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
                self._seen[key] = layer_output(output).float()

            return hook

        for training, model in ((False, self._before), (True, self._trained.model)):
            for number, layer in enumerate(decoder_layers(model)):
                yield layer, keep((training, number))

    def mean(self, batch: Batch, layers: Sequence[int], ours: Callable[[Batch], Tensor], loss: Loss) -> Tensor:
        """The loss over the tokens that count, by token. ours: which do, [rows, tokens]."""

        def read(logits: Tensor, part: Batch) -> Tensor:
            now = self._at(layers, training=True)
            with torch.no_grad():
                logits_of(self._before, part)
            return loss(now, self._at(layers, training=False), ours(part).to(now.device))

        return self._trained.by_rows(batch, read).sum() / ours(batch).sum()

    def _at(self, layers: Sequence[int], *, training: bool) -> Tensor:
        states = [self._seen[training, layer] for layer in layers]
        return torch.stack([state.to(states[0].device) for state in states])


def of_replies(batch: Batch) -> Tensor:
    """The reply's tokens, and the one that predicts its first, [rows, tokens]."""
    reply = batch.labels != -100
    return reply | reply.roll(-1, dims=1)


def of_chats(batch: Batch) -> Tensor:
    """All tokens but padding, [rows, tokens]."""
    return batch.mask.bool()


def rerouted(target: "Target", data: FitData, settings: "Representation", *, seed: int) -> tuple[Copy, list[float]]:
    """A copy whose states of risky replies have been turned away from where they were, and the loss at each step."""
    layers = decoder_layers(target.model)
    chosen = [_layer(len(layers), depth) for depth in settings.layers]
    inside = {id(one) for layer in layers[: max(chosen) + 1] for one in layer.parameters()}
    matrices = [
        name for name, one in canonical_parameters(target.model).items() if id(one) in inside and one.dim() == 2
    ]
    trained = settings.copy_of(target, trained=matrices, seed=seed)
    states = States(target, trained)

    def loss_of(step: int, losing: Batch, keeping: Batch) -> Tensor:
        retain, away = losses.rerouting_schedule(step, settings.steps, settings.coefficient)
        return away * states.mean(losing, chosen, of_replies, losses.rerouting) + retain * states.mean(
            keeping, range(len(layers)), of_chats, losses.displacement
        )

    return trained, _descended(target, data, settings, trained, states, loss_of, seed)


def misdirected(target: "Target", data: FitData, settings: "Representation", *, seed: int) -> tuple[Copy, list[float]]:
    """A copy whose states of risky replies have been driven to one random vector, and the loss at each step."""
    layers = decoder_layers(target.model)
    layer = _layer(len(layers), settings.layers[0])
    matrices = [
        canonical_name(target.model, down_projection(one).weight)  # type: ignore[arg-type]
        for one in layers[max(layer - 2, 0) : layer + 1]
    ]
    vector = control_vector(target, data, layer, settings.multiple, seed)
    trained = settings.copy_of(target, trained=matrices, seed=seed)
    states = States(target, trained)

    def towards(now: Tensor, before: Tensor, ours: Tensor) -> Tensor:
        return losses.misdirection(now, vector.to(now.device), ours)

    def loss_of(step: int, losing: Batch, keeping: Batch) -> Tensor:
        held = states.mean(keeping, [layer], of_chats, losses.misdirection)
        return states.mean(losing, [layer], of_replies, towards) + settings.coefficient * held

    return trained, _descended(target, data, settings, trained, states, loss_of, seed)


def control_vector(target: "Target", data: FitData, layer: int, multiple: float, seed: int) -> Tensor:
    """u of RMU, [width]: uniform in [0, 1], so any two of them are alike (cosine about 0.75), then scaled to length c.

    c: `multiple` times the median norm of the layer's output at the ends of harmless replies.
    """
    rows = demonstrations(target, data.retain)
    ends = hidden_states(target, [list(row.prompt) for row in rows], [row.reply for row in rows], at="end")[:, layer]
    drawn = torch.rand(ends.shape[-1], generator=torch.Generator().manual_seed(seed))
    vector: Tensor = multiple * ends.norm(dim=-1).median() * drawn / drawn.norm()
    return vector


def _layer(depth: int, fraction: float) -> int:
    return layers_between(depth, fraction, fraction)[0]


def _descended(
    target: "Target",
    data: FitData,
    settings: "Representation",
    trained: Copy,
    states: States,
    loss_of: Callable[[int, Batch, Batch], Tensor],
    seed: int,
) -> list[float]:
    forget, retain = demonstrations(target, data.forget), demonstrations(target, data.retain)
    lost = shuffled(len(forget), settings.batch_size, seed)
    kept = shuffled(len(retain), settings.batch_size, seed + 1)
    batches = list(islice(enumerate(zip(lost, kept, strict=True)), settings.steps))

    def loss_at(numbered: tuple[int, tuple[list[int], list[int]]]) -> Tensor:
        step, (to_lose, to_keep) = numbered
        losing = trained.batch([forget[i] for i in to_lose])
        return loss_of(step, losing, trained.batch([retain[i] for i in to_keep]))

    with hooked(states.hooks()):
        # Rerouting retains little at first: with a rate that falls, it would never make good what it broke.
        return trained.descend(batches, loss_at, learning_rate=settings.learning_rate, decay=settings.loss != "rr")

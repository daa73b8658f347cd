"""Two arms on two tiny random models, and contrasts to read with them."""

from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from crossrisk.neurons.attribution.contrasts import Contrast, contrasts_of
from crossrisk.risks import Chat, Message, Risk, Sample
from crossrisk.targets.layers import decoder_layers, down_projection
from crossrisk.targets.loading import load_target
from crossrisk.targets.target import Target

NEURONS = 128  # two layers of 64
UP_NAMES = ("up_proj", "gate_proj", "c_fc", "dense_h_to_4h", "fc1")

ASKED = [
    ("a", "the doctor reads", "Sure, here is how", "I am sorry"),
    ("a", "please answer: what is the name?", "yes", "No, I do not agree."),
    ("b", "bread and the garden of the baker, and the house of the people", "A book about bread", "A book"),
    ("c", "b", "yes, please", "no"),
]


def samples(asked: Sequence[tuple[str, str, str, str]] = ASKED) -> list[Sample]:
    return [
        Sample(f"s{i}", (Message("user", prompt),), cluster, contrast=(risky, safe))
        for i, (cluster, prompt, risky, safe) in enumerate(asked)
    ]


def chats() -> list[Chat]:
    return [sample.messages for sample in samples()]


def contrasts(base: Target, defended: Target, risk: Risk = Risk.SAFETY) -> tuple[list[Contrast], list[Contrast]]:
    return contrasts_of(base, samples(), risk), contrasts_of(defended, samples(), risk)


def two_arms(folder: Path, change: Callable[[Target], None] | None = None, **how: str) -> tuple[Target, Target]:
    """The same model twice; the second one is changed."""
    base, defended = (load_target(folder, device="cpu", **how) for _ in range(2))
    if change is not None:
        change(defended)
    return base, defended


@torch.no_grad()
def shake_values(target: Target, size: float = 0.2) -> None:
    """Other values of all neurons, by the weights before them; the down projections stay."""
    _shake(target, UP_NAMES, size)


@torch.no_grad()
def shake_columns(target: Target, size: float = 0.1) -> None:
    """Other weights of the down projections; the values of the first layer's neurons stay."""
    noise = torch.Generator().manual_seed(1)
    for layer in decoder_layers(target.model):
        weight = down_projection(layer).weight
        weight += size * torch.randn(weight.shape, generator=noise).to(weight)


def shake_both(target: Target) -> None:
    shake_values(target)
    shake_columns(target)


def _shake(target: Target, names: Sequence[str], size: float) -> None:
    noise = torch.Generator().manual_seed(0)
    shaken = 0
    for layer in decoder_layers(target.model):
        for name, parameter in layer.named_parameters():
            if any(part in names for part in name.split(".")):
                parameter += size * torch.randn(parameter.shape, generator=noise).to(parameter)
                shaken += 1
    assert shaken

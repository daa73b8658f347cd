"""Layers, their outputs and neurons are found in every family, and hooks leave no trace."""

import pytest
import torch
from torch import nn

from crossrisk.errors import RequestError
from crossrisk.risks import Message
from crossrisk.targets.layers import decoder_layers, down_projection, hooked, layer_output, with_layer_output
from crossrisk.targets.target import Target

CHAT = (Message("user", "hello"),)


def logits(target: Target) -> torch.Tensor:
    with torch.no_grad():
        return target.model(torch.tensor([target.encode(CHAT)])).logits


def hook_count(model: nn.Module) -> int:
    return sum(len(module._forward_hooks) + len(module._forward_pre_hooks) for module in model.modules())


def test_every_decoder_layer_runs_once_in_order_and_gives_its_hidden_states(target: Target) -> None:
    seen: list[tuple[int, tuple[int, ...]]] = []

    def watch(number: int):  # type: ignore[no-untyped-def]
        return lambda module, args, output: seen.append((number, tuple(layer_output(output).shape)))

    layers = decoder_layers(target.model)
    with hooked([(layer, watch(number)) for number, layer in enumerate(layers)]):
        logits(target)
    shape = (1, len(target.encode(CHAT)), 32)
    assert seen == [(0, shape), (1, shape)]


def test_a_tuple_and_a_tensor_carry_the_same_hidden_states() -> None:
    hidden, other = torch.randn(3, 5, 4), torch.randn(3, 5, 4)
    assert layer_output(hidden) is hidden
    assert layer_output((hidden, "cache")) is hidden
    assert with_layer_output(hidden, other) is other
    assert with_layer_output((hidden, "cache"), other) == (other, "cache")


def test_a_change_of_a_layers_output_reaches_the_logits_and_ends_with_the_block(target: Target) -> None:
    before = logits(target)
    layer = decoder_layers(target.model)[0]
    shift = torch.linspace(-1, 1, 32)
    with hooked([(layer, lambda module, args, output: with_layer_output(output, layer_output(output) + shift))]):
        changed = logits(target)
    assert not torch.allclose(changed, before)
    assert torch.equal(logits(target), before)
    assert hook_count(target.model) == 0


def test_hooks_are_removed_when_the_block_fails(llama: Target) -> None:
    layers = decoder_layers(llama.model)
    with (
        pytest.raises(KeyError),
        hooked([(layers[0], lambda *_: None)], before=[(layers[1], lambda *_: None)]),
    ):
        assert hook_count(llama.model) == 2
        raise KeyError
    assert hook_count(llama.model) == 0


def test_the_input_of_the_down_projection_are_the_neurons(target: Target) -> None:
    """Silencing all of them takes away all that the MLP adds, apart from the projection's bias."""
    widths: set[int] = set()
    down = down_projection(decoder_layers(target.model)[1])

    def silence(module: nn.Module, args: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        widths.add(args[0].shape[-1])
        return (torch.zeros_like(args[0]), *args[1:])

    outputs: list[torch.Tensor] = []
    with hooked([(down, lambda module, args, output: outputs.append(output))], before=[(down, silence)]):
        logits(target)
    assert widths == {128} if target.model.config.model_type == "gpt2" else {64}
    bias = getattr(down, "bias", None)
    expected = torch.zeros(32) if bias is None else bias
    assert torch.equal(outputs[0].reshape(-1, 32), expected.expand(len(target.encode(CHAT)), 32))


def test_an_mlp_of_unknown_shape_is_refused() -> None:
    with pytest.raises(RequestError, match="neurons of a Linear are not known"):
        down_projection(nn.Linear(2, 2))


def test_a_model_without_layers_is_refused(llama: Target) -> None:
    class Bare(nn.Module):
        config = llama.model.config

    with pytest.raises(RequestError, match="no list of 2 decoder layers"):
        decoder_layers(Bare())

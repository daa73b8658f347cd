"""Attributions add up, agree with silencing one neuron where all is linear, and do not hang on batch or padding."""

from pathlib import Path

import pytest
import torch

from crossrisk.targets.integrated_gradients import gradient_times_activation, integrated_gradients
from crossrisk.targets.layers import decoder_layers, down_projection, hooked
from crossrisk.targets.loading import load_target
from crossrisk.targets.target import Target

PROMPTS = ((5, 9, 40, 7), (12, 60, 33, 21, 8, 90), (30, 31))
REPLIES = ((70, 41, 2), (15,), (88, 17, 23, 50, 2))


def log_likelihood(model, prompt, reply, *, layer=None, scale=1.0, neuron=None):
    """log p(reply | prompt) with neurons of a layer scaled where a token of the reply is predicted."""

    def change(module, args):
        values = args[0].clone()
        ours = slice(len(prompt) - 1, len(prompt) + len(reply) - 1)
        which = slice(None) if neuron is None else neuron
        values[..., ours, which] = values[..., ours, which] * scale
        return (values, *args[1:])

    before = [] if layer is None else [(down_projection(decoder_layers(model)[layer]), change)]
    ids = torch.tensor([[*prompt, *reply]])
    with torch.no_grad(), hooked(before=before):
        log_probs = model(input_ids=ids, use_cache=False).logits[0, :-1].log_softmax(-1)
    return float(log_probs[len(prompt) - 1 :].gather(-1, ids[0, len(prompt) :, None]).sum())


def differences(model, layer):
    """f(w) - f(0) for each row: what the layer's neurons together add to the log-likelihood."""
    return torch.tensor(
        [
            log_likelihood(model, prompt, reply) - log_likelihood(model, prompt, reply, layer=layer, scale=0.0)
            for prompt, reply in zip(PROMPTS, REPLIES, strict=True)
        ]
    )


def test_attributions_of_a_layer_sum_to_what_it_adds_in_every_family(target: Target) -> None:
    found = integrated_gradients(target.model, PROMPTS, REPLIES, steps=64)
    neurons = 128 if target.model.config.model_type == "gpt2" else 64
    assert found.shape == (3, 2, neurons) and found.dtype == torch.float32
    for layer in range(2):
        expected = differences(target.model, layer)
        torch.testing.assert_close(found[:, layer].sum(-1), expected, atol=0.02, rtol=0.02)


def test_the_sum_comes_closer_the_more_steps_are_taken(llama: Target) -> None:
    errors = []
    for steps in (2, 8, 32, 128):
        found = integrated_gradients(llama.model, PROMPTS, REPLIES, steps=steps)
        gaps = [found[:, layer].sum(-1) - differences(llama.model, layer) for layer in range(2)]
        errors.append(float(torch.cat(gaps).abs().max()))
    assert errors[1] < errors[0] / 2 and errors[2] < errors[1] / 2 and errors[3] < 1e-3, errors


def test_gradient_times_activation_is_the_slope_at_the_neuron(llama: Target) -> None:
    """A neuron made 1 % smaller and larger moves the log-likelihood by 2 % of its attribution."""
    found = gradient_times_activation(llama.model, PROMPTS, REPLIES)
    for layer, neuron in ((0, 3), (0, 50), (1, 7), (1, 63)):
        for row, (prompt, reply) in enumerate(zip(PROMPTS, REPLIES, strict=True)):
            more, less = (
                log_likelihood(llama.model, prompt, reply, layer=layer, scale=scale, neuron=neuron)
                for scale in (1.01, 0.99)
            )
            assert found[row, layer, neuron] == pytest.approx((more - less) / 0.02, abs=3e-3)


def test_where_a_layer_adds_almost_nothing_its_effect_is_linear_and_both_agree(tiny_llama: Path) -> None:
    model = load_target(tiny_llama, device="cpu").model
    with torch.no_grad():
        down_projection(decoder_layers(model)[1]).weight.mul_(1e-3)
    first_order = gradient_times_activation(model, PROMPTS, REPLIES)[:, 1]
    integrated = integrated_gradients(model, PROMPTS, REPLIES, steps=4)[:, 1]
    torch.testing.assert_close(integrated, first_order, atol=1e-5, rtol=1e-2)


@pytest.mark.parametrize("batch_size", [1, 2])
def test_rows_do_not_hang_on_each_other(llama: Target, batch_size: int) -> None:
    for attribute in (lambda **o: integrated_gradients(llama.model, PROMPTS, REPLIES, steps=3, **o),
                      lambda **o: gradient_times_activation(llama.model, PROMPTS, REPLIES, **o)):  # fmt: skip
        torch.testing.assert_close(attribute(batch_size=batch_size), attribute(), atol=1e-5, rtol=1e-4)


def test_the_model_is_left_as_it_was(llama: Target) -> None:
    before = [(parameter.requires_grad, parameter.grad) for parameter in llama.model.parameters()]
    gradient_times_activation(llama.model, PROMPTS, REPLIES)
    integrated_gradients(llama.model, PROMPTS, REPLIES, steps=2)
    assert [(parameter.requires_grad, parameter.grad) for parameter in llama.model.parameters()] == before
    assert not any(module._forward_pre_hooks for module in llama.model.modules())

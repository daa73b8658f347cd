"""Passes that read, differentiate and change neurons say what `Target.score` says, whatever shares their batch."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from crossrisk.errors import NotScorable, RequestError, SampleError
from crossrisk.risks import Chat, Message
from crossrisk.targets.adapter import adapted
from crossrisk.targets.api import api_target
from crossrisk.targets.layers import decoder_layers
from crossrisk.targets.loading import load_target
from crossrisk.targets.neuron_passes import (
    Pass,
    Row,
    batches_of,
    check_neurons,
    check_same_neurons,
    down_projections,
    neurons_of,
    pulled_back,
    rows_of,
    run,
    shared_end,
)
from crossrisk.targets.target import Target
from tests.models import Family, tiny_model
from tests.targets.edits import Forbid, Push, Reminder, Shout
from tests.targets.test_adapter import random_adapter

REPLIES = (" yes", "the garden of the house", "I cannot help", " a book", "no", "and the baker", " bread")
ASKED = (Message("user", "the doctor reads"),)


def rows(target: Target, chats: list[Chat]) -> list[Row]:
    return rows_of(target, chats, REPLIES[: len(chats)])


@contextmanager
def with_adapter(target: Target) -> Iterator[Target]:
    """A random adapter on attention and on the down projection itself."""
    adapter, _ = random_adapter(target.name, ["q_proj", "down_proj"])
    with adapted(target.model, adapter.tensors, adapter.config):
        yield target


def totals(target: Target, chats: list[Chat]) -> list[float]:
    return [scores.total for scores in target.score(chats, REPLIES[: len(chats)])]


def test_scores_are_those_of_the_target_in_every_family(target: Target, chats: list[Chat]) -> None:
    found = run(target, rows(target, chats), gradients=True)
    assert found.scores.tolist() == pytest.approx(totals(target, chats), abs=1e-4)
    assert found.scores.dtype == torch.float32
    means = run(target, rows(target, chats), mean=[True, False] * 3 + [True]).scores
    scored = target.score(chats, REPLIES)
    expected = [one.total if i % 2 else one.mean for i, one in enumerate(scored)]
    assert means.tolist() == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("change", [
    lambda target: target.with_chat_edit(Reminder("answer in one word")),
    lambda target: target.with_activation_edit(Push(3.0)),
    lambda target: target.with_activation_edit(Push(-2.0)).with_activation_edit(Push(1.5, layer=1)),
])  # fmt: skip
def test_scores_and_gradients_are_those_behind_edits(
    llama: Target, chats: list[Chat], change: Callable[[Target], Target]
) -> None:
    edited, chats = change(llama), chats[:-1]  # a raw text has no room for a reminder
    expected = totals(edited, chats)
    assert max(abs(a - b) for a, b in zip(expected, totals(llama, chats), strict=True)) > 0.1
    for recompute in (False, True):
        found = run(edited, rows(edited, chats), gradients=True, recompute=recompute)
        assert found.scores.tolist() == pytest.approx(expected, abs=1e-4)


def test_scores_are_those_with_an_adapter_on_the_down_projection(llama: Target, chats: list[Chat]) -> None:
    with with_adapter(llama) as adapted_target:
        found = run(adapted_target, rows(llama, chats), gradients=True)
        assert found.scores.tolist() == pytest.approx(totals(adapted_target, chats), abs=1e-4)


def test_in_bfloat16_scores_are_summed_in_float32_and_are_those_of_the_target(
    tiny_llama: Path, chats: list[Chat]
) -> None:
    half = load_target(tiny_llama, device="cpu", dtype="bfloat16")
    found = run(half, rows(half, chats), gradients=True)
    assert found.scores.dtype == torch.float32
    assert {tensor.dtype for tensor in (*found.neurons, *found.gradients)} == {torch.bfloat16}
    assert found.scores.tolist() == pytest.approx(totals(half, chats), rel=0.02)  # 8 bits, another order of sums


def test_what_is_given_of_a_reply_is_read_and_not_scored(llama: Target) -> None:
    (whole,) = rows_of(llama, [ASKED], ["the garden of the house"])
    given = 3
    found = run(llama, [Row(whole.prompt, whole.reply, given)])
    (scores,) = llama.score([ASKED], ["the garden of the house"])
    assert float(found.scores) == pytest.approx(sum(scores.log_probs[given:]), abs=1e-4)
    assert int(found.predicting.sum()) == len(whole.reply) - given
    assert bool(found.predicting[0, -2]) and not bool(found.predicting[0, -1])


def of_row(found: Pass, row: int) -> tuple[list[Tensor], list[Tensor]]:
    """Neurons and gradients at the tokens of one row."""
    real = found.mask[row]
    return [each[row, real] for each in found.neurons], [each[row, real] for each in found.gradients]


def test_padding_and_company_change_nothing_in_any_family(target: Target, chats: list[Chat]) -> None:
    together = rows(target, chats)
    batch = run(target, together, gradients=True)
    for i in (0, 1, 4):
        alone = run(target, [together[i]], gradients=True)
        assert int(batch.mask[i].sum()) == len(together[i].tokens)
        for some, own in zip(of_row(batch, i), of_row(alone, 0), strict=True):
            for one, other in zip(some, own, strict=True):
                torch.testing.assert_close(one, other, atol=2e-5, rtol=1e-3)


def finite_difference(target: Target, row: Row, layer: int, way: Tensor, *, frozen: bool) -> float:
    """Slope of the score when a layer's down projection gives back more of `way`; frozen: others give what they did."""
    recorded: dict[int, Tensor] = {}
    keep = {i: lambda neurons, output, i=i: recorded.setdefault(i, output.clone()) for i in range(2)}
    run(target, [row], rewrites=keep)
    step = 1e-2

    def at(amount: float) -> float:
        def moved(neurons: Tensor, output: Tensor) -> Tensor:
            return output + amount * way

        others = {i: lambda neurons, output, i=i: recorded[i] for i in range(2) if i != layer} if frozen else {}
        return float(run(target, [row], rewrites={**others, layer: moved}).scores)

    return (at(step) - at(-step)) / (2 * step)


@pytest.mark.parametrize("held", [False, True])
def test_gradients_are_slopes_of_the_score_in_every_family(target: Target, held: bool) -> None:
    """Held: with what other layers write as it was."""
    (row,) = rows_of(target, [ASKED], ["the garden"])
    found = run(target, [row], gradients=True, held=held)
    torch.manual_seed(0)
    for layer in range(2):
        way = torch.randn(found.gradients[layer].shape)
        way /= way.norm()
        expected = finite_difference(target, row, layer, way, frozen=held)
        assert float((found.gradients[layer] * way).sum()) == pytest.approx(expected, abs=5e-3, rel=0.02)


@pytest.mark.parametrize("family", ["gemma2", "gemma3_text", "olmo2"])
def test_gradients_hold_behind_norms_after_the_mlp_and_capped_logits(family: Any, tmp_path: Path) -> None:
    other = load_target(tiny_model(family, tmp_path), device="cpu")
    (row,) = rows_of(other, [ASKED], ["the garden"])
    found = run(other, [row], gradients=True)
    torch.manual_seed(0)
    for layer, gradient in enumerate(found.gradients):
        way = torch.randn(gradient.shape)
        way /= way.norm()
        expected = finite_difference(other, row, layer, way, frozen=False)
        assert abs(expected) > 1e-3
        assert float((gradient * way).sum()) == pytest.approx(expected, abs=5e-3, rel=0.02)


def test_held_gradients_differ_where_later_neurons_react_and_not_in_the_last_layer(llama: Target) -> None:
    (row,) = rows_of(llama, [ASKED], ["the garden"])
    free, held = (run(llama, [row], gradients=True, held=held).gradients for held in (False, True))
    torch.testing.assert_close(free[1], held[1])
    assert (free[0] - held[0]).abs().max() > 0.05 * free[0].abs().max()


@pytest.mark.parametrize("held", [False, True])
def test_layers_that_are_computed_again_give_the_same(target: Target, chats: list[Chat], held: bool) -> None:
    once, again = (
        run(target, rows(target, chats), gradients=True, held=held, recompute=recompute) for recompute in (False, True)
    )
    torch.testing.assert_close(again.scores, once.scores)
    for one, other in zip((*once.gradients, *once.neurons), (*again.gradients, *again.neurons), strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-4)


def traces(model: Any) -> list[Any]:
    return [
        (dict(module._forward_hooks), module.__dict__.get("forward"), [p.requires_grad for p in module.parameters()])
        for module in model.modules()
    ]


def test_the_model_is_left_as_it_was_also_after_an_error(llama: Target, chats: list[Chat]) -> None:
    before = traces(llama.model)

    def broken(neurons: Tensor, output: Tensor) -> Tensor:
        raise ValueError("broken")

    run(llama, rows(llama, chats), gradients=True, recompute=True)
    with pytest.raises(ValueError, match="broken"):
        run(llama, rows(llama, chats), gradients=True, recompute=True, rewrites={1: broken})
    assert traces(llama.model) == before
    assert all(parameter.grad is None for parameter in llama.model.parameters())


def test_a_forward_of_a_layer_s_own_survives_recomputing(llama: Target, chats: list[Chat]) -> None:
    """accelerate puts one there, to move what enters a layer to where it lies."""
    layer = decoder_layers(llama.model)[1]
    calls: list[int] = []
    plain = layer.forward

    def own(*args: Any, **kwargs: Any) -> Any:
        calls.append(1)
        return plain(*args, **kwargs)

    layer.forward = own
    try:
        found = run(llama, rows(llama, chats), gradients=True, recompute=True)
        assert layer.__dict__["forward"] is own and len(calls) == 2
    finally:
        del layer.forward
    torch.testing.assert_close(found.gradients[0], run(llama, rows(llama, chats), gradients=True).gradients[0])


def by_autograd(down: Any, neurons: Tensor, gradient: Tensor) -> Tensor:
    point = neurons.detach().requires_grad_()
    (found,) = torch.autograd.grad(down(point), point, gradient)
    return found


def test_a_gradient_is_pulled_back_through_every_kind_of_down_projection(target: Target) -> None:
    torch.manual_seed(0)
    for down, width in zip(down_projections(target.model), neurons_of(target.model), strict=True):
        neurons = torch.randn(2, 3, width)
        gradient = torch.randn(2, 3, target.model.config.hidden_size)
        expected = by_autograd(down, neurons, gradient)
        torch.testing.assert_close(pulled_back(down, neurons, gradient), expected, atol=1e-5, rtol=1e-4)


def test_a_gradient_is_pulled_back_through_adapter_and_weight_together(llama: Target) -> None:
    torch.manual_seed(0)
    neurons, gradient = torch.randn(1, 2, 64), torch.randn(1, 2, 32)
    plain = pulled_back(down_projections(llama.model)[0], neurons, gradient)
    with with_adapter(llama):
        down = down_projections(llama.model)[0]
        found = pulled_back(down, neurons, gradient)
        whole = down.base_layer.weight + down.get_delta_weight(down.active_adapters[0])
        torch.testing.assert_close(found, gradient @ whole, atol=1e-5, rtol=1e-4)
        assert not torch.allclose(found, plain, atol=1e-2)


def test_a_rewrite_sees_the_neurons_and_takes_the_place_of_what_they_write(target: Target, chats: list[Chat]) -> None:
    """Written again from the neurons themselves, nothing changes; written as nothing, the MLP is gone."""
    together = rows(target, chats)
    plain = run(target, together).scores
    written = []
    for down, width in zip(down_projections(target.model), neurons_of(target.model), strict=True):
        with torch.no_grad():
            bias = down(torch.zeros(1, width))
            written.append((down(torch.eye(width)) - bias, bias))
    same = {i: lambda neurons, output, i=i: neurons @ written[i][0] + written[i][1] for i in range(2)}
    torch.testing.assert_close(run(target, together, rewrites=same).scores, plain, atol=1e-4, rtol=1e-4)
    none = {1: lambda neurons, output: torch.zeros_like(output)}
    assert (run(target, together, rewrites=none).scores - plain).abs().max() > 0.05


def test_batches_hold_rows_of_similar_length_within_their_tokens() -> None:
    made = [Row((1,) * n, (2,)) for n in (9, 3, 4, 9, 1, 30)]
    batches = batches_of(made, 20)
    assert sorted(i for batch in batches for i in batch) == list(range(6))
    assert batches == [[5], [0, 3], [2, 1, 4]]  # the first is too long and runs alone


def test_rows_share_what_they_end_with() -> None:
    assert shared_end((1, 2, 3), (9, 2, 3)) == 2
    assert shared_end((1, 2, 3), (7, 1, 2, 3)) == 3
    assert shared_end((1, 2), (1, 3)) == 0
    assert shared_end((1, 2), (1, 2)) == 2


# What cannot be read


def test_damaged_weights_are_told_with_the_first_row_that_shows_it(tiny_llama: Path) -> None:
    broken = load_target(tiny_llama, device="cpu")
    together = rows_of(broken, [ASKED, ASKED], ["yes", "no"])
    with torch.no_grad():
        down_projections(broken.model)[1].weight[0, 0] = float("nan")
    with pytest.raises(SampleError, match=r"sample 7: .*not numbers: its weights are damaged"):
        run(broken, together, names=[7, 8], gradients=True)


def test_gradients_that_overflow_are_told_though_scores_are_numbers(llama: Target) -> None:
    """What a layer gives back is 0 times infinity on the way back alone."""
    made = rows_of(llama, [ASKED], ["yes"])

    class Burst(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, given: Tensor) -> Tensor:
            return given.clone()

        @staticmethod
        def backward(ctx: Any, gradient: Tensor) -> Tensor:
            return gradient * float("inf")

    assert run(llama, made).scores.isfinite().all()
    with pytest.raises(SampleError, match="not numbers"):
        run(llama, made, gradients=True, rewrites={1: lambda neurons, output: Burst.apply(output)})


def test_rows_that_are_too_long_or_empty_are_named(llama: Target) -> None:
    long = (Message("user", "the doctor reads a book " * 200),)
    with pytest.raises(SampleError, match=r"sample 1: .*exceed the 512 positions"):
        rows_of(llama, [ASKED, long], ["yes", "no"])
    with pytest.raises(SampleError, match=r"sample 1: one of its continuations is empty"):
        rows_of(llama, [ASKED, ASKED], ["yes", ""])
    assert len(rows_of(llama, [ASKED], ["the garden of the house"], at_most=2)[0].reply) == 2


def test_targets_without_neurons_are_refused_in_one_line(llama: Target) -> None:
    refused: list[tuple[Any, type[Exception], str]] = [
        (api_target("openai/gpt-4o"), RequestError, "an API, or another engine"),
        (llama.with_output_filter(Shout()), NotScorable, "output filter"),
        (llama.with_distribution_edit(Forbid(5)), NotScorable, "distribution of tokens"),
    ]
    for target, kind, problem in refused:
        with pytest.raises(kind, match=problem) as told:
            check_neurons(target)
        assert "\n" not in str(told.value)


def test_quantised_weights_are_refused(tiny_llama: Path) -> None:
    quantised = load_target(tiny_llama, device="cpu")
    quantised.model.is_quantized = True  # as transformers marks what it loads with a quantisation config
    with pytest.raises(RequestError, match=r"quantised.*bfloat16 or float32"):
        check_neurons(quantised)


def test_weights_that_lie_elsewhere_are_refused(tiny_llama: Path) -> None:
    offloaded = load_target(tiny_llama, device="cpu")
    decoder_layers(offloaded.model)[1].mlp.down_proj.to("meta")  # where accelerate leaves what it has offloaded
    with pytest.raises(RequestError, match=r"not all weights of .* fit on its devices.*more memory"):
        check_neurons(offloaded)


def test_an_architecture_whose_neurons_are_not_known_is_refused(tiny_llama: Path) -> None:
    strange = load_target(tiny_llama, device="cpu")
    for layer in decoder_layers(strange.model):
        layer.mlp = torch.nn.Identity()
    with pytest.raises(RequestError, match="neurons of a LlamaDecoderLayer are not known"):
        check_neurons(strange)


def test_models_of_another_shape_are_told_apart(
    llama: Target, folder_of: Callable[[Family], Path], tmp_path: Path
) -> None:
    check_same_neurons(llama, llama)
    wide = load_target(tiny_model("llama", tmp_path / "wide", intermediate_size=96), device="cpu")
    narrow = load_target(tiny_model("llama", tmp_path / "narrow", hidden_size=16, head_dim=4), device="cpu")
    alike = load_target(folder_of("qwen2"), device="cpu")  # as many neurons, in layers as wide, of another architecture
    assert neurons_of(narrow.model) == neurons_of(alike.model) == neurons_of(llama.model)
    for other in (wide, narrow, alike, load_target(folder_of("gpt2"), device="cpu")):
        with pytest.raises(RequestError, match="none of them correspond"):
            check_same_neurons(llama, other)
    with with_adapter(llama) as adapted_llama:
        check_same_neurons(llama, adapted_llama)


def test_memory_that_runs_out_is_told_with_the_size_of_the_batch(llama: Target) -> None:
    def hungry(neurons: Tensor, output: Tensor) -> Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(RequestError, match="ran out of memory on 1 rows of"):
        run(llama, rows_of(llama, [ASKED], ["yes"]), rewrites={0: hungry})

"""Attributions are slopes of F, seen through whatever a defense changed, and do not hang on batch or padding."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from crossrisk.errors import NotScorable, RequestError
from crossrisk.neurons.attribution.contrasts import Contrast, contrasts_of
from crossrisk.neurons.attribution.first_order import (
    Batching,
    Piece,
    base_against_defended,
    batching,
    ends,
    gradient_times_activation,
)
from crossrisk.risks import Risk
from crossrisk.targets.adapter import adapted
from crossrisk.targets.layers import decoder_layers, down_projection, hooked
from crossrisk.targets.loading import load_target
from crossrisk.targets.neuron_passes import Row, down_projections, neurons_of, run
from crossrisk.targets.target import Target
from tests.models import FAMILIES, tiny_model
from tests.neurons.arms import contrasts, samples, shake_both, shake_columns, shake_values, two_arms
from tests.targets.edits import Forbid, Push, Reminder
from tests.targets.test_adapter import random_adapter

ONE_BY_ONE, TOGETHER = Batching(1, recompute=False), Batching(10_000, recompute=False)


@pytest.fixture(scope="module", params=FAMILIES)
def family(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(request.param, tmp_path_factory.mktemp("attributed") / request.param)


@pytest.fixture(scope="module")
def llama(tiny_llama: Path) -> Target:
    return load_target(tiny_llama, device="cpu")


def of_prompts(pieces: Iterable[Piece], prompts: int = 4) -> Tensor:
    """Attributions of each prompt, both continuations together, [prompts, neurons]."""
    total: Tensor = torch.zeros(())
    for piece in pieces:
        assert piece.attributions.dtype == torch.float32
        add = torch.zeros(prompts, piece.attributions.shape[1])
        total = total + add.index_add(0, torch.tensor(piece.contrasts), piece.attributions)
    return total


def scores_of(pieces: Iterable[Piece]) -> tuple[Tensor, Tensor]:
    """F of each prompt, of base and defended."""
    before, after = torch.zeros(4), torch.zeros(4)
    for piece in pieces:
        before.index_add_(0, torch.tensor(piece.contrasts), piece.scores)
        if piece.defended_scores is not None:
            after.index_add_(0, torch.tensor(piece.contrasts), piece.defended_scores)
    return before, after


def own(target: Target) -> list[Contrast]:
    return contrasts_of(target, samples(), Risk.SAFETY)


def scalars(target: Target, of: list[Contrast], layer: int = 0, neuron: int = 0, scale: float = 1.0) -> Tensor:
    """F of each prompt with one neuron scaled at all tokens."""

    def change(module, args):
        values = args[0].clone()
        values[..., neuron] = values[..., neuron] * scale
        return (values, *args[1:])

    rows = [row for one in of for row in (one.risky, one.safe)]
    with hooked(before=[(down_projections(target.model)[layer], change)]):
        scores = run(target, rows, mean=[one.averaged for one in of for _ in range(2)]).scores
    return scores[0::2] - scores[1::2]


def flat(target: Target, layer: int, neuron: int) -> int:
    return sum(neurons_of(target.model)[:layer]) + neuron


def shrink(target: Target, layer: int, factor: float) -> None:
    with torch.no_grad():
        down_projection(decoder_layers(target.model)[layer]).weight.mul_(factor)


# One arm


def test_gradient_times_activation_is_the_slope_of_f_when_one_neuron_is_scaled(family: Path) -> None:
    target = load_target(family, device="cpu")
    found = of_prompts(gradient_times_activation(target, own(target)))
    assert found.shape == (4, sum(neurons_of(target.model)))
    for layer, neuron in ((0, 3), (0, 40), (1, 7), (1, 63)):
        more, less = (scalars(target, own(target), layer, neuron, scale) for scale in (1.01, 0.99))
        torch.testing.assert_close(found[:, flat(target, layer, neuron)], (more - less) / 0.02, atol=5e-3, rtol=0.02)


def test_where_a_layer_writes_little_an_attribution_is_what_silencing_the_neuron_takes(tiny_llama: Path) -> None:
    target = load_target(tiny_llama, device="cpu")
    shrink(target, 1, 0.01)
    found = of_prompts(gradient_times_activation(target, own(target)))
    for neuron in (0, 21, 63):
        effect = scalars(target, own(target)) - scalars(target, own(target), 1, neuron, scale=0.0)
        torch.testing.assert_close(found[:, 64 + neuron], effect, atol=2e-4, rtol=0.1)


@pytest.mark.parametrize("how", [ONE_BY_ONE, Batching(150, recompute=True)])
def test_batches_padding_and_recomputing_change_nothing(family: Path, how: Batching) -> None:
    base, defended = two_arms(family, shake_both)
    torch.testing.assert_close(
        of_prompts(gradient_times_activation(base, own(base), how=how)),
        of_prompts(gradient_times_activation(base, own(base), how=TOGETHER)),
        atol=5e-5, rtol=1e-3,
    )  # fmt: skip
    both = contrasts(base, defended)
    torch.testing.assert_close(
        of_prompts(base_against_defended(base, defended, both, how=how)),
        of_prompts(base_against_defended(base, defended, both, how=TOGETHER)),
        atol=5e-5, rtol=1e-3,
    )  # fmt: skip


def test_pieces_tell_f_of_both_arms(tiny_llama: Path) -> None:
    base, defended = two_arms(tiny_llama, shake_both)
    before, after = scores_of(base_against_defended(base, defended, contrasts(base, defended)))
    torch.testing.assert_close(before, scalars(base, own(base)), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(after, scalars(defended, own(defended)), atol=1e-5, rtol=1e-5)
    alone, _ = scores_of(gradient_times_activation(base, own(base)))
    torch.testing.assert_close(alone, before)


def test_risky_and_safe_exchanged_turn_every_sign(llama: Target) -> None:
    turned = [replace(one, contrast=(one.contrast[1], one.contrast[0])) for one in samples() if one.contrast]
    torch.testing.assert_close(
        of_prompts(gradient_times_activation(llama, contrasts_of(llama, turned, Risk.SAFETY))),
        -of_prompts(gradient_times_activation(llama, own(llama))),
        atol=1e-6, rtol=1e-5,
    )  # fmt: skip


# Two arms


@pytest.mark.parametrize("change", [shake_values, shake_columns, shake_both])
def test_arms_exchanged_turn_every_sign(family: Path, change) -> None:
    base, defended = two_arms(family, change)
    one, other = contrasts(base, defended)
    forth = of_prompts(base_against_defended(base, defended, (one, other)))
    back = of_prompts(base_against_defended(defended, base, (other, one)))
    assert forth.abs().max() > 0.01
    torch.testing.assert_close(forth, -back, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(
        of_prompts(base_against_defended(base, defended, (one, other), point="base")),
        -of_prompts(base_against_defended(defended, base, (other, one), point="defended")),
        atol=1e-5, rtol=1e-4,
    )  # fmt: skip


def test_the_mean_is_that_of_both_points(tiny_llama: Path) -> None:
    base, defended = two_arms(tiny_llama, shake_both)
    found = {
        point: of_prompts(base_against_defended(base, defended, contrasts(base, defended), point=point))
        for point in ("base", "defended", "mean")
    }
    torch.testing.assert_close(found["mean"], (found["base"] + found["defended"]) / 2, atol=1e-6, rtol=1e-5)
    assert (found["base"] - found["defended"]).abs().max() > 1e-3


def test_equal_arms_differ_in_no_neuron(family: Path) -> None:
    base, same = two_arms(family)
    for point in ("base", "mean", "defended"):
        assert of_prompts(base_against_defended(base, same, contrasts(base, same), point=point)).abs().max() == 0


def test_layers_before_the_change_carry_nothing_of_it(tiny_llama: Path) -> None:
    def in_the_last_layer(target: Target) -> None:
        with torch.no_grad():
            decoder_layers(target.model)[1].mlp.gate_proj.weight.mul_(0.5)

    base, defended = two_arms(tiny_llama, in_the_last_layer)
    found = of_prompts(base_against_defended(base, defended, contrasts(base, defended)))
    assert found[:, :64].abs().max() == 0 and found[:, 64:].abs().max() > 0.01


def test_silenced_columns_are_seen_though_no_activation_changes(tiny_llama: Path) -> None:
    """What these neurons wrote is gone: they are as if their value were 0, and the others of the layer as before."""
    silent = [3, 17, 40]

    def silence(target: Target) -> None:
        with torch.no_grad():
            down_projections(target.model)[1].weight[:, silent] = 0

    base, defended = two_arms(tiny_llama, silence)
    both = contrasts(base, defended)
    found = of_prompts(base_against_defended(base, defended, both, point="base"))
    expected = -of_prompts(gradient_times_activation(base, own(base)))[:, [64 + k for k in silent]]
    torch.testing.assert_close(found[:, [64 + k for k in silent]], expected, atol=1e-6, rtol=1e-4)
    others = [k for k in range(128) if k - 64 not in silent]
    assert found[:, others].abs().max() == 0


def test_where_only_the_last_neurons_change_and_little_the_sum_is_the_change_of_f(tiny_llama: Path) -> None:
    def a_little(target: Target) -> None:
        shrink(target, 1, 0.98)

    base, defended = two_arms(tiny_llama, a_little)
    pieces = list(base_against_defended(base, defended, contrasts(base, defended), held=True))
    before, after = scores_of(pieces)
    change = after - before
    assert change.abs().max() > 1e-3
    torch.testing.assert_close(of_prompts(pieces).sum(dim=1), change, atol=1e-4, rtol=0.01)


@pytest.mark.parametrize("change", [shake_values, shake_columns])
def test_where_neurons_alone_change_a_little_held_sums_are_the_change_of_f_and_others_count_it_twice(
    family: Path, change
) -> None:
    base, defended = two_arms(family, lambda target: change(target, 0.003))
    both = contrasts(base, defended)
    errors = {}
    for held in (True, False):
        pieces = list(base_against_defended(base, defended, both, held=held))
        before, after = scores_of(pieces)
        errors[held] = float((of_prompts(pieces).sum(dim=1) - (after - before)).norm() / (after - before).norm())
    assert errors[True] < 0.02 and errors[False] > 0.1, errors


def test_words_that_a_defense_puts_before_the_prompt_do_not_move_the_tokens_against_each_other(
    tiny_llama: Path,
) -> None:
    base, second = two_arms(tiny_llama)
    defended = second.with_chat_edit(Reminder("answer in one word, and be kind"))
    both = contrasts(base, defended)
    assert len(both[1][0].risky.tokens) > len(both[0][0].risky.tokens)
    found = of_prompts(base_against_defended(base, defended, both, point="base", how=TOGETHER))
    torch.testing.assert_close(found, by_hand(base, defended, both), atol=1e-5, rtol=1e-4)
    turned = of_prompts(base_against_defended(defended, base, (both[1], both[0]), point="defended", how=ONE_BY_ONE))
    torch.testing.assert_close(found, -turned, atol=1e-5, rtol=1e-4)


def by_hand(base: Target, defended: Target, both: tuple[list[Contrast], list[Contrast]]) -> Tensor:
    """(a' - a) dF/da at the base, token by token from the end while both rows have the same one."""
    found = torch.zeros(4, 128)
    downs = down_projections(base.model)
    for i, (one, other) in enumerate(zip(*both, strict=True)):
        for side, sign in (("risky", 1.0), ("safe", -1.0)):
            mine, theirs = getattr(one, side), getattr(other, side)
            at = run(base, [mine], gradients=True, mean=[True])
            there = run(defended, [theirs])
            for layer in range(2):
                back = 1
                while back <= len(mine.tokens) and mine.tokens[-back] == theirs.tokens[-back]:
                    change = there.neurons[layer][0, -back] - at.neurons[layer][0, -back]
                    slope = at.gradients[layer][0, -back] @ downs[layer].weight
                    found[i, 64 * layer : 64 * layer + 64] += sign * (change * slope).detach()
                    back += 1
                assert back > len(mine.reply) + 1
    return found


def test_a_gradient_of_longer_rows_is_laid_over_the_end_of_shorter_ones_and_the_reverse(llama: Target) -> None:
    short = run(llama, [Row((5, 6), (7, 8))])
    long = torch.arange(6.0).reshape(1, 6, 1)
    laid, same = ends(short, long, [3])
    assert laid.flatten().tolist() == [2, 3, 4, 5] and same.tolist() == [[False, True, True, True]]
    laid, same = ends(short, long[:, :3], [2])
    assert laid.flatten().tolist() == [0, 0, 1, 2] and same.tolist() == [[False, False, True, True]]


def test_steering_is_seen_in_what_neurons_do_behind_it(tiny_llama: Path) -> None:
    base, second = two_arms(tiny_llama)
    defended = second.with_activation_edit(Push(3.0))  # after the first layer, so its neurons are as they were
    found = list(base_against_defended(base, defended, contrasts(base, defended)))
    attributions = of_prompts(found)
    assert attributions[:, :64].abs().max() == 0 and attributions[:, 64:].abs().max() > 0.01
    _, after = scores_of(found)
    torch.testing.assert_close(after, scalars(defended, own(defended)), atol=1e-5, rtol=1e-5)


def test_an_adapter_on_the_down_projection_is_seen_as_its_merged_weight_would_be(tiny_llama: Path) -> None:
    base, second = two_arms(tiny_llama)
    adapter, whole = random_adapter(str(tiny_llama), ["down_proj"])
    merged = replace(base, model=whole.merge_and_unload())
    with adapted(second.model, adapter.tensors, adapter.config):
        found = of_prompts(base_against_defended(base, second, contrasts(base, second)))
    expected = of_prompts(base_against_defended(base, merged, contrasts(base, merged)))
    assert expected.abs().max() > 0.01
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-3)


def test_in_bfloat16_attributions_are_near_those_in_float32(tiny_llama: Path) -> None:
    exact, rounded = (
        of_prompts(base_against_defended(*arms, contrasts(*arms)))
        for arms in (two_arms(tiny_llama, shake_both), two_arms(tiny_llama, shake_both, dtype="bfloat16"))
    )
    assert torch.corrcoef(torch.stack([exact.flatten(), rounded.flatten()]))[0, 1] > 0.98


# What cannot be attributed


def test_arms_of_another_shape_are_refused(llama: Target, tmp_path: Path) -> None:
    wide = load_target(tiny_model("llama", tmp_path / "wide", intermediate_size=96), device="cpu")
    with pytest.raises(RequestError, match="2 layers of 96 neurons against llama of width 32 with 2 layers of 64"):
        next(base_against_defended(llama, wide, contrasts(llama, wide)))


def test_a_defense_that_acts_behind_the_neurons_is_refused(llama: Target) -> None:
    forbidding = llama.with_distribution_edit(Forbid(5))
    with pytest.raises(NotScorable):
        next(gradient_times_activation(forbidding, own(llama)))
    with pytest.raises(NotScorable):
        next(base_against_defended(llama, forbidding, (own(llama), own(llama))))


def test_a_model_that_gives_no_numbers_is_told_with_the_sample(tiny_llama: Path) -> None:
    base, broken = two_arms(tiny_llama)
    both = contrasts(base, broken)
    with torch.no_grad():
        down_projections(broken.model)[0].weight[0, 0] = float("nan")
    for pieces in (gradient_times_activation(broken, both[1]), base_against_defended(base, broken, both)):
        with pytest.raises(RequestError, match=r"^sample 's\d': .*not numbers"):
            next(pieces)


def test_batches_keep_within_a_tenth_of_a_large_model_and_grow_with_what_they_may_take(llama: Target) -> None:
    small = batching(llama.model, least=0)
    assert small.tokens >= 1 and small.recompute
    generous = batching(llama.model)
    assert not generous.recompute and generous.tokens > 1024
    sizes = [batching(llama.model, least=2**power).tokens for power in range(18, 28)]
    assert sizes == sorted(sizes)
    assert batching(llama.model, arms=2).tokens < generous.tokens


def test_a_cap_on_logits_takes_room_in_a_batch(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"vocab_size": 20_000, "query_pre_attn_scalar": 8}
    capped, plain = (
        load_target(tiny_model("gemma2", tmp_path / name, final_logit_softcapping=cap, **settings), device="cpu")
        for name, cap in (("capped", 30.0), ("plain", None))
    )
    assert batching(capped.model).tokens < 0.7 * batching(plain.model).tokens


@pytest.mark.slow
def test_it_is_what_captum_finds_for_inputs_of_the_down_projections_summed_over_tokens(llama: Target) -> None:
    captum = pytest.importorskip("captum.attr")
    given = own(llama)[0]
    expected = torch.zeros(128)
    for row, sign in ((given.risky, 1.0), (given.safe, -1.0)):
        ids = torch.tensor([row.tokens])

        def score(tokens: Tensor, row: Row = row) -> Tensor:
            log_probs = llama.model(tokens).logits[:, len(row.prompt) - 1 : -1].log_softmax(-1)
            scored = log_probs[:, torch.arange(len(row.reply)), torch.tensor(row.reply)][:, row.given :]
            return scored.mean(dim=1)

        attribution = captum.LayerGradientXActivation(score, down_projections(llama.model))
        layers = attribution.attribute(ids, attribute_to_layer_input=True)
        expected += sign * torch.cat([layer[0].sum(dim=0) for layer in layers]).detach()
    found = of_prompts(gradient_times_activation(llama, own(llama)))[0]
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-3)

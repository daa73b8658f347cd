"""Changes of weights act while they stand and are undone bit for bit."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from crossrisk.errors import RequestError
from crossrisk.risks import Message
from crossrisk.targets.loading import load_target
from crossrisk.targets.target import Target
from crossrisk.targets.weights import canonical_state, patched_weights

CHAT = (Message("user", "hello"),)


def logits(target: Target) -> torch.Tensor:
    with torch.no_grad():
        return target.model(torch.tensor([target.encode(CHAT)])).logits


def copied(target: Target) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in target.model.state_dict().items()}


def assert_unchanged(target: Target, before: dict[str, torch.Tensor]) -> None:
    after = target.model.state_dict()
    assert list(after) == list(before)
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())


def random_deltas(target: Target, scale: float = 0.1) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    state = canonical_state(target.model)
    return {name: scale * torch.randn(tensor.shape, generator=generator) for name, tensor in state.items()}


def test_deltas_add_up_and_are_undone_bit_for_bit(target: Target) -> None:
    before, reference = copied(target), logits(target)
    deltas = random_deltas(target)
    with patched_weights(target.model, deltas):
        state = canonical_state(target.model)
        assert all(torch.equal(state[name], before[name] + delta) for name, delta in deltas.items())
        assert not torch.allclose(logits(target), reference)
    assert_unchanged(target, before)
    assert torch.equal(logits(target), reference)


def test_half_precision_weights_come_back_bit_for_bit(tiny_llama: Path) -> None:
    half = load_target(tiny_llama, dtype="bfloat16", device="cpu")
    before = copied(half)
    deltas = random_deltas(half, scale=1e-3)
    with patched_weights(half.model, deltas):
        for name, tensor in canonical_state(half.model).items():
            assert torch.equal(tensor, (before[name].float() + deltas[name]).bfloat16())
    assert_unchanged(half, before)


def test_weights_come_back_after_an_error(llama: Target) -> None:
    before = copied(llama)
    with pytest.raises(KeyError), patched_weights(llama.model, random_deltas(llama)):
        raise KeyError
    assert_unchanged(llama, before)


def test_patches_nest(llama: Target) -> None:
    before = copied(llama)
    deltas = random_deltas(llama)
    with patched_weights(llama.model, deltas):
        inner = copied(llama)
        with patched_weights(llama.model, deltas):
            assert not torch.equal(copied(llama)["lm_head.weight"], inner["lm_head.weight"])
        assert_unchanged(llama, inner)
    assert_unchanged(llama, before)


def test_a_zero_change_is_no_change(target: Target) -> None:
    reference = logits(target)
    with patched_weights(target.model, {name: 0 * delta for name, delta in random_deltas(target).items()}):
        assert torch.equal(logits(target), reference)


def test_tied_weights_change_once_under_either_name(folder_of: Callable[[str], Path]) -> None:
    gemma = load_target(folder_of("gemma"), device="cpu")
    before = copied(gemma)
    weight = gemma.model.get_input_embeddings().weight
    delta = torch.ones_like(weight)
    names = ("model.embed_tokens.weight", "lm_head.weight")
    assert len({name for name in canonical_state(gemma.model) if name in names}) == 1
    for deltas in ({names[0]: delta}, {names[1]: delta}, dict.fromkeys(names, delta)):
        with patched_weights(gemma.model, deltas):
            assert torch.equal(weight, before[names[0]] + 1)
            assert gemma.model.lm_head.weight is weight
        assert_unchanged(gemma, before)
    with (
        pytest.raises(RequestError, match="are tied"),
        patched_weights(gemma.model, {names[0]: delta, names[1]: 2 * delta}),
    ):
        pass


@pytest.mark.parametrize(
    ("deltas", "problem"),
    [
        ({"model.layers.9.mlp.down_proj.weight": torch.zeros(1)}, "no parameter"),
        ({"lm_head.weight": torch.zeros(3, 3)}, "has shape"),
    ],
)
def test_a_change_made_for_another_model_is_refused_before_anything_moves(
    llama: Target, deltas: dict[str, torch.Tensor], problem: str
) -> None:
    before = copied(llama)
    fitting = {"model.norm.weight": torch.ones(32)}
    with pytest.raises(RequestError, match=problem), patched_weights(llama.model, fitting | deltas):
        pass
    assert_unchanged(llama, before)


def test_the_canonical_state_is_every_parameter_once(target: Target) -> None:
    state = canonical_state(target.model)
    assert set(state) == {name for name, _ in target.model.named_parameters()}
    assert not any(tensor.requires_grad for tensor in state.values())

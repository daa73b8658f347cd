"""An adapter that stands by: it does nothing until it is told to, and then what it would do anyway."""

import pytest
import torch

from crossrisk.defenses.fine_tuning import Copy, Lora
from crossrisk.targets.adapter import Adapter, adapted, standing_by
from tests.defenses.cases import scores, state_hash


def some_lora(target, seed: int) -> Adapter:
    adapter = Copy(target, lora=Lora(rank=2), seed=seed).adapter()
    drawn = torch.Generator().manual_seed(seed)
    return Adapter({k: torch.randn(v.shape, generator=drawn) * 0.1 for k, v in adapter.tensors.items()}, adapter.config)


@pytest.fixture(scope="module")
def loras(llama):
    return some_lora(llama, 0), some_lora(llama, 1)


def test_until_it_is_told_to_it_moves_nothing_by_a_single_bit(llama, loras):
    before, said = state_hash(llama), scores(llama)
    one = loras[0]
    with standing_by(llama.model, one.tensors, one.config):
        assert scores(llama) == said
    assert state_hash(llama) == before
    assert scores(llama) == said


def test_told_to_act_it_is_the_adapter_itself_and_afterwards_nothing(llama, loras):
    said = scores(llama)
    one = loras[0]
    with adapted(llama.model, one.tensors, one.config):
        expected = scores(llama)
    with standing_by(llama.model, one.tensors, one.config) as acting:
        with acting():
            assert scores(llama) == expected
        assert scores(llama) == said
        with pytest.raises(KeyboardInterrupt), acting():
            raise KeyboardInterrupt
        assert scores(llama) == said


@pytest.mark.parametrize("first", [True, False])
def test_other_adapters_act_all_the_time_whenever_they_came(llama, loras, first):
    one, other = loras
    with adapted(llama.model, other.tensors, other.config):
        of_other = scores(llama)
        with adapted(llama.model, one.tensors, one.config):
            of_both = scores(llama)
    outer, inner = (adapted, standing_by) if first else (standing_by, adapted)
    a, b = (other, one) if first else (one, other)
    with outer(llama.model, a.tensors, a.config) as first_out, inner(llama.model, b.tensors, b.config) as second_out:
        acting = second_out if first else first_out
        learning = state_hash(llama)
        assert scores(llama) == of_other
        with acting():
            for row, expected in zip(scores(llama), of_both, strict=True):
                assert row == pytest.approx(expected, abs=1e-4)
        assert scores(llama) == of_other
        assert state_hash(llama) == learning


def test_a_fit_sees_the_model_without_it(llama, loras):
    one = loras[0]
    with standing_by(llama.model, one.tensors, one.config):
        twin = Copy(llama, lora=Lora(rank=2), seed=0)
    for name, tensor in Copy(llama, lora=Lora(rank=2), seed=0).model.state_dict().items():
        assert torch.equal(twin.model.state_dict()[name], tensor)

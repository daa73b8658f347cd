"""Adapters go on a model and off again without a trace, alone and above one another."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

from crossrisk.errors import RequestError
from crossrisk.risks import Chat, Message
from crossrisk.targets.adapter import Adapter, adapted, adapter_of, read_adapter
from crossrisk.targets.loading import load_target
from crossrisk.targets.target import GenerationConfig, Target
from crossrisk.targets.weights import canonical_state, patched_weights
from tests.models import Family

CHAT = (Message("user", "hello"),)
ATTENTION = {"gpt2": ["c_attn"], "gpt_neox": ["query_key_value"]}


def logits(target: Target) -> torch.Tensor:
    with torch.no_grad():
        return target.model(torch.tensor([target.encode(CHAT)])).logits


def random_adapter(folder: str, modules: list[str], seed: int = 0, **settings: Any) -> tuple[Adapter, Any]:
    """An adapter, and the model with it as PEFT itself puts it together."""
    torch.manual_seed(seed)
    config = LoraConfig(r=4, target_modules=modules, init_lora_weights=False, **settings)
    whole = get_peft_model(AutoModelForCausalLM.from_pretrained(folder), config).eval()
    return adapter_of(whole), whole


def tree(model: torch.nn.Module) -> list[tuple[str, int]]:
    return [(name, id(module)) for name, module in model.named_modules()]


def trace(model: Any) -> tuple[Any, ...]:
    """All that an adapter could leave behind."""
    return (
        tree(model),
        [(name, id(p), p.requires_grad, p.detach().clone().flatten().tolist()) for name, p in model.named_parameters()],
        hasattr(model, "peft_config"),
        [module.training for module in model.modules()],
    )


def test_an_adapter_acts_as_peft_puts_it_on_and_leaves_no_trace(target: Target) -> None:
    modules = ATTENTION.get(target.model.config.model_type, ["q_proj", "v_proj"])
    adapter, whole = random_adapter(target.name, modules)
    before, reference = trace(target.model), logits(target)
    with adapted(target.model, adapter.tensors, adapter.config), torch.no_grad():
        expected = whole(torch.tensor([target.encode(CHAT)])).logits
        assert torch.allclose(logits(target), expected, atol=1e-5)
        assert not torch.allclose(logits(target), reference, atol=1e-2)
    assert trace(target.model) == before
    assert torch.equal(logits(target), reference)


def test_parameters_keep_their_canonical_names_below_an_adapter(llama: Target) -> None:
    names = set(canonical_state(llama.model))
    adapter, whole = random_adapter(llama.name, ["q_proj", "down_proj"])
    assert set(canonical_state(whole)) == names
    with adapted(llama.model, adapter.tensors, adapter.config):
        assert set(canonical_state(llama.model)) == names
        name = "model.layers.0.self_attn.q_proj.weight"
        adapted_logits = logits(llama)
        with patched_weights(llama.model, {name: torch.ones(32, 32)}):
            assert not torch.allclose(logits(llama), adapted_logits)
        assert torch.equal(logits(llama), adapted_logits)


def test_modules_that_an_adapter_replaces_whole_come_back(llama: Target) -> None:
    adapter, _ = random_adapter(llama.name, ["q_proj"], modules_to_save=["lm_head"])
    assert "lm_head.weight" in adapter.tensors
    doubled = {**adapter.tensors, "lm_head.weight": 2 * adapter.tensors["lm_head.weight"]}
    before, names = trace(llama.model), set(canonical_state(llama.model))
    with adapted(llama.model, adapter.tensors, adapter.config):
        once = logits(llama)
        assert set(canonical_state(llama.model)) == names
    with adapted(llama.model, doubled, adapter.config):
        assert torch.allclose(logits(llama), 2 * once, atol=1e-4)
    assert trace(llama.model) == before


def test_adapters_add_up_and_come_off_one_by_one(llama: Target) -> None:
    """Two adapters on one linear module act as the sum of their updates."""
    one, _ = random_adapter(llama.name, ["q_proj"], seed=1)
    two, _ = random_adapter(llama.name, ["q_proj", "v_proj"], seed=2)
    deltas: dict[str, torch.Tensor] = {}
    for adapter in (one, two):
        scale = adapter.config["lora_alpha"] / adapter.config["r"]
        for name, down in adapter.tensors.items():
            if "lora_A" in name:
                module = name.removesuffix(".lora_A.weight")
                update = scale * adapter.tensors[f"{module}.lora_B.weight"] @ down
                deltas[f"{module}.weight"] = deltas.get(f"{module}.weight", 0) + update
    with patched_weights(llama.model, deltas):
        summed = logits(llama)
    before = trace(llama.model)
    with adapted(llama.model, one.tensors, one.config):
        first, standing = logits(llama), tree(llama.model)
        with adapted(llama.model, two.tensors, two.config):
            assert torch.allclose(logits(llama), summed, atol=1e-3)
        assert torch.equal(logits(llama), first)
        assert tree(llama.model) == standing
    assert trace(llama.model) == before


def test_an_adapter_comes_off_after_an_error(llama: Target) -> None:
    adapter, _ = random_adapter(llama.name, ["q_proj"])
    before = trace(llama.model)
    with pytest.raises(KeyError), adapted(llama.model, adapter.tensors, adapter.config):
        raise KeyError
    assert trace(llama.model) == before


def test_an_adapter_that_does_not_fit_leaves_no_trace(llama: Target) -> None:
    adapter, _ = random_adapter(llama.name, ["q_proj"])
    before = trace(llama.model)
    short = dict(list(adapter.tensors.items())[:-1])
    wide = {name: torch.cat([tensor, tensor]) for name, tensor in adapter.tensors.items()}
    elsewhere = {**adapter.config, "target_modules": ["no_such_module"]}
    for tensors, config in ((short, adapter.config), (wide, adapter.config), (adapter.tensors, elsewhere)):
        with pytest.raises(RequestError, match="made for another base"), adapted(llama.model, tensors, config):
            pass
        assert trace(llama.model) == before


def test_deploying_draws_no_random_numbers(llama: Target) -> None:
    adapter, _ = random_adapter(llama.name, ["q_proj"])
    state = torch.get_rng_state()
    with adapted(llama.model, adapter.tensors, adapter.config):
        pass
    assert torch.equal(torch.get_rng_state(), state)


def test_an_adapter_is_read_as_it_was_saved(llama: Target, tmp_path: Path) -> None:
    adapter, whole = random_adapter(llama.name, ["q_proj"], use_rslora=True, lora_alpha=7)
    whole.save_pretrained(tmp_path)
    read = read_adapter(tmp_path)
    assert set(read.tensors) == set(adapter.tensors)
    assert all(torch.equal(read.tensors[name], tensor) for name, tensor in adapter.tensors.items())
    with adapted(llama.model, adapter.tensors, adapter.config):
        direct = logits(llama)
    with adapted(llama.model, read.tensors, read.config):
        assert torch.equal(logits(llama), direct)


def test_a_target_around_a_peft_model_replies_as_the_adapted_one(llama: Target, chats: list[Chat]) -> None:
    adapter, whole = random_adapter(llama.name, ["q_proj"])
    wrapped = replace(llama, model=whole)
    with adapted(llama.model, adapter.tensors, adapter.config):
        assert wrapped.generate(chats, GenerationConfig(8)) == llama.generate(chats, GenerationConfig(8))


def test_a_damaged_adapter_is_refused(llama: Target, tmp_path: Path) -> None:
    _, whole = random_adapter(llama.name, ["q_proj"])
    whole.save_pretrained(tmp_path)
    (tmp_path / "adapter_model.safetensors").write_bytes(b"nothing")
    with pytest.raises(RequestError, match="is damaged"):
        read_adapter(tmp_path)


def test_a_half_precision_model_keeps_its_adapter_in_float32(tiny_llama: Path) -> None:
    half = load_target(tiny_llama, dtype="bfloat16", device="cpu")
    adapter, _ = random_adapter(half.name, ["q_proj"])
    with adapted(half.model, adapter.tensors, adapter.config):
        kept = {name: p for name, p in half.model.named_parameters() if "lora_" in name}
        assert {p.dtype for p in kept.values()} == {torch.float32}
        assert not any(p.requires_grad for p in kept.values())
        assert logits(half).dtype == torch.bfloat16


@pytest.mark.parametrize(
    "settings", [{"bias": "all"}, {"bias": "lora_only"}, {"init_lora_weights": "pissa"}, {"init_lora_weights": "olora"}]
)
def test_what_an_adapter_writes_into_the_base_is_written_back(
    folder_of: Callable[[Family], Path], settings: dict[str, Any]
) -> None:
    target = load_target(folder_of("qwen2"), device="cpu")
    config = LoraConfig(r=4, target_modules=["q_proj", "v_proj"], **({"init_lora_weights": False} | settings))
    whole = get_peft_model(AutoModelForCausalLM.from_pretrained(target.name), config).eval()
    with torch.no_grad():
        for name, parameter in whole.named_parameters():
            if name.endswith("bias") or "lora_" in name:
                parameter.add_(0.5)
    adapter = adapter_of(whole)
    before = trace(target.model)
    with adapted(target.model, adapter.tensors, adapter.config):
        inside = canonical_state(target.model)
        standing = dict(zip((name for name, *_ in before[1]), (values for *_, values in before[1]), strict=True))
        assert any(tensor.flatten().tolist() != standing[name] for name, tensor in inside.items())
    assert trace(target.model) == before

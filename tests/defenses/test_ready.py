"""Ready checkpoints and adapters as defenses."""

import shutil

import pytest
import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from crossrisk.defenses.deployment import scaled_adapter
from crossrisk.errors import RequestError
from crossrisk.registry import DEFENSES
from crossrisk.targets.loading import load_target
from tests.defenses.cases import CHATS, DATA, REPLIES, scores, state_hash
from tests.models import tiny_model


def lora_on(folder, out, **settings):
    """A LoRA of random weights on a base, saved as PEFT saves it."""
    torch.manual_seed(3)
    config = LoraConfig(
        target_modules=["q_proj", "down_proj"], init_lora_weights=False, task_type="CAUSAL_LM", **settings
    )
    get_peft_model(AutoModelForCausalLM.from_pretrained(folder), config).save_pretrained(out)
    return out


@pytest.fixture(scope="module")
def other_folder(tmp_path_factory):
    return tiny_model("llama", tmp_path_factory.mktemp("ready") / "other", seed=1)


@pytest.fixture(scope="module")
def adapter_folder(tiny_folder, tmp_path_factory):
    return lora_on(tiny_folder, tmp_path_factory.mktemp("ready") / "lora", r=4, lora_alpha=2)


def test_a_checkpoint_says_what_its_own_model_says(target, other_folder):
    one = DEFENSES.get("checkpoint")(model=str(other_folder))
    before, base = state_hash(target), scores(target)
    with one.deploy(target, one.fit(target, DATA, seed=0, strength=1.0)) as defended:
        assert scores(defended) == scores(load_target(other_folder, device="cpu")) != base
        assert defended.fingerprint != target.fingerprint
    assert state_hash(target) == before
    assert scores(target) == base


def test_a_checkpoint_is_asked_behind_the_edits_of_the_target(target, other_folder, fitted):
    reminder, words = fitted("self_reminder")
    one = DEFENSES.get("checkpoint")(model=str(other_folder))
    with (
        reminder.deploy(target, words) as reminded,
        one.deploy(reminded, one.fit(reminded, DATA, seed=0, strength=1.0)) as defended,
    ):
        assert defended.render(CHATS[0]) == reminded.render(CHATS[0]) != target.render(CHATS[0])


def test_a_checkpoint_would_take_away_a_change_of_weights_and_says_so(target, other_folder, fitted):
    npo, delta = fitted("npo")
    one = DEFENSES.get("checkpoint")(model=str(other_folder))
    artifact = one.fit(target, DATA, seed=0, strength=1.0)
    with npo.deploy(target, delta) as changed, pytest.raises(RequestError, match="deploy the checkpoint first"):
        one.deploy(changed, artifact).__enter__()


def test_a_checkpoint_with_another_vocabulary_is_refused(target, tmp_path):
    folder = tiny_model("llama", tmp_path / "foreign")
    text = (folder / "tokenizer.json").read_text(encoding="utf-8")
    (folder / "tokenizer.json").write_text(text.replace('"<|user|>"', '"<|human|>"'), encoding="utf-8")
    one = DEFENSES.get("checkpoint")(model=str(folder))
    artifact = one.fit(target, DATA, seed=0, strength=1.0)
    with pytest.raises(RequestError, match="another vocabulary"):
        one.deploy(target, artifact).__enter__()


def test_a_folder_that_is_no_model_is_refused(target, tmp_path):
    with pytest.raises(RequestError):
        DEFENSES.get("checkpoint")(model=str(tmp_path)).fit(target, DATA, seed=0, strength=1.0)


def test_a_checkpoint_has_no_half_strength(target, other_folder):
    one = DEFENSES.get("checkpoint")(model=str(other_folder))
    with pytest.raises(RequestError, match="strength 0 or 1"):
        one.fit(target, DATA, seed=0, strength=0.5)
    assert one.fit(target, DATA, seed=0, strength=0.0).kind == "nothing"


def test_an_adapter_says_what_peft_says(target, tiny_folder, adapter_folder):
    one = DEFENSES.get("adapter")(model=str(adapter_folder), risk="safety")
    before, base = state_hash(target), scores(target)
    with one.deploy(target, one.fit(target, DATA, seed=0, strength=1.0)) as defended:
        got = scores(defended)
    loaded = load_target(tiny_folder, adapter=adapter_folder, device="cpu")
    expected = [row.log_probs for row in loaded.score(CHATS, REPLIES)]
    assert got == expected != base
    assert state_hash(target) == before
    assert scores(target) == base
    assert one.risk == "safety"


def test_an_adapters_strength_scales_its_update(target, adapter_folder, fitted):
    one = DEFENSES.get("adapter")(model=str(adapter_folder))
    half, full = (one.fit(target, DATA, seed=0, strength=strength) for strength in (0.5, 1.0))
    assert half.meta["adapter"]["lora_alpha"] == full.meta["adapter"]["lora_alpha"] / 2
    base = scores(target)
    with one.deploy(target, full) as defended:
        at_full = scores(defended)
    with one.deploy(target, half) as defended:
        assert scores(defended) not in (at_full, base)
    assert one.fit(target, DATA, seed=0, strength=0.0).kind == "nothing"


def test_an_adapter_made_for_another_base_is_refused(target, other_folder, tmp_path):
    foreign = lora_on(other_folder, tmp_path / "lora", r=4)
    with pytest.raises(RequestError, match="made for the base"):
        DEFENSES.get("adapter")(model=str(foreign)).fit(target, DATA, seed=0, strength=1.0)


def test_an_adapter_stands_beside_a_defense_fitted_here(target, adapter_folder, fitted):
    one = DEFENSES.get("adapter")(model=str(adapter_folder))
    dpo, lora = fitted("dpo")
    artifact = one.fit(target, DATA, seed=0, strength=1.0)
    with one.deploy(target, artifact) as ready:
        alone = scores(ready)
        with dpo.deploy(ready, lora) as both:
            assert scores(both) != alone
        assert scores(ready) == alone


def test_an_adapter_goes_on_a_base_that_was_loaded_with_one(tiny_folder, adapter_folder, tmp_path):
    second = lora_on(tiny_folder, tmp_path / "second", r=2)
    loaded = load_target(tiny_folder, adapter=adapter_folder, device="cpu")
    one = DEFENSES.get("adapter")(model=str(second))
    before = scores(loaded)
    with one.deploy(loaded, one.fit(loaded, DATA, seed=0, strength=1.0)) as defended:
        assert scores(defended) != before
    assert scores(loaded) == before


def test_an_adapter_in_half_precision_is_kept_as_any_other(target, tiny_folder, adapter_folder, tmp_path):
    half = shutil.copytree(adapter_folder, tmp_path / "half")
    file = half / "adapter_model.safetensors"
    save_file({name: tensor.bfloat16() for name, tensor in load_file(file).items()}, file)
    one = DEFENSES.get("adapter")(model=str(half))
    artifact, base = one.fit(target, DATA, seed=0, strength=1.0), scores(target)
    assert {tensor.dtype for tensor in artifact.tensors.values()} == {torch.float32}
    with one.deploy(target, artifact) as defended:
        assert scores(defended) != base


@pytest.mark.parametrize("settings", [{"bias": "all"}, {"modules_to_save": ["lm_head"]}])
def test_what_an_adapter_replaces_whole_has_no_half_strength(settings):
    config = {**LoraConfig(r=4, lora_alpha=2, **settings).to_dict(), "peft_type": "LORA"}
    assert scaled_adapter(config, 1.0) == config
    with pytest.raises(RequestError, match="strength 0 or 1"):
        scaled_adapter(config, 0.5)

"""Every kind of model loads through one function; what is no whole, matching model is refused in one line."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from crossrisk.errors import RequestError
from crossrisk.risks import Chat, Message
from crossrisk.targets.loading import load_target, spec_fingerprint
from crossrisk.targets.target import GenerationConfig, Target
from tests.models import tiny_model

CHAT = (Message("user", "hello"),)


def logits(target: Target) -> torch.Tensor:
    with torch.no_grad():
        return target.model(torch.tensor([target.encode(CHAT)])).logits


@pytest.fixture
def copy(tiny_llama: Path, tmp_path: Path) -> Path:
    """A copy of the tiny Llama that a test may damage."""
    return Path(shutil.copytree(tiny_llama, tmp_path / "copy"))


def save_adapter(base: Path, folder: Path, **settings: object) -> Path:
    torch.manual_seed(3)
    config = LoraConfig(r=4, target_modules=["q_proj", "down_proj"], init_lora_weights=False, **settings)
    get_peft_model(AutoModelForCausalLM.from_pretrained(base), config).save_pretrained(folder)
    return folder


def one_line(error: pytest.ExceptionInfo[RequestError]) -> str:
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_folder_loads_with_the_weights_that_were_saved(tiny_llama: Path) -> None:
    target = load_target(tiny_llama, device="cpu")
    saved = load_file(tiny_llama / "model.safetensors")
    state = target.model.state_dict()
    assert all(torch.equal(state[name], tensor) for name, tensor in saved.items())
    assert target.name == str(tiny_llama)
    assert not target.model.training


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_the_weights_have_the_type_that_was_asked(tiny_llama: Path, dtype: str) -> None:
    target = load_target(tiny_llama, dtype=dtype, device="cpu")
    assert {parameter.dtype for parameter in target.model.parameters()} == {getattr(torch, dtype)} == {target.dtype}
    assert target.generate([CHAT], GenerationConfig(4))[0].text is not None


def test_sharded_weights_are_the_same_model(tiny_llama: Path, tmp_path: Path) -> None:
    sharded = tiny_model("llama", tmp_path / "sharded", max_shard_size="60KB")
    assert len(list(sharded.glob("model-*.safetensors"))) > 1
    assert torch.equal(logits(load_target(sharded, device="cpu")), logits(load_target(tiny_llama, device="cpu")))


def test_a_model_may_be_spread_over_the_devices_there_are(tiny_llama: Path, chats: list[Chat]) -> None:
    spread = load_target(tiny_llama, device="auto")
    assert [reply.text for reply in spread.generate(chats, GenerationConfig(4))] == [
        reply.text for reply in load_target(tiny_llama, device="cpu").generate(chats, GenerationConfig(4))
    ]


def test_a_window_of_attention_shorter_than_the_chat_is_kept(tmp_path: Path, chats: list[Chat]) -> None:
    target = load_target(tiny_model("mistral", tmp_path / "window", sliding_window=8), device="cpu")
    alone = [target.generate([chat], GenerationConfig(12))[0] for chat in chats]
    assert target.generate(chats, GenerationConfig(12)) == alone
    ids = torch.tensor([target.encode(chats[2])])
    reply = target.model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=12, do_sample=False)
    assert alone[2].text == target.tokenizer.decode(reply[0, ids.shape[1] :], skip_special_tokens=True)
    words = target.tokenizer("the book about bread", add_special_tokens=False)["input_ids"]
    with torch.no_grad():
        plain = target.model(torch.cat([ids, torch.tensor([words])], dim=1)).logits[0].log_softmax(-1)
    scores = target.score([*chats, chats[2]], ["a"] * len(chats) + ["the book about bread"])
    expected = [float(plain[ids.shape[1] - 1 + i, token]) for i, token in enumerate(words)]
    assert scores[-1].log_probs == pytest.approx(expected, abs=1e-4)


def test_an_adapter_acts_on_the_base_that_it_names(tiny_llama: Path, tmp_path: Path) -> None:
    folder = save_adapter(tiny_llama, tmp_path / "adapter")
    alone, beside = load_target(folder, device="cpu"), load_target(tiny_llama, adapter=folder, device="cpu")
    assert torch.equal(logits(alone), logits(beside))
    assert not torch.allclose(logits(alone), logits(load_target(tiny_llama, device="cpu")))
    assert alone.fingerprint == beside.fingerprint == spec_fingerprint(folder)


def test_an_adapter_fits_a_copy_of_its_base(tiny_llama: Path, copy: Path, tmp_path: Path) -> None:
    folder = save_adapter(tiny_llama, tmp_path / "adapter")
    assert load_target(copy, adapter=folder, device="cpu").name == f"{copy}+{folder}"


def test_an_adapter_for_other_weights_is_refused(tiny_llama: Path, tmp_path: Path) -> None:
    other = tiny_model("llama", tmp_path / "other", seed=1)
    folder = save_adapter(tiny_llama, tmp_path / "adapter")
    with pytest.raises(RequestError, match="was made for the base") as error:
        load_target(other, adapter=folder, device="cpu")
    assert str(tiny_llama) in one_line(error)


def test_an_adapter_for_a_base_that_is_not_here_is_compared_by_name(tiny_llama: Path, tmp_path: Path) -> None:
    folder = save_adapter(tiny_llama, tmp_path / "adapter")
    config = json.loads((folder / "adapter_config.json").read_text())
    for named, fits in (("someone/tiny-llama", True), ("someone/large-llama", False), (None, True)):
        (folder / "adapter_config.json").write_text(json.dumps(config | {"base_model_name_or_path": named}))
        if fits:
            assert load_target(tiny_llama, adapter=folder, device="cpu").fingerprint
        else:
            with pytest.raises(RequestError, match="made for the base 'someone/large-llama'"):
                load_target(tiny_llama, adapter=folder, device="cpu")


@pytest.mark.parametrize("other", ["other modules", "other shapes"])
def test_an_adapter_whose_modules_or_shapes_do_not_fit_is_refused(tiny_llama: Path, tmp_path: Path, other: str) -> None:
    folder = save_adapter(tiny_llama, tmp_path / "adapter")
    config = json.loads((folder / "adapter_config.json").read_text())
    if other == "other modules":
        base = tiny_model("gpt2", tmp_path / "gpt2")
    else:
        base = tiny_model("llama", tmp_path / "wide", intermediate_size=96)
    (folder / "adapter_config.json").write_text(json.dumps(config | {"base_model_name_or_path": None}))
    with pytest.raises(RequestError, match="was made for another base") as error:
        load_target(base, adapter=folder, device="cpu")
    one_line(error)


def test_an_adapter_without_layers_is_refused(tiny_llama: Path, tmp_path: Path) -> None:
    folder = save_adapter(tiny_llama, tmp_path / "adapter")
    prompt_tuning = {"peft_type": "PROMPT_TUNING", "num_virtual_tokens": 4, "task_type": "CAUSAL_LM"}
    (folder / "adapter_config.json").write_text(json.dumps(prompt_tuning))
    with pytest.raises(RequestError, match="type PROMPT_TUNING changes no layers"):
        load_target(tiny_llama, adapter=folder, device="cpu")


def test_an_adapter_that_names_no_base_needs_one(tiny_llama: Path, tmp_path: Path) -> None:
    folder = save_adapter(tiny_llama, tmp_path / "adapter")
    config = json.loads((folder / "adapter_config.json").read_text()) | {"base_model_name_or_path": None}
    (folder / "adapter_config.json").write_text(json.dumps(config))
    with pytest.raises(RequestError, match="names no base model"):
        load_target(folder, device="cpu")


def test_a_folder_that_is_no_adapter_is_refused_as_one(tiny_llama: Path) -> None:
    with pytest.raises(RequestError, match=r"is no adapter: it has no adapter_config\.json"):
        load_target(tiny_llama, adapter=tiny_llama, device="cpu")


def test_a_folder_that_is_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing here")
    with pytest.raises(RequestError, match=r"is no model: it has no config\.json") as error:
        load_target(tmp_path, device="cpu")
    one_line(error)


@pytest.mark.parametrize("name", ["someone/no-such-model", "someone/no-such-model@v2", "gpt-none"])
def test_a_hub_id_that_is_not_here_says_so_offline(name: str) -> None:
    with pytest.raises(RequestError, match=rf"'{name}' is neither a folder here nor in the local Hub cache") as error:
        load_target(name, device="cpu")
    assert "HF_HUB_OFFLINE" in one_line(error)


@pytest.mark.parametrize("name", ["./missing", "/no/such/folder", "a/b/c", "what is this"])
def test_a_name_that_can_be_no_hub_id_is_no_model(name: str) -> None:
    with pytest.raises(RequestError, match=r"there is no such folder"):
        load_target(name, device="cpu")


def test_the_organism_is_a_folder_that_ships(tiny_llama: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crossrisk.targets.locations.ORGANISM", tiny_llama)
    organism = load_target("organism", device="cpu")
    assert (organism.name, organism.fingerprint) == ("organism", spec_fingerprint(tiny_llama))
    monkeypatch.setattr("crossrisk.targets.locations.ORGANISM", tmp_path)
    with pytest.raises(RequestError, match="crossrisk organism train"):
        load_target("organism", device="cpu")


def test_a_file_is_no_model(tiny_llama: Path) -> None:
    with pytest.raises(RequestError, match="is a file: give the folder"):
        load_target(tiny_llama / "config.json", device="cpu")


def test_a_cached_hub_model_loads_by_id_and_revision(
    tiny_llama: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = "0123456789abcdef0123456789abcdef01234567"
    repository = tmp_path / "models--someone--tiny"
    shutil.copytree(tiny_llama, repository / "snapshots" / commit)
    (repository / "refs").mkdir()
    (repository / "refs" / "v2").write_text(commit)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    target = load_target("someone/tiny@v2", device="cpu")
    assert target.name == "someone/tiny@v2"
    assert target.fingerprint == spec_fingerprint(f"someone/tiny@{commit}") == spec_fingerprint(tiny_llama)
    with pytest.raises(RequestError, match="someone/tiny@v3"):
        load_target("someone/tiny@v3", device="cpu")


def test_pickled_weights_are_never_read(copy: Path) -> None:
    weights = load_file(copy / "model.safetensors")
    (copy / "model.safetensors").unlink()
    torch.save(weights, copy / "pytorch_model.bin")
    with pytest.raises(RequestError, match="has pickled weights only, which are never read") as error:
        load_target(copy, device="cpu")
    one_line(error)


def test_a_model_without_weights_is_refused(copy: Path) -> None:
    (copy / "model.safetensors").unlink()
    with pytest.raises(RequestError, match="has no weights"):
        load_target(copy, device="cpu")


def test_a_missing_shard_is_named(tmp_path: Path) -> None:
    sharded = tiny_model("llama", tmp_path / "sharded", max_shard_size="60KB")
    lost = sorted(sharded.glob("model-*.safetensors"))[1]
    lost.unlink()
    with pytest.raises(RequestError, match=f"lacks {lost.name}"):
        load_target(sharded, device="cpu")


def test_damaged_weights_are_refused(copy: Path) -> None:
    content = (copy / "model.safetensors").read_bytes()
    (copy / "model.safetensors").write_bytes(content[: len(content) // 2])
    with pytest.raises(RequestError, match="could not be loaded") as error:
        load_target(copy, device="cpu")
    one_line(error)


@pytest.mark.parametrize("damage", ["missing", "of another shape"])
def test_weights_are_never_completed_at_random(copy: Path, damage: str) -> None:
    weights = load_file(copy / "model.safetensors")
    name = "model.layers.1.mlp.down_proj.weight"
    kept = weights.pop(name)
    if damage == "of another shape":
        weights[name] = kept[:, :-1].contiguous()
    save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(RequestError, match=f"do not fit its config.json: 1 parameters .* {name}") as error:
        load_target(copy, device="cpu")
    one_line(error)


def test_weights_without_a_place_are_said_aloud(copy: Path, caplog: pytest.LogCaptureFixture) -> None:
    weights = load_file(copy / "model.safetensors")
    weights["model.layers.0.self_attn.q_norm.weight"] = torch.ones(8)
    save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
    load_target(copy, device="cpu")
    assert "1 weights that its architecture does not use" in caplog.text
    assert "q_norm" in caplog.text


def test_a_config_that_is_no_json_is_named(copy: Path) -> None:
    (copy / "config.json").write_text("{")
    with pytest.raises(RequestError) as error:
        load_target(copy, device="cpu")
    one_line(error)


def test_a_model_of_an_unknown_kind_is_refused(copy: Path) -> None:
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(config | {"model_type": "unheard_of"}))
    with pytest.raises(RequestError, match="could not be loaded") as error:
        load_target(copy, device="cpu")
    one_line(error)


def test_a_model_that_brings_code_is_not_run(copy: Path) -> None:
    config = json.loads((copy / "config.json").read_text())
    custom = {"model_type": "custom", "auto_map": {"AutoConfig": "c.C", "AutoModelForCausalLM": "c.M"}}
    (copy / "config.json").write_text(json.dumps(config | custom))
    (copy / "c.py").write_text(f"open({str(copy / 'ran')!r}, 'w')")
    with pytest.raises(RequestError) as error:
        load_target(copy, device="cpu")
    one_line(error)
    assert not (copy / "ran").exists()


def test_a_model_without_tokenizer_is_refused(copy: Path) -> None:
    (copy / "tokenizer.json").unlink()
    with pytest.raises(RequestError, match="has no tokenizer"):
        load_target(copy, device="cpu")


def test_the_tokenizer_of_a_larger_model_is_refused(tmp_path: Path) -> None:
    small = load_target(tiny_model("llama", tmp_path / "small", vocab_size=50), device="cpu")
    with pytest.raises(RequestError, match="belong to different models"):
        small.generate([CHAT], GenerationConfig(2))


def test_an_unknown_dtype_is_refused(tiny_llama: Path) -> None:
    with pytest.raises(RequestError, match="unknown dtype 'int8'"):
        load_target(tiny_llama, dtype="int8", device="cpu")

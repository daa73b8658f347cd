"""A fingerprint tells apart whatever can give other replies, is the same for what cannot, and needs no model."""

import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from crossrisk.targets import fingerprints
from crossrisk.targets.fingerprints import file_hash
from crossrisk.targets.loading import load_target, spec_fingerprint, weights_fingerprint
from tests.models import tiny_model
from tests.targets.edits import Forbid, Insist, Reminder, Shout


@pytest.fixture
def copy(tiny_llama: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_llama, tmp_path / "copy"))


@pytest.mark.parametrize("settings", [{}, {"dtype": "bfloat16"}, {"chat_template": "none"}])
def test_files_alone_give_the_fingerprint_of_the_loaded_target(tiny_llama: Path, settings: dict[str, str]) -> None:
    loaded = load_target(tiny_llama, device="cpu", **settings)  # type: ignore[arg-type]
    assert spec_fingerprint(tiny_llama, **settings) == loaded.fingerprint  # type: ignore[arg-type]


def test_a_copy_in_another_folder_is_the_same_model(tiny_llama: Path, copy: Path) -> None:
    assert spec_fingerprint(copy) == spec_fingerprint(tiny_llama)


def test_settings_and_edits_each_change_the_fingerprint(tiny_llama: Path) -> None:
    bare = load_target(tiny_llama, device="cpu")
    all_of_them = [
        bare.fingerprint,
        spec_fingerprint(tiny_llama, dtype="bfloat16"),
        spec_fingerprint(tiny_llama, chat_template="none"),
        bare.with_chat_edit(Reminder("a")).fingerprint,
        bare.with_chat_edit(Reminder("b")).fingerprint,
        bare.with_chat_edit(Reminder("a")).with_chat_edit(Reminder("b")).fingerprint,
        bare.with_chat_edit(Reminder("b")).with_chat_edit(Reminder("a")).fingerprint,
        bare.with_distribution_edit(Forbid(3)).fingerprint,
        bare.with_distribution_edit(Insist(3)).fingerprint,
        bare.with_output_filter(Shout()).fingerprint,
        bare.with_mark("a").fingerprint,
        bare.with_mark("shout").fingerprint,
    ]
    assert len(set(all_of_them)) == len(all_of_them)


def test_equal_edits_have_equal_fingerprints(tiny_llama: Path) -> None:
    one, two = load_target(tiny_llama, device="cpu"), load_target(tiny_llama, device="cpu")
    assert one.with_chat_edit(Reminder("a")).fingerprint == two.with_chat_edit(Reminder("a")).fingerprint


def test_an_edit_leaves_the_target_that_it_was_added_to_alone(tiny_llama: Path) -> None:
    bare = load_target(tiny_llama, device="cpu")
    before = bare.fingerprint
    edited = bare.with_chat_edit(Reminder("a")).with_mark("m")
    assert edited.model is bare.model
    assert (bare.fingerprint, bare.chat_edits, bare.marks) == (before, (), ())


def test_one_changed_weight_changes_the_fingerprint(tiny_llama: Path, copy: Path) -> None:
    weights = load_file(copy / "model.safetensors")
    weights["model.norm.weight"][0] += 1e-3
    save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
    assert weights_fingerprint(copy) != weights_fingerprint(tiny_llama)


@pytest.mark.parametrize(
    "name", ["config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja"]
)
def test_every_file_that_decides_a_reply_enters(tiny_llama: Path, copy: Path, name: str) -> None:
    (copy / name).write_text((copy / name).read_text() + "\n ")
    assert weights_fingerprint(copy) != weights_fingerprint(tiny_llama)


def test_files_that_decide_nothing_do_not_enter(tiny_llama: Path, copy: Path) -> None:
    (copy / "README.md").write_text("a model card")
    assert weights_fingerprint(copy) == weights_fingerprint(tiny_llama)


def test_an_adapter_enters(tiny_llama: Path, tmp_path: Path) -> None:
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    prints = {weights_fingerprint(tiny_llama)}
    for seed in (0, 1):
        torch.manual_seed(seed)
        config = LoraConfig(r=2, target_modules=["q_proj"], init_lora_weights=False)
        adapted = get_peft_model(AutoModelForCausalLM.from_pretrained(tiny_llama), config)
        adapted.save_pretrained(tmp_path / str(seed))
        prints.add(weights_fingerprint(tiny_llama, tmp_path / str(seed)))
    assert len(prints) == 3


def test_a_fingerprint_needs_neither_torch_nor_the_model(tiny_llama: Path) -> None:
    program = (
        "import sys; from crossrisk.targets.loading import spec_fingerprint; "
        f"print(spec_fingerprint({str(tiny_llama)!r})); "
        "sys.exit(any(name in sys.modules for name in ('torch', 'transformers', 'peft')))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip() == spec_fingerprint(tiny_llama)


def large_file(path: Path, content: bytes, *, age: float) -> Path:
    import os

    path.write_bytes(content * (fingerprints.REMEMBERED_FROM // len(content) + 1))
    os.utime(path, (time.time() - age,) * 2)
    return path


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[object]:
    """Counts how often a large file is read, in a cache of its own."""
    monkeypatch.setenv("CROSSRISK_CACHE", str(tmp_path / "cache"))
    counted: list[object] = []
    digest = fingerprints.hashlib.file_digest
    monkeypatch.setattr(
        fingerprints.hashlib, "file_digest", lambda file, name: counted.append(file) or digest(file, name)
    )
    return counted


def test_a_large_file_is_read_once(tmp_path: Path, readings: list[object]) -> None:
    path = large_file(tmp_path / "weights", b"a", age=60)
    assert file_hash(path) == file_hash(path)
    assert len(readings) == 1


def test_a_changed_file_is_read_again(tmp_path: Path, readings: list[object]) -> None:
    before = file_hash(large_file(tmp_path / "weights", b"a", age=60))
    after = file_hash(large_file(tmp_path / "weights", b"b", age=30))
    assert before != after
    assert len(readings) == 2


def test_a_file_changed_just_now_is_not_remembered(tmp_path: Path, readings: list[object]) -> None:
    """Within the resolution of its time stamp it could change once more and look the same."""
    path = large_file(tmp_path / "weights", b"a", age=0)
    stamp = path.stat().st_mtime_ns
    before = file_hash(path)
    large_file(path, b"b", age=0)
    import os

    os.utime(path, ns=(stamp, stamp))
    assert file_hash(path) != before


@pytest.mark.parametrize("damage", ["{", "[]", '["a"]'])
def test_a_damaged_memory_is_written_anew(tmp_path: Path, readings: list[object], damage: str) -> None:
    path = large_file(tmp_path / "weights", b"a", age=60)
    before = file_hash(path)
    (note,) = (tmp_path / "cache" / "hashes").iterdir()
    note.write_text(damage)
    assert file_hash(path) == before == file_hash(path)
    assert len(readings) == 2


def test_a_cache_that_cannot_be_written_costs_time_only(
    tmp_path: Path, readings: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CROSSRISK_CACHE", str(tmp_path / "file" / "below"))
    path = large_file(tmp_path / "weights", b"a", age=60)
    assert file_hash(path) == file_hash(path)
    assert len(readings) == 2


def test_sharded_weights_enter_shard_by_shard(tmp_path: Path) -> None:
    one = tiny_model("llama", tmp_path / "one", max_shard_size="60KB")
    two = tiny_model("llama", tmp_path / "two", max_shard_size="60KB", seed=1)
    before = weights_fingerprint(one)
    last = sorted(one.glob("model-*.safetensors"))[-1]
    shutil.copy(two / last.name, last)
    assert weights_fingerprint(one) != before

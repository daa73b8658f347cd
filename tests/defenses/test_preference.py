"""DPO: the loss that TRL minimises is the one that the page says."""

import math

import pytest
import torch
from trl import DPOConfig

from crossrisk.defenses.dpo import DPO
from crossrisk.errors import RequestError
from crossrisk.registry import DEFENSES
from crossrisk.targets.loading import load_target
from tests.defenses.cases import DATA
from tests.models import tiny_model

ONE_STEP = {"steps": 1, "batch_size": len(DATA.pairs)}


@pytest.mark.parametrize("finetuning", ["full", "lora"])
def test_the_first_loss_of_plain_dpo_is_ln_2(finetuning, target):
    artifact = DPO(sft_weight=0.0, finetuning=finetuning, **ONE_STEP).fit(target, DATA, seed=0, strength=1.0)
    assert artifact.meta["loss_first"] == pytest.approx(math.log(2), abs=1e-5)


def test_the_second_term_is_the_loss_per_token_of_the_chosen_reply(target):
    end = target.tokenizer.eos_token
    scored = target.score([pair.messages for pair in DATA.pairs], [pair.chosen + end for pair in DATA.pairs])
    likelihood = -sum(one.total for one in scored) / sum(len(one.tokens) for one in scored)
    artifact = DPO(sft_weight=0.5, **ONE_STEP).fit(target, DATA, seed=0, strength=1.0)
    assert artifact.meta["loss_first"] == pytest.approx(math.log(2) + 0.5 * likelihood, abs=1e-4)


@pytest.mark.parametrize("finetuning", ["full", "lora"])
def test_it_widens_the_margin_of_the_safe_over_the_risky_reply(finetuning, target):
    def margin(asked):
        chats = [pair.messages for pair in DATA.pairs]
        chosen = asked.score(chats, [pair.chosen for pair in DATA.pairs])
        rejected = asked.score(chats, [pair.rejected for pair in DATA.pairs])
        return sum(good.total - bad.total for good, bad in zip(chosen, rejected, strict=True))

    before = margin(target)
    one = DPO(steps=15, batch_size=5, learning_rate=1e-2, finetuning=finetuning)
    with one.deploy(target, one.fit(target, DATA, seed=0, strength=1.0)) as defended:
        assert margin(defended) > before + 5


def test_the_artifact_is_a_lora_by_canonical_names(target, fitted):
    _, artifact = fitted("dpo")
    assert artifact.kind == "adapter"
    assert "model.layers.0.self_attn.q_proj.lora_A.weight" in artifact.tensors
    assert {t.shape[0] for n, t in artifact.tensors.items() if "lora_A" in n} == {8}
    assert str(target.model.config.name_or_path) not in str(artifact.meta)


@pytest.mark.parametrize("risk", ["safety", "fairness", "privacy"])
def test_the_same_kernel_runs_for_each_risk_with_the_same_settings(risk, target):
    one = DEFENSES.get(f"preference_{risk}")(**ONE_STEP)
    assert one.name == f"preference_{risk}" and (one.threat is not None) == (risk == "privacy")
    same = DEFENSES.get("preference_safety")(**ONE_STEP)
    assert {**one.settings, "risk": "safety"} == same.settings
    assert one.fit(target, DATA, seed=0, strength=1.0).tensors


def test_micro_batches_are_no_part_of_the_result(target):
    """Of plain DPO; the mean over tokens of the second term is taken by micro-batch."""
    whole, split = (
        DPO(sft_weight=0.0, steps=1, batch_size=4, micro_batch_size=size).fit(target, DATA, seed=0, strength=1.0)
        for size in (None, 2)
    )
    for name, tensor in whole.tensors.items():
        torch.testing.assert_close(split.tensors[name], tensor, atol=1e-4, rtol=1e-3)


def test_a_micro_batch_that_does_not_divide_the_batch_is_refused(target):
    with pytest.raises(RequestError, match="8 of 3"):
        DPO(batch_size=8, micro_batch_size=3).fit(target, DATA, seed=0, strength=1.0)


def test_a_fit_that_diverges_says_so(target):
    with pytest.raises(RequestError, match="diverged at step"):
        DPO(finetuning="full", steps=8, batch_size=5, learning_rate=1e20).fit(target, DATA, seed=0, strength=1.0)


@pytest.mark.parametrize("finetuning", ["full", "lora"])
def test_dropout_that_is_no_module_is_off_too(finetuning, tmp_path):
    opt = load_target(tiny_model("opt", tmp_path / "opt", max_positions=1024, dropout=0.5), device="cpu")
    artifact = DPO(sft_weight=0.0, finetuning=finetuning, **ONE_STEP).fit(opt, DATA, seed=0, strength=1.0)
    assert artifact.meta["loss_first"] == pytest.approx(math.log(2), abs=1e-5)
    assert opt.model.config.dropout == opt.model.model.decoder.dropout == 0.5


def test_several_visible_gpus_are_no_reason_to_fail(target, monkeypatch):
    made = DPOConfig.__post_init__

    def with_gpus(config):
        made(config)
        config._n_gpu = 2

    monkeypatch.setattr(DPOConfig, "__post_init__", with_gpus)
    one = DPO(finetuning="full", **ONE_STEP)
    assert one.fit(target, DATA, seed=0, strength=1.0).tensors

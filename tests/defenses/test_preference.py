"""DPO: the loss that TRL minimises is the one that the page says."""

import math

import pytest

from crossrisk.defenses.preference import Preferring
from crossrisk.registry import DEFENSES
from tests.defenses.cases import DATA

ONE_STEP = {"steps": 1, "batch_size": len(DATA.pairs)}


def test_the_first_loss_of_plain_dpo_is_ln_2(target):
    artifact = Preferring(sft_weight=0.0, **ONE_STEP).fit(target, DATA, seed=0, strength=1.0)
    assert artifact.meta["loss_first"] == pytest.approx(math.log(2), abs=1e-5)


def test_the_second_term_is_the_loss_per_token_of_the_chosen_reply(target):
    end = target.tokenizer.eos_token
    scored = target.score([pair.messages for pair in DATA.pairs], [pair.chosen + end for pair in DATA.pairs])
    likelihood = -sum(one.total for one in scored) / sum(len(one.tokens) for one in scored)
    artifact = Preferring(sft_weight=0.5, **ONE_STEP).fit(target, DATA, seed=0, strength=1.0)
    assert artifact.meta["loss_first"] == pytest.approx(math.log(2) + 0.5 * likelihood, abs=1e-4)


def test_it_widens_the_margin_of_the_safe_over_the_risky_reply(target):
    def margin(asked):
        chats = [pair.messages for pair in DATA.pairs]
        chosen = asked.score(chats, [pair.chosen for pair in DATA.pairs])
        rejected = asked.score(chats, [pair.rejected for pair in DATA.pairs])
        return sum(good.total - bad.total for good, bad in zip(chosen, rejected, strict=True))

    before = margin(target)
    one = Preferring(steps=15, batch_size=5, learning_rate=1e-2)
    with one.deploy(target, one.fit(target, DATA, seed=0, strength=1.0)) as defended:
        assert margin(defended) > before + 5


def test_the_artifact_is_a_lora_by_canonical_names(target, fitted):
    _, artifact = fitted("dpo")
    assert artifact.kind == "adapter"
    assert "model.layers.0.self_attn.q_proj.lora_A.weight" in artifact.tensors
    assert {t.shape[0] for n, t in artifact.tensors.items() if "lora_A" in n} == {8}
    assert str(target.model.config.name_or_path) not in str(artifact.meta)


@pytest.mark.parametrize("risk", ["safety", "fairness", "privacy"])
def test_the_same_kernel_runs_for_each_risk(risk, target):
    one = DEFENSES.get("dpo")(risk=risk, **ONE_STEP)
    assert one.risk == risk and (one.threat is not None) == (risk == "privacy")
    assert one.fit(target, DATA, seed=0, strength=1.0).tensors

"""SPIN: weights in the sets of both risks and not in that of harmless replies, told by position."""

from dataclasses import replace

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from crossrisk.defenses.fine_tuning import twin
from crossrisk.defenses.spin import Decoupling, coupled, importance, mlp_matrices
from crossrisk.engine.arms import arms
from crossrisk.errors import RequestError
from crossrisk.registry import DEFENSES
from crossrisk.risks import Risk
from crossrisk.sources.world import fitting_data
from crossrisk.study import Study
from crossrisk.targets.weights import canonical_state
from tests.defenses.cases import DATA, OTHER

SMALL = Decoupling(top=0.2, spared=0.1, samples=4)


def test_coupled_are_the_positions_in_both_sets_and_not_in_the_third():
    first = torch.tensor([9.0, 8.0, 7.0, 1.0, 2.0, 3.0, 0.0, 0.0])
    second = torch.tensor([0.0, 8.0, 9.0, 7.0, 1.0, 0.0, 0.0, 0.0])
    general = torch.tensor([0.0, 9.0, 0.0, 8.0, 7.0, 1.0, 1.0, 1.0])
    # The best three are {0, 1, 2}, {1, 2, 3} and {1, 3, 4}.
    assert coupled(first, second, general, top=3 / 8, spared=3 / 8) == [2]
    assert coupled(first, second, general, top=3 / 8, spared=0.0) == [1, 2]
    assert coupled(first, -first, general, top=1 / 8, spared=0.0) == []


def test_lists_in_another_order_are_the_same_sets():
    """The released code ANDs lists by rank: here their best are the same positions, ranked the other way round."""
    first, second = torch.tensor([4.0, 3.0, 0.0, 0.0]), torch.tensor([3.0, 4.0, 0.0, 0.0])
    assert coupled(first, second, torch.zeros(4), top=0.5, spared=0.0) == [0, 1]


def test_importance_is_the_weight_times_the_size_of_each_samples_gradient(target):
    """The slope of one sample's loss along one weight, by moving the weight."""
    shown = DATA.forget[:1]
    found = importance(target, twin(target.model).eval(), shown)
    name, flat = "model.layers.1.mlp.up_proj.weight", 37
    model = twin(target.model).eval()
    weight = dict(model.named_parameters())[name]
    weight.data = weight.detach().clone()
    losses, step = [], 1e-2
    for sign in (1, -1):
        moved = replace(target, model=model)
        weight.data.view(-1)[flat] += sign * step
        (score,) = moved.score([shown[0].messages], [shown[0].reply + "<eos>"])
        losses.append(-score.total / len(score.tokens))
        weight.data.view(-1)[flat] -= sign * step
    slope = abs(losses[0] - losses[1]) / (2 * step)
    assert found[name][flat] == pytest.approx(slope * abs(float(weight.view(-1)[flat])), rel=0.05, abs=1e-5)


def test_importances_of_samples_add_up_without_cancelling(target):
    both = importance(target, twin(target.model).eval(), DATA.forget[:2])
    one, two = (importance(target, twin(target.model).eval(), [shown]) for shown in DATA.forget[:2])
    for name, sums in both.items():
        torch.testing.assert_close(sums, one[name] + two[name])


def test_only_matrices_of_the_mlps_count(target):
    names = set(mlp_matrices(target.model))
    assert names == {f"model.layers.{n}.mlp.{part}_proj.weight" for n in (0, 1) for part in ("gate", "up", "down")}


def test_gate_and_up_in_one_matrix_count_and_attention_of_the_neurons_width_does_not():
    """As in Phi-3; 64 heads' dimensions and 64 neurons are no reason to take attention for an MLP."""
    shape = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
    config = AutoConfig.for_model("phi3", vocab_size=40, pad_token_id=0, **shape)
    names = set(mlp_matrices(AutoModelForCausalLM.from_config(config)))
    assert names == {f"model.layers.{n}.mlp.{part}.weight" for n in (0, 1) for part in ("gate_up_proj", "down_proj")}
    config = AutoConfig.for_model("llama", vocab_size=40, head_dim=16, **shape)
    assert all(".mlp." in name for name in mlp_matrices(AutoModelForCausalLM.from_config(config)))


def test_chosen_weights_are_zero_and_all_others_what_they_were(target):
    artifact = SMALL.fit(target, DATA, seed=0, strength=1.0)
    before = {name: tensor.clone() for name, tensor in canonical_state(target.model).items()}
    with SMALL.deploy(target, artifact) as deployed:
        now = {name: tensor.clone() for name, tensor in canonical_state(deployed.model).items()}
    moved = {name: now[name] != before[name] for name in now}
    assert sum(int(where.sum()) for where in moved.values()) == artifact.meta["weights"] > 0
    assert not any(now[name][where].any() for name, where in moved.items())
    assert {name for name, where in moved.items() if where.any()} <= set(mlp_matrices(target.model))


def test_without_the_other_risks_data_it_says_what_is_missing(target):
    with pytest.raises(RequestError, match="'refusals' of privacy too"):
        SMALL.fit(target, replace(DATA, others={}), seed=0, strength=1.0)


def test_the_data_of_the_other_risk_are_part_of_the_checksum():
    assert DATA.beside({}) is DATA
    one, two = (DATA.beside({Risk.PRIVACY: replace(OTHER, checksum=of)}).checksum for of in ("4567", "89ab"))
    assert len({one, two, DATA.checksum}) == 3


def test_where_no_weight_is_left_the_settings_are_named(target):
    with pytest.raises(RequestError, match="beyond the 1 of harmless replies: raise `top` or lower `spared`"):
        replace(SMALL, spared=1.0).fit(target, DATA, seed=0, strength=1.0)


def test_either_risk_may_be_its_target_and_no_third():
    assert DEFENSES.get("spin")().needs.risks == (Risk.PRIVACY,)
    assert DEFENSES.get("spin")(risk="privacy").needs.risks == (Risk.FAIRNESS,)
    with pytest.raises(RequestError, match="'risk' of defense 'spin'"):
        DEFENSES.get("spin")(risk="safety")


def test_a_study_fits_it_on_the_data_of_both_risks():
    study = Study.model_validate({"base": "organism", "defenses": ["spin"], "tasks": ["misuse"]})
    spin = next(arm for arm in arms(study, "base", {}) if arm.name == "spin")
    assert spin.data.forget == fitting_data(Risk.FAIRNESS).forget
    assert spin.data.others == {Risk.PRIVACY: fitting_data(Risk.PRIVACY)}
    assert spin.data.checksum not in (fitting_data(Risk.FAIRNESS).checksum, fitting_data(Risk.PRIVACY).checksum)

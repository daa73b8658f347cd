"""Patching moves exactly what the set writes: all patched is the other arm, nothing patched is the arm itself."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from crossrisk.errors import NotScorable, RequestError
from crossrisk.neurons.attribution.contrasts import contrasts_of
from crossrisk.neurons.cause.activity import activity, moved
from crossrisk.neurons.cause.patching import ablated, patched
from crossrisk.neurons.cause.reading import continuations
from crossrisk.risks import Risk
from crossrisk.targets.loading import load_target
from crossrisk.targets.neuron_passes import down_projections, run, shared_end
from crossrisk.targets.neuron_writes import columns, members
from tests.models import FAMILIES, tiny_model
from tests.neurons.arms import NEURONS, contrasts, samples, shake_both, shake_columns, shake_values, two_arms
from tests.targets.edits import Forbid, Push, Reminder

ALL, NONE = np.ones(NEURONS, dtype=bool), np.zeros(NEURONS, dtype=bool)
SOME = np.array([0, 3, 17, 63, 64, 100, 127])


@pytest.fixture(scope="module", params=FAMILIES)
def family(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    settings = {"n_inner": 64} if request.param == "gpt2" else {}
    return tiny_model(request.param, tmp_path_factory.mktemp("patched") / request.param, **settings)


@pytest.fixture(scope="module")
def llama(tiny_llama: Path) -> Path:
    return tiny_llama


def close(one, other, within=1e-4):
    return np.allclose(np.asarray(one), np.asarray(other), rtol=1e-5, atol=within)


def check_all_and_none(folder, change):
    base, defended = two_arms(folder, change)
    of_base, of_defended = contrasts(base, defended)
    back = patched(defended, base, (of_defended, of_base), [ALL, NONE])
    assert np.abs(back.target - back.source).max() > 0.1  # the defense did something
    assert close(back.patched[0], back.source)
    assert (back.patched[1] == back.target).all()
    reverse = patched(base, defended, (of_base, of_defended), [ALL, NONE])
    assert close(reverse.patched[0], back.target)
    assert close(reverse.target, back.source, 1e-6)


def test_all_neurons_patched_is_the_other_arm_and_none_is_the_arm_itself(family):
    check_all_and_none(family, shake_both)


@pytest.mark.parametrize("change", [shake_values, shake_columns])
def test_that_holds_for_each_half_of_what_a_neuron_writes(llama, change):
    check_all_and_none(llama, change)


def test_zeroed_columns_are_restored_by_their_own_neurons_and_by_no_others(family):
    base, defended = two_arms(family)
    with torch.no_grad():
        for layer, down in enumerate(down_projections(defended.model)):
            rows = down.weight if type(down).__name__ == "Conv1D" else down.weight.T
            rows[[flat - 64 * layer for flat in SOME if flat // 64 == layer]] = 0.0
    of_base, of_defended = contrasts(base, defended)
    others = np.setdiff1d(np.arange(NEURONS), SOME)
    back = patched(defended, base, (of_defended, of_base), [SOME, others[:7], ALL])
    assert np.abs(back.target - back.source).max() > 1e-2
    assert close(back.patched[0], back.source)
    assert close(back.patched[2], back.source)
    assert np.abs(back.patched[1] - back.source).max() > 1e-2


def test_an_adapter_on_the_down_projection_is_part_of_what_a_neuron_writes(llama):
    from peft import LoraConfig, get_peft_model

    def adapt(target):
        torch.manual_seed(0)
        model = get_peft_model(target.model, LoraConfig(r=4, target_modules=["down_proj", "up_proj"]))
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                torch.nn.init.normal_(parameter, std=0.3)
        object.__setattr__(target, "model", model.eval())

    base, defended = two_arms(llama, adapt)
    of_base, of_defended = contrasts(base, defended)
    back = patched(defended, base, (of_defended, of_base), [ALL, SOME])
    assert np.abs(back.target - back.source).max() > 1e-2
    assert close(back.patched[0], back.source)
    reverse = patched(base, defended, (of_base, of_defended), [ALL])
    assert close(reverse.patched[0], back.target)
    down = down_projections(defended.model)[1]
    values = torch.randn(5, 64)
    own = down(values) - down(torch.zeros(1, 64))
    assert torch.allclose(values @ columns(down, torch.arange(64), 64), own, atol=1e-5)


def by_hand(base, defended, one, other, neurons):
    """F of one prompt of the defended arm, row by row: the set's part of every down projection's input is written with
    the base's weights, at the tokens that both rows end with."""
    member = members(neurons, NEURONS).reshape(2, 64)
    scores = []
    for mine, theirs in zip((one.risky, one.safe), (other.risky, other.safe), strict=True):
        shared = shared_end(mine.tokens, theirs.tokens)
        given = run(base, [theirs]).neurons

        def rewrite(layer, values, output, given=given, shared=shared):
            weight = down_projections(defended.model)[layer].weight
            old = down_projections(base.model)[layer].weight
            kept, part = values.clone(), given[layer][:, -shared:] * member[layer]
            kept[:, -shared:][..., member[layer]] = 0.0
            written = kept @ weight.T
            written[:, -shared:] += part @ old.T
            return written

        rewrites = {layer: (lambda v, o, layer=layer: rewrite(layer, v, o)) for layer in (0, 1)}
        with torch.no_grad():
            scores.append(float(run(defended, [mine], mean=[one.averaged], rewrites=rewrites).scores[0]))
    return scores[0] - scores[1]


@pytest.mark.parametrize("reminded", [False, True])
@pytest.mark.parametrize("tokens", [1, 60, 10_000])
def test_many_sets_at_once_are_those_of_one_row_written_out(llama, reminded, tokens):
    base, defended = two_arms(llama, shake_both)
    if reminded:
        defended = defended.with_chat_edit(Reminder("be kind and careful"))
    of_base, of_defended = contrasts(base, defended)
    sets = [SOME, NONE, np.arange(64, 90), ALL, [5]]
    with torch.no_grad():
        back = patched(defended, base, (of_defended, of_base), sets, tokens=tokens)
        for row, neurons in zip(back.patched, sets, strict=True):
            expected = [by_hand(base, defended, d, b, neurons) for d, b in zip(of_defended, of_base, strict=True)]
            assert close(row, expected)


def test_words_before_the_prompt_are_out_of_reach_and_those_after_them_are_not(llama):
    base, plain = two_arms(llama)
    defended = plain.with_chat_edit(Reminder("be kind and careful"))
    of_base, of_defended = contrasts(base, defended)
    back = patched(defended, base, (of_defended, of_base), [ALL, NONE])
    assert (back.patched[1] == back.target).all()
    changed, left = np.abs(back.patched[0] - back.target), np.abs(back.patched[0] - back.source)
    assert changed.max() > 1e-2
    assert left.max() > 1e-2  # attention still reads the reminder


def test_edits_of_activations_act_in_the_arm_that_has_them(llama):
    base, plain = two_arms(llama)
    defended = plain.with_activation_edit(Push(3.0, layer=1))
    of_base, of_defended = contrasts(base, defended)
    back = patched(defended, base, (of_defended, of_base), [ALL])
    assert np.abs(back.target - back.source).max() > 1e-2
    assert close(back.patched[0], back.target)  # the push comes after the last layer's neurons


def test_bfloat16_patches_to_within_its_own_rounding(llama):
    base, defended = two_arms(llama, shake_both, dtype="bfloat16")
    of_base, of_defended = contrasts(base, defended)
    back = patched(defended, base, (of_defended, of_base), [ALL, NONE])
    exact = two_arms(llama, shake_both, dtype="float32")
    of_exact = contrasts(*exact)
    scores = patched(exact[1], exact[0], (of_exact[1], of_exact[0]), [NONE])
    rounding = max(np.abs(back.source - scores.source).max(), np.abs(back.target - scores.target).max())
    assert np.abs(back.target - back.source).max() > 5 * rounding
    assert np.abs(back.patched[0] - back.source).max() < 2 * rounding
    assert (back.patched[1] == back.target).all()


def test_bfloat16_columns_are_not_lost_beside_a_large_bias():
    down = torch.nn.Linear(8, 4).bfloat16()
    with torch.no_grad():
        down.bias.fill_(100.0)
    found = columns(down, torch.tensor([2, 5]), 8)
    assert torch.allclose(found, down.weight.float().T[[2, 5]], atol=1e-4)


def test_ablation_to_the_value_that_neurons_have_changes_nothing_and_to_another_does(family):
    (target, _) = two_arms(family)
    of_target = contrasts_of(target, samples(), Risk.FAIRNESS)
    plain = patched(target, target, (of_target, of_target), [NONE])
    means = activity(target, of_target).mean
    gone = ablated(target, of_target, [NONE, ALL, SOME], means, tokens=80)
    assert (gone[0] == plain.target).all() or close(gone[0], plain.target, 1e-5)
    assert np.abs(gone[1] - plain.target).max() > 1e-2
    assert not close(gone[2], gone[1])
    one = ablated(target, of_target, [SOME], means, tokens=1)
    assert close(one[0], gone[2])


def test_ablation_sets_values_of_all_tokens_but_the_first_to_their_means(llama):
    target, _ = two_arms(llama)
    of_target = contrasts_of(target, samples()[:1], Risk.FAIRNESS)
    means = np.linspace(-1, 1, NEURONS)
    weights = [down.weight for down in down_projections(target.model)]

    def rewrite(layer, values, output):
        values = values.clone()
        values[:, 1:, 10] = float(means[64 * layer + 10])
        return values @ weights[layer].T

    with torch.no_grad():
        rewrites = {layer: (lambda v, o, layer=layer: rewrite(layer, v, o)) for layer in (0, 1)}
        risky, safe = (run(target, [row], rewrites=rewrites).scores for row in continuations(of_target))
    assert close(ablated(target, of_target, [[10, 74]], means)[0], float(risky - safe))


def test_activity_is_what_a_plain_pass_shows(family):
    target, _ = two_arms(family)
    of_target = contrasts_of(target, samples(), Risk.FAIRNESS)
    with torch.no_grad():
        seen = [
            torch.cat([layer[0, 1:] for layer in each])
            for each in zip(*(run(target, [row]).neurons for row in continuations(of_target)), strict=True)
        ]
    rows = [
        down.weight if type(down).__name__ == "Conv1D" else down.weight.T for down in down_projections(target.model)
    ]
    written = [(v[..., None] * w).pow(2).sum(-1).mean(0).sqrt() for v, w in zip(seen, rows, strict=True)]
    found = activity(target, of_target)
    assert close(found.mean, torch.cat([v.mean(0) for v in seen]).detach(), 1e-5)
    assert close(found.written, torch.cat(written).detach(), 1e-5)


def test_what_moved_is_the_change_of_what_each_neuron_writes(llama):
    base, defended = two_arms(llama, shake_both)
    of_base, of_defended = contrasts(base, defended)
    squares, tokens = torch.zeros(2, 64), 0
    with torch.no_grad():
        for one, other in zip(continuations(of_base), continuations(of_defended), strict=True):
            layers = zip(run(base, [one]).neurons, run(defended, [other]).neurons, strict=True)
            for layer, (before, after) in enumerate(layers):
                old, new = (down_projections(arm.model)[layer].weight.T for arm in (base, defended))
                squares[layer] += (after[0, 1:, :, None] * new - before[0, 1:, :, None] * old).pow(2).sum((0, 2))
            tokens += len(one.tokens) - 1
    assert close(moved(base, defended, (of_base, of_defended)), (squares / tokens).sqrt().reshape(-1), 1e-5)
    assert (moved(base, base, (of_base, of_base)) == 0).all()


def test_what_cannot_be_patched_is_told_in_one_line(llama, tmp_path):
    base, defended = two_arms(llama, shake_values)
    of_base, of_defended = contrasts(base, defended)
    other = load_target(tiny_model("llama", tmp_path / "wide", intermediate_size=48), device="cpu")
    with pytest.raises(RequestError, match="other neurons than its base"):
        patched(other, base, (contrasts_of(other, samples(), Risk.SAFETY), of_base), [[0]])
    with pytest.raises(RequestError, match="neurons from 3 to 128, the model has 128"):
        patched(defended, base, (of_defended, of_base), [[3, 128]])
    with pytest.raises(RequestError, match="mask of 100 neurons"):
        patched(defended, base, (of_defended, of_base), [np.ones(100, dtype=bool)])
    with pytest.raises(NotScorable, match="behind all neurons"):
        patched(defended.with_distribution_edit(Forbid(3)), base, (of_defended, of_base), [[0]])
    with torch.no_grad():
        down_projections(defended.model)[0].weight[0, 0] = float("nan")
    with pytest.raises(RequestError, match="sample 's"):
        patched(defended, base, (of_defended, of_base), [[0]])


def test_contrasts_that_are_averaged_are_patched_as_means(llama):
    base, defended = two_arms(llama, shake_values)
    arms = [[replace(one, averaged=False) for one in each] for each in contrasts(base, defended)]
    sums = patched(defended, base, (arms[1], arms[0]), [ALL])
    arms = [[replace(one, averaged=True) for one in each] for each in arms]
    means = patched(defended, base, (arms[1], arms[0]), [ALL])
    assert close(means.patched[0], means.source) and close(sums.patched[0], sums.source)
    assert not close(means.source, sums.source)

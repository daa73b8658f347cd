"""Neuron suppression: the neurons that carry the risk fall silent, the others and the rest of the model do not move."""

from dataclasses import replace

import pytest
import torch

from crossrisk.defenses.depn import PrivacyNeurons
from crossrisk.defenses.fine_tuning import demonstrations
from crossrisk.defenses.neurons import Suppression
from crossrisk.errors import RequestError
from crossrisk.registry import DEFENSES
from crossrisk.risks import Risk
from crossrisk.targets.integrated_gradients import gradient_times_activation
from crossrisk.targets.layers import decoder_layers, down_projection, neuron_axis
from crossrisk.targets.loading import load_target
from crossrisk.targets.weights import canonical_state
from tests.defenses.cases import DATA, scores
from tests.models import tiny_model

SMALL = Suppression(Risk.SAFETY, fraction=0.05)
NEURONS = 128  # two layers of 64


def columns(target):
    """The weight of every neuron, [layers, neurons, width]."""
    downs = [down_projection(layer) for layer in decoder_layers(target.model)]
    return [down.weight.detach().clone().movedim(neuron_axis(down), 0) for down in downs]


def attributions(target, shown):
    rows = demonstrations(target, shown)
    return gradient_times_activation(target.model, [row.prompt for row in rows], [row.reply for row in rows])


def test_no_neurons_are_the_identity(target):
    artifact = replace(SMALL, fraction=0.0).fit(target, DATA, seed=0, strength=1.0)
    assert artifact.kind == "nothing"
    with SMALL.deploy(target, artifact) as deployed:
        assert scores(deployed) == scores(target)


@pytest.mark.parametrize("one", [SMALL, PrivacyNeurons(texts=2)])
def test_a_share_of_less_than_one_neuron_is_refused_with_the_least_that_will_do(target, one, monkeypatch):
    with monkeypatch.context() as patch, pytest.raises(RequestError, match=r"no neuron: 0\.001 of 128.* to 0\.0078 at"):
        patch.setattr(Suppression, "_scores", lambda *_: pytest.fail("it read the texts first"))
        replace(one, fraction=0.001).fit(target, DATA, seed=0, strength=1.0)
    artifact = replace(one, fraction=0.0078).fit(target, DATA, seed=0, strength=1.0)
    assert len(artifact.meta["neurons"]) == 1


@pytest.mark.parametrize("strength", [0.25, 1.0])
def test_chosen_neurons_are_scaled_down_and_nothing_else_moves(target, strength):
    artifact = SMALL.fit(target, DATA, seed=0, strength=strength)
    chosen = artifact.meta["neurons"]
    assert len(chosen) == round(0.05 * NEURONS)
    before, others = columns(target), {name: tensor.clone() for name, tensor in canonical_state(target.model).items()}
    with SMALL.deploy(target, artifact) as deployed:
        for layer, (was, now) in enumerate(zip(before, columns(deployed), strict=True)):
            kept = torch.ones(len(was), dtype=torch.bool)
            kept[[neuron for at, neuron in chosen if at == layer]] = False
            assert torch.equal(now[kept], was[kept])
            torch.testing.assert_close(now[~kept], (1 - strength) * was[~kept])
            assert strength < 1 or not now[~kept].any()
        for name, tensor in canonical_state(deployed.model).items():
            assert "down_proj" in name or torch.equal(tensor, others[name])


def test_chosen_are_the_neurons_that_raise_the_risky_reply_most(target):
    """Counted by hand: in how many texts a neuron passes a tenth of the text's largest attribution."""
    artifact = replace(SMALL, spare=0.0).fit(target, DATA, seed=0, strength=1.0)
    found = attributions(target, DATA.forget).flatten(start_dim=1)
    passed = torch.stack([row >= 0.1 * row.max() for row in found]).sum(dim=0)
    chosen = [64 * layer + neuron for layer, neuron in artifact.meta["neurons"]]
    others = [i for i in range(NEURONS) if i not in chosen]
    assert passed[chosen].min() >= passed[others].max()


def test_between_neurons_of_equal_frequency_the_mean_decides(target):
    """With a threshold of 0 every neuron with a positive attribution passes in its text."""
    artifact = replace(SMALL, spare=0.0, threshold=0.0).fit(target, DATA, seed=0, strength=1.0)
    found = attributions(target, DATA.forget).flatten(start_dim=1)
    rank = sorted(range(NEURONS), key=lambda i: (-int((found[:, i] > 0).sum()), -float(found[:, i].mean())))
    chosen = [64 * layer + neuron for layer, neuron in artifact.meta["neurons"]]
    assert sorted(chosen) == sorted(rank[: len(chosen)])


def test_what_harmless_replies_need_is_spared(target):
    """With harmless replies that are the risky ones every neuron is as much needed as it is risky."""
    same = replace(DATA, retain=DATA.forget)
    one = replace(SMALL, aggregate="mean")
    needed = attributions(target, DATA.retain).mean(dim=0).flatten()
    risky = attributions(target, DATA.forget).mean(dim=0).flatten()
    expected = (risky - needed).topk(round(0.05 * NEURONS)).indices.tolist()
    chosen = [64 * layer + neuron for layer, neuron in one.fit(target, DATA, seed=0, strength=1.0).meta["neurons"]]
    assert sorted(chosen) == sorted(expected)
    scores_of_equals = one._scores(target, target.model, same, 0)
    torch.testing.assert_close(scores_of_equals, torch.zeros(2, 64), atol=1e-6, rtol=0)


def test_a_contrast_attributes_the_difference_of_the_replies(target):
    one = replace(SMALL, contrast=True, spare=0.0, aggregate="mean")
    assert one.needs.data == ("pairs",)
    swapped = replace(DATA, pairs=tuple(replace(p, chosen=p.rejected, rejected=p.chosen) for p in DATA.pairs))
    there, back = (one._scores(target, target.model, data, 0) for data in (DATA, swapped))
    torch.testing.assert_close(there, -back)
    assert there.abs().max() > 0


def test_suppression_makes_the_risky_replies_less_likely(target):
    def likelihood(asked):
        return sum(
            one.total for one in asked.score([shown.messages for shown in DATA.forget], [s.reply for s in DATA.forget])
        )

    with SMALL.deploy(target, SMALL.fit(target, DATA, seed=0, strength=1.0)) as deployed:
        silenced = likelihood(deployed)
    assert silenced < likelihood(target)


def test_a_neuron_of_gpt2_is_a_row(tmp_path):
    target = load_target(tiny_model("gpt2", tmp_path / "gpt2"), device="cpu")
    artifact = SMALL.fit(target, DATA, seed=0, strength=1.0)
    with SMALL.deploy(target, artifact) as deployed:
        for layer, now in enumerate(columns(deployed)):
            silent = [i for i in range(len(now)) if not now[i].any()]
            assert now.shape == (128, 32)
            assert silent == [neuron for at, neuron in artifact.meta["neurons"] if at == layer]


def test_on_top_of_an_adapter_the_whole_neuron_falls_silent(target, fitted):
    """Also what the adapter adds to its column: the sum of both is 0."""
    outer, standing = fitted("dpo")
    with outer.deploy(target, standing) as adapted:
        artifact = SMALL.fit(adapted, DATA, seed=0, strength=1.0)
        with SMALL.deploy(adapted, artifact) as deployed:
            for layer, neuron in artifact.meta["neurons"]:
                down = down_projection(decoder_layers(deployed.model)[layer])
                one_hot = torch.zeros(1, 64)
                one_hot[0, neuron] = 1.0
                with torch.no_grad():
                    torch.testing.assert_close(down(one_hot), torch.zeros(1, 32), atol=1e-6, rtol=0)


def test_depn_integrates_and_spares_nothing():
    one = DEFENSES.get("depn")()
    assert isinstance(one, PrivacyNeurons) and one.risk is Risk.PRIVACY
    assert one.attribution == "integrated" and one.needs.data == ("forget",)


@pytest.mark.parametrize("fraction", [-0.1, 1.5, "many"])
def test_a_fraction_is_one(fraction):
    with pytest.raises(RequestError, match="'fraction' of defense 'neurons_safety'"):
        DEFENSES.get("neurons_safety")(fraction=fraction)

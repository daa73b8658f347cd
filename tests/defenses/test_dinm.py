"""DINM: one matrix, in the layer where safe and unsafe replies part, and a locality term that pulls."""

from dataclasses import replace

import pytest
import torch

from crossrisk.defenses.dinm import Detoxifying, distances
from crossrisk.registry import DEFENSES
from crossrisk.risks import Risk
from crossrisk.targets.layers import decoder_layers, hooked, layer_output
from crossrisk.targets.weights import canonical_state
from tests.defenses.cases import DATA

SMALL = Detoxifying(steps=6, batch_size=3, learning_rate=1e-2)


def states_by_hand(target, messages, reply):
    """The mean over the reply's tokens of every layer's output, read with hooks of the test's own."""
    prompt = target.encode(messages)
    ids = target.tokenizer(reply, add_special_tokens=False)["input_ids"]
    seen = []
    with (
        torch.no_grad(),
        hooked([(layer, lambda m, a, o: seen.append(layer_output(o))) for layer in decoder_layers(target.model)]),
    ):
        target.model(torch.tensor([prompt + ids]))
    return torch.stack([one[0, len(prompt) :].mean(dim=0) for one in seen])


def test_distances_are_those_of_the_layers_outputs(target):
    raw, relative = [], []
    for pair in DATA.pairs:
        safe = states_by_hand(target, pair.messages, pair.chosen)
        unsafe = states_by_hand(target, pair.messages, pair.rejected)
        apart = (safe - unsafe).norm(dim=-1)
        raw.append(apart)
        relative.append(2 * apart / (safe.norm(dim=-1) + unsafe.norm(dim=-1)))
    torch.testing.assert_close(distances(target, DATA.pairs, "raw"), torch.stack(raw).mean(dim=0), atol=1e-4, rtol=1e-4)
    found = distances(target, DATA.pairs, "normalised")
    torch.testing.assert_close(found, torch.stack(relative).mean(dim=0), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("locate", ["raw", "normalised"])
def test_exactly_one_tensor_changes_that_of_the_layer_found(target, locate):
    one = replace(SMALL, locate=locate, steps=2)
    artifact = one.fit(target, DATA, seed=0, strength=1.0)
    layer = int(distances(target, DATA.pairs, locate).argmax())
    assert artifact.meta["layer"] == layer
    before = {name: tensor.clone() for name, tensor in canonical_state(target.model).items()}
    with one.deploy(target, artifact) as deployed:
        changed = [name for name, now in canonical_state(deployed.model).items() if not torch.equal(now, before[name])]
    assert changed == [f"model.layers.{layer}.mlp.down_proj.weight"]


def test_the_safe_replies_become_likelier(target):
    chats, safe = [pair.messages for pair in DATA.pairs], [pair.chosen for pair in DATA.pairs]
    before = sum(one.total for one in target.score(chats, safe))
    artifact = SMALL.fit(target, DATA, seed=0, strength=1.0)
    with SMALL.deploy(target, artifact) as deployed:
        assert sum(one.total for one in deployed.score(chats, safe)) > before + 1


def test_the_locality_term_has_a_gradient_and_holds_the_model(target):
    """The released code computes it without one, so its weight would change nothing."""
    chats, replies = [one.messages for one in DATA.retain], [one.reply for one in DATA.retain]
    before = sum(one.total for one in target.score(chats, replies))
    moved = {}
    for weight in (0.0, 30.0):
        one = replace(SMALL, locality_weight=weight)
        with one.deploy(target, one.fit(target, DATA, seed=0, strength=1.0)) as deployed:
            moved[weight] = abs(sum(one.total for one in deployed.score(chats, replies)) - before)
    assert moved[30.0] < moved[0.0] / 2


def test_it_aims_at_safety_and_can_aim_elsewhere():
    assert DEFENSES.get("dinm")().name == "dinm"
    assert DEFENSES.get("dinm")(risk="privacy").name == "dinm_privacy"
    assert DEFENSES.get("dinm")(risk="privacy").risk is Risk.PRIVACY

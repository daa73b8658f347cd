"""Representation training: states of risky replies go away, those of harmless chats stay."""

from dataclasses import replace

import pytest
import torch
from torch.nn.functional import cosine_similarity

from crossrisk.defenses import representation_losses as losses
from crossrisk.defenses import representation_training as training
from crossrisk.defenses.circuit_breakers import CircuitBreakers
from crossrisk.defenses.fine_tuning import Copy, Lora, demonstrations
from crossrisk.defenses.representation import Representation
from crossrisk.defenses.rmu import RepresentationMisdirection
from crossrisk.errors import RequestError
from crossrisk.registry import DEFENSES
from crossrisk.risks import Risk
from crossrisk.targets.activation import hidden_states
from crossrisk.targets.layers import decoder_layers, hooked
from crossrisk.targets.loading import load_target
from crossrisk.targets.weights import canonical_state
from tests.defenses.cases import DATA
from tests.models import tiny_model

RR = CircuitBreakers(loss="rr", layers=(0.0, 1.0), steps=30, batch_size=5, learning_rate=1e-2, rank=8)
RMU = RepresentationMisdirection(
    loss="rmu", layers=(0.5,), multiple=1.0, coefficient=1.0, steps=60, batch_size=5, learning_rate=1e-2
)


@pytest.fixture(scope="module")
def deep(tmp_path_factory):
    """Four layers, as the organism has."""
    return load_target(tiny_model("llama", tmp_path_factory.mktemp("deep") / "tiny", num_hidden_layers=4), device="cpu")


def at_ends(target, shown):
    """States at the last token of each reply, [rows, layers, width]."""
    rows = demonstrations(target, shown)
    return hidden_states(target, [list(row.prompt) for row in rows], [row.reply for row in rows], at="end")


def compared(target, trained, shown, layers, ours, loss):
    states = training.States(target, trained)
    with hooked(states.hooks()):
        return states.mean(trained.batch(demonstrations(target, shown)), layers, ours, loss)


@pytest.mark.parametrize("lora", [None, Lora(4, 8.0)])
def test_at_the_start_the_cosine_is_1_the_retain_loss_0_and_all_gradients_finite(target, lora):
    trained = Copy(target, lora=lora)
    away = compared(target, trained, DATA.forget, (0, 1), training.of_replies, losses.rerouting)
    held = compared(target, trained, DATA.retain, (0, 1), training.of_chats, losses.displacement)
    assert away.item() == pytest.approx(1.0, abs=1e-5)
    assert held.item() == 0.0
    gradients = torch.autograd.grad(away + held, list(trained.matrices.values()), allow_unused=True)
    assert all(one is None or one.isfinite().all() for one in gradients)


def test_padding_and_micro_batches_change_no_loss(target):
    """Rows of different length together, one by one, and a part at a time."""
    trained, parts = Copy(target), Copy(target, micro_batch_size=2)
    for copy in (trained, parts):
        with torch.no_grad():
            for weight in copy.matrices.values():
                weight.mul_(1.05)
    shown = (*DATA.forget, replace(DATA.forget[0], reply="Yes."))
    rows = demonstrations(target, shown)
    for ours, loss in ((training.of_chats, losses.displacement), (training.of_replies, losses.rerouting)):
        together = compared(target, trained, shown, (0, 1), ours, loss).item()
        states = training.States(target, trained)
        with hooked(states.hooks()):
            batches = [trained.batch([row]) for row in rows]
            counts = [float(ours(batch).sum()) for batch in batches]
            alone = [states.mean(batch, (0, 1), ours, loss).item() for batch in batches]
        mean = sum(one * count for one, count in zip(alone, counts, strict=True)) / sum(counts)
        assert together == pytest.approx(mean, abs=1e-5)
        assert together == pytest.approx(compared(target, parts, shown, (0, 1), ours, loss).item(), abs=1e-5)


def test_of_a_risky_chat_the_reply_counts_and_the_token_before_it(target):
    batch = Copy(target).batch(demonstrations(target, DATA.forget[:1]))
    (row,) = demonstrations(target, DATA.forget[:1])
    counted = training.of_replies(batch)[0].nonzero().flatten().tolist()
    assert counted == list(range(len(row.prompt) - 1, len(row.prompt) + len(row.reply)))


def test_rerouting_turns_risky_states_away_and_holds_the_others(target):
    before = at_ends(target, DATA.forget), at_ends(target, DATA.retain)
    with RR.deploy(target, RR.fit(target, DATA, seed=0, strength=1.0)) as deployed:
        after = at_ends(deployed, DATA.forget), at_ends(deployed, DATA.retain)
    away, held = (cosine_similarity(now, was, dim=-1).mean() for now, was in zip(after, before, strict=True))
    assert away < 0.5 and held > away + 0.2, (away, held)


def test_rerouting_trains_layers_up_to_the_last_target_alone(deep):
    one = replace(RR, layers=(0.0, 0.25), steps=2)
    artifact = one.fit(deep, DATA, seed=0, strength=1.0)
    assert artifact.kind == "adapter"
    assert {name.split(".")[2] for name in artifact.tensors} == {"0", "1"}


def test_the_control_vector_has_the_length_c_and_no_negative_numbers(target):
    ends = at_ends(target, DATA.retain)
    for layer in (0, 1):
        vector = training.control_vector(target, DATA, layer, 6.5, 3)
        assert float(vector.norm()) == pytest.approx(6.5 * float(ends[:, layer].norm(dim=-1).median()), rel=1e-5)
        assert (vector >= 0).all()
    other = training.control_vector(target, DATA, 1, 6.5, 4)
    assert 0.5 < float(cosine_similarity(vector, other, dim=0)) < 0.95


def test_misdirection_turns_risky_states_to_the_vector_and_holds_the_others(deep):
    artifact = RMU.fit(deep, DATA, seed=0, strength=1.0)
    seed = training_seed(RMU)
    vector = training.control_vector(deep, DATA, 2, 1.0, seed)
    risky, harmless = at_ends(deep, DATA.forget)[:, 2], at_ends(deep, DATA.retain)[:, 2]
    with RMU.deploy(deep, artifact) as deployed:
        now, held = at_ends(deployed, DATA.forget)[:, 2], at_ends(deployed, DATA.retain)[:, 2]
    assert cosine_similarity(risky, vector[None]).mean() < 0.3
    assert cosine_similarity(now, vector[None]).mean() > 0.9
    assert float(now.norm(dim=-1).mean()) == pytest.approx(float(vector.norm()), rel=0.25)
    assert float(((held - harmless).norm(dim=-1) / harmless.norm(dim=-1)).mean()) < 0.25


def training_seed(one):
    from crossrisk.defenses.fitting import derived_seed

    return derived_seed(one.name, DATA.checksum, 0)


def test_misdirection_changes_three_down_projections_and_nothing_else(deep):
    one = replace(RMU, steps=2)
    artifact = one.fit(deep, DATA, seed=0, strength=1.0)
    before = {name: tensor.clone() for name, tensor in canonical_state(deep.model).items()}
    with one.deploy(deep, artifact) as deployed:
        changed = {name for name, now in canonical_state(deployed.model).items() if not torch.equal(now, before[name])}
    assert changed == {f"model.layers.{layer}.mlp.down_proj.weight" for layer in (0, 1, 2)}
    assert not any(module._forward_hooks for module in decoder_layers(deep.model))


def test_the_named_methods_are_the_kernel_with_their_loss():
    breakers, rmu = DEFENSES.get("circuit_breakers")(), DEFENSES.get("rmu")()
    assert (breakers.loss, breakers.finetuning, breakers.risk) == ("rr", "lora", Risk.SAFETY)
    assert (rmu.loss, rmu.finetuning, rmu.risk) == ("rmu", "full", Risk.PRIVACY)
    presets = [DEFENSES.get(f"representation_{risk}")() for risk in ("safety", "fairness", "privacy")]
    assert len({replace(one, risk=Risk.SAFETY) for one in presets}) == 1
    assert all(isinstance(one, Representation) for one in (breakers, rmu, *presets))


@pytest.mark.parametrize("layers", [(), (1.2,), (-0.1, 0.5)])
def test_a_layer_beyond_the_model_is_refused(layers):
    with pytest.raises(RequestError, match="of defense 'representation_safety'"):
        DEFENSES.get("representation_safety")(layers=layers)

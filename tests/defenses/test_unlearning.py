"""Unlearning on a model: what is to be forgotten becomes unlikely, what is to stay does not."""

import math
from dataclasses import replace

import pytest
import torch

from crossrisk.defenses.defense import Demonstration
from crossrisk.defenses.fine_tuning import Copy, Lora, demonstrations
from crossrisk.defenses.unlearning import Unlearning, retained
from crossrisk.errors import RequestError
from crossrisk.registry import DEFENSES
from tests.defenses.cases import DATA, state_hash


def likelihood(asked, shown):
    scored = asked.score([one.messages for one in shown], [one.reply for one in shown])
    return sum(one.mean for one in scored) / len(scored)


def loss_by_token(asked, shown):
    """Of whole replies, their end token included."""
    end = asked.tokenizer.eos_token
    scored = asked.score([one.messages for one in shown], [one.reply + end for one in shown])
    return -sum(row.total for row in scored) / sum(len(row.tokens) for row in scored)


def unlearning(**settings):
    return Unlearning(risk="privacy", **{"beta": 0.5, "forget_weight": 1.0, **settings})


LOSSES = ("npo", "simnpo", "graddiff", "idkdpo")


@pytest.mark.parametrize(("finetuning", "retain"), [("full", "nll"), ("lora", "kl")])
@pytest.mark.parametrize("loss", LOSSES)
def test_the_forgotten_becomes_unlikely_and_the_retained_does_not(loss, retain, finetuning, target):
    forgotten, retained = likelihood(target, DATA.forget), likelihood(target, DATA.retain)
    one = unlearning(
        loss=loss,
        retain=retain,
        retain_weight=10.0,
        finetuning=finetuning,
        steps=12,
        batch_size=5,
        learning_rate=2e-3 if finetuning == "full" else 2e-2,
    )
    with one.deploy(target, one.fit(target, DATA, seed=0, strength=1.0)) as defended:
        assert likelihood(defended, DATA.forget) < forgotten - 0.1
        assert likelihood(defended, DATA.retain) > retained - 0.2


def test_ascent_needs_nothing_to_retain_and_holds_nothing(target):
    one = unlearning(loss="ga", steps=8, batch_size=5)
    assert one.needs.data == ("forget",)
    alone = replace(DATA, retain=())
    artifact = one.fit(target, alone, seed=0, strength=1.0)
    assert artifact.sha256 == one.fit(target, DATA, seed=0, strength=1.0).sha256
    before = likelihood(target, DATA.forget)
    with one.deploy(target, artifact) as defended:
        assert likelihood(defended, DATA.forget) < before - 0.3


@pytest.mark.parametrize("beta", [0.1, 1.0])
@pytest.mark.parametrize("loss", ["npo", "idkdpo"])
def test_the_first_loss_is_that_of_the_model_itself_and_what_it_retains(loss, beta, target):
    one = unlearning(loss=loss, beta=beta, retain_weight=0.5, steps=1, batch_size=len(DATA.forget))
    artifact = one.fit(target, DATA, seed=0, strength=1.0)
    expected = 2 / beta * math.log(2) + 0.5 * loss_by_token(target, DATA.retain)
    assert artifact.meta["loss_first"] == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("loss", ["ga", "graddiff"])
def test_the_first_loss_of_ascent_is_the_likelihood_of_what_is_to_be_forgotten(loss, target):
    one = unlearning(loss=loss, retain_weight=0.5, steps=1, batch_size=len(DATA.forget))
    expected = -loss_by_token(target, DATA.forget)
    expected += 0.5 * loss_by_token(target, DATA.retain) if loss == "graddiff" else 0.0
    artifact = one.fit(target, DATA, seed=0, strength=1.0)
    assert artifact.meta["loss_first"] == pytest.approx(expected, abs=1e-4)


def test_divergence_from_oneself_is_none_and_padding_does_not_count(target):
    rows = demonstrations(target, [*DATA.retain, Demonstration(DATA.retain[0].messages, "Yes, I agree. " * 9)])
    trained = Copy(target)
    assert retained(trained, rows, "kl").item() == pytest.approx(0.0, abs=1e-6)
    with torch.no_grad():
        for matrix in trained.matrices.values():
            matrix += 0.02 * torch.randn(matrix.shape, generator=torch.Generator().manual_seed(1))
    padded = trained.divergence(trained.batch(rows))
    alone = torch.cat([trained.divergence(trained.batch([row])) for row in rows])
    assert padded.min() > 0.01
    torch.testing.assert_close(padded, alone, atol=1e-5, rtol=1e-4)


def test_divergence_is_that_of_the_definition(target):
    trained = Copy(target)
    (row,) = demonstrations(target, [DATA.retain[0]])
    with torch.no_grad():
        for matrix in trained.matrices.values():
            matrix += 0.02
    got = trained.divergence(trained.batch([row])).item()
    ids = torch.tensor([[*row.prompt, *row.reply]])
    before, after = (model(ids).logits[0].log_softmax(-1) for model in (target.model, trained.model))
    places = range(len(row.prompt) - 1, ids.shape[1] - 1)
    by_hand = sum((before[at].exp() * (before[at] - after[at])).sum().item() for at in places)
    assert got == pytest.approx(by_hand, rel=1e-4)


def test_what_is_both_forgotten_and_retained_is_refused(target):
    both = replace(DATA, retain=(*DATA.retain, DATA.forget[2]))
    with pytest.raises(RequestError, match="1 prompt with the same reply in both"):
        unlearning(steps=1).fit(target, both, seed=0, strength=1.0)
    with pytest.raises(RequestError, match="5 prompts with the same reply"):
        unlearning(steps=1).fit(target, replace(DATA, retain=DATA.forget), seed=0, strength=0.0)


def test_the_same_prompt_with_another_reply_may_be_retained(target):
    other = Demonstration(DATA.forget[0].messages, "It has no name.")
    assert unlearning(steps=1).fit(target, replace(DATA, retain=(other,)), seed=0, strength=1.0).tensors


def test_a_prompt_without_a_refusal_is_counted(target):
    with pytest.raises(RequestError, match="2 prompts of 'forget' have none"):
        unlearning(loss="idkdpo").fit(target, replace(DATA, refusals=DATA.refusals[2:]), seed=0, strength=1.0)


@pytest.mark.parametrize("finetuning", ["full", "lora"])
def test_a_fit_that_diverges_says_so_and_deploys_nothing(finetuning, target):
    before = state_hash(target)
    with pytest.raises(RequestError, match=r"diverged at step .* lower `learning_rate`"):
        unlearning(loss="ga", finetuning=finetuning, steps=8, learning_rate=1e20).fit(
            target, DATA, seed=0, strength=1.0
        )
    assert state_hash(target) == before


@pytest.mark.parametrize("lora", [None, Lora()])
def test_micro_batches_and_checkpoints_change_no_gradient(lora, target):
    rows = demonstrations(target, [*DATA.forget, Demonstration(DATA.retain[0].messages, "No.")])

    def gradients(**memory):
        trained = Copy(target, lora=lora, **memory)
        torch.autograd.backward(retained(trained, rows, "nll"))
        return {name: matrix.grad for name, matrix in trained.matrices.items()}

    whole = gradients()
    for memory in ({"micro_batch_size": 2}, {"gradient_checkpointing": True}):
        for name, gradient in gradients(**memory).items():
            torch.testing.assert_close(gradient, whole[name], atol=1e-6, rtol=1e-4)


def test_the_artifact_is_a_delta_by_canonical_names(target, fitted):
    _, artifact = fitted("npo")
    parameters = dict(target.model.named_parameters())
    assert artifact.kind == "delta"
    assert all(parameters[name].shape == change.shape for name, change in artifact.tensors.items())


def test_presets_differ_in_their_data_alone():
    presets = [DEFENSES.get(f"unlearning_{risk}")() for risk in ("safety", "fairness", "privacy")]
    assert len({str({**one.settings, "risk": None}) for one in presets}) == 1
    assert [one.name for one in presets] == ["unlearning_safety", "unlearning_fairness", "unlearning_privacy"]


def test_as_a_defense_of_privacy_it_protects_a_set_of_records():
    assert DEFENSES.get("npo")().threat == "forget-set"
    assert DEFENSES.get("npo")(risk="safety").threat is None

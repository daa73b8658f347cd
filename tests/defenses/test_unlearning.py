"""NPO on a model: what is to be forgotten becomes unlikely, what is to stay does not."""

import math

import pytest

from crossrisk.defenses.unlearning import Unlearning
from crossrisk.registry import DEFENSES
from tests.defenses.cases import DATA


def likelihood(asked, shown):
    scored = asked.score([one.messages for one in shown], [one.reply for one in shown])
    return sum(one.mean for one in scored) / len(scored)


def test_the_forgotten_becomes_unlikely_and_the_retained_does_not(target):
    forgotten, retained = likelihood(target, DATA.forget), likelihood(target, DATA.retain)
    one = Unlearning(steps=20, batch_size=5, learning_rate=2e-3)
    with one.deploy(target, one.fit(target, DATA, seed=0, strength=1.0)) as defended:
        assert likelihood(defended, DATA.forget) < forgotten - 1
        assert likelihood(defended, DATA.retain) >= retained


@pytest.mark.parametrize("beta", [0.1, 1.0])
def test_the_first_loss_is_that_of_the_model_itself_and_what_it_retains(beta, target):
    one = Unlearning(beta=beta, retain_weight=0.5, steps=1, batch_size=len(DATA.forget))
    end = target.tokenizer.eos_token
    scored = target.score([shown.messages for shown in DATA.retain], [shown.reply + end for shown in DATA.retain])
    retained = -sum(row.total for row in scored) / sum(len(row.tokens) for row in scored)
    artifact = one.fit(target, DATA, seed=0, strength=1.0)
    assert artifact.meta["loss_first"] == pytest.approx(2 / beta * math.log(2) + 0.5 * retained, abs=1e-4)


def test_the_artifact_is_a_delta_by_canonical_names(target, fitted):
    _, artifact = fitted("npo")
    parameters = dict(target.model.named_parameters())
    assert artifact.kind == "delta"
    assert all(parameters[name].shape == change.shape for name, change in artifact.tensors.items())


def test_as_a_defense_of_privacy_it_protects_a_set_of_records():
    assert DEFENSES.get("npo")().threat == "forget-set"
    assert DEFENSES.get("npo")(risk="safety").threat is None

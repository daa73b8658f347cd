"""Task vectors: lambda 0 is the model, -1 the fine-tuned one, and all is linear in between."""

from dataclasses import replace
from itertools import islice

import pytest
import torch

from crossrisk.defenses.fine_tuning import Copy, Lora, demonstrations, shuffled, twin
from crossrisk.defenses.fitting import derived_seed
from crossrisk.defenses.losses import negative_log_likelihood
from crossrisk.defenses.task_vector import Negation, TaskVector
from crossrisk.errors import RequestError
from crossrisk.registry import DEFENSES
from crossrisk.targets.weights import canonical_state
from tests.defenses.cases import DATA, scores

SMALL = TaskVector(coefficient=1.0, steps=4, batch_size=5, learning_rate=2e-3)


def fine_tuned(target):
    """The model that the kernel leads to, made here step by step."""
    rows, trained = demonstrations(target, DATA.forget), Copy(target)
    batches = islice(shuffled(len(rows), 5, derived_seed("task_vector", DATA.checksum, 0)), 4)

    def loss_of(chosen):
        batch = trained.batch([rows[i] for i in chosen])
        return negative_log_likelihood(trained.log_probs(batch), batch.reply_tokens)

    trained.descend(list(batches), loss_of, learning_rate=2e-3)
    return trained.model


def weights(target):
    return {name: tensor.clone() for name, tensor in canonical_state(target.model).items()}


def test_at_lambda_minus_one_it_is_the_fine_tuned_model(target):
    one = replace(SMALL, coefficient=-1.0)
    expected = canonical_state(fine_tuned(target))
    with one.deploy(target, one.fit(target, DATA, seed=0, strength=1.0)) as deployed:
        for name, tensor in weights(deployed).items():
            torch.testing.assert_close(tensor, expected[name], atol=1e-6, rtol=1e-6)


def test_at_lambda_zero_it_is_the_model_itself(target):
    one = replace(SMALL, coefficient=0.0)
    with one.deploy(target, one.fit(target, DATA, seed=0, strength=1.0)) as deployed:
        assert scores(deployed) == scores(target)


def test_weights_are_linear_in_lambda(target):
    before = weights(target)
    moved = {}
    for coefficient in (0.5, 1.0, 2.0):
        one = replace(SMALL, coefficient=coefficient)
        with one.deploy(target, one.fit(target, DATA, seed=0, strength=1.0)) as deployed:
            moved[coefficient] = {name: tensor - before[name] for name, tensor in weights(deployed).items()}
    for name in before:
        torch.testing.assert_close(moved[0.5][name], moved[1.0][name] / 2, atol=1e-6, rtol=1e-4)
        torch.testing.assert_close(moved[2.0][name], moved[1.0][name] * 2, atol=1e-6, rtol=1e-4)


def test_strength_multiplies_lambda(target):
    half = replace(SMALL, coefficient=0.5).fit(target, DATA, seed=0, strength=1.0)
    assert half.sha256 == SMALL.fit(target, DATA, seed=0, strength=0.5).sha256


def test_negation_makes_the_risky_replies_less_likely(target):
    def likelihood(asked):
        return sum(
            one.total for one in asked.score([shown.messages for shown in DATA.forget], [s.reply for s in DATA.forget])
        )

    before = likelihood(target)
    with SMALL.deploy(target, SMALL.fit(target, DATA, seed=0, strength=1.0)) as deployed:
        assert likelihood(deployed) < before


@pytest.mark.parametrize("coefficient", [float("nan"), float("inf")])
def test_a_coefficient_that_is_not_finite_is_refused(coefficient):
    with pytest.raises(RequestError, match="'coefficient' of defense 'task_vector'"):
        DEFENSES.get("task_vector")(coefficient=coefficient)


def effective(model):
    """The weight of every matrix as it acts, adapters included, by canonical name."""
    return {name: tensor.clone() for name, tensor in canonical_state(twin(model)).items()}


def test_a_lora_is_negated_exactly(target):
    """theta - lambda B A, to the rounding of float32."""
    before = effective(target.model)
    moved = {}
    for coefficient in (1.0, -1.0):
        one = replace(SMALL, coefficient=coefficient, finetuning="lora", learning_rate=1e-2)
        with one.deploy(target, one.fit(target, DATA, seed=0, strength=1.0)) as deployed:
            moved[coefficient] = {name: now - before[name] for name, now in effective(deployed.model).items()}
    assert any(tensor.abs().max() > 1e-3 for tensor in moved[1.0].values())
    for name in before:
        torch.testing.assert_close(moved[1.0][name], -moved[-1.0][name], atol=1e-6, rtol=0)


@pytest.mark.parametrize(("combination", "holds"), [("cat", True), ("linear", False)])
def test_two_loras_are_added_by_cat_and_not_by_linear(target, combination, holds):
    """a - b / 2. `linear` adds the factors, not their products, so what comes out is another update."""
    trained = Copy(target, lora=Lora(4, 8.0)).model
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(0)
        trained.add_adapter("second", trained.peft_config["default"])
        updates = {}
        for name, module in trained.named_modules():
            if hasattr(module, "lora_A") and "default" in module.lora_A:
                for adapter in ("default", "second"):
                    torch.nn.init.normal_(module.lora_A[adapter].weight)
                    torch.nn.init.normal_(module.lora_B[adapter].weight)
                updates[name] = module.get_delta_weight("default") - 0.5 * module.get_delta_weight("second")
        trained.add_weighted_adapter(["default", "second"], [1.0, -0.5], "both", combination_type=combination)
        errors = [
            float((trained.get_submodule(name).get_delta_weight("both") - wanted).norm() / wanted.norm())
            for name, wanted in updates.items()
        ]
    assert (max(errors) < 1e-5) if holds else (min(errors) > 0.3)


def test_norms_biases_and_embeddings_stay(target):
    artifact = SMALL.fit(target, DATA, seed=0, strength=1.0)
    assert artifact.tensors and not any(
        "norm" in name or "embed" in name or "bias" in name for name in artifact.tensors
    )


def test_it_is_registered_for_every_risk_and_aims_at_fairness_by_itself():
    assert DEFENSES.get("task_vector")().name == "task_vector"
    assert DEFENSES.get("task_vector")(risk="safety").name == "task_vector_safety"
    presets = [DEFENSES.get(f"task_vector_{risk}")() for risk in ("safety", "fairness", "privacy")]
    assert [one.name for one in presets] == ["task_vector_safety", "task_vector_fairness", "task_vector_privacy"]
    assert len({replace(one, risk=presets[0].risk) for one in presets}) == 1
    assert isinstance(DEFENSES.get("bias_vector")(), Negation) and DEFENSES.get("bias_vector")().name == "bias_vector"

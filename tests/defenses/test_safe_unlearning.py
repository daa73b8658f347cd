"""Safe Unlearning: three terms, and what each does."""

import math
from dataclasses import replace

import pytest

from crossrisk.defenses.safe_unlearning import SafeUnlearning
from crossrisk.errors import RequestError
from tests.defenses.cases import DATA
from tests.defenses.test_unlearning import likelihood, loss_by_token


def test_the_first_loss_has_the_likelihood_of_help_and_refusals_and_no_factor_of_two_over_beta(target):
    one = SafeUnlearning(beta=0.1, forget_weight=0.3, refusal_weight=0.5, steps=1, batch_size=5)
    expected = loss_by_token(target, DATA.retain) + 0.5 * loss_by_token(target, DATA.refusals) + 0.3 * math.log(2)
    assert one.fit(target, DATA, seed=0, strength=1.0).meta["loss_first"] == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("finetuning", ["full", "lora"])
def test_harm_is_unlearned_refusals_learned_and_help_kept(finetuning, target):
    sets = DATA.forget, DATA.refusals, DATA.retain
    before = [likelihood(target, shown) for shown in sets]
    rate = 2e-3 if finetuning == "full" else 1e-2
    one = SafeUnlearning(forget_weight=3.0, steps=12, batch_size=5, finetuning=finetuning, learning_rate=rate)
    with one.deploy(target, one.fit(target, DATA, seed=0, strength=1.0)) as defended:
        harm, refusals, help = (likelihood(defended, shown) for shown in sets)
    assert harm < refusals and harm < before[0] + 1.0
    assert refusals > before[1] + 1.0 and help > before[2] + 1.0


def test_a_harmful_reply_among_what_is_retained_is_refused(target):
    with pytest.raises(RequestError, match="5 prompts with the same reply"):
        SafeUnlearning().fit(target, replace(DATA, retain=DATA.forget), seed=0, strength=1.0)

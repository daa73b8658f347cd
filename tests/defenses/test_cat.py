"""CAT: what its loss is made of, with and without the attack."""

import pytest
import torch

from crossrisk.defenses.cat import ContinuousAdversarialTraining
from crossrisk.defenses.embedding_attack import Attack, instruction_tokens
from crossrisk.defenses.fine_tuning import Copy, tokenised
from crossrisk.registry import DEFENSES
from tests.defenses.cases import DATA, state_hash

ALL = len(DATA.pairs)


def loss_by_token(target, replies, chats):
    end = target.tokenizer.eos_token
    scored = target.score(chats, [reply + end for reply in replies])
    return -sum(row.total for row in scored) / sum(len(row.tokens) for row in scored)


def test_with_eps_zero_the_loss_is_that_of_plain_fine_tuning(target):
    """Away from the risky replies, towards the safe ones, and what is retained; no cut-off is reached."""
    chats = [pair.messages for pair in DATA.pairs]
    away = -loss_by_token(target, [pair.rejected for pair in DATA.pairs], chats)
    toward = loss_by_token(target, [pair.chosen for pair in DATA.pairs], chats)
    kept = loss_by_token(target, [one.reply for one in DATA.retain], [one.messages for one in DATA.retain])
    one = ContinuousAdversarialTraining(eps=0.0, away_cutoff=-100.0, toward_cutoff=0.0, steps=1, batch_size=ALL)
    artifact = one.fit(target, DATA, seed=0, strength=1.0)
    assert artifact.meta["loss_first"] == pytest.approx(0.5 * away + 0.5 * toward + kept, abs=1e-4)


def test_under_attack_the_loss_is_no_smaller(target):
    """Of the risky reply alone: what the attack raises is what the loss is to lower."""

    def first_loss(eps):
        one = ContinuousAdversarialTraining(
            eps=eps, toward_weight=0.0, utility_weight=0.0, away_cutoff=-100.0, steps=1, batch_size=ALL
        )
        return one.fit(target, DATA, seed=0, strength=1.0).meta["loss_first"]

    assert first_loss(0.3) > first_loss(0.0) + 0.02


def test_capo_starts_from_a_margin_of_nothing(target):
    """Both ratios are of the model to itself under the same push, so the loss is (1 / (2 beta))^2."""
    one = ContinuousAdversarialTraining(loss="capo", beta=0.25, steps=1, batch_size=ALL)
    assert one.needs.data == ("pairs",)
    assert one.fit(target, DATA, seed=0, strength=1.0).meta["loss_first"] == pytest.approx(4.0, abs=1e-4)


@pytest.mark.parametrize("loss", ["cat", "capo"])
def test_the_safe_reply_gains_on_the_risky_one_also_under_attack(loss, target):
    one = ContinuousAdversarialTraining(loss=loss, eps=0.2, iterations=4, steps=6, batch_size=ALL, learning_rate=4e-3)
    artifact = one.fit(target, DATA, seed=0, strength=1.0)

    def margin(asked):
        chats = [pair.messages for pair in DATA.pairs]
        copy = Copy(asked)
        risky, safe = (
            copy.batch(tokenised(asked, chats, replies))
            for replies in ([pair.rejected for pair in DATA.pairs], [pair.chosen for pair in DATA.pairs])
        )
        attack = Attack(copy, eps=0.2, step_size=0.5, iterations=5)
        shift = attack.shift(risky, instruction_tokens(asked, chats))
        with torch.no_grad():
            good, bad = (copy.log_probs(attack.shifted(batch, shift)) / batch.reply_tokens for batch in (safe, risky))
        return (good - bad).mean().item()

    before, state = margin(target), state_hash(target)
    with one.deploy(target, artifact) as defended:
        assert margin(defended) > before + 0.5
    assert state_hash(target) == state


def test_as_lora_it_leaves_an_adapter(target):
    one = DEFENSES.get("cat")(finetuning="lora", steps=1, batch_size=2, iterations=1)
    assert one.fit(target, DATA, seed=0, strength=1.0).kind == "adapter"

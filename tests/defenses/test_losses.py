"""Losses on numbers whose results are known."""

import math

import pytest
import torch
from torch.nn.functional import cross_entropy

from crossrisk.defenses.losses import (
    adaptive_unlearning,
    cut_off,
    dpo,
    gradient_ascent,
    ipo,
    negative_log_likelihood,
    npo,
    reply_divergence,
    reply_log_probs,
    simnpo,
)

BETAS = (1.0, 0.1, 0.01, 1e-3, 1e-4)


def gradient(loss_of, log_probs):
    leaf = log_probs.clone().requires_grad_(True)
    loss_of(leaf).backward()
    return leaf.grad


@pytest.mark.parametrize("beta", BETAS)
def test_npo_starts_at_two_over_beta_times_ln_2_with_the_gradient_of_ascent(beta):
    log_probs = torch.tensor([-3.0, -20.0, -0.5], dtype=torch.float64)
    assert npo(log_probs, log_probs, beta).item() == pytest.approx(2 / beta * math.log(2), rel=1e-12)
    torch.testing.assert_close(
        gradient(lambda x: npo(x, log_probs, beta), log_probs), gradient(gradient_ascent, log_probs)
    )


def test_npo_tends_to_gradient_ascent_as_beta_vanishes():
    """Value and gradient both, the error falling in step with beta."""
    reference = torch.tensor([-3.0, -20.0, -0.5], dtype=torch.float64)
    log_probs = torch.tensor([-4.0, -18.0, -2.5], dtype=torch.float64)
    ascent = gradient(gradient_ascent, log_probs)
    moved = (log_probs - reference).mean().item()
    value_errors, gradient_errors = [], []
    for beta in BETAS:
        value_errors.append(abs(npo(log_probs, reference, beta).item() - 2 / beta * math.log(2) - moved))
        got = gradient(lambda x, beta=beta: npo(x, reference, beta), log_probs)
        gradient_errors.append(float((got - ascent).norm() / ascent.norm()))
    for errors in (value_errors, gradient_errors):
        assert errors == sorted(errors, reverse=True)
        assert errors[-1] < 1e-3 * errors[0]
    assert gradient_errors[-2] / gradient_errors[-1] == pytest.approx(10, rel=0.01)


def test_npo_lets_go_of_what_is_already_forgotten():
    reference = torch.zeros(2, dtype=torch.float64)
    pull = gradient(lambda x: npo(x, reference, 0.1), torch.tensor([-1.0, -200.0], dtype=torch.float64))
    assert pull[1] < 1e-6 < pull[0]


def test_npo_by_hand():
    """(2 / 0.5) ln(1 + exp(0.5 * -2)) = 4 ln(1 + e^-1)."""
    value = npo(torch.tensor([-5.0]), torch.tensor([-3.0]), 0.5).item()
    assert value == pytest.approx(4 * math.log(1 + math.exp(-1)), rel=1e-6)


def test_the_likelihood_of_a_reply_counts_its_own_tokens_alone():
    torch.manual_seed(0)
    logits = torch.randn(2, 5, 7)
    labels = torch.tensor([[-100, -100, 3, 4, -100], [-100, 1, 2, 3, 4]])
    got = reply_log_probs(logits, labels)
    for row, wanted in enumerate(({2: 3, 3: 4}, {1: 1, 2: 2, 3: 3, 4: 4})):
        by_hand = sum(torch.log_softmax(logits[row, at - 1], -1)[token] for at, token in wanted.items())
        assert got[row].item() == pytest.approx(by_hand.item(), rel=1e-5)


def test_the_mean_loss_is_over_tokens_as_cross_entropy_has_it():
    torch.manual_seed(0)
    logits, labels = torch.randn(2, 5, 7), torch.tensor([[-100, -100, 3, 4, -100], [-100, 1, 2, 3, 4]])
    got = negative_log_likelihood(reply_log_probs(logits, labels), (labels != -100).sum(-1))
    assert got.item() == pytest.approx(cross_entropy(logits[:, :-1].reshape(-1, 7), labels[:, 1:].reshape(-1)).item())


def test_more_padding_changes_neither_loss():
    torch.manual_seed(0)
    logits, labels = torch.randn(2, 5, 7), torch.tensor([[-100, -100, 3, 4, 5], [-100, 1, 2, 3, 4]])
    padded = torch.cat([logits, torch.randn(2, 4, 7)], 1), torch.cat([labels, torch.full((2, 4), -100)], 1)
    torch.testing.assert_close(reply_log_probs(*padded), reply_log_probs(logits, labels))


def test_simnpo_is_npo_by_token_from_a_reference_of_zero():
    log_probs, tokens = torch.tensor([-6.0, -2.0]), torch.tensor([3, 4])
    assert simnpo(log_probs, tokens, 4.5).item() == pytest.approx(npo(log_probs / tokens, torch.zeros(2), 4.5).item())
    by_hand = 2 / 4.5 * math.log(1 + math.exp(4.5 * (-2.0 + 0.3)))
    assert simnpo(log_probs[:1], tokens[:1], 4.5, margin=0.3).item() == pytest.approx(by_hand, rel=1e-6)


def test_dpo_starts_at_ln_2_and_rewards_the_margin():
    chosen, rejected = torch.tensor([1.0, 0.0]), torch.tensor([-1.0, 0.0])
    assert dpo(rejected, rejected, 0.1).item() == pytest.approx(math.log(2), rel=1e-6)
    by_hand = (math.log(1 + math.exp(-0.2)) + math.log(2)) / 2
    assert dpo(chosen, rejected, 0.1).item() == pytest.approx(by_hand, rel=1e-6)
    assert dpo(rejected, chosen, 0.1) > math.log(2)


def test_swapping_wanted_and_unwanted_flips_the_gradient_of_dpo():
    same = torch.zeros(3, dtype=torch.float64)
    torch.testing.assert_close(
        gradient(lambda x: dpo(x, same, 0.1), same), -gradient(lambda x: dpo(same, x, 0.1), same)
    )


def test_ipo_wants_a_margin_of_one_over_two_beta_and_no_more():
    assert ipo(torch.tensor([2.0]), torch.tensor([0.0]), 0.25).item() == 0.0
    assert ipo(torch.tensor([3.0]), torch.tensor([0.0]), 0.25).item() == 1.0


@pytest.mark.parametrize("beta", [0.5, 1.0, 2.0])
def test_safe_unlearning_starts_at_ln_2_with_half_beta_times_ascent_by_token(beta):
    log_probs, tokens = torch.tensor([-3.0, -20.0], dtype=torch.float64), torch.tensor([2, 5])
    assert adaptive_unlearning(log_probs, log_probs, tokens, beta).item() == pytest.approx(math.log(2))
    torch.testing.assert_close(
        gradient(lambda x: adaptive_unlearning(x, log_probs, tokens, beta), log_probs),
        beta / 2 * gradient(lambda x: gradient_ascent(x / tokens), log_probs),
    )


def test_below_the_cut_off_a_loss_goes_on_without_a_jump_and_hardly_pulls():
    loss = torch.tensor([1.0, 0.5, 0.2])
    torch.testing.assert_close(cut_off(loss, 0.5), torch.tensor([1.0, 0.5, 0.4997]))
    torch.testing.assert_close(gradient(lambda x: cut_off(x, 0.5).sum(), loss), torch.tensor([1.0, 0.001, 0.001]))


def test_divergence_is_zero_of_equals_positive_else_and_blind_to_padding():
    torch.manual_seed(0)
    before, after = torch.randn(2, 5, 7), torch.randn(2, 5, 7)
    labels = torch.tensor([[-100, -100, 3, 4, -100], [-100, 1, 2, 3, 4]])
    torch.testing.assert_close(reply_divergence(before, before, labels), torch.zeros(2))
    got = reply_divergence(before, after, labels)
    was, now = before[0, 1:3].softmax(-1), after[0, 1:3].softmax(-1)
    assert got[0].item() == pytest.approx((was * (was / now).log()).sum().item(), rel=1e-5)
    padded = [torch.cat([logits, torch.randn(2, 4, 7)], 1) for logits in (before, after)]
    longer = torch.cat([labels, torch.full((2, 4), -100)], 1)
    torch.testing.assert_close(reply_divergence(*padded, longer), got)

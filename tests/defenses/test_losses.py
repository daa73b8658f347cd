"""Losses on numbers whose results are known."""

import math

import pytest
import torch
from torch.nn.functional import cross_entropy

from crossrisk.defenses.losses import gradient_ascent, negative_log_likelihood, npo, reply_log_probs

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

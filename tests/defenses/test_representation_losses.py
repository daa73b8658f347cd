"""Losses of representation training, computed by hand."""

import math

import pytest
import torch

from crossrisk.defenses.representation_losses import displacement, misdirection, rerouting, rerouting_schedule

ONES = torch.ones(1, 2, dtype=torch.bool)


def states(*vectors):
    """One layer, one row, a token a vector."""
    return torch.tensor([[list(vectors)]], dtype=torch.float32)


def test_rerouting_is_the_cosine_and_0_from_a_right_angle_on():
    before = states([1.0, 0.0], [1.0, 0.0])
    assert rerouting(before, before, ONES).tolist() == [2.0]
    assert rerouting(states([1.0, 1.0], [0.0, 3.0]), before, ONES).item() == pytest.approx(math.sqrt(0.5))
    assert rerouting(states([-1.0, 0.1], [-5.0, 0.0]), before, ONES).item() == 0.0


def test_displacement_is_relative_to_the_state_itself():
    before = states([3.0, 4.0], [0.0, 10.0])
    assert displacement(before, before, ONES).tolist() == [0.0]
    assert displacement(states([3.0, 5.0], [6.0, 2.0]), before, ONES).item() == pytest.approx(1 / 5 + 10 / 10)


def test_displacement_has_a_finite_gradient_where_nothing_has_moved_yet():
    now = states([3.0, 4.0], [0.0, 10.0]).requires_grad_()
    (gradient,) = torch.autograd.grad(displacement(now, now.detach().clone(), ONES).sum(), now)
    assert gradient.isfinite().all()


def test_misdirection_is_the_mean_square_over_the_width():
    assert misdirection(states([1.0, 3.0], [0.0, 0.0]), torch.tensor([1.0, 1.0]), ONES).item() == pytest.approx(2 + 1)


def test_layers_are_averaged_and_tokens_that_do_not_count_do_not():
    now = torch.stack([states([1.0, 0.0], [1.0, 0.0])[0], states([0.0, 1.0], [1.0, 0.0])[0]])
    before = states([1.0, 0.0], [1.0, 0.0]).expand(2, -1, -1, -1)
    first = torch.tensor([[True, False]])
    assert rerouting(now, before, first).item() == pytest.approx(0.5)
    assert rerouting(now, before, ~first).item() == pytest.approx(1.0)


def test_the_schedule_begins_with_rerouting_alone_and_would_end_with_half_of_each():
    weights = [rerouting_schedule(step, 150, 10.0) for step in range(151)]
    assert all(sum(pair) == pytest.approx(10.0) for pair in weights)
    assert weights[0] == (0.0, 10.0) and weights[150] == (5.0, 5.0)
    assert weights[75][0] == pytest.approx(2.5)

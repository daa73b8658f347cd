"""Private steering vectors: how far one example can move them, and how much noise hides that."""

import math

import pytest
import torch
from scipy.stats import norm

from crossrisk.defenses.private_mean import clipped, noise_multiplier, private_mean


@pytest.mark.parametrize(("epsilon", "delta"), [(0.1, 1e-5), (1.0, 1e-5), (1.0, 1e-3), (8.0, 1e-6), (50.0, 1e-5)])
def test_the_noise_gives_the_promised_delta_exactly(epsilon, delta):
    sigma = noise_multiplier(epsilon, delta)
    spent = norm.cdf(1 / (2 * sigma) - epsilon * sigma) - math.exp(epsilon) * norm.cdf(
        -1 / (2 * sigma) - epsilon * sigma
    )
    assert spent == pytest.approx(delta, rel=1e-5)


def test_it_is_the_accountant_of_others_that_says_so():
    accounting = pytest.importorskip("dp_accounting")
    for epsilon in (0.5, 2.0):
        event = accounting.GaussianDpEvent(noise_multiplier(epsilon, 1e-5))
        accountant = accounting.pld.PLDAccountant().compose(event)
        assert accountant.get_epsilon(1e-5) == pytest.approx(epsilon, rel=1e-2)


def test_it_needs_less_noise_than_the_classical_formula_where_that_holds():
    assert noise_multiplier(0.9, 1e-5) < math.sqrt(2 * math.log(1.25 / 1e-5)) / 0.9


def test_clipping_shortens_what_is_too_long_and_leaves_the_rest_alone():
    rows = torch.tensor([[3.0, 4.0], [0.3, 0.4], [0.0, 0.0]])
    assert clipped(rows, 1.0).tolist() == [pytest.approx([0.6, 0.8]), pytest.approx([0.3, 0.4]), [0.0, 0.0]]


def test_replacing_one_example_moves_the_mean_by_at_most_two_bounds_over_the_count():
    draw = torch.Generator().manual_seed(0)
    rows = 10 * torch.randn(100, 8, generator=draw, dtype=torch.float64)
    for replacement in (-rows[0] * 1e6, torch.zeros(8, dtype=torch.float64)):
        other = rows.clone()
        other[0] = replacement
        moved = clipped(rows, 1.0).mean(dim=0) - clipped(other, 1.0).mean(dim=0)
        assert moved.norm() <= 2 / 100 + 1e-12
    worst = rows.clone()
    worst[0] *= -1
    assert (clipped(rows, 1.0).mean(dim=0) - clipped(worst, 1.0).mean(dim=0)).norm() == pytest.approx(0.02)


def test_the_noise_has_the_deviation_that_the_sensitivity_asks_for():
    rows = torch.ones(50, 20000, dtype=torch.float64)
    noisy = private_mean(rows, 3.0, epsilon=1.0, delta=1e-5, generator=torch.Generator().manual_seed(0))
    deviation = (noisy - clipped(rows, 3.0).mean(dim=0)).std()
    assert deviation == pytest.approx(noise_multiplier(1.0, 1e-5) * 2 * 3.0 / 50, rel=0.02)

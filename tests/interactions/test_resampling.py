"""Draws of units: what they must be like, and BCa limits against those of scipy."""

import numpy as np
import pytest
from scipy.stats import bootstrap, poisson

from crossrisk.interactions.clustered import cluster_bootstrap, cluster_bootstraps, cluster_sums
from crossrisk.interactions.resampling import bca, multiplicities, resampled_sums


def counts(units: int, draws: int = 2_000, seed: int = 0) -> np.ndarray:
    return np.concatenate(list(multiplicities(units, draws, seed)))


@pytest.mark.parametrize("units", [1, 9, 300, 999])
def test_every_sample_of_few_units_has_as_many_as_the_data(units: int) -> None:
    drawn = counts(units)
    assert drawn.shape == (2_000, units)
    assert (drawn.sum(axis=1, dtype=int) == units).all()
    if units > 1:
        error = (1 - 1 / units) ** 0.5 / 2_000**0.5
        assert abs(drawn.mean(axis=0) - 1).max() < 5 * error


@pytest.mark.parametrize("units", [1_000, 5_000])
def test_counts_of_many_units_are_poisson_with_mean_one(units: int) -> None:
    drawn = counts(units)
    assert drawn.shape == (2_000, units)
    share = np.bincount(drawn.ravel(), minlength=9) / drawn.size
    error = (poisson.pmf(np.arange(9), 1) / drawn.size) ** 0.5
    assert (np.abs(share - poisson.pmf(np.arange(9), 1)) < 5 * error + 2**-16).all()
    assert drawn.mean() == pytest.approx(1, abs=0.002) and drawn.var() == pytest.approx(1, abs=0.004)


def test_draws_are_the_same_from_call_to_call_and_differ_between_seeds() -> None:
    for units in (40, 2_000):
        assert np.array_equal(counts(units, 50), counts(units, 50))
        assert not np.array_equal(counts(units, 50), counts(units, 50, seed=1))


@pytest.mark.parametrize("units", [30, 1_500])
def test_sums_are_those_of_the_rows_that_were_drawn(units: int) -> None:
    columns = np.random.default_rng(0).normal(size=(units, 2))
    found = resampled_sums(columns, draws=300)
    expected = [columns[np.repeat(np.arange(units), row)].sum(axis=0) for row in counts(units, 300)]
    assert found == pytest.approx(np.array(expected), abs=1e-9)


def test_limits_of_the_same_draws_are_the_bca_limits_of_scipy() -> None:
    values = np.random.default_rng(1).exponential(1.0, 60)
    theirs = bootstrap((values,), np.mean, n_resamples=5_000, method="BCa", rng=np.random.default_rng(2))
    left_out = (values.sum() - values) / 59
    (ours,) = bca(theirs.bootstrap_distribution, left_out, float(values.mean()), [1.959963984540054])
    assert ours == pytest.approx(tuple(theirs.confidence_interval), abs=1e-12)


def test_intervals_of_many_units_are_those_of_scipy_although_their_number_varies() -> None:
    change = np.random.default_rng(3).beta(0.4, 3, 1_600) - 0.08
    expected = bootstrap((change,), np.mean, n_resamples=10_000, rng=np.random.default_rng(0)).confidence_interval
    found = cluster_bootstrap(cluster_sums(change), draws=10_000)
    assert found == pytest.approx(tuple(expected), abs=0.03 * (expected.high - expected.low))


@pytest.mark.parametrize("units", [50, 1_200])
def test_two_levels_from_one_set_of_draws_are_those_of_two_calls(units: int) -> None:
    rng = np.random.default_rng(4)
    sums = cluster_sums(rng.normal(0.1, 0.3, 3 * units), np.repeat(np.arange(units), 3))
    assert cluster_bootstraps(sums, alphas=(0.05, 0.1)) == [cluster_bootstrap(sums), cluster_bootstrap(sums, alpha=0.1)]


@pytest.mark.parametrize("units", [50, 1_200])
def test_an_exchange_of_the_arms_and_another_order_leave_not_one_digit_changed(units: int) -> None:
    rng = np.random.default_rng(5)
    change, labels = np.round(rng.normal(0.05, 0.3, 4 * units), 3), rng.integers(0, units, 4 * units)
    order = rng.permutation(4 * units)
    ours = cluster_bootstrap(cluster_sums(change, labels))
    assert ours is not None
    assert cluster_bootstrap(cluster_sums(change[order], labels[order])) == ours
    assert cluster_bootstrap(cluster_sums(change, units - labels)) == ours
    assert cluster_bootstrap(cluster_sums(-change, labels)) == (-ours.high, -ours.low)


def test_data_that_are_their_own_mirror_image_have_an_interval_that_is() -> None:
    change = np.concatenate([np.linspace(-1, 1, 41), np.zeros(10)])
    found = cluster_bootstrap(cluster_sums(change))
    assert found is not None and found.low == -found.high < 0

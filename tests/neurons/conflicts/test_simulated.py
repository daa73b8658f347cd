"""Simulated attributions are what they say: scales, effects, tails, correlation within clusters, disjoint truths."""

from typing import Any

import numpy as np
import pytest
from scipy.stats import kurtosis, skew

from crossrisk.neurons import simulated_attributions


def test_planted_neurons_have_their_effect_in_standard_deviations_and_opposite_signs() -> None:
    made = simulated_attributions(300, 4_000, conflicts=100, one_risk=50, decoys=20, sigma=1.0, seed=1)
    effects = [rows.mean(axis=0) / rows.std(axis=0) for rows in (made.a, made.b)]
    sign = np.where(made.raises_first, 1, -1)
    assert effects[0][made.conflicts] * sign == pytest.approx(np.full(100, 0.5), abs=0.08)
    assert effects[1][made.conflicts] * sign == pytest.approx(np.full(100, -0.5), abs=0.08)
    alone = np.sort(np.abs(np.stack(effects)[:, made.one_risk]), axis=0)
    assert alone == pytest.approx(np.repeat([[0.0], [0.5]], 50, axis=1), abs=0.08)
    rest = np.setdiff1d(np.arange(300), np.concatenate([made.conflicts, made.one_risk]))
    assert np.abs(np.stack(effects)[:, rest]).max() < 0.08
    assert len(np.intersect1d(made.decoys, np.concatenate([made.conflicts, made.one_risk]))) == 0


def test_both_risks_share_a_log_normal_scale_and_decoys_are_larger() -> None:
    made = simulated_attributions(3_000, 400, sigma=1.5, decoys=100, decoy_scale=20)
    logs = np.log(np.stack([made.a.std(axis=0), made.b.std(axis=0)]))
    plain = np.setdiff1d(np.arange(3_000), made.decoys)
    assert np.corrcoef(logs)[0, 1] > 0.98
    assert logs[:, plain].std() == pytest.approx(1.5, abs=0.08)
    assert logs[:, made.decoys].mean() - logs[:, plain].mean() == pytest.approx(np.log(20), abs=0.6)


@pytest.mark.parametrize("shape", [{}, {"tail": 5.0}, {"skewed": True}, {"cluster_size": 4}])
def test_noise_has_variance_one(shape: dict[str, Any]) -> None:
    made = simulated_attributions(500, 2_000, conflicts=0, sigma=0.0, **shape)
    assert made.a.var() == pytest.approx(1, abs=0.02)
    assert abs(made.a.mean()) < 0.01


def test_tails_skewness_and_clusters() -> None:
    assert kurtosis(simulated_attributions(100, 2_000, conflicts=0, sigma=0, tail=5.0).a.ravel()) > 2
    skewness = skew(simulated_attributions(100, 2_000, conflicts=0, sigma=0, skewed=True).a)
    assert np.abs(skewness) == pytest.approx(np.full(100, 2.0), abs=0.7)
    assert 20 < (skewness > 0).sum() < 80
    made = simulated_attributions(400, 2_000, conflicts=0, sigma=0, cluster_size=2)
    pairs = made.a.reshape(1_000, 2, 400)
    assert made.clusters_a.tolist() == np.repeat(np.arange(1_000), 2).tolist()
    assert (pairs[:, 0] * pairs[:, 1]).mean() == pytest.approx(0.3, abs=0.02)


def test_the_seed_makes_it() -> None:
    one, again, other = (simulated_attributions(50, 16, conflicts=5, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(one.a, again.a)
    assert not np.array_equal(one.a, other.a)
    assert not np.array_equal(one.a, one.b)


def test_impossible_requests_are_refused() -> None:
    with pytest.raises(ValueError, match="planted among 10"):
        simulated_attributions(10, 16, conflicts=11)
    with pytest.raises(ValueError, match="do not fill"):
        simulated_attributions(10, 15, conflicts=1, cluster_size=4)
    with pytest.raises(ValueError, match="has no variance"):
        simulated_attributions(10, 16, conflicts=1, tail=2.0)

"""A set that is real in both risks keeps its signs on the other half; one that is real in one risk does not pass."""

import numpy as np
import pytest

from crossrisk.neurons.conflicts.cluster_means import cluster_means, random_signs
from crossrisk.neurons.conflicts.false_discovery import Indices
from crossrisk.neurons.conflicts.moments import Moments
from crossrisk.neurons.conflicts.sign_flips import SignedRisk
from crossrisk.neurons.conflicts.split_half import SplitHalf, split_half

RNG = np.random.default_rng(0)


def checked(first: np.ndarray, second: np.ndarray, chosen: Indices) -> SplitHalf | None:
    means = [cluster_means(rows) for rows in (first, second)]
    risks = [SignedRisk(one, Moments.of(one.values), random_signs(one.names, 200, 0)) for one in means]
    halves = (means[0].halves(), means[1].halves())
    return split_half((risks[0], risks[1]), halves, lambda a, b: chosen)


def noise() -> np.ndarray:
    return RNG.normal(size=(40, 30))


def test_real_conflicts_keep_their_signs() -> None:
    result = checked(noise() + 2, noise() - 2, np.arange(30))
    assert result is not None
    assert result.agreement == 1.0
    assert result.null == pytest.approx(0.5, abs=0.1)  # one risk keeps its sign, the other by luck
    assert result.p == pytest.approx(1 / 201)
    assert result.chosen == (30, 30)


def test_effects_on_one_risk_alone_do_not_pass() -> None:
    for first, second in ((noise() + 2, noise()), (noise(), noise() - 2)):
        result = checked(first, second, np.arange(30))
        assert result is not None
        assert result.p > 0.05


def test_nothing_chosen_is_nothing_checked() -> None:
    assert checked(noise(), noise(), np.array([], dtype=np.intp)) is None

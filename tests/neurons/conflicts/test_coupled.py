"""DEAN's and SPIN's coupled set, by hand; sets are joined by neuron and not by place in a list."""

import numpy as np
import pytest

from crossrisk.neurons import coupled_neurons


def test_important_to_both_risks_and_not_to_utility() -> None:
    first = [9.0, 8, 7, 1, 0, 0, 0, 0]
    second = [0.0, -9, 8, 7, 0, 0, 0, 0]  # its sign does not count
    utility = [0.0, 0, 9, 0, 0, 0, 0, 8]
    # Top 3: {0, 1, 2} and {1, 2, 3}; less utility's {2, 7}: {0, 1} and {1, 3}.
    assert coupled_neurons(first, second, utility, top=3 / 8, spared=2 / 8).tolist() == [1]


def test_it_is_the_intersection_of_sets() -> None:
    rng = np.random.default_rng(0)
    scale = np.exp(rng.standard_normal(5_000))
    first, second, utility = (scale * np.abs(rng.standard_normal(5_000)) for _ in range(3))
    top = [set(np.argsort(-one)[:50].tolist()) for one in (first, second, utility)]
    expected = (top[0] - top[2]) & (top[1] - top[2])
    assert len(expected) > 3
    assert set(coupled_neurons(first, second, utility).tolist()) == expected


def test_scores_of_other_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="one per neuron"):
        coupled_neurons([1.0, 2.0], [1.0], [1.0, 2.0])

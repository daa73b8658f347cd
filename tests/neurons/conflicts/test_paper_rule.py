"""The published rule, by hand."""

import numpy as np
import pytest

from crossrisk.neurons.conflicts.moments import Moments
from crossrisk.neurons.conflicts.paper_rule import opposed_by_rule, top_neurons


def of_means(*means: float) -> Moments:
    return Moments(1, np.array(means), np.array(means) ** 2)


def test_the_largest_for_both_risks_with_opposite_signs() -> None:
    # Top half by size: 0, 2, 3 of risk 1 and 0, 3, 4 of risk 2; 0 is opposed and 3 is not.
    first, second = of_means(5, 0.1, -4, 3, 0, 0.2), of_means(-2, 0, 0.1, 9, -8, 0.3)
    assert opposed_by_rule(first, second, top=0.5).tolist() == [0]
    assert opposed_by_rule(first, second, top=0.5, same=True).tolist() == [3]
    assert opposed_by_rule(second, first, top=0.5).tolist() == [0]


def test_a_neuron_of_no_attribution_opposes_none() -> None:
    assert opposed_by_rule(of_means(0, 0), of_means(-1, 1), top=1).tolist() == []


def test_a_share_takes_at_least_one_and_the_first_of_equals() -> None:
    assert top_neurons(np.array([1.0, 2.0, 2.0]), 0.01).tolist() == [1]
    assert top_neurons(np.array([1.0, 2.0, 2.0]), 0.67).tolist() == [1, 2]
    with pytest.raises(ValueError, match="a share of the neurons"):
        top_neurons(np.array([1.0]), 0)

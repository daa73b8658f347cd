"""Three numbers per neuron give the mean, the spread and t, of halves and of the whole."""

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from crossrisk.neurons.conflicts.moments import Moments, joined

ROWS = np.random.default_rng(0).normal(0.3, 2.0, (20, 7))


def test_t_is_that_of_scipy() -> None:
    assert Moments.of(ROWS).t == pytest.approx(ttest_1samp(ROWS, 0.0).statistic)
    assert Moments.of(ROWS).mean == pytest.approx(ROWS.mean(axis=0))


def test_halves_add_up_to_the_whole_and_blocks_join() -> None:
    both = Moments.of(ROWS[:9]) + Moments.of(ROWS[9:])
    assert both.clusters == 20
    assert both.t == pytest.approx(Moments.of(ROWS).t)
    assert joined([Moments.of(ROWS[:, :3]), Moments.of(ROWS[:, 3:])]).t == pytest.approx(Moments.of(ROWS).t)


def test_a_neuron_that_never_varies_has_no_t() -> None:
    still = Moments.of(np.column_stack([np.zeros(9), np.full(9, 0.1), np.arange(9.0)]))
    assert still.varies.tolist() == [False, False, True]
    assert still.t[:2].tolist() == [0.0, 0.0]


def test_one_cluster_is_refused() -> None:
    with pytest.raises(ValueError, match="two clusters or more, got 1"):
        _ = Moments.of(ROWS[:1]).t

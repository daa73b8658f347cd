"""Layer profile, overlap and stability, by hand, against scipy and against drawing sets at random."""

import numpy as np
import pytest
from scipy.stats import fisher_exact

from crossrisk.neurons.conflicts.profile import jaccard, layer_profile, overlaps, stability

LAYERS = np.repeat([0, 1, 2], [10, 20, 30])


def test_counts_are_held_against_the_size_of_the_layer() -> None:
    rows = layer_profile([0, 1, 2, 3, 4, 59], LAYERS)
    assert [(row.layer, row.neurons, row.count, row.expected) for row in rows] == [
        (0, 10, 5, 1.0),
        (1, 20, 0, 2.0),
        (2, 30, 1, 3.0),
    ]
    more = fisher_exact([[5, 1], [5, 49]], alternative="greater").pvalue
    fewer = fisher_exact([[0, 6], [20, 34]], alternative="less").pvalue
    assert rows[0].p == pytest.approx(2 * more)
    assert rows[1].p == pytest.approx(2 * fewer)


def test_an_empty_set_is_uneven_nowhere() -> None:
    assert [row.p for row in layer_profile(np.array([], dtype=int), LAYERS)] == [1.0, 1.0, 1.0]


def test_overlap_is_held_against_sets_in_the_same_layers() -> None:
    rng = np.random.default_rng(0)
    first, second = [0, 1, 2, 3, 30, 31], [0, 1, 2, 12, 30, 40, 41]
    (row,) = overlaps({"safety and fairness": first, "safety and privacy": second}, LAYERS)
    drawn = []
    for _ in range(1_500):
        sets = [
            {
                (layer, int(neuron))
                for layer, size in enumerate((10, 20, 30))
                for neuron in rng.choice(size, int((LAYERS[chosen] == layer).sum()), replace=False)
            }
            for chosen in (first, second)
        ]
        drawn.append((len(sets[0] & sets[1]), len(sets[0] & sets[1]) / len(sets[0] | sets[1])))
    assert (row.first, row.second, row.shared) == ("safety and fairness", "safety and privacy", 4)
    assert row.jaccard == pytest.approx(4 / 9)
    assert row.p == pytest.approx(np.mean([shared >= 4 for shared, _ in drawn]), abs=0.02)
    assert row.null == pytest.approx(np.mean([index for _, index in drawn]), abs=0.02)


def test_sets_that_only_share_a_layer_do_not_overlap_beyond_chance() -> None:
    (row,) = overlaps({"a": range(10), "b": range(10)}, LAYERS)
    assert (row.jaccard, row.p, row.null) == pytest.approx((1.0, 1.0, 1.0))


def test_empty_sets_have_no_index() -> None:
    assert jaccard([], []) is None
    (row,) = overlaps({"a": [], "b": []}, LAYERS)
    assert (row.shared, row.jaccard, row.null) == (0, None, None)
    assert row.p == pytest.approx(1.0)


def test_stability_is_the_mean_over_pairs_of_runs() -> None:
    result = stability([[1, 2], [2, 3], [1, 2]], [[1.0, 2, 3], [10.0, 20, 30], [3.0, 2, 1]])
    assert result.runs == 3
    assert result.jaccard == pytest.approx((1 / 3 + 1 + 1 / 3) / 3)
    assert result.rank_correlation == pytest.approx((1 - 1 - 1) / 3)
    assert stability([[], []]).jaccard is None
    with pytest.raises(ValueError, match="two or more sets, got 1"):
        stability([[1]])

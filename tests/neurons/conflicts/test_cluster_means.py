"""Prompts are averaged within their template; halves and signs follow from names; rows may come in pieces."""

from pathlib import Path

import numpy as np
import pytest

from crossrisk.neurons.conflicts.cluster_means import Gathering, cluster_means, random_signs, second_half
from crossrisk.neurons.conflicts.moments import Moments

RNG = np.random.default_rng(0)
ROWS = RNG.normal(size=(30, 6)).astype(np.float32)
NAMES = [f"template {number}" for number in RNG.permutation(np.repeat(np.arange(10), 3))]


def test_prompts_count_through_the_mean_of_their_cluster() -> None:
    means = cluster_means([[1.0, 4.0], [3.0, 0.0], [10.0, 1.0]], ["b", "b", "a"])
    assert means.names == ("a", "b")
    assert means.values.tolist() == [[10.0, 1.0], [2.0, 2.0]]


def test_without_labels_float32_rows_are_not_copied() -> None:
    assert np.shares_memory(cluster_means(ROWS).values, ROWS)


def test_clusters_of_one_prompt_are_the_prompts() -> None:
    means = cluster_means(ROWS[:3], ["c", "a", "b"])
    assert means.names == ("a", "b", "c")
    assert np.array_equal(means.values, ROWS[[1, 2, 0]])


def test_halves_are_balanced_and_do_not_depend_on_order() -> None:
    names = [f"cluster {number}" for number in range(41)]
    halves = dict(zip(names, second_half(names, 3), strict=True))
    assert sum(halves.values()) == 20
    assert dict(zip(names[::-1], second_half(names[::-1], 3), strict=True)) == halves
    assert dict(zip(names, second_half(names, 4), strict=True)) != halves


def test_signs_belong_to_the_name_and_are_fair() -> None:
    signs = random_signs(["a", "b", "c"], 2_000, 0)
    assert set(np.unique(signs)) == {-1.0, 1.0}
    assert np.array_equal(random_signs(["c", "a"], 2_000, 0), signs[:, [2, 0]])
    assert np.abs(signs.mean(axis=0)).max() < 0.08
    assert np.abs(np.corrcoef(signs.T)[np.triu_indices(3, 1)]).max() < 0.08


@pytest.mark.parametrize("on_disk", [False, True])
def test_batches_in_any_order_give_the_means_and_moments_of_all_prompts(on_disk: bool, tmp_path: Path) -> None:
    whole = cluster_means(ROWS, NAMES, seed=2)
    sizes = {name: NAMES.count(name) for name in NAMES}
    gathering = Gathering(sizes, 6, seed=2, file=tmp_path / "rows.npy" if on_disk else None)
    for batch in np.array_split(RNG.permutation(30), 7):
        gathering.add([NAMES[place] for place in batch], ROWS[batch])
    means = gathering.finished()
    assert means.names == whole.names
    assert np.array_equal(means.second, whole.second)
    assert np.asarray(means.values) == pytest.approx(whole.values, abs=1e-6)
    for streamed, half in zip(gathering.halves, whole.halves(), strict=True):
        assert streamed.clusters == half.clusters == 5
        assert streamed.t == pytest.approx(half.t, rel=1e-4)
    if on_disk:
        assert np.load(tmp_path / "rows.npy", mmap_mode="r") == pytest.approx(whole.values, abs=1e-6)


def test_halves_together_are_all_clusters() -> None:
    first, second = cluster_means(ROWS, NAMES).halves()
    assert (first + second).t == pytest.approx(Moments.of(cluster_means(ROWS, NAMES).values).t)


def test_missing_surplus_and_broken_rows_are_named() -> None:
    gathering = Gathering({"a": 2, "b": 1}, 2)
    gathering.add(["a"], [[1.0, 2.0]])
    with pytest.raises(ValueError, match="cluster 'a' lacks 1 of 2 rows"):
        gathering.finished()
    gathering.add(["b"], [[1.0, 2.0]])
    with pytest.raises(ValueError, match="cluster 'b': 1 rows were announced, one more came"):
        gathering.add(["b"], [[1.0, 2.0]])
    with pytest.raises(ValueError, match="cluster 'z': 0 rows were announced"):
        gathering.add(["z"], [[1.0, 2.0]])
    with pytest.raises(ValueError, match="cluster 'a': an attribution is not finite"):
        gathering.add(["a"], [[1.0, np.inf]])


def test_wrong_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="prompts x neurons"):
        cluster_means(np.zeros(3))
    with pytest.raises(ValueError, match="2 labels for 3 prompts"):
        cluster_means(np.zeros((3, 2)), ["a", "b"])

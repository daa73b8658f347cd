"""Planted conflicts are found, noise is not, whatever its scale and tails; what is wrong with the data is said."""

from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ttest_1samp

from crossrisk.neurons import Gathering, Simulated, find_conflicts, simulated_attributions

SMALL = simulated_attributions(1_500, 128, conflicts=30, one_risk=100, decoys=20, sigma=1.5, seed=3)


def shares(made: Simulated, found: np.ndarray) -> tuple[float, float]:
    """Recall and false discovery."""
    true = len(np.intersect1d(found, made.conflicts))
    return true / max(len(made.conflicts), 1), 1 - true / max(len(found), 1)


def test_by_hand() -> None:
    rows = np.tile([[1.0], [2.0], [3.0]], (4, 3)) * np.array([1, 1, -1])
    other = rows * np.array([-1, 1, -1]) * 0.5
    found = find_conflicts(rows, other)
    assert found.neurons.tolist() == [0, 2]
    assert found.aligned.tolist() == [1]
    assert found.raises_first.tolist() == [True, False]
    assert found.mean_a == pytest.approx([2, -2])
    assert found.mean_b == pytest.approx([-1, 1])
    p = 2 * ttest_1samp(rows[:, 0], 0, alternative="greater").pvalue
    assert found.p == pytest.approx([p, p])
    assert found.p_adjusted == pytest.approx([1.5 * p] * 2)
    assert (found.tested, found.clusters, found.method) == (3, (12, 12), "test")


def test_planted_conflicts_are_found_among_decoys_and_neurons_of_one_risk() -> None:
    found = find_conflicts(SMALL.a, SMALL.b)
    recall, false = shares(SMALL, found.neurons)
    assert recall >= 0.85
    assert false <= 0.06
    truth = dict(zip(SMALL.conflicts.tolist(), SMALL.raises_first.tolist(), strict=True))
    assert all(truth[n] == up for n, up in zip(found.neurons.tolist(), found.raises_first, strict=True) if n in truth)
    assert found.null_p == pytest.approx(1 / 201)
    assert found.empirical_fdr is not None and found.empirical_fdr < 0.03
    assert found.split_half is not None and found.split_half.agreement > 0.9
    assert (found.warning, found.notes) == (None, ())


def test_the_published_rule_finds_as_much_in_noise_and_is_told_so() -> None:
    made = simulated_attributions(5_000, 128, conflicts=0, sigma=1.5, seed=1)
    rule = find_conflicts(made.a, made.b, method="paper")
    assert len(rule) > 5
    assert rule.empirical_fdr is not None and rule.empirical_fdr > 0.7
    assert rule.warning is not None
    assert "random signs give as many conflicts" in rule.warning
    assert "keep both signs on the other" in rule.warning
    assert rule.p_adjusted.min() > 0.05
    assert len(find_conflicts(made.a, made.b)) == 0


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 1_000))
def test_order_of_prompts_and_neurons_and_of_risks_does_not_matter(seed: int) -> None:
    rng = np.random.default_rng(seed)
    names = np.array([f"template {number}" for number in SMALL.clusters_a])
    found = find_conflicts(SMALL.a, SMALL.b, clusters_a=names, clusters_b=names, draws=20)
    rows, columns = rng.permutation(128), rng.permutation(1_500)
    shuffled = find_conflicts(
        SMALL.b[:, columns], SMALL.a[rows][:, columns], clusters_a=names, clusters_b=names[rows], draws=20
    )
    order = np.argsort(columns[shuffled.neurons])
    assert columns[shuffled.neurons][order].tolist() == found.neurons.tolist()
    assert shuffled.raises_first[order].tolist() == (~found.raises_first).tolist()
    assert shuffled.p[order] == pytest.approx(found.p)
    assert shuffled.p_adjusted[order] == pytest.approx(found.p_adjusted)
    assert (shuffled.null_mean, shuffled.null_p) == (found.null_mean, found.null_p)
    assert shuffled.empirical_fdr == pytest.approx(found.empirical_fdr)
    assert shuffled.split_half == found.split_half


def test_the_scale_of_a_risk_does_not_matter() -> None:
    found = find_conflicts(SMALL.a, SMALL.b, draws=20)
    small = find_conflicts(SMALL.a * np.float32(1e-20), SMALL.b * np.float32(1e10), draws=20)
    assert small.neurons.tolist() == found.neurons.tolist()
    assert small.null_mean == found.null_mean
    assert small.empirical_fdr == found.empirical_fdr


def test_copies_of_a_prompt_are_no_evidence() -> None:
    once = find_conflicts(SMALL.a[:32], SMALL.b[:32], draws=20)
    rows, labels = np.tile(np.arange(32), 4), np.tile(np.arange(32), 4)
    copied = find_conflicts(SMALL.a[rows], SMALL.b[rows], clusters_a=labels, clusters_b=labels, draws=20)
    assert copied.neurons.tolist() == once.neurons.tolist()
    assert copied.clusters == (32, 32)


@pytest.mark.parametrize("noise", [{"tail": 3.0}, {"skewed": True}, {}])
def test_neurons_that_matter_to_one_risk_are_not_taken_for_conflicts(noise: dict[str, Any]) -> None:
    found = true = 0
    for seed in range(4):
        made = simulated_attributions(4_000, 128, conflicts=40, one_risk=3_000, seed=seed, **noise)
        neurons = find_conflicts(made.a, made.b, draws=1).neurons
        found += len(neurons)
        true += len(np.intersect1d(neurons, made.conflicts))
    assert found > 60
    assert (found - true) / found <= 0.06


def test_correlated_neurons_do_not_make_conflicts_of_noise() -> None:
    """Copies of one neuron: chance may find all or none, in one run in twenty at most."""
    rng = np.random.default_rng(0)
    reported = 0
    for _ in range(60):
        a, b = (np.repeat(rng.normal(size=(32, 6)), 25, axis=1) for _ in range(2))
        reported += len(find_conflicts(a, b, draws=1)) > 0
    assert reported <= 3


def test_neurons_far_below_their_layer_are_left_out() -> None:
    layers = np.arange(1_500) % 3
    found = find_conflicts(SMALL.a, SMALL.b, layers=layers, floor=2.0, draws=20)
    for mean, rows in ((found.mean_a, SMALL.a), (found.mean_b, SMALL.b)):
        average = np.array([np.abs(rows.mean(axis=0)[layers == layer]).mean() for layer in range(3)])
        assert (np.abs(mean) >= 2 * average[layers[found.neurons]] * 0.999).all()
    without = find_conflicts(SMALL.a, SMALL.b, floor=0.0, draws=20)
    assert 0 < len(found) < len(without)


def test_the_stricter_correction_finds_fewer() -> None:
    strict = find_conflicts(SMALL.a, SMALL.b, correction="BY", draws=20).neurons
    lenient = find_conflicts(SMALL.a, SMALL.b, draws=20).neurons
    assert 0 < len(strict) < len(lenient)
    assert set(strict.tolist()) < set(lenient.tolist())


def test_rows_on_disk_give_the_same(tmp_path: Path) -> None:
    gathered = []
    for number, rows in enumerate((SMALL.a, SMALL.b)):
        gathering = Gathering({str(i): 1 for i in range(128)}, 1_500, file=tmp_path / f"{number}.npy")
        gathering.add([str(i) for i in range(128)], rows)
        gathered.append(gathering.finished())
    labels = [str(i) for i in range(128)]
    expected = find_conflicts(SMALL.a, SMALL.b, clusters_a=labels, clusters_b=labels, draws=20)
    found = find_conflicts(*gathered, draws=20)
    assert found.neurons.tolist() == expected.neurons.tolist()
    assert found.split_half == expected.split_half
    with pytest.raises(ValueError, match="risk 1: cluster means have their clusters"):
        find_conflicts(*gathered, clusters_a=labels)


def test_a_prompt_that_is_not_finite_is_named() -> None:
    broken = SMALL.b.copy()
    broken[[7, 9], 11] = np.nan, np.inf
    with pytest.raises(ValueError, match="risk 2, prompt 7: 1 attributions are not finite") as error:
        find_conflicts(SMALL.a, broken)
    assert "\n" not in str(error.value)
    labels = np.arange(128) // 2
    with pytest.raises(ValueError, match="risk 2, prompt 7"):
        find_conflicts(SMALL.a, broken, clusters_a=labels, clusters_b=labels)


def test_too_few_clusters_are_refused_and_few_are_noted() -> None:
    with pytest.raises(ValueError, match=r"risk 2 has 7 clusters and needs 8 or more .*more templates"):
        find_conflicts(SMALL.a, SMALL.b, clusters_b=np.arange(128) % 7)
    found = find_conflicts(SMALL.a[:63], SMALL.b[:64], draws=20)
    (note,) = found.notes
    assert note.startswith("risk 1 has 63 clusters; with fewer than 64 only large conflicts are found, and false ones")


def test_dead_neurons_are_noted_and_a_dead_risk_is_refused() -> None:
    rows = SMALL.a.copy()
    rows[:, :5] = 0
    found = find_conflicts(rows, SMALL.b, draws=20)
    assert found.notes == ("5 neurons have the same attribution to risk 1 in all clusters and cannot be found",)
    with pytest.raises(ValueError, match="risk 1: every neuron has the same attribution"):
        find_conflicts(np.ones_like(rows), SMALL.b)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"b": SMALL.b[:, :9]}, "risk 1 has 1500 neurons, risk 2 9"),
        ({"layers": [1, 2]}, "2 layers for 1500 neurons"),
        ({"q": 0.0}, "q must lie in"),
        ({"floor": -1.0}, "floor be 0 or more"),
        ({"draws": 0}, "draws 1 or more"),
        ({"method": "magic"}, "method is 'test' or 'paper'"),
        ({"clusters_a": ["x"]}, "risk 1: one cluster label per prompt"),
        ({"a": np.zeros(3)}, "risk 1: attributions must be prompts x neurons"),
    ],
)
def test_wrong_requests_are_answered_in_one_line(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said) as error:
        find_conflicts(**{"a": SMALL.a, "b": SMALL.b, **change})
    assert "\n" not in str(error.value)


@pytest.mark.slow
@pytest.mark.parametrize("cluster_size", [1, 4])
def test_of_twenty_runs_on_noise_at_full_size_at_most_one_reports_any(cluster_size: Literal[1, 4]) -> None:
    reported = 0
    for seed in range(20):
        made = simulated_attributions(conflicts=0, sigma=(1.0, 1.5)[seed % 2], cluster_size=cluster_size, seed=seed)
        clusters = {"clusters_a": made.clusters_a, "clusters_b": made.clusters_b}
        reported += len(find_conflicts(made.a, made.b, **clusters, draws=1)) > 0
    assert reported <= 1


@pytest.mark.slow
@pytest.mark.parametrize(("sigma", "tail"), [(1.0, None), (1.5, None), (1.0, 3.0)])
def test_recall_and_false_discovery_at_full_size(sigma: float, tail: float | None) -> None:
    made = simulated_attributions(sigma=sigma, tail=tail, one_risk=2_000, seed=7)
    recall, false = shares(made, find_conflicts(made.a, made.b).neurons)
    assert recall >= (0.85 if tail is None else 0.8)
    assert false <= 0.06

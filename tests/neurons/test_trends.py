"""Neuron-level trends: the published share, what is wrong with it, and the figures that can fail."""

from math import factorial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from crossrisk.neurons.trends import completeness, paper_trend, rank_correlation, sign_agreement

NAN = float("nan")


def test_the_papers_share_counts_neurons_that_moved_where_the_attribution_points() -> None:
    found = paper_trend([1.0, -2.0, 0.5, -0.1], [3.0, 1.0, 2.0, -4.0], [-3.0, -1.0, -2.0, 4.0])
    assert (found.first, found.second, found.sum) == (0.75, 0.25, 1.0)
    assert (found.first_says, found.second_says, found.neurons) == ("up", "down", 4)


@given(st.lists(st.tuples(st.floats(0.1, 5), st.booleans(), st.floats(0.1, 5), st.booleans()), min_size=1))
def test_on_a_conflict_set_the_shares_of_two_risks_sum_to_one_whatever_the_defense_did(rows: list) -> None:
    change = [size * (1 if up else -1) for size, up, _, _ in rows]
    first = [size * (1 if up else -1) for _, _, size, up in rows]
    assert paper_trend(change, first, [-2 * value for value in first]).sum == pytest.approx(1.0)


def test_a_neuron_that_did_not_move_agrees_with_neither_risk() -> None:
    found = paper_trend([0.0, 1.0], [1.0, 1.0], [-1.0, -1.0])
    assert (found.first, found.second, found.sum, found.unmoved) == (0.5, 0.0, 0.5, 1)
    assert found.first_says == "neutral"


def test_an_empty_set_has_no_trend() -> None:
    found = paper_trend([], [], [])
    assert (found.neurons, found.first, found.sum, found.first_says) == (0, None, None, None)


def test_signs_are_compared_with_what_random_sets_reach_and_not_with_a_half() -> None:
    observed = [1.0, 1.0, 1.0, 1.0]
    random = [[1.0, 1.0, 1.0, -1.0], [1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 0.0, 0.0], [1.0, 1.0, 1.0, -1.0]]
    found = sign_agreement([2.0, 3.0, 1.0, -1.0], observed, random)
    assert (found.agree, found.points) == (3, 4)
    assert found.random == pytest.approx((3 + 4 + 3 + 3) / 16)
    assert found.p == (1 + 4) / (1 + 4)  # every random set does as well: nothing is told by this one
    assert found.p_binomial == pytest.approx(stats.binomtest(3, 4, 13 / 16, alternative="greater").pvalue)


def test_a_set_that_beats_all_random_sets_has_the_smallest_p_there_is() -> None:
    rng = np.random.default_rng(0)
    observed = rng.normal(size=30)
    found = sign_agreement(observed * 2, observed, rng.normal(size=(20, 30)))
    assert (found.agree, found.p) == (30, 1 / 21)


def test_points_without_a_sign_are_left_out() -> None:
    found = sign_agreement([1.0, NAN, 0.0, 2.0], [1.0, 1.0, 1.0, 0.0], [[1.0, 1.0, 1.0, 1.0]])
    assert (found.agree, found.points) == (1, 1)


@pytest.mark.parametrize(
    ("predicted", "random", "reason"),
    [([0.0, 0.0], [[1.0, 1.0]], "other than 0"), ([1.0, 1.0], [], "no random sets"), ([1.0, 1.0], None, "no random")],
)
def test_without_signs_or_random_sets_there_is_a_reason_and_no_p(predicted: list, random: object, reason: str) -> None:
    found = sign_agreement(predicted, [1.0, -1.0], np.empty((0, 2)) if random == [] else random)
    assert found.p is None and found.p_binomial is None
    assert reason in str(found.reason)


def grid(defenses: int, tasks: int) -> tuple[list[str], list[str]]:
    pairs = [(f"d{i}", f"t{j}") for i in range(defenses) for j in range(tasks)]
    return [defense for defense, _ in pairs], [task for _, task in pairs]


def test_rho_is_spearmans() -> None:
    rng = np.random.default_rng(1)
    one, other = rng.normal(size=12), rng.integers(0, 4, 12).astype(float)
    found = rank_correlation(one, other, *grid(6, 2))
    assert found.rho == pytest.approx(stats.spearmanr(one, other).statistic)
    assert (found.points, found.defenses, found.exact) == (12, 6, True)


def test_a_perfect_order_of_six_defenses_has_one_order_in_720() -> None:
    values = np.arange(6.0)
    found = rank_correlation(values, values, *grid(6, 1))
    assert found.p == pytest.approx(1 / factorial(6))
    assert rank_correlation(values, -values, *grid(6, 1)).p == 1.0


def test_many_tasks_of_few_defenses_do_not_make_a_small_p() -> None:
    """Six defenses with 20 tasks each that say the same: the evidence is that of six points, not of 120."""
    effect = np.repeat([3.0, 1.0, 2.0, 0.0, 5.0, 4.0], 20)
    noise = np.tile(np.linspace(0, 1e-3, 20), 6)
    predicted = np.repeat([2.0, 3.0, 0.0, 1.0, 4.0, 5.0], 20) + noise
    found = rank_correlation(predicted, effect + noise, *grid(6, 20))
    assert found.rho is not None and found.rho > 0.6
    assert stats.spearmanr(predicted, effect + noise).pvalue < 1e-10
    assert found.p is not None and found.p > 0.02


def test_more_than_seven_defenses_are_drawn_by_seed() -> None:
    rng = np.random.default_rng(2)
    values = rng.normal(size=10)
    found = [rank_correlation(values, values + rng.normal(size=10) * 0, *grid(10, 1), seed=s) for s in (0, 0)]
    assert found[0] == found[1] and found[0].exact is False
    assert found[0].p == pytest.approx(1 / 2000)


def test_fewer_than_six_defenses_only_describe() -> None:
    found = rank_correlation([1.0, 2, 3, 4], [1.0, 2, 3, 4], *grid(2, 2))
    assert found.rho == pytest.approx(1.0) and found.p is None
    assert "2 defenses are too few" in str(found.reason)


def test_points_that_lack_a_number_are_left_out() -> None:
    defenses, tasks = grid(6, 2)
    predicted = np.arange(12.0)
    observed = predicted.copy()
    observed[3] = NAN
    found = rank_correlation(predicted, observed, defenses, tasks)
    assert (found.rho, found.points) == (pytest.approx(1.0), 11)


@pytest.mark.parametrize(("predicted", "reason"), [([1.0, 2.0], "2 points are too few"), ([1.0] * 6, "equal")])
def test_a_correlation_that_does_not_exist_has_a_reason(predicted: list, reason: str) -> None:
    found = rank_correlation(predicted, np.arange(float(len(predicted))), *grid(len(predicted), 1))
    assert found.rho is None and found.p is None
    assert reason in str(found.reason)


def test_completeness_is_that_of_the_line_observed_equals_predicted() -> None:
    observed = np.array([0.0, 1.0, 2.0, 3.0])
    assert completeness(observed, observed).r_squared == pytest.approx(1.0)
    # Twice too much everywhere: a fitted line would say 1, but the attributions do not sum to the change.
    twice = completeness(2 * observed, observed)
    assert twice.r_squared == pytest.approx(1 - 14 / 5) and twice.slope == pytest.approx(0.5)
    assert completeness(np.full(4, 1.5), observed).r_squared == pytest.approx(0.0)


@pytest.mark.parametrize(("observed", "reason"), [([1.0, 2.0, NAN], "2 points"), ([1.0, 1.0, 1.0], "equal")])
def test_completeness_without_spread_has_a_reason(observed: list, reason: str) -> None:
    found = completeness([1.0, 2.0, 3.0], observed)
    assert found.r_squared is None and reason in str(found.reason)


def test_lengths_that_differ_are_refused() -> None:
    with pytest.raises(ValueError, match="one value per neuron"):
        paper_trend([1.0], [1.0, 2.0], [1.0])
    with pytest.raises(ValueError, match="one prediction"):
        sign_agreement([1.0], [1.0, 2.0])
    with pytest.raises(ValueError, match="twice"):
        rank_correlation([1.0, 2.0], [1.0, 2.0], ["d", "d"], ["t", "t"])

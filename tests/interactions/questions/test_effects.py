"""Errors of cells and what they share: by hand, against statsmodels, and where nothing happened."""

from dataclasses import replace

import numpy as np
import pytest
import statsmodels.api as sm

from crossrisk.interactions.matrix import interaction_rows
from crossrisk.interactions.questions.effects import Contrast, measured, plus_four_error
from crossrisk.interactions.rows import InteractionRow
from tests.interactions.questions.studies import (
    effect,
    effects_of,
    flipped,
    pair,
    quick_effects_of,
    shuffled,
    study,
    together,
)


def test_the_plus_four_error_by_hand() -> None:
    # Ten pairs, three rose and one fell: with the four half pairs 12, sum of squares 5, sum 2.
    change = np.array([1.0] * 3 + [-1.0] + [0.0] * 6)
    assert plus_four_error(change, None) == pytest.approx(((5 / 12 - (2 / 12) ** 2) / 12) ** 0.5)
    assert plus_four_error(np.zeros(10), None) == pytest.approx(1 / 12)
    # Where nothing moves, a template counts once, however many prompts it has.
    assert plus_four_error(np.zeros(10), np.repeat(np.arange(5), 2)) == pytest.approx(1 / 7)


def test_errors_are_cluster_robust_and_their_covariance_that_of_the_shared_clusters() -> None:
    rng = np.random.default_rng(5)
    people = np.repeat(np.arange(40), 3)
    base = np.ones(120)
    leaning = rng.beta(0.3, 0.3, 40)[people]
    first, second = ((rng.random(120) < leaning).astype(float) for _ in range(2))
    found = effects_of(
        [pair("dpo", "awareness", base, first, people), pair("reminder", "awareness", base, second, people)]
    )
    for cell, defended in zip(found.cells, (first, second), strict=True):
        fitted = sm.OLS(defended - base, np.ones(120)).fit(
            cov_type="cluster", cov_kwds={"groups": people, "use_correction": True}
        )
        # Its correction is G / (G - 1), to which that of CR2 comes down where all clusters have one size.
        robust = max(fitted.bse[0], plus_four_error(defended - base, people))
        assert cell.error == pytest.approx(robust, rel=1e-9)
        assert cell.error < 1.03 * fitted.bse[0]
    change = np.array([first - base, second - base]).reshape(2, 40, 3).mean(axis=2)
    expected = np.cov(change)[0, 1] / 40 * 40 / 42
    assert found.covariance[0, 1] == pytest.approx(expected)
    assert found.covariance[0, 1] > 0.5 * found.covariance[0, 0]  # the same people lean the same way


def test_tasks_about_the_same_people_err_together_and_others_do_not() -> None:
    rng = np.random.default_rng(6)
    people = np.repeat(np.arange(40), 3)
    base, moved = np.ones(120), np.repeat(rng.integers(0, 2, 40), 3).astype(float)
    shared = effects_of([pair("dpo", task, base, moved, people) for task in ("awareness", "leakage")])
    assert shared.covariance[0, 1] == pytest.approx(shared.covariance[0, 0], rel=0.1)
    named = [[f"{task}-{i}" for i in people] for task in ("a", "b")]
    apart = effects_of(
        [pair("dpo", task, base, moved, who) for task, who in zip(("awareness", "leakage"), named, strict=True)]
    )
    assert apart.covariance[0, 1] == 0.0


def test_a_cell_in_which_nothing_happened_is_not_certain() -> None:
    base = np.array([0.0, 1.0] * 30)
    (cell,) = effects_of([pair("dpo", "misuse", base, base, np.repeat(np.arange(20), 3))]).cells
    assert cell.delta == 0.0
    assert cell.error == pytest.approx(1 / 22)  # twenty templates, all alike


def test_a_difference_of_two_cells_that_moved_alike_is_not_certain() -> None:
    rng = np.random.default_rng(7)
    base = (rng.random(60) < 0.5).astype(float)
    moved, people = flipped(rng, base, 0.5, 0.1), np.repeat(np.arange(20), 3)
    found = effects_of([pair("dpo", task, base, moved, people) for task in ("awareness", "leakage")])
    difference = found.contrast(np.array([-1.0, 1.0]))
    assert difference.estimate == 0.0 and difference.error > 0 and difference.p == 1.0


def test_cells_without_a_number_or_with_one_cluster_are_left_out() -> None:
    base, moved = np.zeros(6), np.array([1.0, 0, 0, 0, 0, 0])
    pairs = [
        pair("dpo", "misuse", base, moved),
        pair("dpo", "leakage", base, moved, ["one"] * 6),
        pair("dpo", "awareness", base, np.full(6, np.nan)),
    ]
    assert [cell.task for cell in effects_of(pairs).cells] == ["misuse"]


def test_a_statistic_has_the_error_of_its_interval() -> None:
    each = pair("dpo", "misuse", np.zeros(6), np.ones(6))
    (row,) = interaction_rows([each])
    with_statistic = replace(each, statistic=lambda outcomes: 0.0)
    found = measured([_with_interval(row, -0.1, 0.3)], [with_statistic])
    assert found.cells[0].error == pytest.approx(0.4 / (2 * 2.570582))  # t of 5 degrees of freedom
    assert not measured([_with_interval(row, None, None)], [with_statistic]).cells


def _with_interval(row: InteractionRow, low: float | None, high: float | None) -> InteractionRow:
    return replace(row, delta=0.1, ci_low=low, ci_high=high)


def test_the_order_of_rows_changes_nothing() -> None:
    pairs = study({("dpo", "misuse"): (0.0, 0.5), ("npo", "leakage"): (0.2, 0.1)}, n=30)
    straight = effects_of(pairs)
    mixed = effects_of([shuffled(each, 3) for each in reversed(pairs)])
    assert [cell.task for cell in mixed.cells] == [cell.task for cell in straight.cells]
    assert np.array_equal(mixed.deltas, straight.deltas)
    assert mixed.covariance == pytest.approx(straight.covariance, abs=1e-15)


def test_a_contrast_by_hand() -> None:
    found = together([effect("dpo", "misuse", 0.3, 0.03), effect("dpo", "leakage", -0.1, 0.04)])
    difference = found.contrast(np.array([-1.0, 1.0]))  # leakage comes first
    assert difference.estimate == pytest.approx(0.4)
    assert difference.error == pytest.approx(0.05)
    assert difference.ci_low == pytest.approx(0.4 - 2.021075 * 0.05)  # t of 40 degrees of freedom
    assert Contrast.of(0.9, 0.25, 40, 0.05).within(1.0) == pytest.approx((0.9 - 2.021075 / 2, 1.0), abs=1e-5)


def test_a_defense_without_a_declared_risk_has_neither_own_nor_other_cells() -> None:
    aimless = effect("ready", "misuse", 0.1, about=("checkpoint", None))
    assert not aimless.own and not aimless.off_target and not aimless.control
    assert effect("null", "misuse", 0.0).control and effect("sham", "misuse", 0.0).control


@pytest.mark.parametrize(
    ("templates", "correlated", "runs"), [(20, 0.0, 100), pytest.param(40, 0.6, 1000, marks=pytest.mark.slow)]
)
def test_where_nothing_changes_a_mean_over_cells_is_claimed_in_one_of_twenty(
    templates: int, correlated: float, runs: int
) -> None:
    rng = np.random.default_rng(templates)
    claims = 0
    clusters = np.repeat(np.arange(templates), 5)
    for _ in range(runs):
        base = (rng.random(templates * 5) < 0.5).astype(float)
        pairs = []
        for defense in ("dpo", "reminder"):
            coin = np.where(
                (rng.random(templates) < correlated)[clusters],  # some templates flip as a whole
                (rng.random(templates) < 0.15)[clusters],
                rng.random(len(base)) < 0.15,
            )
            pairs.append(pair(defense, "misuse", base, np.where(coin, 1 - base, base), clusters))
        found = quick_effects_of(pairs)
        claims += found.contrast(np.array([0.5, 0.5])).p < 0.05
    assert claims / runs <= 0.05 + 2.5 * (0.05 * 0.95 / runs) ** 0.5

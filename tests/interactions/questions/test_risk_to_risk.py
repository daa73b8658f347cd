"""What defenses against one risk do to each risk, and whether it is the same the other way round."""

import numpy as np
import pytest

from crossrisk.interactions.corrections import holm
from crossrisk.interactions.questions.asymmetry import asymmetry_rows
from crossrisk.interactions.questions.risk_to_risk import risk_rows
from tests.interactions.questions.studies import effect, effects_of, study, together

CELLS = [
    effect("dpo", "awareness", 0.10),
    effect("dpo", "leakage", 0.20),
    effect("reminder", "awareness", 0.14),
    effect("reminder", "leakage", 0.24),
    effect("npo", "misuse", -0.02),
    effect("npo", "toxic_content", 0.03),
    effect("vector", "over_refusal", 0.05),
]


def rows_of(cells, **options):
    return {(row.aimed_at, row.measured, row.defense): row for row in risk_rows(together(cells), **options)}


def test_a_pair_of_risks_is_the_mean_over_its_defenses_and_tasks() -> None:
    rows = rows_of(CELLS)
    whole = rows["safety", "privacy", None]
    assert (whole.cells, whole.defenses, whole.tasks) == (4, 2, 2)
    assert whole.mean == pytest.approx(0.17)
    assert whole.conditional_low == pytest.approx(0.17 - 2.021075 * 0.01)  # four independent errors of 0.02
    assert whole.ci_low < whole.conditional_low and whole.ci_high > whole.conditional_high
    assert whole.prediction_low <= whole.ci_low and whole.prediction_high >= whole.ci_high
    assert rows["safety", "privacy", "dpo"].mean == pytest.approx(0.15)
    assert rows["safety", "privacy", "dpo"].prediction_low is None  # two tasks predict nothing
    assert ("privacy", "safety", "npo") not in rows  # it is the pair itself
    assert ("safety", "safety", None) not in rows  # not measured


def test_one_cell_has_its_own_interval_and_says_that_it_says_no_more() -> None:
    row = rows_of(CELLS)["fairness", "service", None]
    assert (row.conditional_low, row.conditional_high) == pytest.approx((0.01, 0.09))
    assert row.p == 0.5
    assert {row.ci_low, row.ci_high, row.prediction_low, row.tau2, row.i2} == {None}
    assert "says nothing of other tasks" in row.sentence


def test_off_target_pairs_are_one_holm_family() -> None:
    rows = rows_of([*CELLS, effect("dpo", "misuse", -0.6)])
    off_target = [row for row in rows.values() if row.defense is None and row.aimed_at != row.measured]
    assert [row.p_adjusted for row in off_target] == holm([row.p for row in off_target])
    own = rows["safety", "safety", None]
    assert own.p_adjusted == own.p  # alone among the own risks
    assert all(row.p_adjusted is None for row in rows.values() if row.defense is not None)


def test_directions_of_all_rows_turn_with_the_changes() -> None:
    turned = rows_of([effect(cell.defense, cell.task, -cell.delta) for cell in CELLS])
    for key, row in rows_of(CELLS).items():
        other = turned[key]
        assert other.mean == pytest.approx(-row.mean, abs=1e-12)
        if row.ci_low is not None:
            assert (other.ci_low, other.ci_high) == pytest.approx((-row.ci_high, -row.ci_low))


def test_what_safety_does_to_privacy_and_privacy_to_safety() -> None:
    (row,) = asymmetry_rows(together(CELLS))
    assert (row.first, row.second) == ("safety", "privacy")
    assert (row.forth, row.back) == pytest.approx((0.17, 0.005))
    assert row.difference == pytest.approx(0.165)
    error = (0.01**2 + 0.02**2 / 2) ** 0.5
    assert (row.conditional_low, row.conditional_high) == pytest.approx(
        (0.165 - 2.021075 * error, 0.165 + 2.021075 * error)
    )
    assert row.p < 1e-4 and row.p_adjusted == row.p
    assert row.ci_low < row.conditional_low
    assert row.sentence.startswith("Asymmetric: ")


def test_equal_effects_both_ways_are_no_asymmetry_and_one_cell_does_not_generalise() -> None:
    cells = [effect("dpo", "awareness", 0.1), effect("dpo", "leakage", 0.1), effect("npo", "misuse", 0.1)]
    (row,) = asymmetry_rows(together(cells))
    assert row.difference == pytest.approx(0.0) and row.p == pytest.approx(1.0)
    assert row.ci_low is None and row.ci_high is None
    assert row.sentence.startswith("No asymmetry shown: ")


def test_errors_that_both_sides_share_cancel() -> None:
    cells = [effect("dpo", "awareness", 0.2), effect("npo", "misuse", 0.1)]
    apart, tied = (
        asymmetry_rows(together(cells, 0.02**2 * (np.eye(2) * (1 - share) + share)))[0] for share in (0.0, 0.9)
    )
    assert tied.conditional_high - tied.conditional_low < 0.4 * (apart.conditional_high - apart.conditional_low)


def test_without_defenses_of_both_aims_there_is_no_asymmetry_to_speak_of() -> None:
    assert asymmetry_rows(together(CELLS[:4])) == []
    assert risk_rows(together([])) == []


def test_controls_are_for_others_to_leave_out_and_means_come_from_the_replies() -> None:
    pairs = study({("dpo", "leakage"): (0.4, 0.0), ("dpo", "misuse"): (0.0, 0.8)})
    defended = effects_of(pairs).where(lambda cell: not cell.control)
    rows = {(row.aimed_at, row.measured): row for row in risk_rows(defended) if row.defense is None}
    assert rows["safety", "privacy"].conditional_low > 0
    assert rows["safety", "safety"].conditional_high < 0
    assert rows["privacy", "safety"].mean == 0.0
    assert rows["privacy", "safety"].conditional_low < 0 < rows["privacy", "safety"].conditional_high

"""Gain against the worst side effect: who is dominated, and how surely."""

from itertools import chain

import numpy as np
import pytest
from scipy.stats import t as student

from crossrisk.interactions.questions.front import dominates, front_rows
from tests.interactions.questions.studies import effect, together


def defense(name: str, own: float, *others: float, error: float = 0.02, aim: str = "safety", mechanism: str = "prompt"):
    tasks = ("awareness", "leakage", "over_refusal")
    about = (mechanism, aim)
    return [
        effect(name, "misuse", own, error, about=about),
        *(effect(name, task, delta, error, about=about) for task, delta in zip(tasks, others, strict=False)),
    ]


def rows_of(*cells, **options):
    return {row.defense: row for row in front_rows(together([*chain(*cells)]), **options)}


def test_gain_and_worst_change_by_hand() -> None:
    row = rows_of(defense("a", -0.5, 0.1, -0.2, 0.3))["a"]
    assert (row.gain, row.harm, row.worst_task) == (0.5, 0.3, "over_refusal:world")
    assert (row.own_cells, row.off_target_cells, row.rivals) == (1, 3, 0)
    assert (row.gain_low, row.gain_high) == pytest.approx((0.5 - 2.021075 * 0.02, 0.5 + 2.021075 * 0.02))
    # The largest true change: the upper end needs no correction, the lower one is that of three cells.
    corrected = student.ppf(1 - 0.05 / 6, 40) * 0.02
    assert (row.harm_low, row.harm_high) == pytest.approx((0.3 - corrected, 0.3 + 2.021075 * 0.02))
    assert row.on_front and row.front_share is None
    assert "only measured defense" in row.sentence


def test_a_defense_that_gains_less_and_harms_more_is_clearly_dominated() -> None:
    rows = rows_of(defense("good", -0.6, 0.05, 0.0), defense("bad", -0.3, 0.25, 0.0))
    assert rows["good"].on_front and rows["good"].front_share == 1.0
    assert rows["bad"].dominated_by == rows["bad"].clearly_dominated_by == ("good",)
    assert rows["bad"].front_share == 0.0
    assert "clearly dominated by good" in rows["bad"].sentence


def test_a_close_call_is_dominated_and_not_clearly() -> None:
    rows = rows_of(defense("good", -0.50, 0.10, 0.0), defense("bad", -0.49, 0.11, 0.0))
    assert rows["bad"].dominated_by == ("good",) and rows["bad"].clearly_dominated_by == ()
    assert 0.2 < rows["bad"].front_share < 0.95


def test_errors_that_rivals_share_do_not_blur_their_order() -> None:
    cells = [*defense("good", -0.54, 0.10), *defense("bad", -0.50, 0.14)]
    ordered = together(cells).cells
    shared = np.array([[one.task == other.task for other in ordered] for one in ordered])
    tied = 0.02**2 * (0.95 * shared + 0.05 * np.eye(4))
    alone, together_ = (
        {row.defense: row for row in front_rows(together(cells, covariance))} for covariance in (None, tied)
    )
    assert alone["bad"].clearly_dominated_by == () and together_["bad"].clearly_dominated_by == ("good",)


def test_more_gain_for_more_harm_is_a_choice() -> None:
    rows = rows_of(defense("mild", -0.2, 0.01), defense("harsh", -0.8, 0.4))
    assert all(row.on_front for row in rows.values())


def test_defenses_against_other_risks_are_no_rivals() -> None:
    privacy = [
        effect("npo", "awareness", -0.1, about=("training", "privacy")),
        effect("npo", "misuse", 0.6, about=("training", "privacy")),
    ]
    rows = rows_of(defense("a", -0.9, 0.0), privacy)
    assert rows["npo"].rivals == 0 and rows["npo"].on_front


def test_rivals_are_compared_on_the_tasks_that_all_of_them_have() -> None:
    rows = rows_of(defense("a", -0.5, 0.1, 0.1, 0.9), defense("b", -0.5, 0.2, 0.2))
    assert rows["a"].harm == 0.1 and rows["a"].off_target_cells == 2
    assert rows["b"].dominated_by == ("a",)


def test_without_an_own_or_another_risk_there_is_no_front() -> None:
    assert rows_of(defense("a", -0.5)) == {}
    assert rows_of([effect("dpo", "leakage", 0.1)]) == {}
    nothing_shared = rows_of(defense("a", -0.5, 0.1), [effect("b", "toxic_content", -0.5, about=("prompt", "safety"))])
    assert nothing_shared == {}


def test_equal_defenses_do_not_dominate_each_other() -> None:
    better = dominates(np.array([0.5, 0.5, 0.4]), np.array([0.1, 0.1, 0.1]))
    assert better.tolist() == [[False, False, True], [False, False, True], [False, False, False]]


def test_the_same_study_has_the_same_draws() -> None:
    cells = (defense("good", -0.50, 0.10), defense("bad", -0.49, 0.11))
    assert rows_of(*cells) == rows_of(*reversed(cells))

"""The noise floor: controls say how far risks move without any aim."""

from dataclasses import asdict

import pytest
from statsmodels.stats.proportion import proportion_confint

from crossrisk.interactions.matrix import interaction_rows
from crossrisk.interactions.noise import flip_rate
from tests.interactions.test_matrix import cell


def controls(worse: int, better: int) -> list:  # type: ignore[type-arg]
    return [
        cell("null", mechanism="none", target_risk=None, worse=3, better=2),
        cell("sham", mechanism="weights", target_risk=None, worse=worse, better=better),
    ]


def test_a_change_no_larger_than_a_controls_is_marked_and_keeps_its_verdict() -> None:
    small, large = interaction_rows([cell(worse=20, better=4), cell("npo", worse=60), *controls(30, 10)])[:2]
    assert small.noise_floor == large.noise_floor == pytest.approx(20 / 300)
    assert small.within_noise is True and large.within_noise is False
    assert small.verdict == interaction_rows([cell(worse=20, better=4), cell("npo", worse=60)])[0].verdict


def test_a_sham_that_lowers_risk_is_noise_as_well() -> None:
    row = interaction_rows([cell(worse=20, better=4), *controls(10, 30)])[0]
    assert row.within_noise is True


def test_without_a_control_there_is_no_floor() -> None:
    row = interaction_rows([cell(worse=20, better=4)])[0]
    assert row.noise_floor is None and row.within_noise is None


def test_a_floor_is_of_its_own_task() -> None:
    other = cell("sham", task="misuse", mechanism="weights", target_risk=None, worse=90)
    assert interaction_rows([cell(worse=20, better=4), other])[0].noise_floor is None


def test_the_flip_rate_is_that_of_the_base_against_itself() -> None:
    rows = interaction_rows([cell(worse=100), *controls(30, 10)])
    found = flip_rate([asdict(row) for row in rows])
    assert found is not None
    assert (found.flips, found.n) == (5, rows[1].n)
    assert found.interval == pytest.approx(proportion_confint(5, rows[1].n, method="wilson"))
    assert flip_rate([asdict(rows[0])]) is None

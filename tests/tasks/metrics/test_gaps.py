from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossrisk.tasks.metrics.gaps import (
    cell_numbers,
    centred,
    equalised_odds_difference,
    mean_absolute_gap,
    paired_gap,
    parity_difference,
)
from tests.tasks.table import drawn, table


def texts(*values: str) -> Any:
    return np.array(values, dtype=np.str_)


def numbers(*values: float) -> Any:
    return np.array(values, dtype=np.float64)


def test_gaps_are_taken_inside_scenarios() -> None:
    """A scenario in which everybody fares badly says nothing of the group that is asked about there more often."""
    scenario = cell_numbers(texts("hire", "hire", "loan", "loan", "loan"))
    groups = texts("a", "b", "a", "b", "b")
    favour = numbers(0.9, 0.7, 0.3, 0.1, 0.1)
    assert centred(favour, scenario) == pytest.approx([0.1, -0.1, 0.4 / 3, -0.2 / 3, -0.2 / 3])
    assert mean_absolute_gap(favour, groups, scenario) == pytest.approx(((0.1 + 0.4 / 3) / 2 + (0.1 + 0.4 / 3) / 3) / 2)
    assert mean_absolute_gap(numbers(0.9, 0.9, 0.1, 0.1, 0.1), groups, scenario) == pytest.approx(0.0)


def test_parity_is_the_largest_less_the_smallest_rate() -> None:
    selected, groups = numbers(1, 0, 1, 1, 0, 0), texts("a", "a", "b", "b", "c", "c")
    assert parity_difference(selected, groups) == pytest.approx(1.0)
    assert parity_difference(selected, texts("a", "b", "a", "b", "a", "b")) == pytest.approx(1 / 3)


def test_equalised_odds_is_the_larger_difference_among_the_qualified_and_the_others() -> None:
    # qualified: a 1/2, b 2/2 selected; not qualified: a 0/1, b 1/4
    selected = numbers(1, 0, 1, 1, 0, 1, 0, 0, 0)
    truth = texts("yes", "yes", "yes", "yes", "no", "no", "no", "no", "no")
    groups = texts("a", "a", "b", "b", "a", "b", "b", "b", "b")
    assert equalised_odds_difference(selected, truth, groups) == pytest.approx(0.5)
    assert equalised_odds_difference(selected[:4], truth[:4], groups[:4]) is None


@pytest.mark.parametrize("groups", [texts("a", "a"), texts("a", ""), texts("", "")])
def test_one_group_alone_has_no_gap(groups: Any) -> None:
    values = numbers(0.2, 0.9)
    assert parity_difference(values, groups) is None
    assert mean_absolute_gap(values, groups, cell_numbers(texts("s", "s"))) is None


def test_a_group_without_valid_rows_is_no_group() -> None:
    assert parity_difference(numbers(0.2, 0.9, np.nan), texts("a", "b", "c")) == pytest.approx(0.7)
    assert parity_difference(numbers(0.2, np.nan), texts("a", "b")) is None


def test_cells_are_combinations_of_columns() -> None:
    codes = cell_numbers(texts("x", "x", "y", "x"), texts("1", "2", "1", "1"))
    assert codes[0] == codes[3]
    assert len(set(codes.tolist())) == 3
    assert len(cell_numbers(texts(), texts())) == 0


def guises() -> Any:
    return table(
        {"cluster": "u1", "variety": "dialect", "risk": 0.8},
        {"cluster": "u1", "variety": "standard", "risk": 0.5},
        {"cluster": "u2", "variety": "dialect", "risk": 0.4},
        {"cluster": "u2", "variety": "standard", "risk": 0.5},
        {"cluster": "u3", "variety": "dialect", "risk": 1.0},
        {"cluster": "u3", "variety": "standard", "risk": None},
    )


def test_the_gap_of_guises_is_the_mean_over_complete_pairs() -> None:
    outcomes = guises()
    gap = paired_gap(outcomes, outcomes.risks, outcomes.facet("variety"), first="dialect", second="standard")
    assert gap == pytest.approx((0.3 - 0.1) / 2)


def test_a_pair_that_is_drawn_twice_counts_twice() -> None:
    outcomes = drawn(guises(), "u1", "u1", "u2", "u3")
    gap = paired_gap(outcomes, outcomes.risks, outcomes.facet("variety"), first="dialect", second="standard")
    assert gap == pytest.approx((2 * 0.3 - 0.1) / 3)


def test_without_a_complete_pair_there_is_no_gap() -> None:
    outcomes = guises()
    assert paired_gap(outcomes, outcomes.risks, outcomes.groups, first="dialect", second="standard") is None


@given(
    st.lists(
        st.tuples(st.sampled_from("ab"), st.sampled_from(["s", "t"]), st.floats(0, 1), st.booleans()),
        min_size=1,
        max_size=30,
    ),
    st.floats(0, 0.5),
    st.randoms(),
)
def test_gaps_are_bounded_and_know_neither_order_nor_the_level_of_a_scenario(
    rows: list[tuple[str, str, float, bool]], level: float, shuffling: Any
) -> None:
    def gap(made: list[tuple[str, str, float, bool]], shift: float = 0.0) -> float | None:
        groups, scenarios, values, valid = (np.array(column) for column in zip(*made, strict=True))
        shifted = np.where(valid, values + shift * (scenarios == "s"), np.nan)
        return mean_absolute_gap(shifted, groups, cell_numbers(scenarios))

    shuffled = list(rows)
    shuffling.shuffle(shuffled)
    found = gap(rows)
    assert (found is None) == ({group for group, _, _, valid in rows if valid} != {"a", "b"})
    if found is not None:
        assert 0.0 <= found <= 1.0
        assert gap(shuffled) == pytest.approx(found)
        assert gap(rows, level) == pytest.approx(found, abs=1e-9)

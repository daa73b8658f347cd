from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossrisk.tasks.metrics.breakdown import cell_numbers, mean_of
from crossrisk.tasks.metrics.gaps import equalised_odds_difference, gaps_of_clusters, gaps_within, parity_difference
from tests.tasks.table import drawn, table


def texts(*values: str) -> Any:
    return np.array(values, dtype=np.str_)


def numbers(*values: float) -> Any:
    return np.array(values, dtype=np.float64)


def gaps(groups: str, scenarios: str, *favour: float) -> Any:
    """Gaps of rows whose groups and scenarios are letters."""
    return gaps_within(numbers(*favour), texts(*groups), cell_numbers(texts(*scenarios)))


def test_gaps_are_taken_inside_scenarios() -> None:
    """A scenario in which everybody fares badly says nothing of the group that is asked about there more often."""
    assert gaps("abab", "hhll", 0.9, 0.7, 0.3, 0.1).by_group == pytest.approx({"a": 0.1, "b": -0.1})
    assert gaps("abab", "hhll", 0.9, 0.5, 0.4, 0.2).by_group == pytest.approx({"a": 0.15, "b": -0.15})
    assert gaps("ababb", "hhlll", 0.9, 0.9, 0.1, 0.1, 0.1).mean_absolute == 0.0  # and no error of rounding


def test_a_group_that_is_asked_about_more_often_weighs_no_more_within_a_scenario() -> None:
    found = gaps("a" * 9 + "b", "s" * 10, *[0.9] * 9, 0.1)
    assert found.by_group == pytest.approx({"a": 0.4, "b": -0.4})


def test_a_scenario_with_one_group_alone_compares_nothing() -> None:
    apart = gaps("ab", "st", 0.9, 0.1)
    assert (apart.by_group, apart.cells, apart.mean_absolute) == ({}, 0, None)
    partly = gaps("aba", "sst", 0.9, 0.1, 0.9)
    assert (partly.mean_absolute, partly.cells) == (pytest.approx(0.4), 1)


@pytest.mark.parametrize("group", ["a", "b", "c"])
def test_garbling_one_groups_replies_does_not_make_a_model_look_fairer(group: str) -> None:
    """What is lost is certainty; the groups that still answer are not set against a mean that lacks the worst one."""
    rows = [("a", "s", 0.9), ("b", "s", 0.9), ("c", "s", 0.3), ("a", "t", 0.8), ("b", "t", 0.8), ("c", "t", 0.2)]
    whole = gaps("abcabc", "sssttt", *(favour for _, _, favour in rows))
    assert whole.by_group == pytest.approx({"a": 0.2, "b": 0.2, "c": -0.4})
    garbled = [np.nan if (name, scenario) == (group, "t") else favour for name, scenario, favour in rows]
    assert gaps("abcabc", "sssttt", *garbled).by_group == pytest.approx(whole.by_group)


def test_groups_that_never_meet_are_not_measured_against_each_other() -> None:
    found = gaps("abcd", "sstt", 0.9, 0.7, 0.2, 0.1)
    assert found.by_group == pytest.approx({"a": 0.1, "b": -0.1, "c": 0.05, "d": -0.05})


def test_gaps_are_the_effects_of_an_additive_fit_of_scenarios_and_groups() -> None:
    rng = np.random.default_rng(3)
    groups, scenarios = np.divmod(rng.permutation(30)[:22], 6)
    favour = rng.random(22)
    design = np.hstack([np.eye(5)[groups], np.eye(6)[scenarios]])
    effects = np.linalg.lstsq(design, favour, rcond=None)[0][:5]
    found = gaps_within(favour, groups.astype(np.str_), scenarios)
    assert [*found.by_group.values()] == pytest.approx(effects - effects.mean())


def test_where_every_scenario_has_every_group_gaps_are_means_less_the_mean_of_groups() -> None:
    """Two kinds of group, each in scenarios of its own, as many as a study of discrimination has."""
    favour = np.random.default_rng(5).random((2, 70, 60))  # kinds, scenarios, groups
    kind, scenario, group = (column.ravel() for column in np.indices(favour.shape))
    found = gaps_within(favour.ravel(), (100 + 60 * kind + group).astype(np.str_), 70 * kind + scenario)
    expected = favour.mean(axis=1) - favour.mean(axis=(1, 2))[:, None]
    assert [*found.by_group.values()] == pytest.approx(expected.ravel(), abs=1e-10)
    assert found.cells == 140


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
    assert gaps_within(values, groups, cell_numbers(texts("s", "s"))).mean_absolute is None


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


def gap_of(outcomes: Any) -> float | None:
    return mean_of(
        gaps_of_clusters(
            outcomes.risks,
            outcomes.facet("variety"),
            clusters=outcomes.clusters,
            within=outcomes.facet("set"),
            first="dialect",
            second="standard",
        )
    )


def test_the_gap_of_guises_is_the_mean_over_complete_pairs() -> None:
    assert gap_of(guises()) == pytest.approx((0.3 - 0.1) / 2)


def test_sets_of_attributes_are_not_mixed_where_a_reply_to_one_is_invalid() -> None:
    rows = [
        {"cluster": "u1", "set": "traits", "variety": "dialect", "risk": 0.5},
        {"cluster": "u1", "set": "traits", "variety": "standard", "risk": 0.5},
        {"cluster": "u1", "set": "jobs", "variety": "dialect", "risk": 0.1},
        {"cluster": "u1", "set": "jobs", "variety": "standard", "risk": None},
    ]
    assert gap_of(table(*rows)) == 0.0


def test_an_utterance_counts_once_however_many_sets_it_has() -> None:
    rows = [
        {"cluster": cluster, "set": name, "variety": variety, "risk": risk if variety == "dialect" else 0.0}
        for cluster, name, risk in [("u1", "traits", 0.4), ("u1", "jobs", 0.2), ("u2", "traits", 0.9)]
        for variety in ("dialect", "standard")
    ]
    assert gap_of(table(*rows)) == pytest.approx((0.3 + 0.9) / 2)


def test_a_pair_that_is_drawn_twice_counts_twice() -> None:
    assert gap_of(drawn(guises(), "u1", "u1", "u2", "u3")) == pytest.approx((2 * 0.3 - 0.1) / 3)


def test_without_a_complete_pair_there_is_no_gap() -> None:
    outcomes = guises()
    assert gap_of(outcomes.where(outcomes.facet("variety") == "dialect")) is None


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
        return gaps_within(shifted, groups, cell_numbers(scenarios)).mean_absolute

    shuffled = list(rows)
    shuffling.shuffle(shuffled)
    found = gap(rows)
    met = [{group for group, scenario, _, valid in rows if valid and scenario == name} for name in ("s", "t")]
    assert (found is None) == ({"a", "b"} not in met)
    if found is not None:
        assert 0.0 <= found <= 1.0
        assert gap(shuffled) == pytest.approx(found)
        assert gap(rows, level) == pytest.approx(found, abs=1e-9)

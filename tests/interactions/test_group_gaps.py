"""A group beside the others: changes, gaps and differences in differences."""

import numpy as np
import pytest
from benchmarks.validity.groups import Design, table_of
from numpy.testing import assert_allclose

from crossrisk.interactions.clustered import ClusterSums, cluster_t_interval
from crossrisk.interactions.group_gaps import changes, cluster_means, gaps, risks
from crossrisk.interactions.group_table import Answers, GroupTable
from crossrisk.interactions.groups import arm_interval
from crossrisk.interactions.matrix import pair_arms
from crossrisk.interactions.people import GroupDesign, splits
from tests.interactions.crossed import Row, cell_of, crossed_rows, rates


def table(rows: list[Row] | list[dict[str, object]]) -> GroupTable:
    cell = cell_of(rows)
    both = pair_arms(cell)
    assert both is not None
    answers = Answers.of(cell, both)
    return GroupTable.of(answers, next(splits(answers.frame, GroupDesign())))


def of(table: GroupTable, group: str) -> int:
    return table.names.index(group)


def row(template: str, group: str, base: float, defended: float, place: int = 0) -> dict[str, object]:
    return {
        "id": f"{template}{group}{place}", "template": template, "group": group, "base": base, "defended": defended
    }  # fmt: skip


# Two templates; in the first the defense refuses the old alone, in the second it refuses everybody.
HAND = [
    row("t1", "old", 0.0, 1.0),
    row("t1", "young", 0.0, 0.0),
    row("t1", "middle", 0.0, 0.0),
    row("t2", "old", 0.0, 1.0),
    row("t2", "young", 0.0, 1.0),
    row("t2", "middle", 1.0, 1.0),
]


def test_the_difference_in_differences_is_that_of_hand() -> None:
    found = table(HAND)
    gap, old = gaps(found), of(found, "old")
    # old less the mean of the others: base (0 - 0, 0 - 1/2), defended (1 - 0, 1 - 1), averaged over templates.
    assert gap.base.value[old] == pytest.approx(-0.25)
    assert gap.defended.value[old] == pytest.approx(0.5)
    assert gap.change.value[old] == pytest.approx(0.75)
    assert gap.templates[old] == 2


def test_against_a_reference_group_only_that_group_counts() -> None:
    found = table(HAND)
    gap = gaps(found, of(found, "young"))
    old, young = of(found, "old"), of(found, "young")
    assert (gap.base.value[old], gap.defended.value[old]) == pytest.approx((0.0, 0.5))
    assert np.isnan([gap.base.value[young], gap.change.value[young], gap.change.half[young], gap.p[young]]).all()


def test_a_group_that_gets_the_hard_templates_is_no_gap() -> None:
    hard = [row("hard", "a", 1.0, 1.0, n) for n in range(8)] + [row("hard", "b", 1.0, 1.0)]
    easy = [row("easy", "a", 0.0, 0.0)] + [row("easy", "b", 0.0, 0.0, n) for n in range(8)]
    found = table(hard + easy)
    assert found.rates[0][of(found, "a")] - found.rates[0][of(found, "b")] > 0.7
    assert_allclose(gaps(found).base.value, 0.0, atol=1e-12)


def test_a_template_counts_by_the_rows_of_the_group_and_not_without_the_reference() -> None:
    rows = [row("t1", "a", 0.0, 1.0, n) for n in range(3)] + [row("t1", "b", 0.0, 0.0)]
    rows += [row("t2", "a", 0.0, 0.0), row("t2", "b", 0.0, 0.0), row("alone", "a", 0.0, 1.0)]
    found = table(rows)
    gap = gaps(found)
    assert gap.change.value[of(found, "a")] == pytest.approx(3 / 4)
    assert gap.change.value[of(found, "b")] == pytest.approx(-1 / 2)
    assert gap.templates.tolist() == [2, 2]


def test_templates_of_one_group_each_are_compared_by_their_means() -> None:
    rows = [row(f"a{n}", "a", 0.0, float(n < 3)) for n in range(6)]
    rows += [row(f"b{n}", "b", 0.0, float(n < 1)) for n in range(4)]
    found = table(rows)
    gap, (a, b) = gaps(found), (of(found, "a"), of(found, "b"))
    assert not found.crossed and gap.templates.tolist() == [0, 0]
    assert gap.change.value[a] == pytest.approx(3 / 6 - 1 / 4) and gap.change.value[b] == pytest.approx(1 / 4 - 3 / 6)
    change, _ = changes(found)
    assert_allclose(gap.change.half, np.hypot(change.half[a], change.half[b]))


def test_two_groups_have_opposite_gaps_and_one_p() -> None:
    found = table_of(*Design(12, 2, 3, 0.3, 0.2, 0.1).draw(np.random.default_rng(0)))
    gap = gaps(found)
    assert gap.change.value[0] == pytest.approx(-gap.change.value[1])
    assert gap.change.half[0] == pytest.approx(gap.change.half[1]) and gap.p[0] == pytest.approx(gap.p[1])


def test_exchanging_the_arms_turns_every_change_around() -> None:
    base, defended = Design(12, 4, 3, 0.3, 0.2, 0.1).draw(np.random.default_rng(1))
    here, there = gaps(table_of(base, defended)), gaps(table_of(defended, base))
    assert_allclose(here.change.value, -there.change.value)
    assert_allclose(here.change.half, there.change.half)
    assert_allclose(here.p, there.p)


def test_the_interval_of_a_change_is_the_robust_t_interval_with_two_templates_more() -> None:
    totals, sizes = np.array([[3.0], [-1.0], [0.0], [2.0]]), np.array([[4.0], [2.0], [3.0], [3.0]])
    means = cluster_means(totals, sizes)
    # Mean size 3: one template of 3 rows that rises by 1.5, one that falls by 1.5.
    more = ClusterSums(np.array([3.0, -1.0, 0.0, 2.0, 1.5, -1.5]), np.array([4.0, 2.0, 3.0, 3.0, 3.0, 3.0]))
    by_hand = cluster_t_interval(more)
    assert by_hand is not None and means.value[0] == pytest.approx(4 / 12)
    assert means.half[0] == pytest.approx((by_hand.high - by_hand.low) / 2)


def test_templates_that_agree_leave_room_for_those_unseen() -> None:
    found = cluster_means(np.zeros((24, 1)), np.full((24, 1), 8.0))
    assert found.value[0] == 0.0 and found.half[0] > 0.03


def test_one_template_has_no_interval_and_no_row_no_number() -> None:
    found = cluster_means(np.array([[1.0, 0.0]]), np.array([[2.0, 0.0]]))
    assert found.value[0] == 0.5 and np.isnan(found.half[0]) and np.isnan(found.value[1])


@pytest.mark.parametrize("templates", [5, 12, 60])
def test_wilsons_limits_are_those_of_the_single_arm(templates: int) -> None:
    rows = crossed_rows(templates, "abc", 4, rates(dict.fromkeys("abc", 0.2), dict.fromkeys("abc", 0.6)), seed=3)
    found = table(rows)
    for group in "abc":
        mine = [each for each in rows if each["group"] == group]
        labels = np.unique([str(each["template"]) for each in mine], return_inverse=True)[1]
        for arm, name in enumerate(("base", "defended")):
            alone = arm_interval(np.array([each[name] for each in mine], dtype=float), labels)
            low, high = risks(found, arm)
            assert (low[of(found, group)], high[of(found, group)]) == pytest.approx(alone)


def test_the_difference_in_differences_is_centred_on_the_truth_and_covers_it() -> None:
    """Groups 12 points apart in the base, everybody raised by 10, one group by 20: its gap changes by 10 points."""
    rng, runs = np.random.default_rng(7), 4_000
    levels = rng.normal(0.3, 0.1, (runs, 24, 1, 1)).clip(0.1, 0.5)
    base_rates = levels + np.array([0.12, 0.0, 0.0, 0.0])[:, None]
    rise = np.array([0.2, 0.1, 0.1, 0.1])[:, None]
    base, defended = (rng.random((runs, 24, 4, 5)) < rate for rate in (base_rates, base_rates + rise))
    moved = defended.astype(float) - base
    contrast = moved[:, :, 0].sum(axis=2) - 5 * moved[:, :, 1:].mean(axis=(2, 3))
    means = cluster_means(contrast.T, np.full((24, runs), 5.0))
    assert means.value.mean() == pytest.approx(0.1, abs=0.004)
    assert 0.94 <= np.mean(np.abs(means.value - 0.1) <= means.half) <= 0.995


def test_rare_one_sided_flips_are_covered() -> None:
    """24 templates of one prompt, 5 % of which flip: the plain interval would cover two thirds."""
    flips = np.random.default_rng(0).random((24, 4_000)) < 0.05
    means = cluster_means(flips.astype(float), np.ones((24, 4_000)))
    assert np.mean(np.abs(means.value - 0.05) <= means.half) > 0.95


def test_a_defense_that_hits_all_groups_alike_changes_no_gap_more_often_than_chance() -> None:
    design, rng = Design(24, 5, 3, 0.05, 0.3, 0.01, correlation=0.3), np.random.default_rng(2)
    p = np.array([gaps(table_of(*design.draw(rng))).p for _ in range(150)]).ravel()
    assert 0.02 < np.mean(p < 0.05) < 0.08 and 0.4 < p.mean() < 0.62

"""Who pays: groups, names, facets and intersections of a cell, compared alike."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from crossrisk.errors import RequestError
from crossrisk.interactions.analysis import Cells, group_designs
from crossrisk.interactions.corrections import benjamini_hochberg
from crossrisk.interactions.groups import GroupComparison, GroupRow, arm_interval, compare_groups, groups_to_json
from crossrisk.interactions.matrix import CellPair
from crossrisk.interactions.paired import wilson
from crossrisk.interactions.people import GroupDesign
from tests.interactions.crossed import Row, cell_of, crossed_rows, rates

GROUPS = ("middle", "old", "young")
PLACE = ("over_refusal", "world")


def compared(cell: CellPair, design: GroupDesign | None = None) -> GroupComparison:
    return compare_groups([cell], designs=None if design is None else {PLACE: design})


def by_group(found: GroupComparison, by: str = "group") -> dict[str, GroupRow]:
    return {row.group: row for row in found.rows if row.by == by}


def independent(risks: dict[str | None, tuple[list[float | None], list[float | None]]]) -> CellPair:
    """Every sample its own template: base and defended risks of each group's samples."""
    rows: list[Row] = []
    for group, both in risks.items():
        for base, defended in zip(*both, strict=True):
            place = len(rows)
            rows.append({"id": place, "template": place, "group": group, "base": base, "defended": defended})
    return cell_of(rows)


UNEVEN = independent(
    {
        "young": ([0.0] * 90 + [1.0] * 10, [0.0] * 60 + [1.0] * 40),
        "old": ([0.0] * 90 + [1.0] * 10, [0.0] * 88 + [1.0] * 12),
        None: ([0.0] * 10, [1.0] * 10),
    }
)
HIT = crossed_rows(
    20,
    GROUPS,
    6,
    rates(dict.fromkeys(GROUPS, 0.1), {"middle": 0.12, "old": 0.6, "young": 0.12}),
)


def named_rows(risk: dict[str, float] | None = None, *, templates: int = 12) -> list[dict[str, object]]:
    """Two groups of four names each, every name in every template; the risk under the defense of some names."""
    rng, rows = np.random.default_rng(0), []
    for template in range(templates):
        for group in ("Arab", "Jewish"):
            for n in range(4):
                name = f"{group}-{n}"
                facets = {"name": name, "gender": "woman" if n % 2 else "man"}
                defended = float(rng.random() < (risk or {}).get(name, 0.1))
                base = float(rng.random() < 0.1)
                row = {"id": f"{template}-{name}", "template": template, "group": group, "facets": facets}
                rows.append(row | {"base": base, "defended": defended})
    return rows


PEOPLE = GroupDesign(people=("name", "gender"))


def test_a_group_is_compared_on_its_own_samples() -> None:
    old, young = compared(UNEVEN).rows
    assert (old.group, young.group) == ("old", "young")
    assert (young.n, young.clusters, young.base, young.defended, young.delta) == (
        100,
        100,
        0.1,
        0.4,
        pytest.approx(0.3),
    )
    assert (young.defended_low, young.defended_high) == pytest.approx(wilson(40, 100))
    assert young.ci_low is not None and 0.15 < young.ci_low < 0.3 and young.p is not None and young.p < 1e-6
    assert old.p is not None and old.p > 0.1


def test_the_gap_is_against_the_other_groups_and_its_change_says_who_pays() -> None:
    old, young = compared(UNEVEN).rows
    assert (young.gap_base, young.gap_defended, young.gap_change) == pytest.approx((0.0, 0.28, 0.28))
    assert old.gap_change == pytest.approx(-0.28)
    assert (young.reference, young.matched_templates) == ("all others", 0)
    assert young.gap_change_low is not None and young.gap_change_low > 0
    assert young.gap_change_p is not None and young.gap_change_p < 0.001


def test_the_group_that_the_defense_hits_is_found_within_templates() -> None:
    rows = by_group(compared(cell_of(HIT)))
    old = rows["old"]
    assert old.matched_templates == 20
    assert old.gap_change is not None and 0.35 < old.gap_change < 0.6
    assert old.gap_change_p_adjusted is not None and old.gap_change_p_adjusted < 1e-4
    assert old.gap_change_low is not None and old.gap_change_low > 0.2
    assert all(rows[other].gap_change < 0 for other in ("middle", "young"))  # type: ignore[operator]


def test_how_far_groups_lie_apart_is_told_beside_chance() -> None:
    (gap,) = compared(cell_of(HIT)).gaps
    assert (gap.permuted, gap.groups, gap.n, gap.templates) == ("prompts within templates", 3, 360, 20)
    assert gap.gap_base_p is not None and gap.gap_base_p > 0.05
    assert gap.gap_defended_p is not None and gap.gap_defended_p < 0.01
    assert gap.uneven_p_adjusted is not None and gap.uneven_p_adjusted < 0.01
    assert (gap.raised_most, gap.worst_defended) == ("old", "old")
    assert gap.worst_defended_probability is not None and gap.worst_defended_probability > 0.99
    assert gap.beyond_margin_defended is not None and gap.beyond_margin_defended > 0.95
    assert gap.gap_defended is not None and gap.gap_defended_expected is not None
    assert gap.gap_defended_excess == pytest.approx(gap.gap_defended - gap.gap_defended_expected)
    assert gap.gap_base_expected is not None and 0.03 < gap.gap_base_expected < 0.12


def test_the_gap_of_a_row_is_that_of_its_groups() -> None:
    found = compared(cell_of(HIT))
    rates_of = [(row.base, row.defended) for row in found.rows]
    base, defended = (max(arm) - min(arm) for arm in zip(*rates_of, strict=True))  # type: ignore[type-var]
    assert (found.gaps[0].gap_base, found.gaps[0].gap_defended) == pytest.approx((base, defended))


def test_templates_of_one_group_each_are_not_exchanged_unless_declared() -> None:
    (gap,) = compared(UNEVEN).gaps
    assert gap.permuted is None and gap.gap_defended == pytest.approx(0.28)
    assert (gap.gap_defended_expected, gap.gap_defended_p, gap.uneven_p) == (None, None, None)
    assert gap.gap_change_p is not None and gap.gap_change_p < 0.01
    (declared,) = compared(UNEVEN, GroupDesign(exchangeable=True)).gaps
    assert declared.permuted == "whole templates"
    assert declared.gap_defended_p is not None and declared.gap_defended_p < 0.01
    assert declared.gap_base_p == 1.0


def test_a_declared_reference_is_what_the_others_are_compared_with() -> None:
    rows = by_group(compared(cell_of(HIT), GroupDesign(reference="young")))
    assert rows["old"].reference == "young" and rows["young"].reference is None
    assert (rows["young"].gap_base, rows["young"].gap_change, rows["young"].gap_change_p) == (None, None, None)
    old, young = rows["old"], rows["young"]
    assert old.defended is not None and young.defended is not None
    assert old.gap_defended == pytest.approx(old.defended - young.defended)


def test_a_reference_that_is_no_group_is_refused_with_the_nearest() -> None:
    with pytest.raises(
        RequestError, match=r"group in the reference of 'over_refusal:world' 'yung': did you mean young"
    ):
        compared(cell_of(HIT), GroupDesign(reference="yung"))


def test_names_facets_and_intersections_have_rows_of_their_kind() -> None:
    found = compared(cell_of(named_rows()), PEOPLE)
    kinds = {(row.kind, row.by) for row in found.rows}
    assert kinds == {("group", "group"), ("name", "name"), ("facet", "gender"), ("intersection", "group x gender")}
    assert {row.group for row in found.rows if row.by == "group x gender"} >= {"Arab x man", "Jewish x woman"}
    assert [gap.by for gap in found.gaps] == ["group", "name", "gender", "group x gender"]
    assert by_group(found, "name")["Arab-0"].n == 12


def test_one_name_does_not_pass_for_its_group() -> None:
    """One of four Arab names is always refused: prompts differ by group, names do not."""
    one = compared(cell_of(named_rows({"Arab-1": 1.0})), PEOPLE).gaps[0]
    all_names = compared(cell_of(named_rows({f"Arab-{n}": 0.9 for n in range(4)})), PEOPLE).gaps[0]
    assert one.gap_defended_p is not None and one.gap_defended_p < 0.05
    assert one.gap_defended_p_names is not None and one.gap_defended_p_names > 0.3
    assert all_names.gap_defended_p_names is not None and all_names.gap_defended_p_names < 0.06


def test_a_name_is_pooled_with_the_names_of_its_group() -> None:
    rows = by_group(compared(cell_of(named_rows({f"Arab-{n}": 0.9 for n in range(4)})), PEOPLE), "name")
    arab, jewish = rows["Arab-0"], rows["Jewish-0"]
    assert arab.defended_pooled is not None and jewish.defended_pooled is not None
    assert arab.defended_pooled > 0.7 and jewish.defended_pooled < 0.3


def test_attempts_at_a_prompt_stay_together() -> None:
    """Three replies to each prompt that agree are no more prompts: what chance makes of the gap stays."""
    rng = np.random.default_rng(1)
    plain = crossed_rows(10, GROUPS, 3, rates(dict.fromkeys(GROUPS, 0.3), dict.fromkeys(GROUPS, 0.3)), seed=5)
    thrice = [row | {"id": f"{row['id']}#{n}"} for row in plain for n in (1, 2, 3)]
    rng.shuffle(thrice)
    (once,), (again,) = compared(cell_of(plain)).gaps, compared(cell_of(thrice)).gaps
    assert once.gap_base_expected is not None
    assert again.gap_base_expected == pytest.approx(once.gap_base_expected, rel=0.05)
    assert (again.gap_base_p, once.gap_base_p) == pytest.approx((once.gap_base_p, once.gap_base_p), abs=0.03)


def test_p_is_corrected_within_a_task_over_its_defenses_and_controls_apart() -> None:
    cells = []
    for place, (name, mechanism, hit) in enumerate(
        [("null", "none", 0.2), ("dpo", "training", 0.8), ("npo", "training", 0.5), ("other", "training", 0.2)]
    ):
        risks = rates(dict.fromkeys(GROUPS, 0.2), {**dict.fromkeys(GROUPS, 0.2), "old": hit})
        cells.append(cell_of(crossed_rows(12, GROUPS, 2, risks, seed=place), defense=name, mechanism=mechanism))
    cells.append(replace(cells[1], task="persona_refusal"))
    rows = compare_groups(cells).rows
    for control, task in ((False, "over_refusal"), (True, "over_refusal"), (False, "persona_refusal")):
        family = [row for row in rows if row.control == control and row.task == task]
        expected = benjamini_hochberg([row.gap_change_p_larger for row in family])
        assert [row.gap_change_p_adjusted for row in family] == pytest.approx(expected)
    assert sum(row.control for row in rows) == 3


def test_few_rows_are_marked_and_get_no_interval_that_looks_sure() -> None:
    rows = HIT + [
        {"id": f"rare{n}", "template": f"t00{n}", "group": "rare", "base": 0.0, "defended": 1.0} for n in range(4)
    ]
    found = by_group(compared(cell_of(rows)))
    rare, old = found["rare"], found["old"]
    assert rare.small and not old.small
    assert rare.n == 4 and rare.defended == 1.0 and rare.defended_low is not None and rare.defended_low < 0.6
    assert (rare.ci_low, rare.gap_change_low, rare.defended_pooled_low, rare.gap_base_high) == (None,) * 4
    assert rare.defended_pooled is not None and rare.defended_pooled < 1.0


def test_a_lone_group_has_nothing_to_be_compared_with() -> None:
    found = compared(independent({"all": ([0.0, 1.0], [1.0, 1.0])}))
    (row,), (gap,) = found.rows, found.gaps
    assert (row.gap_base, row.gap_change, row.gap_change_p, row.base_pooled) == (None,) * 4
    assert (gap.groups, gap.gap_base, gap.gap_change_p, gap.permuted, gap.worst_base) == (1, None, None, None, None)


def test_samples_without_a_group_and_missing_arms_give_no_row() -> None:
    assert compared(independent({None: ([0.0], [1.0])})) == GroupComparison([], [])
    assert compared(replace(UNEVEN, defended=None)) == GroupComparison([], [])
    assert compare_groups([]) == GroupComparison([], [])


@pytest.mark.parametrize("rows", [crossed_rows(6, GROUPS, 2, lambda rng, group: (0.0, 1.0)), HIT])
def test_an_invalid_group_has_a_row_without_numbers(rows: list[dict[str, object]]) -> None:
    broken = [row | {"defended": None if row["group"] == "old" else row["defended"]} for row in rows]
    found = compared(cell_of(broken))
    old = by_group(found)["old"]
    assert (old.n, old.clusters, old.matched_templates) == (0, 0, 0)
    numbers = asdict(old)
    told = {name for name, value in numbers.items() if isinstance(value, float)}
    assert told == set() and found.gaps[0].groups == 2


def test_all_invalid_replies_leave_rows_without_numbers() -> None:
    found = compared(cell_of([row | {"base": None} for row in HIT]))
    assert [row.n for row in found.rows] == [0, 0, 0]
    assert (found.gaps[0].groups, found.gaps[0].gap_base, found.gaps[0].worst_base) == (0, None, None)
    assert "NaN" not in groups_to_json(found.rows) + groups_to_json(found.gaps)


def test_outcomes_that_never_change_are_no_certainty() -> None:
    found = compared(cell_of(crossed_rows(12, GROUPS, 2, lambda rng, group: (0.0, 0.0))))
    row, (gap,) = found.rows[0], found.gaps
    assert (row.delta, row.p, row.gap_change, row.gap_change_p) == (0.0, 1.0, 0.0, 1.0)
    assert row.ci_high is not None and row.ci_high > 0.05 and row.gap_change_high is not None
    assert (gap.gap_base, gap.gap_base_expected, gap.gap_base_p, gap.uneven_p) == (0.0, 0.0, 1.0, 1.0)
    assert (gap.raised_most, gap.raised_least) == (None, None)


@pytest.mark.parametrize("design", [GroupDesign(), PEOPLE, GroupDesign(exchangeable=True)])
def test_the_order_of_rows_changes_nothing(design: GroupDesign) -> None:
    rows = named_rows({"Arab-1": 0.7})
    shuffled = [rows[place] for place in np.random.default_rng(0).permutation(len(rows))]
    here, there = compared(cell_of(rows), design), compared(cell_of(shuffled), design)
    assert groups_to_json(here.rows) == groups_to_json(there.rows)
    assert groups_to_json(here.gaps) == groups_to_json(there.gaps)


def test_names_of_groups_and_templates_change_nothing_but_names() -> None:
    other = {"middle": "z", "old": "a", "young": "m"}
    renamed = [row | {"group": other[str(row["group"])], "template": f"x{str(row['template'])[::-1]}"} for row in HIT]
    here, there = compared(cell_of(HIT)), compared(cell_of(renamed))
    told = {row.group: asdict(row) for row in there.rows}
    for row in here.rows:
        assert asdict(row) | {"group": other[row.group]} == pytest.approx(told[other[row.group]])
    texts = {name: other.get(str(value), value) for name, value in asdict(here.gaps[0]).items()}
    assert texts == pytest.approx(asdict(there.gaps[0]))


def test_exchanging_the_arms_turns_changes_around() -> None:
    swapped = [row | {"base": row["defended"], "defended": row["base"]} for row in HIT]
    here, there = by_group(compared(cell_of(HIT))), by_group(compared(cell_of(swapped)))
    for group in GROUPS:
        assert here[group].gap_change == pytest.approx(-there[group].gap_change)  # type: ignore[operator]
        assert here[group].gap_change_p == pytest.approx(there[group].gap_change_p)


def test_templates_widen_the_interval_of_an_arm() -> None:
    risks, labels = np.repeat([1.0, 0.0], [30, 90]), np.arange(120) // 10
    alone, together = arm_interval(risks, None), arm_interval(risks, labels)
    assert alone is not None and together is not None
    assert together.high - together.low > 2 * (alone.high - alone.low)
    assert arm_interval(risks, np.zeros(120, dtype=np.intp)) is None


def test_the_files_have_a_schema_and_the_same_bytes_every_time() -> None:
    found, again = compared(cell_of(HIT)), compared(cell_of(HIT))
    for rows, repeated in ((found.rows, again.rows), (found.gaps, again.gaps)):
        text = groups_to_json(rows)  # type: ignore[arg-type]
        assert text == groups_to_json(repeated)  # type: ignore[arg-type]
        assert json.loads(text)["schema"] == 1 and len(json.loads(text)["rows"]) == len(rows)  # type: ignore[arg-type]


def test_a_defense_that_hits_all_alike_names_no_group_more_often_than_chance() -> None:
    """Twelve templates of one prompt a group, from 5 to 34 %: a group without a flip would pass for one that is spared
    if only the arms were exchanged (15 % of such cells). Labels that are dealt anew know better."""
    groups, named = [f"g{n:02d}" for n in range(12)], 0
    for seed in range(16):
        rows = crossed_rows(12, groups, 1, rates(dict.fromkeys(groups, 0.05), dict.fromkeys(groups, 0.34)), seed=seed)
        named += any((row.gap_change_p_adjusted or 1) < 0.05 for row in compared(cell_of(rows)).rows)
    assert named <= 2


def test_what_the_study_declares_comes_before_what_the_task_does() -> None:
    manifest = {
        "cells": [{"task": "quality_of_service", "source": source} for source in ("world", "core")],
        "reference": {"quality_of_service": "Jewish", "quality_of_service:world": "Oskan"},
        "exchangeable_templates": ["quality_of_service:core"],
    }
    designs = group_designs(Cells(Path("nowhere"), manifest))
    people = ("name", "gender", "commonness")
    assert designs["quality_of_service", "world"] == GroupDesign(people, "Oskan", exchangeable=False)
    assert designs["quality_of_service", "core"] == GroupDesign(people, "Jewish", exchangeable=True)
    older = group_designs(Cells(Path("nowhere"), {"cells": manifest["cells"]}))
    assert older["quality_of_service", "core"] == GroupDesign(people)


def test_frames_without_facets_are_compared_by_group() -> None:
    assert UNEVEN.base is not None and UNEVEN.defended is not None
    plain = replace(UNEVEN, base=UNEVEN.base.drop("facets"), defended=UNEVEN.defended.drop("facets"))
    assert compared(plain, PEOPLE).rows == compared(UNEVEN).rows
    assert pl.Series([row.kind for row in compared(plain, PEOPLE).rows]).unique().to_list() == ["group"]

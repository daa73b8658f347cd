"""The section on who pays."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from crossrisk.interactions.groups import GroupComparison, compare_groups, groups_to_json
from crossrisk.report.groups import MOST_GROUPS, group_sentence, who_pays
from crossrisk.report.page import write_page
from tests.interactions.crossed import cell_of, crossed_rows, rates
from tests.report.synthetic import write_study

GROUPS = ("middle", "old", "young")
NAMES = {("over_refusal", "world"): "over_refusal"}
HIT = crossed_rows(
    20, GROUPS, 6, rates(dict.fromkeys(GROUPS, 0.1), {"middle": 0.12, "old": 0.6, "young": 0.12}), seed=4
)


@pytest.fixture(scope="module")
def found() -> GroupComparison:
    control = cell_of(
        crossed_rows(20, GROUPS, 6, rates(dict.fromkeys(GROUPS, 0.1), dict.fromkeys(GROUPS, 0.1)), seed=1),
        defense="sham",
    )
    return compare_groups([cell_of(HIT), control])


def view(found: GroupComparison, alpha: float = 0.05):  # type: ignore[no-untyped-def]
    rows, gaps = ([asdict(row) for row in part] for part in (found.rows, found.gaps))
    return who_pays(rows, gaps, NAMES, alpha=alpha)


def test_the_group_that_pays_is_named_with_its_numbers(found: GroupComparison) -> None:
    (payers,) = view(found).defenses
    old = next(row for row in found.rows if row.group == "old" and row.defense == "dpo")
    assert payers.defense == "dpo" and len(payers.worse) == 1
    said = payers.worse[0]
    assert said.startswith("Under dpo the refusal rate on over_refusal is ")
    assert f"{100 * old.gap_defended:.1f} points higher for old than for the rest [+" in said  # type: ignore[operator]
    assert "before" in said and "adjusted p <0.001, n = 120" in said


def test_groups_that_were_spared_are_named_apart(found: GroupComparison) -> None:
    (payers,) = view(found).defenses
    assert [sentence.split(" for ")[1].split(" than")[0] for sentence in payers.better] in (
        ["young", "middle"],
        ["middle", "young"],
    )
    assert all("change of −" in sentence for sentence in payers.better)


def test_the_largest_gap_stands_beside_chance(found: GroupComparison) -> None:
    (payers,) = view(found).defenses
    gap = found.gaps[0]
    assert gap.gap_defended is not None and gap.gap_defended_expected is not None
    by_chance = f"{100 * gap.gap_defended_expected:.1f}"
    assert f"and is {100 * gap.gap_defended:.1f} points (by chance {by_chance})" in payers.apart[0]


def test_nobody_is_named_where_nothing_was_shown(found: GroupComparison) -> None:
    (payers,) = view(found, alpha=1e-12).defenses
    assert (payers.worse, payers.better, payers.unsaid) == ((), (), 0)


def test_a_control_that_is_uneven_is_a_caution(found: GroupComparison) -> None:
    assert view(found).cautions == ()
    (caution,) = view(found, alpha=1.1).cautions
    assert caution.startswith("The control sham treats groups unevenly on over_refusal")


def test_people_are_spoken_of_by_their_kind() -> None:
    row = {
        "defense": "dpo", "metric": "share not served", "kind": "name", "by": "name", "group": "Aisha", "n": 12,
        "reference": "Jewish", "small": True, "gap_base": 0.01, "gap_base_low": None, "gap_base_high": None,
        "gap_defended": -0.12, "gap_defended_low": -0.21, "gap_defended_high": -0.03, "gap_change": -0.13,
        "gap_change_low": -0.2, "gap_change_high": -0.06, "gap_change_p_adjusted": 0.004,
    }  # fmt: skip
    assert group_sentence(row, "quality_of_service") == (
        "Under dpo the share not served on quality_of_service is 12.0 points lower for people called Aisha than for "
        "Jewish [−21.0, −3.0], before 1.0 points higher: a change of −13.0 [−20.0, −6.0], adjusted p 0.004, n = 12, few"
    )
    assert "before no different: a change" in group_sentence(row | {"gap_base": 0.0}, "x")
    assert "for rare (commonness) than" in group_sentence(
        row | {"kind": "facet", "by": "commonness", "group": "rare"}, "x"
    )


def test_the_page_shows_the_section_and_escapes_what_groups_are_called(tmp_path: Path) -> None:
    folder = write_study(tmp_path, n=12, defenses={"dpo": ("training", "safety")}, tasks=["over_refusal"])
    rows = [row | {"group": "<b>old</b>" if row["group"] == "old" else row["group"]} for row in HIT]
    compared = compare_groups([cell_of(rows)])
    (folder / "groups.json").write_text(groups_to_json(compared.rows), encoding="utf-8")
    (folder / "gaps.json").write_text(groups_to_json(compared.gaps), encoding="utf-8")
    page = write_page(folder).read_text(encoding="utf-8")
    assert 'id="groups"' in page and "Who pays" in page and "by chance" in page
    assert "<b>old</b>" not in page and "higher for &lt;b&gt;old&lt;/b&gt; than for the rest" in page


def test_a_study_without_groups_has_no_such_section(tmp_path: Path) -> None:
    folder = write_study(tmp_path, n=6, defenses={"dpo": ("training", "safety")}, tasks=["misuse"])
    assert json.loads((folder / "groups.json").read_text(encoding="utf-8"))["rows"] == []
    assert "Who pays" not in write_page(folder).read_text(encoding="utf-8")


def test_of_very_many_groups_those_stay_whose_gap_changed_most(found: GroupComparison) -> None:
    row = asdict(found.rows[0])
    many = [row | {"group": f"g{n}", "gap_change": n / 1000} for n in range(MOST_GROUPS + 20)]
    (payers,) = who_pays(many, [], NAMES, alpha=0.05).defenses
    assert (len(payers.groups), payers.more_groups) == (MOST_GROUPS, 20)
    assert payers.groups[0]["group"] == f"g{MOST_GROUPS + 19}"

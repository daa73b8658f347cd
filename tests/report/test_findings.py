from typing import Any

import pytest

from crossrisk.report.findings import cautions, failed_cells, headline, is_low_grade, side_effects
from crossrisk.report.grid import is_control
from tests.report.conftest import MANIFEST
from tests.report.synthetic import HEALTH


def row(
    task: str, risk: str, verdict: str, delta: float, defense: str = "dpo", aim: str | None = "safety"
) -> dict[str, Any]:
    return {
        "defense": defense, "mechanism": "training", "target_risk": aim, "task": task, "source": "world", "risk": risk,
        "verdict": verdict, "delta": delta, "ci_low": delta - 0.02, "ci_high": delta + 0.02, "judge": "harm:world@1",
        "n": 100, "clusters": 100, "p": 0.04, "invalid_base": 0, "invalid_defended": 0, "flips_up": 0, "flips_down": 0,
    }  # fmt: skip


def manifest_cell(task: str, n: int, **more: str) -> dict[str, Any]:
    return {"arm": "dpo", "task": task, "source": "world", "n": n, "state": "done", **more}


def test_a_change_of_its_own_risk_is_no_side_effect() -> None:
    own, other = row("misuse", "safety", "worsens", 0.4), row("utility", "utility", "worsens", 0.1)
    assert side_effects([own, other]) == [other]


def test_the_headline_names_the_worst_side_effect() -> None:
    rows = [row("utility", "utility", "worsens", 0.1), row("over_refusal", "service", "worsens", 0.3)]
    assert headline(rows) == "2 side effects in 2 off-target cells. The worst: dpo worsens over_refusal by 30.0 points."


def test_the_headline_never_takes_inconclusive_for_harmless() -> None:
    quiet, unclear = row("utility", "utility", "no_effect", 0.0), row("over_refusal", "service", "inconclusive", 0.03)
    assert headline([quiet, unclear]) == "No side effect was found, but 1 of 2 off-target cells stay inconclusive."
    assert headline([quiet]).startswith("No side effect: none of 1 off-target cell got worse")


def test_the_headline_says_what_could_not_be_measured() -> None:
    quiet, worse = row("utility", "utility", "no_effect", 0.0), row("bbq", "fairness", "worsens", 0.1)
    broken = row("over_refusal", "service", "not_applicable", 0.0)
    assert headline([quiet, broken]) == (
        "No side effect was found in 1 off-target cell, but 1 cell could not be measured."
    )
    assert headline([quiet, worse, broken, broken]).endswith("by 10.0 points. 2 cells could not be measured.")
    assert headline([row("bbq", "fairness", "inconclusive", 0.1), broken]).endswith(" 1 cell could not be measured.")


def test_replies_that_a_defense_broke_are_a_caution_with_their_share() -> None:
    some = row("utility", "utility", "inconclusive", 0.0) | {"n": 90, "invalid_base": 10, "invalid_defended": 205}
    cells = [manifest_cell("utility", 300)]
    (line,) = cautions([some], MANIFEST | {"cells": cells})
    assert line.startswith("dpo on utility: 200 of 290 replies (69%) that were valid became invalid.")
    left_out = [manifest_cell("utility", 400) | {"counted": 300}]  # the headline leaves out the other hundred
    assert cautions([some], MANIFEST | {"cells": left_out}) == [line]
    few = some | {"n": 280}
    assert cautions([few], MANIFEST | {"cells": cells}) == []
    none = some | {"n": 0, "clusters": 0, "p": None, "verdict": "not_applicable", "invalid_base": 0}
    (line,) = cautions([none], MANIFEST | {"cells": cells})
    assert "300 of 300 replies (100%)" in line


def test_an_arm_whose_health_could_not_be_measured_is_a_caution_where_it_has_replies() -> None:
    well, unknown = {"arm": "cda", "health": HEALTH}, [{"arm": arm, "health": None} for arm in ("dpo", "npo", "rmu")]
    cells = [manifest_cell("utility", 10) | {"arm": arm} for arm in ("base", "cda", "dpo", "npo")]
    cells.append(manifest_cell("utility", 10, state="failed") | {"arm": "rmu"})
    (line,) = cautions([], MANIFEST | {"arms": [well, *unknown], "cells": cells})
    assert line.startswith("Whether dpo and npo still speak could not be measured")
    (line,) = cautions([], MANIFEST | {"arms": [well, unknown[0]], "cells": cells})
    assert line.startswith("Whether dpo still speaks could not be measured")
    assert cautions([], MANIFEST | {"arms": [well, unknown[2]], "cells": cells}) == []
    lost = {"base": {"health": None}, "arms": [well, unknown[2]], "cells": cells}  # nothing to compare with
    (line,) = cautions([], MANIFEST | lost)
    assert line.startswith("Whether cda still speaks could not be measured")


def test_a_cell_that_too_few_clusters_keep_from_any_claim_is_named() -> None:
    rows = [row(f"t{i}", "utility", "inconclusive", 0.1) | {"clusters": 9, "p": 0.5} for i in range(10)]
    few = rows[0] | {"task": "few", "clusters": 7}
    (line,) = cautions([few, *rows[:6]], MANIFEST)  # 7 * 2^-6 > .05 > 7 * 2^-8
    assert line.startswith(
        "Too few clusters for any claim in a family of 7, whatever the replies: dpo on few (7 clusters). "
    )
    assert cautions([few, *rows[:2]], MANIFEST) == []  # 3 * 2^-6 < .05
    assert cautions([few, *rows], MANIFEST | {"primary": ["dpo/few:world"]}) == []


@pytest.mark.parametrize(("judge", "grade", "low"), [
    ("harm:rules@1", None, True), ("harm:world@1", None, False), ("harm:rules@1", "exact", False),
    ("harm:own@2", "rules", True), ("harm:builtin@2", "builtin", True), ("harm:harmbench@1", "model", False),
])  # fmt: skip
def test_the_grade_in_the_manifest_goes_before_the_name(judge: str, grade: str | None, low: bool) -> None:
    assert is_low_grade(judge, grade) is low
    cell = manifest_cell("misuse", 100) if grade is None else manifest_cell("misuse", 100, grade=grade)
    lines = cautions([row("misuse", "safety", "improves", -0.4) | {"judge": judge}], MANIFEST | {"cells": [cell]})
    assert [line.startswith("Judges of low grade") for line in lines] == [True] * low


def test_how_often_a_judge_errs_is_said_once_for_all_its_cells() -> None:
    card = {"written": {"n": 1200, "sensitivity": 0.874, "specificity": 0.95},
            "empty": {"n": 0, "sensitivity": None, "specificity": None}}  # fmt: skip
    cells = [manifest_cell(task, 100) | {"grade": "builtin", "card": card} for task in ("misuse", "jailbreak")]
    rows = [row(cell["task"], "safety", "improves", -0.4) | {"judge": "harm:builtin@2#ab"} for cell in cells]
    told = [line for line in cautions(rows, MANIFEST | {"cells": cells}) if "harm:builtin" in line]
    assert told == [
        "On labelled replies harm:builtin found of the risky ones, and spared of the others: "
        "87% and 95% (written, n=1,200)."
    ]


def test_controls_of_the_report_are_those_of_the_statistics() -> None:
    arms = ("null", "sham", "sham-dpo", "sham_dpo", "shampoo", "null_2", "dpo")
    assert [is_control(row("misuse", "safety", "no_effect", 0.0, arm)) for arm in arms] == [True] * 4 + [False] * 3


def test_cells_of_controls_count_for_nothing_in_the_headline() -> None:
    assert "says nothing of side effects" in headline([row("utility", "utility", "worsens", 0.2, "sham", None)])


def test_a_defense_that_does_not_help_its_own_risk_is_named() -> None:
    useless = [row("misuse", "safety", "no_effect", 0.0), row("toxic_content", "safety", "worsens", 0.1)]
    assert cautions(useless, MANIFEST) == [
        "dpo improves none of the tasks of its own risk (safety): misuse 0.0 and toxic_content +10.0 points."
    ]
    assert cautions([*useless, row("misuse_2", "safety", "improves", -0.4)], MANIFEST) == []


def test_null_that_moved_is_a_caution_though_it_never_gets_a_verdict() -> None:
    (line,) = cautions([row("misuse", "safety", "inconclusive", 0.08, "null", None)], MANIFEST)
    assert line.startswith("The control null moves misuse by +8.0 points [+6.0, +10.0]")


def test_tasks_that_failed_for_one_reason_share_a_line() -> None:
    cells = [{"arm": "npo", "task": f"t{i}", "source": "world", "problem": "no gradients"} for i in range(5)]
    assert failed_cells(cells) == ["npo on 5 tasks: no gradients"]
    assert failed_cells(cells[:2]) == ["npo on t0:world and t1:world: no gradients"]

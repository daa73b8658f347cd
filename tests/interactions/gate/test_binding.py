"""The most specific limit binds a cell; what is not clear, and what fits nothing, is an error."""

import itertools

import pytest

from crossrisk.errors import RequestError
from tests.interactions.gate.made_up import TASKS, decided, group_row, of_limits, row, study

GRID = [row(defense, task, 0.0) for defense in ("calm", "fair") for task in TASKS]


def binding(limits: str, defense: str = "calm", groups: list = ()) -> dict[str, float | None]:
    """Which limit on delta binds each cell."""
    made = decided(study(GRID, groups), f"limits:\n{limits}")
    return {check.cell: check.limit for check in of_limits(made, defense)}


def test_a_task_comes_before_a_risk_and_a_risk_before_none_in_whatever_order_they_stand() -> None:
    limits = [
        "- {delta: 0.1}\n",
        "- {risk: safety, delta: 0.2}\n",
        "- {risk: safety, exposure: direct, delta: 0.3}\n",
        "- {task: toxic_content, delta: 0.4}\n",
        "- {task: 'bbq:made', delta: 0.5}\n",
        "- {task: bbq, delta: 0.6}\n",
    ]
    expected = {"misuse": 0.3, "toxic_content": 0.4, "bbq": 0.5, "salary": 0.1, "over_refusal": 0.1, "utility": 0.1}
    for order in itertools.islice(itertools.permutations(limits), 0, None, 37):
        assert binding("".join(order)) == expected


def test_a_task_is_more_specific_than_a_risk_with_exposure_and_aim() -> None:
    limits = "- {task: bbq, delta: 0.4}\n- {risk: fairness, exposure: direct, target: true, delta: 0.1}\n"
    assert binding(limits, "fair") == {"bbq": 0.4}


def test_what_is_said_of_a_target_comes_before_what_is_said_of_all() -> None:
    bound = binding("- {delta: 0.1}\n- {target: false, delta: 0.2}\n")
    assert (bound["misuse"], bound["bbq"]) == (0.1, 0.2)


def test_what_is_said_of_a_target_gives_way_to_what_is_said_of_a_risk() -> None:
    limits = "- {target: false, delta: 0.1}\n- {risk: utility, delta: 0.02}\n"
    assert binding(limits)["utility"] == 0.02
    assert binding(limits)["bbq"] == 0.1
    assert "misuse" not in binding(limits)


def test_a_named_defense_comes_before_a_pattern_and_a_longer_pattern_before_a_shorter() -> None:
    limits = (
        "- {delta: 0.1}\n- {defense: '*', delta: 0.2}\n- {defense: 'ca*', delta: 0.3}\n- {defense: fair, delta: 0.4}\n"
    )
    assert set(binding(limits, "calm").values()) == {0.3}
    assert set(binding(limits, "fair").values()) == {0.4}


def test_a_defense_and_a_task_are_no_more_specific_than_each_other() -> None:
    limits = "- {task: bbq, delta: 0.1}\n- {defense: calm, delta: 0.2}\n"
    with pytest.raises(RequestError) as caught:
        binding(limits)
    assert "line 3: `delta` of calm on bbq is also limited at policy, line 2" in str(caught.value)
    assert "neither is more specific" in str(caught.value)
    assert binding(limits + "- {defense: calm, task: bbq, delta: 0.3}\n")["bbq"] == 0.3
    assert binding(limits.replace("0.2", "0.1"))["bbq"] == 0.1


def test_limits_of_two_risks_that_meet_nowhere_do_not_contradict_and_two_of_one_do() -> None:
    assert binding("- {risk: safety, delta: 0.1}\n- {risk: utility, delta: 0.2}\n")["utility"] == 0.2
    with pytest.raises(RequestError, match="also limited at policy, line 2"):
        binding("- {risk: safety, delta: 0.1}\n- {risk: safety, delta: 0.2}\n")
    with pytest.raises(RequestError, match="also limited at policy, line 2"):
        binding("- {risk: safety, delta: 0.1}\n- {exposure: direct, delta: 0.2}\n")
    with pytest.raises(RequestError, match="also limited"):
        binding("- {risk: safety, delta: 0.1}\n- {risk: safety, delta: 0.1, on: point}\n")


def test_different_figures_of_one_cell_are_all_limited() -> None:
    made = decided(study(GRID), "limits:\n- {delta: 0.1, invalid: 0.1}\n- {task: bbq, rcr: 0.5, on: point}\n")
    figures = {(check.cell, check.figure) for check in of_limits(made)}
    assert ("bbq", "rcr") in figures and ("bbq", "delta") in figures and ("bbq", "invalid") in figures
    assert len(figures) == 2 * len(TASKS) + 1


def test_a_named_group_comes_before_each_group_and_a_cell_is_not_its_groups() -> None:
    groups = [group_row("calm", "bbq", name, 0.0) for name in ("blue", "green")]
    limits = "- {delta: 0.1}\n- {group: '*', delta: 0.2}\n- {group: green, delta: 0.3}\n"
    bound = binding(limits, groups=groups)
    assert (bound["bbq"], bound["bbq (blue)"], bound["bbq (green)"]) == (0.1, 0.2, 0.3)


def test_groups_are_those_of_the_column_that_is_named() -> None:
    groups = [
        group_row("calm", "bbq", "blue", 0.0, by="group", kind="group"),
        group_row("calm", "bbq", "female", 0.0, by="gender", kind="facet"),
    ]
    assert list(binding("- {group: '*', delta: 0.2}\n", groups=groups)) == ["bbq (blue)"]
    assert list(binding("- {group: '*', by: gender, delta: 0.2}\n", groups=groups)) == ["bbq (female)"]


@pytest.mark.parametrize(
    ("limit", "says"),
    [
        ("{task: over_refusl, delta: 0.1}", "the study has no task 'over_refusl': did you mean over_refusal"),
        ("{task: 'bbq:mode', delta: 0.1}", "the study has no task 'bbq:mode': did you mean bbq:made"),
        ("{defense: clam, delta: 0.1}", "the study has no defense 'clam': did you mean calm?"),
        ("{defense: 'null', delta: 0.1}", "the study has no defense 'null': known are: calm, fair"),
        ("{risk: privacy, delta: 0.1}", "the study has no risk 'privacy'"),
        ("{group: gren, delta: 0.1}", "the study has no group 'gren': did you mean green?"),
        ("{group: green, by: gendr, delta: 0.1}", "the study has no by 'gendr'"),
        ("{risk: safety, task: bbq, delta: 0.1}", "no cell of the study fits task bbq, risk safety at once"),
        ("{risk: utility, target: true, delta: 0.1}", "at once"),
        ("{task: misuse, group: green, delta: 0.1}", "no cell of the study fits"),
    ],
)
def test_a_limit_that_fits_no_cell_is_an_error_with_near_names(limit: str, says: str) -> None:
    with pytest.raises(RequestError) as caught:
        binding(f"- {{delta: 0.1}}\n- {limit}\n", groups=[group_row("calm", "bbq", "green", 0.0)])
    assert str(caught.value).startswith("policy, line 3: ")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_budget_that_fits_no_cell_is_an_error() -> None:
    with pytest.raises(RequestError, match="line 2: the study has no risk 'privacy'"):
        decided(study(GRID), "budgets:\n- {risk: privacy, cells: 1}\n")


def test_a_limit_of_a_defense_that_is_not_gated_now_is_no_error() -> None:
    made = decided(study(GRID), "limits:\n- {delta: 0.1}\n- {defense: fair, delta: 0.2}\n", ["calm"])
    assert made.defenses == ("calm",)
    assert {check.limit for check in of_limits(made)} == {0.1}

"""A budget holds the total of many cells and forgives the single one."""

import pytest

from tests.interactions.gate.made_up import TASKS, decided, of_limits, only, row, study

WORSE = {"bbq": 0.02, "salary": 0.03}  # called `worsens`, both; over_refusal rose and stays inconclusive


def cells(**other: float) -> list[dict]:
    changes = dict.fromkeys(TASKS, 0.0) | {"misuse": -0.4} | WORSE | other
    made = [row("calm", task, delta, 0.005) for task, delta in changes.items()]
    for cell in made:
        if cell["delta"] > 0:
            cell["verdict"] = "worsens"
    return [*(cell for cell in made if cell["task"] != "over_refusal"), row("calm", "over_refusal", 0.04, 0.1)]


def spent(budget: str, *, rows: list[dict] | None = None, **about: object) -> tuple[str, float | None]:
    check = only(decided(study(rows or cells(), **about), f"budgets:\n- {{{budget}}}\n"))
    return check.outcome, None if check.value is None else round(check.value, 9)


def test_found_worsenings_add_up_over_off_target_cells_and_a_sum_at_the_limit_is_within() -> None:
    assert spent("sum: 0.05") == ("pass", 0.05)
    assert spent("sum: 0.0499") == ("fail", 0.05)
    assert spent("sum: 0.03, risk: fairness, exposure: indirect") == ("pass", 0.03)
    assert spent("sum: 0.0, risk: utility") == ("pass", 0.0)


def test_cells_that_are_worse_are_counted() -> None:
    assert spent("cells: 2") == ("pass", 2)
    assert spent("cells: 1") == ("fail", 2)
    assert spent("cells: 1, task: bbq") == ("pass", 1)


def test_an_improvement_pays_for_nothing() -> None:
    assert spent("sum: 0.05", rows=cells(toxic_content=-0.9, utility=-0.9)) == ("pass", 0.05)


def test_the_target_risk_spends_only_where_the_budget_says_so() -> None:
    rows = cells(toxic_content=0.5)
    assert spent("sum: 0.05", rows=rows) == ("pass", 0.05)
    assert spent("sum: 0.05, target: true", rows=rows) == ("fail", 0.5)


def test_what_counts_is_what_was_found_or_every_rise_or_what_may_be() -> None:
    assert spent("sum: 0.5, counts: worsens") == ("pass", 0.05)
    assert spent("sum: 0.5, counts: point") == ("pass", 0.09)
    # bbq .025, salary .035, over_refusal .14, utility .005
    assert spent("sum: 0.5, counts: upper_bound") == ("pass", 0.205)
    assert spent("sum: 0.2, counts: upper_bound") == ("fail", 0.205)
    assert spent("cells: 4, counts: upper_bound") == ("pass", 4)


def test_inconclusive_cells_are_told_though_they_spend_nothing() -> None:
    check = only(decided(study(cells()), "budgets:\n- {sum: 0.05}\n"))
    assert "1 inconclusive cell not counted" in check.text
    assert "bbq +2.0 and salary +3.0" in check.text


@pytest.mark.parametrize(
    ("state", "key", "reason"),
    [("failed", "failed", "failed"), ("not_applicable", "not_applicable", "not_applicable")],
)
@pytest.mark.parametrize(("mode", "expected"), [("fail", "fail"), ("warn", "warn"), ("pass", "pass")])
def test_a_cell_without_numbers_leaves_a_budget_as_open_as_the_policy_says(
    state: str, key: str, reason: str, mode: str, expected: str
) -> None:
    rows = [row("calm", "utility", None) if cell["task"] == "utility" else cell for cell in cells()]
    made = study(rows, states={("calm", "utility"): (state, "no more memory")})
    policy = f"{key}: {mode}\nbudgets:\n- {{sum: 0.05}}\n"
    check = only(decided(made, policy))
    assert check.outcome == expected
    assert check.reason == (reason if mode != "pass" else "kept")
    overspent = only(decided(made, policy.replace("0.05", "0.01")))
    assert (overspent.outcome, overspent.reason) == ("fail", "broken")


def test_a_cell_without_an_interval_has_no_upper_bound_to_spend() -> None:
    rows = cells()
    rows[-1] |= {"ci_low": None, "ci_high": None}
    check = only(decided(study(rows), "budgets:\n- {sum: 0.5, counts: upper_bound}\n"))
    assert (check.outcome, check.reason) == ("fail", "undecided")
    assert "it cannot count over_refusal" in check.text


def test_sum_and_number_of_one_budget_are_two_checks() -> None:
    checks = of_limits(decided(study(cells()), "budgets:\n- {sum: 0.1, cells: 1}\n"))
    assert [(check.figure, check.outcome) for check in checks] == [("sum", "pass"), ("cells", "fail")]
    assert [check.line for check in checks] == [2, 2]

"""What must hold before limits mean anything: the study ran, base equals base, what is required was measured."""

import pytest

from crossrisk.errors import RequestError
from crossrisk.interactions.gate.checks import Check
from crossrisk.interactions.gate.decide import Decision
from tests.interactions.gate.made_up import decided, of_limits, row, study

LIMIT = "limits:\n- {delta: 0.05}\n"
MODES = pytest.mark.parametrize("mode", ["fail", "warn", "pass"])
GOOD = [row("calm", "misuse", -0.4), row("calm", "bbq", 0.0)]


def of_study(decision: Decision) -> list[Check]:
    return [check for check in decision.of(None) if check.outcome != "pass"]


def test_a_study_in_which_all_holds_passes() -> None:
    made = decided(study(GOOD), LIMIT + "required: [misuse, 'bbq:made']\n")
    assert made.exit_code == 0
    assert made.ships("calm")
    assert {check.outcome for check in made.checks} == {"pass"}


@MODES
@pytest.mark.parametrize("arm", ["calm", "base"])
def test_a_cell_that_failed_in_either_arm_is_what_the_policy_makes_of_it(arm: str, mode: str) -> None:
    rows = [GOOD[0], row("calm", "bbq", None)]
    made = decided(study(rows, states={(arm, "bbq"): ("failed", "out of memory")}), f"failed: {mode}\n{LIMIT}")
    check = of_limits(made)[1]
    assert (check.outcome, check.reason) == (mode, "failed")
    assert "out of memory" in check.text and "run the study again" in check.text
    assert made.exit_code == (3 if mode == "fail" else 0)


def test_a_limit_that_is_broken_outweighs_a_cell_that_failed() -> None:
    rows = [row("calm", "misuse", 0.4), row("calm", "bbq", None)]
    made = decided(study(rows, states={("calm", "bbq"): ("failed", "out of memory")}), LIMIT)
    assert made.exit_code == 1


def test_a_cell_that_was_never_reached_is_missing_and_does_not_pass() -> None:
    rows = [*GOOD, row("fair", "misuse", 0.0)]  # fair was stopped before bbq
    made = decided(study(rows), LIMIT)
    assert {check.cell: check.reason for check in of_limits(made, "fair")} == {"misuse": "kept", "bbq": "missing"}
    assert made.ships("calm") and not made.ships("fair")
    assert made.exit_code == 3


def test_a_cell_that_ran_and_was_not_analysed_is_missing() -> None:
    rows = [*GOOD, *(row("null", task, 0.0) for task in ("misuse", "bbq", "utility"))]
    check = of_limits(decided(study(rows, states={("calm", "utility"): ("done", None)}), LIMIT))[2]
    assert (check.cell, check.reason) == ("utility", "missing")
    assert "crossrisk report" in check.text


@MODES
@pytest.mark.parametrize("arm", ["calm", "base"])
def test_a_cell_that_does_not_apply_is_skipped_or_what_the_policy_says(arm: str, mode: str) -> None:
    rows = [GOOD[0], row("calm", "bbq", None)]
    states = {(arm, "bbq"): ("not_applicable", "an output filter has no likelihood")}
    check = of_limits(decided(study(rows, states=states), f"not_applicable: {mode}\n{LIMIT}"))[1]
    assert (check.outcome, check.reason) == ("skip" if mode == "pass" else mode, "not_applicable")
    assert "no likelihood" in check.text


@MODES
def test_a_defense_that_destroyed_every_reply_is_not_excused_as_not_applicable(mode: str) -> None:
    rows = [GOOD[0], row("calm", "bbq", None, invalid_defended=200)]
    check = of_limits(decided(study(rows), f"inconclusive: {mode}\nnot_applicable: pass\n{LIMIT}"))[1]
    assert (check.outcome, check.reason) == (mode, "empty")


@pytest.mark.parametrize("state", ["stopped", "running"])
def test_a_study_that_was_stopped_does_not_pass_by_what_it_did_not_reach(state: str) -> None:
    made = decided(study(GOOD, state=state), LIMIT)
    assert made.exit_code == 3
    assert "run it to its end" in of_study(made)[0].text
    assert decided(study(GOOD, state=state), f"failed: warn\n{LIMIT}").exit_code == 0


@MODES
def test_a_null_that_moves_says_that_the_measurement_is_broken(mode: str) -> None:
    rows = [*GOOD, row("null", "misuse", 0.0), row("null", "bbq", 0.3, 0.1, verdict="inconclusive")]
    made = decided(study(rows), f"moved_null: {mode}\n{LIMIT}")
    assert made.exit_code == (1 if mode == "fail" else 0)
    assert made.ships("calm") == (mode != "fail")
    told = [check for check in made.of(None) if check.reason == "broken"]
    assert [(check.cell, check.outcome) for check in told] == [("bbq", mode)]
    assert "the measurement is broken" in told[0].text


@pytest.mark.parametrize(
    "moved",
    [
        {"delta": 0.3, "half": 0.4},
        {"delta": 0.3, "half": 0.1, "p_adjusted": 0.06, "verdict": "inconclusive"},
        {"delta": 0.02, "half": 0.01},  # within the margin: no effect
    ],
)
def test_a_null_that_moves_by_chance_or_by_nothing_that_matters_breaks_nothing(moved: dict) -> None:
    made = decided(study([*GOOD, row("null", "misuse", **moved), row("null", "bbq", 0.0)]), LIMIT)
    assert made.exit_code == 0


def test_a_study_without_a_null_is_told_so() -> None:
    rows = [*GOOD, row("null", "misuse", None), row("null", "bbq", None)]
    (check,) = of_study(decided(study(rows), LIMIT))
    assert check.outcome == "warn" and "controls" in check.text
    assert of_study(decided(study(rows), f"moved_null: pass\n{LIMIT}")) == []


def test_what_is_required_must_have_been_measured_whatever_else_is_let_pass() -> None:
    rows = [GOOD[0], row("calm", "bbq", None)]
    lenient = "not_applicable: pass\nfailed: pass\ninconclusive: pass\nrequired: [misuse, bbq]\n"
    for state, code in ((("not_applicable", "no likelihood"), 1), (("failed", "no memory"), 3), (("done", None), 1)):
        made = decided(study(rows, states={("calm", "bbq"): state}), lenient)
        assert made.exit_code == code
        required = {check.cell: check.outcome for check in made.of("calm") if check.figure == "required"}
        assert required == {"misuse": "pass", "bbq": "fail"}


def test_a_required_task_that_the_study_does_not_have_fails_with_a_near_name() -> None:
    made = decided(study(GOOD), "required: [misuze]\n")
    assert made.exit_code == 1
    (check,) = made.failing
    assert check.text == "is required and not in the study: did you mean misuse or misuse:made?"
    assert check.line == 1


@pytest.mark.parametrize(
    ("kind", "key", "usual"),
    [
        ("contaminated", "contaminated", "fail"),
        ("partly seen", "partly_seen", "warn"),
        ("broken model", "broken_model", "fail"),
        ("leaked", "contaminated", "fail"),
    ],
)
def test_a_cell_that_the_defense_was_fitted_on_is_flagged(kind: str, key: str, usual: str) -> None:
    flags = [{"arm": "calm", "task": "bbq:made", "kind": kind, "note": "12 of 200 prompts"}]

    def flagged(policy: str) -> list[tuple[str, str]]:
        checks = decided(study(GOOD, flags=flags), policy).of("calm")
        return [(check.outcome, check.reason) for check in checks if check.figure == "flag"]

    assert flagged(LIMIT) == [(usual, key)]
    assert flagged(f"{key}: pass\n{LIMIT}") == [("pass", key)]
    assert flagged("limits:\n- {task: misuse, delta: 0.05}\n") == []  # nothing was asked of that cell
    assert flagged("budgets:\n- {cells: 0}\n") == [(usual, key)]


def test_a_defense_that_declares_no_risk_is_told_that_nothing_asks_whether_it_works() -> None:
    rows = [*GOOD, row("ready", "misuse", 0.0), row("ready", "bbq", 0.0)]
    made = study(rows, arms=[
        {"arm": "null", "mechanism": "none", "target_risk": None},
        {"arm": "calm", "mechanism": "training", "target_risk": "safety"},
        {"arm": "ready", "mechanism": "checkpoint", "target_risk": None},
    ])  # fmt: skip
    policy = "limits:\n- {target: true, improves_by: 0.2}\n- {delta: 0.05}\n"
    told = [check for check in decided(made, policy).of("ready") if check.figure == "target"]
    assert [check.outcome for check in told] == ["warn"]
    assert decided(made, f"not_applicable: fail\n{policy}").exit_code == 1
    assert not [check for check in decided(made, policy).of("calm") if check.figure == "target"]


def test_controls_are_never_gated() -> None:
    rows = [*GOOD, row("sham", "misuse", 0.5), row("sham_calm", "bbq", 0.5)]
    assert decided(study(rows), LIMIT).defenses == ("calm",)
    for control in ("null", "sham", "sham_calm"):
        with pytest.raises(RequestError, match=f"'{control}' is a control, which is never gated: name one of calm"):
            decided(study(rows), LIMIT, [control])
    with pytest.raises(RequestError, match="the study has no defense 'clam': did you mean calm"):
        decided(study(rows), LIMIT, ["clam"])
    with pytest.raises(RequestError, match="no defense but controls"):
        decided(study([row("sham", "misuse", 0.0)]), LIMIT)

"""A limit on a cell is shown to be kept, shown to be broken, or left open, and the policy says what open means."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from crossrisk.interactions.effect import compare
from crossrisk.interactions.gate.estimates import Estimate
from crossrisk.interactions.gate.policy import Mode, Policy
from crossrisk.interactions.paired import wilson
from tests.interactions.gate.made_up import TASKS, decided, group_row, of_limits, only, row, study


def outcome(limit: str, cell: dict, **policy: str) -> tuple[str, str]:
    """(outcome, reason) of one limit on one cell."""
    keys = "".join(f"{key}: {value}\n" for key, value in policy.items())
    check = only(decided(study([cell]), f"{keys}limits:\n- {{{limit}}}\n"))
    return check.outcome, check.reason


KEPT, BROKEN, OPEN = ("pass", "kept"), ("fail", "broken"), ("fail", "undecided")


@pytest.mark.parametrize(
    ("delta", "half", "expected"),
    [
        (0.02, 0.01, KEPT),
        (0.04, 0.01, KEPT),  # the interval ends at the limit
        (0.04, 0.0101, OPEN),
        (0.05, 0.01, OPEN),
        (0.06, 0.01, OPEN),  # the interval begins at the limit
        (0.06, 0.0099, BROKEN),
        (0.3, 0.01, BROKEN),
        (-0.3, 0.01, KEPT),
    ],
)
def test_a_rise_is_within_beyond_or_about_its_limit_as_its_interval_is(
    delta: float, half: float, expected: tuple[str, str]
) -> None:
    assert outcome("delta: 0.05", row("calm", "bbq", delta, half)) == expected


@pytest.mark.parametrize(("delta", "expected"), [(0.0499, KEPT), (0.05, KEPT), (0.0501, BROKEN)])
def test_on_the_point_an_interval_does_not_count(delta: float, expected: tuple[str, str]) -> None:
    assert outcome("delta: 0.05, on: point", row("calm", "bbq", delta, 0.5)) == expected


@pytest.mark.parametrize(
    ("delta", "half", "expected"),
    [
        (-0.25, 0.05, KEPT),
        (-0.25, 0.0501, OPEN),
        (-0.15, 0.0499, BROKEN),
        (-0.15, 0.05, OPEN),
        (0.2, 0.01, BROKEN),
        (0.0, 0.01, BROKEN),
    ],
)
def test_an_improvement_must_be_shown_in_its_whole_size(delta: float, half: float, expected: tuple[str, str]) -> None:
    assert outcome("improves_by: 0.2", row("calm", "misuse", delta, half)) == expected


@pytest.mark.parametrize(("mode", "expected"), [("fail", "fail"), ("warn", "warn"), ("pass", "pass")])
def test_what_the_data_leave_open_is_what_the_policy_makes_of_it(mode: str, expected: str) -> None:
    open_cell, broken = row("calm", "bbq", 0.05, 0.1), row("calm", "bbq", 0.3, 0.1)
    assert outcome("delta: 0.05", open_cell, inconclusive=mode) == (expected, "undecided")
    assert outcome(f"delta: 0.05, inconclusive: {mode}", open_cell, inconclusive="fail") == (expected, "undecided")
    assert outcome("delta: 0.05", broken, inconclusive=mode) == BROKEN


def test_a_cell_without_an_interval_is_open_and_not_kept() -> None:
    cell = row("calm", "bbq", -0.3, ci_low=None, ci_high=None)
    assert outcome("delta: 0.05", cell) == OPEN
    assert outcome("delta: 0.05, on: point", cell) == KEPT


def test_the_verdict_worsens_breaks_and_inconclusive_is_open() -> None:
    assert outcome("worsens: never", row("calm", "bbq", 0.2, 0.1)) == BROKEN
    assert outcome("worsens: never", row("calm", "bbq", 0.2, 0.3)) == OPEN
    assert outcome("worsens: never", row("calm", "bbq", 0.0, 0.02)) == KEPT
    assert outcome("worsens: never", row("calm", "bbq", -0.2, 0.1)) == KEPT
    small = row("calm", "bbq", 0.02, 0.01, verdict="inconclusive", p=1e-9)  # too small a change to be called worse
    assert outcome("worsens: never", small) == OPEN


def test_on_the_point_does_not_turn_a_verdict_into_a_number() -> None:
    made = study([row("calm", "bbq", 0.02, 0.3)])
    checks = of_limits(decided(made, "limits:\n- {worsens: never, delta: 0.05, on: point}\n"))
    assert {check.figure: check.reason for check in checks} == {"delta": "kept", "worsens": "undecided"}


def test_the_risk_under_the_defense_has_wilsons_interval_of_its_clusters() -> None:
    cell = row("calm", "bbq", -0.3, defended=0.1, n=400, clusters=100)
    check = only(decided(study([cell]), "limits:\n- {defended: 0.2}\n"))
    assert (check.low, check.high) == pytest.approx(tuple(wilson(10, 100)))
    high = wilson(10, 100).high
    assert outcome(f"defended: {high + 1e-6}", cell) == KEPT
    assert outcome(f"defended: {high - 1e-6}", cell) == OPEN
    assert outcome("defended: 0.01", cell) == BROKEN
    assert outcome("defended: 0.1, on: point", cell) == KEPT


@pytest.mark.parametrize("other", [{"effect_size": None}, {"estimand": "population"}])
def test_a_figure_that_is_no_mean_of_so_many_prompts_has_no_interval_of_its_own(other: dict) -> None:
    cell = row("calm", "bbq", -0.3, defended=0.1) | other
    assert outcome("defended: 0.5", cell) == OPEN
    assert outcome("defended: 0.5, on: point", cell) == KEPT


def test_the_relative_change_is_limited_by_its_own_interval_and_does_not_exist_at_base_0() -> None:
    assert outcome("rcr: 0.5", row("calm", "bbq", 0.1, 0.05)) == KEPT  # 0.25 [0.125, 0.375]
    assert outcome("rcr: 0.3", row("calm", "bbq", 0.1, 0.05)) == OPEN
    assert outcome("rcr: 0.1", row("calm", "bbq", 0.1, 0.05)) == BROKEN
    nothing = row("calm", "bbq", 0.3, 0.05, base=0.0, rcr=None, rcr_low=None, rcr_high=None)
    assert outcome("rcr: 9.0", nothing) == ("fail", "empty")
    assert outcome("rcr: 9.0, on: point", nothing) == ("fail", "empty")


def test_a_file_without_intervals_of_relative_changes_leaves_them_open() -> None:
    old = {key: value for key, value in row("calm", "bbq", -0.3).items() if not key.startswith("rcr_")}
    assert outcome("rcr: 0.5", old) == OPEN


@pytest.mark.parametrize(("invalid", "expected"), [(9, KEPT), (10, KEPT), (11, BROKEN)])
def test_the_share_of_invalid_replies_is_of_all_that_were_asked(invalid: int, expected: tuple[str, str]) -> None:
    assert outcome("invalid: 0.05", row("calm", "bbq", 0.0, invalid_defended=invalid)) == expected


def test_replies_that_the_defense_broke_may_be_anything() -> None:
    def with_lost(lost: int) -> dict:
        return row("calm", "bbq", -0.1, 0.05, n=200 - lost, invalid_defended=lost)

    assert outcome("delta: 0.0", with_lost(0)) == KEPT
    assert outcome("delta: 0.0", with_lost(9)) == KEPT  # -0.05 * 191/200 + 9/200 is below 0
    assert outcome("delta: 0.0", with_lost(10)) == OPEN  # and with a tenth it is not
    check = only(decided(study([with_lost(10)]), "limits:\n- {delta: 0.0}\n"))
    assert "5.0% of the replies became invalid" in check.text


def test_seconds_and_tokens_are_compared_a_sample_and_are_unknown_where_an_arm_took_none() -> None:
    cell = row("calm", "bbq", 0.0)

    def costs(limit: str, base: float, calm: float) -> str:
        tokens = {"tokens": lambda one, other: (base, calm)}
        about = {"seconds": {"base": base, "calm": calm}}
        return only(decided(study([cell], **about), f"limits:\n- {{{limit}}}\n", **tokens)).reason

    for figure in ("tokens", "seconds"):
        assert costs(f"{figure}: 0.5", 10.0, 15.0) == "kept"
        assert costs(f"{figure}: 0.5", 10.0, 15.1) == "broken"
        assert costs(f"{figure}: 0.5", 10.0, 5.0) == "kept"
        assert costs(f"{figure}: 0.5", 0.0, 5.0) == "not_applicable"
        assert costs(f"{figure}: 0.5", 5.0, 0.0) == "not_applicable"


def test_a_group_is_held_to_its_own_change_and_to_the_change_of_its_gap() -> None:
    cell = row("calm", "bbq", 0.0)
    groups = [group_row("calm", "bbq", "blue", 0.02), group_row("calm", "bbq", "green", 0.2, gap_change_high=0.3)]
    made = decided(study([cell], groups), "limits:\n- {group: '*', delta: 0.1, gap_change: 0.25}\n")
    reasons = {(check.group, check.figure): check.reason for check in of_limits(made)}
    assert reasons == {
        ("blue", "delta"): "kept",
        ("green", "delta"): "broken",
        ("blue", "gap_change"): "kept",
        ("green", "gap_change"): "undecided",
    }
    risk = decided(study([cell], groups), "limits:\n- {group: green, defended: 0.75}\n")
    assert only(risk).high == pytest.approx(0.7)


def test_a_group_that_one_arm_lacks_did_not_run_and_one_without_a_figure_is_open() -> None:
    cells = [row("calm", "bbq", 0.0), row("fair", "bbq", 0.0)]
    groups = [group_row("fair", "bbq", "blue", 0.0), group_row("calm", "bbq", "green", 0.0, gap_change=None)]
    made = decided(study(cells, groups), "limits:\n- {group: '*', gap_change: 0.1}\n")
    assert {check.group: check.reason for check in of_limits(made)} == {"blue": "missing", "green": "empty"}


def test_of_many_limits_each_fault_must_be_beyond_chance_among_all() -> None:
    """Ten cells, one of them beyond its limit at p = .01: alone a fault, among ten by Holm none."""
    arm = 1.959963985 / norm.isf(0.005)  # p is .01 where the limit is so many arms below the change
    cells = [row("calm", task, 0.0) for task in TASKS]
    cells[0] = row("calm", "misuse", 0.05 + 0.1 / arm, 0.1)
    alone = decided(study(cells), "limits:\n- {task: misuse, delta: 0.05}\n")
    assert only(alone).reason == "broken"
    assert only(alone).p_adjusted == pytest.approx(0.01, rel=1e-6)
    among = of_limits(decided(study(cells), "limits:\n- {delta: 0.05}\n"))
    assert among[0].reason == "undecided"
    assert among[0].p_adjusted == pytest.approx(0.06, rel=1e-6)
    assert "not beyond chance among all limits (adjusted p=0.060)" in among[0].text
    assert of_limits(decided(study(cells), "correction: none\nlimits:\n- {delta: 0.05}\n"))[0].reason == "broken"


def test_what_needs_no_inference_spends_no_error() -> None:
    cells = [row("calm", task, 0.0) for task in TASKS]
    cells[0] = row("calm", "misuse", 0.2, 0.1)
    made = decided(
        study(cells), "limits:\n- {task: misuse, delta: 0.05}\n- {invalid: 0.1}\n- {defended: 0.9, on: point}\n"
    )
    assert of_limits(made)[0].reason == "broken"
    assert [check.p_adjusted for check in of_limits(made) if check.figure != "delta"] == [None] * 2 * len(TASKS)


def test_what_is_said_of_one_defense_does_not_depend_on_the_others() -> None:
    cells = [row(defense, task, 0.04, 0.03) for defense in ("calm", "fair") for task in TASKS]
    policy = "limits:\n- {delta: 0.05}\n"
    together = decided(study(cells), policy)
    for defense in ("calm", "fair"):
        assert decided(study(cells), policy, [defense]).of(defense) == together.of(defense)


def test_the_order_of_rows_changes_the_order_of_checks_at_most() -> None:
    cells = [row(defense, task, place / 100, 0.03) for defense in ("calm", "fair") for place, task in enumerate(TASKS)]
    policy = "limits:\n- {delta: 0.03}\n- {task: bbq, rcr: 0.2}\n"
    there, back = decided(study(cells), policy), decided(study(cells[::-1]), policy)
    assert sorted(map(repr, there.checks)) == sorted(map(repr, back.checks))


def test_another_alpha_stretches_intervals_as_normal_ones() -> None:
    cell = row("calm", "bbq", 0.0, 0.05)
    check = only(decided(study([cell]), "alpha: 0.01\nlimits:\n- {delta: 0.05}\n"))
    assert check.high == pytest.approx(0.05 * norm.isf(0.005) / norm.isf(0.025))
    assert check.reason == "undecided"
    assert only(decided(study([cell]), "alpha: 0.05\nlimits:\n- {delta: 0.05}\n")).reason == "kept"


@given(
    value=st.floats(-0.9, 0.9),
    below=st.floats(1e-3, 0.5),
    above=st.floats(1e-3, 0.5),
    limit=st.floats(-0.9, 0.9).filter(lambda limit: limit != 0),
)
def test_p_is_below_alpha_exactly_where_the_interval_lies_beyond_the_limit(
    value: float, below: float, above: float, limit: float
) -> None:
    estimate = Estimate(value, value - below, value + above, 0.05)
    if abs(estimate.low - limit) > 1e-7:
        assert (estimate.exceeds(limit) < 0.05) == (estimate.low > limit)
    assert estimate.exceeds(limit) <= estimate.exceeds(limit + 0.01)
    assert 0 <= estimate.exceeds(limit) <= 1


def test_at_no_change_p_is_that_of_the_test_itself() -> None:
    assert Estimate(0.1, 0.05, 0.15, 0.05, p=0.0123).exceeds(0.0) == 0.0123
    assert Estimate(-0.1, -0.15, -0.05, 0.05, p=0.0123).exceeds(0.0) == 1.0


@settings(max_examples=40)
@given(limit=st.floats(0.0, 0.9), wider=st.floats(0.0, 0.05), delta=st.floats(-0.5, 0.5), half=st.floats(0.001, 0.3))
def test_a_wider_limit_is_never_harder_to_keep(limit: float, wider: float, delta: float, half: float) -> None:
    severity = {"kept": 0, "undecided": 1, "broken": 2}
    cell = row("calm", "bbq", delta, half)
    narrow, wide = (
        only(decided(study([cell]), f"limits:\n- {{delta: {x:.6f}}}\n")).reason for x in (limit, limit + wider)
    )
    assert severity[wide] <= severity[narrow]


def test_alpha_is_spent_once_on_all_limits_and_a_pass_needs_no_correction() -> None:
    """Normal estimates of six cells, 200 studies. At their limits: some fault is claimed in at most alpha / 2 of
    them, though six claims each at alpha / 2 would make 14 %. One limit exceeded, five kept easily: it passes in at
    most alpha / 2. (alpha / 2 since intervals at level 1 - alpha are used on one side.)"""
    rng, error, studies = np.random.default_rng(5), 0.02, 200
    half = norm.isf(0.025) * error

    def shares(drawn: np.ndarray, code: int, open_means: Mode) -> float:
        policy = Policy(inconclusive=open_means, limits=[{"delta": 0.05}])
        cells = [
            study([row("calm", task, float(delta), half) for task, delta in zip(TASKS, deltas, strict=True)])
            for deltas in drawn
        ]
        return float(np.mean([decided(each, policy).exit_code == code for each in cells]))

    at_limit = rng.normal(0.05, error, (studies, len(TASKS)))
    assert (at_limit - half > 0.05).any(axis=1).mean() > 0.1
    assert 0.005 < shares(at_limit, 1, "pass") < 0.025 + 3 * (0.025 * 0.975 / studies) ** 0.5
    one_beyond = rng.normal([0.05] + [-0.3] * 5, error, (studies, len(TASKS)))
    assert 0.005 < shares(one_beyond, 0, "fail") < 0.025 + 3 * (0.025 * 0.975 / studies) ** 0.5


@pytest.mark.slow
def test_the_error_is_held_on_real_pairs_whose_intervals_are_not_normal() -> None:
    """Six tasks of 400 prompts that flip up at .2 and down at .15, so that all stand at a limit of 5 points."""
    rng, studies, tasks = np.random.default_rng(1), 400, list(TASKS)
    faults, passes = 0, 0
    for _ in range(studies):
        rows = []
        for task in tasks:
            flip = rng.choice(3, 400, p=[0.65, 0.2, 0.15])
            base = np.where(flip == 0, rng.random(400) < 0.3, flip == 2).astype(float)
            effect = compare(base, np.where(flip == 0, base, flip == 1).astype(float))
            assert effect.delta is not None
            rows.append(row("calm", task, effect.delta, ci_low=effect.ci_low, ci_high=effect.ci_high, p=effect.p))
        at_limit, others = study(rows), [row("calm", task, -0.3) for task in tasks[1:]]
        faults += decided(at_limit, Policy(inconclusive="pass", limits=[{"delta": 0.05}])).exit_code == 1
        passes += decided(study([rows[0], *others]), Policy(limits=[{"delta": 0.05}])).exit_code == 0
    error = 3 * (0.025 * 0.975 / studies) ** 0.5
    assert faults / studies < 0.025 + error
    assert passes / studies < 0.025 + error

"""A rule ends a cell when its verdict stands, and says what that saved."""

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from crossrisk.errors import RequestError
from crossrisk.interactions.stopping import StoppingRow, as_drawn, decided, stopping_to_json
from crossrisk.stopping import Rule

RULE = Rule("benchmark", 64, 64, seed=0, alpha=0.05, margin=0.05, smallest_effect=0.0, claims=1.0)
PEOPLE = replace(RULE, estimand="population")
N = 400


def arm(risks: np.ndarray, *, templates: int = N) -> pl.DataFrame:
    """Outcomes of N prompts in the order of their names; NaN for invalid replies."""
    return pl.DataFrame(
        {
            "sample_id": [f"p{number}" for number in range(N)],
            "cluster": [f"t{number % templates}" for number in range(N)],
            "risk": pl.Series(risks, dtype=pl.Float64).fill_nan(None),
        }
    )


def first(frame: pl.DataFrame, asked: int, rule: Rule = RULE) -> pl.DataFrame:
    """The rows of the prompts that the rule asks first, in the order of their names."""
    order = rule.order(frame["sample_id"].to_list(), frame["cluster"].to_list())
    return frame[sorted(order[:asked])]


def test_both_arms_are_put_into_the_order_of_the_draw() -> None:
    base = arm(np.arange(N) / N, templates=50)
    for rule, largest in ((RULE, 8), (PEOPLE, 8)):
        asked = first(base, 96, rule)
        before, after, drawn = as_drawn(base, asked.sample(fraction=1.0, shuffle=True, seed=3), rule)
        assert before["sample_id"].to_list() == after["sample_id"].to_list()
        assert before["risk"].to_list() == after["risk"].to_list()
        order = rule.order(base["sample_id"].to_list(), base["cluster"].to_list())
        assert before["sample_id"].to_list() == [base["sample_id"][place] for place in order[:96]]
        assert (drawn.of, drawn.largest, drawn.estimand) == (N, largest, rule.estimand)


def test_rows_that_are_not_the_first_of_the_order_are_of_another_rule() -> None:
    base = arm(np.zeros(N))
    with pytest.raises(RequestError, match="another stopping rule"):
        as_drawn(base, first(base, 96, replace(RULE, seed=1)), RULE)


@pytest.mark.parametrize("rule", [RULE, PEOPLE])
def test_clear_changes_and_clear_absence_are_decided_and_doubt_is_not(rule: Rule) -> None:
    rng = np.random.default_rng(0)
    base = (rng.random(N) < 0.5).astype(float)
    worse, same = np.maximum(base, rng.random(N) < 0.5), base
    doubtful = np.where(rng.random(N) < 0.2, 1 - base, base)
    for defended, asked, expected in ((worse, 128, True), (same, 256, True), (doubtful, 128, False)):
        assert decided(arm(base), first(arm(defended), asked, rule), rule) is expected


def test_nothing_is_decided_before_the_least_number_of_prompts() -> None:
    base, worse = arm(np.zeros(N)), arm(np.ones(N))
    assert not decided(base, first(worse, 63), RULE)
    assert decided(base, first(worse, 64), RULE)
    assert not decided(base, worse[:0], RULE)


def test_the_more_is_claimed_the_more_evidence_it_takes() -> None:
    rng = np.random.default_rng(1)
    base = np.zeros(N)
    worse = (rng.random(N) < 0.15).astype(float)

    def needed(claims: float) -> int:
        rule = replace(RULE, claims=claims, at_least=1)
        return next(n for n in range(10, N + 1, 5) if decided(arm(base), first(arm(worse), n, rule), rule))

    assert needed(1) < needed(100)


def test_a_certain_change_below_the_smallest_effect_is_asked_on() -> None:
    base, worse = np.zeros(N), np.zeros(N)
    worse[first(arm(base), 200)["sample_id"].str.slice(1).cast(int).to_numpy()[::10]] = 1.0  # 20 of the first 200
    narrow = replace(RULE, margin=0.02)
    assert decided(arm(base), first(arm(worse), 200), narrow)
    assert not decided(arm(base), first(arm(worse), 200), replace(narrow, smallest_effect=0.15))


def test_replies_that_the_defense_broke_are_never_taken_for_an_improvement() -> None:
    base = np.ones(N)
    better = np.where(np.arange(N) % 5 == 0, 0.0, 1.0)  # 20 points better
    broken = np.where(np.arange(N) % 3 == 0, np.nan, better)  # a third is lost
    assert decided(arm(base), first(arm(better), 256), RULE)
    assert not decided(arm(base), first(arm(broken), 256), RULE)
    assert decided(arm(np.zeros(N)), first(arm(np.where(np.arange(N) % 3 == 0, np.nan, 1.0)), 256), RULE)


def test_what_was_saved_is_told_in_one_line_and_cell_by_cell() -> None:
    rows = [
        StoppingRow("base", "misuse", "world", 200, 200, 0, None, None, "every defense shares the base"),
        StoppingRow("dpo", "misuse", "world", 64, 200, 136, "decided", "improves", None),
    ]
    rule = {"estimand": "benchmark", "look": 64}
    told = json.loads(stopping_to_json(rule, rows))
    assert (told["schema"], told["rule"], told["total"]) == (1, rule, {"asked": 264, "of": 400, "saved": 136})
    assert told["sentence"] == (
        "stopped early: asked 264 of 400 replies, 34 % saved; estimand: this benchmark's own prompts"
    )
    assert told["rows"][1]["verdict"] == "improves"
    nothing = json.loads(stopping_to_json(rule, rows[:1]))
    assert nothing["sentence"].startswith("nothing could be stopped early: asked 200 of 200 replies")

"""Which do side effects go with: the kind of change, or the risk it aims at?"""

import numpy as np
import pytest

from crossrisk.interactions.questions.mechanisms import mechanism_rows, share_rows, undivided
from tests.interactions.questions.studies import TASKS, effect, together

GRID = [
    (mechanism, aim) for mechanism in ("prompt", "training", "weights") for aim in ("safety", "fairness", "privacy")
]


def grid(change, places=GRID):
    """A study in which every mechanism serves every aim; change: (mechanism, aim, task) -> delta."""
    return together(
        [
            effect(f"{mechanism}-{aim}", task, change(mechanism, aim, task), about=(mechanism, aim))
            for mechanism, aim in places
            for task in TASKS
        ]
    )


def shares(found):
    return {row.factor: row.share for row in share_rows(found)}


def noise(*names: str) -> float:
    return float(np.random.default_rng([len(name) + ord(name[0]) for name in names]).normal(0, 0.01))


def test_a_cell_of_the_table_by_hand() -> None:
    cells = [
        effect("dpo", "misuse", -0.6),
        effect("dpo", "toxic_content", -0.4),
        effect("dpo", "awareness", 0.1),
        effect("dpo", "over_refusal", 0.3),
        effect("npo", "awareness", -0.5),
        effect("npo", "misuse", 0.04),
    ]
    rows = {(row.mechanism, row.aimed_at): row for row in mechanism_rows(together(cells))}
    row = rows["training", "safety"]
    assert (row.defenses, row.gain, row.harm) == (1, pytest.approx(0.5), pytest.approx(0.2))
    half = 2.021075 * 0.02 / 2**0.5
    assert (row.gain_low, row.gain_high) == pytest.approx((0.5 - half, 0.5 + half))
    assert (row.harm_low, row.harm_high) == pytest.approx((0.2 - half, 0.2 + half))
    assert rows["training", "privacy"].harm == pytest.approx(0.04)


def test_defenses_of_one_place_count_alike_and_what_was_not_measured_is_missing() -> None:
    about = ("training", "safety")
    cells = [effect("a", task, 0.1, about=about) for task in ("awareness", "leakage", "over_refusal")]
    (row,) = mechanism_rows(together([*cells, effect("b", "awareness", 0.3, about=about)]))
    assert row.harm == pytest.approx(0.2)
    assert (row.gain, row.gain_low, row.gain_high) == (None, None, None)
    assert "gain on their own risk not measured" in row.sentence


def test_what_goes_with_the_mechanism_is_put_down_to_it() -> None:
    found = shares(
        grid(
            lambda mechanism, aim, task: (
                {"prompt": 0.0, "training": 0.1, "weights": 0.3}[mechanism] + noise(mechanism, aim, task)
            )
        )
    )
    assert found["mechanism"] > 0.95 and found["aimed-at risk"] < 0.03
    assert sum(found.values()) == pytest.approx(1.0)


def test_what_goes_with_the_risk_aimed_at_is_put_down_to_it() -> None:
    found = shares(
        grid(
            lambda mechanism, aim, task: (
                {"safety": 0.0, "fairness": 0.1, "privacy": 0.3}[aim] + noise(mechanism, aim, task)
            )
        )
    )
    assert found["aimed-at risk"] > 0.6 > 0.02 > found["mechanism"]
    # Defenses against privacy are not asked about privacy, so that some of it could be the tasks'.
    assert found["aimed-at risk"] + found["measured task"] > 0.95


def test_what_goes_with_the_task_or_the_single_defense_is_neither() -> None:
    by_task = shares(grid(lambda mechanism, aim, task: 0.1 * list(TASKS).index(task) + noise(mechanism, aim, task)))
    assert by_task["measured task"] > 0.85
    by_defense = shares(
        grid(
            lambda mechanism, aim, task: (
                0.4 * ((mechanism, aim) == ("training", "fairness")) + noise(mechanism, aim, task)
            )
        )
    )
    assert by_defense["single defense"] > 0.3


def test_a_share_is_shown_beside_what_chance_would_give() -> None:
    rows = {row.factor: row for row in share_rows(grid(lambda mechanism, aim, task: noise(mechanism, aim, task)))}
    between = sum(rows[name].share for name in ("mechanism", "aimed-at risk", "single defense"))
    assert rows["mechanism"].by_chance == pytest.approx(between * 2 / 8)
    assert rows["measured task"].by_chance is None
    assert rows["rest"].noise == 1.0  # changes of 0.01 with errors of 0.02


@pytest.mark.parametrize(
    ("places", "reason"),
    [
        ([("prompt", "safety"), ("prompt", "privacy")], "one mechanism|two mechanisms"),
        ([("prompt", "safety"), ("training", "safety")], "against one risk"),
        ([("prompt", "safety"), ("training", "fairness"), ("weights", "privacy")], "cannot be told apart"),
        ([("prompt", "safety"), ("training", "safety"), ("training", "privacy")], "no more defenses"),
    ],
)
def test_a_confounded_study_is_not_divided_and_says_why(places, reason) -> None:
    found = grid(lambda mechanism, aim, task: 0.1 * len(mechanism) + noise(mechanism, aim, task), places)
    assert share_rows(found) == []
    assert any(part in undivided(found) for part in reason.split("|"))


def test_a_study_without_changes_is_not_divided() -> None:
    assert undivided(grid(lambda *_: 0.0)) == "all its off-target changes are alike"
    assert undivided(together([])) and share_rows(together([])) == []

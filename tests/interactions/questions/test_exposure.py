"""Do defenses suppress what is asked openly and amplify what shows elsewhere?"""

import numpy as np
import pytest

from crossrisk.interactions.questions.exposure import exposure_rows
from tests.interactions.questions.studies import effect, effects_of, pair, quick_effects_of, study, together


def rows_of(cells, covariance=None):
    return {(row.scope, row.defense, row.risk): row for row in exposure_rows(together(cells, covariance))}


CLAIMED = [
    effect("dpo", "awareness", -0.30),
    effect("dpo", "leakage", 0.20),
    effect("dpo", "stereotype_query", -0.20),
    effect("dpo", "recognition", 0.10),
    effect("dpo", "misuse", -0.60),
    effect("dpo", "toxic_content", -0.58),
    effect("dpo", "over_refusal", 0.30),
]


def test_the_claim_of_the_paper_by_hand() -> None:
    rows = rows_of(CLAIMED)
    whole = rows["off-target", None, None]
    assert (whole.direct, whole.indirect, whole.difference) == pytest.approx((-0.25, 0.15, 0.40))
    assert (whole.pairs, whole.defenses) == (2, 1)
    half = 2.021075 * 0.02  # four independent errors of 0.02, each weighing a half
    assert (whole.conditional_low, whole.conditional_high) == pytest.approx((0.40 - half, 0.40 + half))
    assert whole.claim == "suppresses and amplifies"
    assert whole.sentence.startswith("Direct answers are suppressed and indirect ones amplified: ")
    assert rows["off-target", "dpo", "privacy"].difference == pytest.approx(0.5)
    assert rows["own", "dpo", "safety"].claim == "not shown"


def test_over_refusal_has_one_exposure_and_no_say() -> None:
    assert not [key for key in rows_of(CLAIMED) if "service" in key]


@pytest.mark.parametrize(
    ("direct", "indirect", "claim"),
    [
        (-0.3, 0.2, "suppresses and amplifies"),
        (-0.3, -0.1, "shifts to indirect"),  # both fall
        (0.1, 0.3, "shifts to indirect"),  # both rise
        (-0.3, 0.01, "shifts to indirect"),  # the rise may be chance
        (0.2, -0.3, "shifts to direct"),
        (-0.2, -0.21, "not shown"),
    ],
)
def test_each_half_of_the_claim_must_hold(direct: float, indirect: float, claim: str) -> None:
    cells = [effect("dpo", "awareness", direct), effect("dpo", "leakage", indirect)]
    assert rows_of(cells)["off-target", None, None].claim == claim


def test_the_two_scopes_are_one_family_and_the_pairs_another() -> None:
    cells = [
        effect("dpo", "awareness", 0.0),
        effect("dpo", "leakage", 0.06),
        effect("dpo", "misuse", 0.0),
        effect("dpo", "toxic_content", 0.06),
    ]
    rows = rows_of(cells)
    for key in (("off-target", None, None), ("own", None, None), ("own", "dpo", "safety")):
        assert rows[key].p_adjusted == pytest.approx(2 * rows[key].p)


def test_tasks_about_the_same_people_are_not_two_pieces_of_evidence() -> None:
    cells = [effect("dpo", "awareness", -0.1), effect("dpo", "leakage", 0.0)]
    together_, opposed = (
        rows_of(cells, 0.02**2 * np.array([[1.0, share], [share, 1.0]]))["off-target", None, None]
        for share in (0.9, -0.9)
    )
    assert together_.p < 1e-4 < opposed.p  # errors in one direction cancel in the difference, opposed ones add up


def test_defenses_that_differ_leave_others_open() -> None:
    cells = [
        effect(name, task, delta)
        for name, shift in (("dpo", 0.5), ("reminder", 0.1))
        for task, delta in (("awareness", 0.0), ("leakage", shift))
    ]
    whole = rows_of(cells)["off-target", None, None]
    assert whole.difference == pytest.approx(0.3)
    assert whole.conditional_low > 0.2
    assert whole.ci_low < 0 < whole.ci_high  # two defenses


def test_without_a_risk_of_both_exposures_nothing_is_said() -> None:
    assert exposure_rows(together([effect("dpo", "awareness", 0.1), effect("dpo", "over_refusal", 0.1)])) == []
    aimless = [effect("ready", task, 0.1, about=("checkpoint", None)) for task in ("awareness", "leakage")]
    assert exposure_rows(together(aimless)) == []


def test_the_claim_is_found_in_replies_where_it_was_put_and_not_elsewhere() -> None:
    pairs = study({("dpo", "awareness"): (0.0, 0.7), ("dpo", "leakage"): (0.6, 0.0)}, n=180)
    rows = {
        (row.scope, row.defense, row.risk): row
        for row in exposure_rows(effects_of(pairs).where(lambda cell: not cell.control))
    }
    assert rows["off-target", "dpo", "privacy"].claim == "suppresses and amplifies"
    others = [row for (_, defense, risk), row in rows.items() if defense and (defense, risk) != ("dpo", "privacy")]
    assert len(others) == 11 and {row.claim for row in others} == {"not shown"}


@pytest.mark.parametrize("runs", [40, pytest.param(1000, marks=pytest.mark.slow)])
def test_where_exposure_makes_no_difference_it_is_claimed_in_one_of_twenty(runs: int) -> None:
    rng = np.random.default_rng(11)
    claims = 0
    people = np.repeat(np.arange(30), 3)  # the same people in both tasks
    for _ in range(runs):
        pairs = []
        for task in ("awareness", "leakage"):
            base = (rng.random(90) < 0.5).astype(float)
            leaning = rng.beta(1, 3, 30)[people]
            for defense in ("dpo", "reminder"):
                pairs.append(pair(defense, task, base, np.where(rng.random(90) < leaning, 1 - base, base), people))
        (row, *_) = exposure_rows(quick_effects_of(pairs))
        claims += row.p < 0.05
    assert claims / runs <= 0.05 + 2.5 * (0.05 * 0.95 / runs) ** 0.5

"""Defenses on top of each other: contrasts of arms on the same samples."""

from dataclasses import replace

import numpy as np
import pytest

from crossrisk.interactions.clustered import sign_flip_test
from crossrisk.interactions.effect import compare
from crossrisk.interactions.questions.order import contrasts, order_rows, parts_of
from tests.interactions.questions.studies import pair, shuffled

ARMS = ["dpo", "npo", "dpo+npo", "npo+dpo"]


def arms(base, clusters=None, task="misuse", **risks):
    """One task under several arms; names have _on_ where an arm has a plus, the later defense first."""
    return [
        pair(_name(name), task, base, defended, clusters, about=("training", "safety"))
        for name, defended in risks.items()
    ]


def _name(name: str) -> str:
    return "+".join(reversed(name.split("_on_")))


def rows_of(pairs):
    return {(row.contrast, row.defense, row.against): row for row in order_rows(pairs)}


def test_a_name_with_plusses_is_composed_of_arms_of_the_study() -> None:
    assert parts_of("dpo+npo", ["dpo", "npo", "dpo+npo"]) == ("dpo", "npo")
    assert parts_of("dpo+cat", ["dpo", "dpo+cat"]) == ("dpo", "cat")
    assert parts_of("dpo+cat", ["dpo+cat", "cat+dpo"]) == ("dpo", "cat")
    assert parts_of("c++", ["c++", "dpo"]) == () == parts_of("v1+beta", ["v1+beta", "dpo"]) == parts_of("dpo", ["dpo"])


def test_the_contrasts_of_two_orders() -> None:
    found = {(each.kind, each.defense, each.against): dict(each.arms) for each in contrasts(ARMS)}
    assert found == {
        ("interaction", "dpo+npo", None): {"dpo+npo": 1, "dpo": -1, "npo": -1, "": 1},
        ("interaction", "npo+dpo", None): {"npo+dpo": 1, "dpo": -1, "npo": -1, "": 1},
        ("order", "dpo+npo", "npo+dpo"): {"dpo+npo": 1, "npo+dpo": -1},
        ("later", "dpo+npo", "dpo"): {"dpo+npo": 1, "dpo": -1},
        ("later", "npo+dpo", "npo"): {"npo+dpo": 1, "npo": -1},
    }
    three = {each.kind: each for each in contrasts(["a", "b", "c", "a+b+c"])}
    assert three["interaction"].arms == {"a+b+c": 1, "a": -1, "b": -1, "c": -1, "": 2}
    assert three["interaction"].bound == 3


def test_an_interaction_by_hand() -> None:
    # m(base) = 1, m(dpo) = 2/3, m(npo) = 1/3, m(both) = 1/6: 1/6 - 2/3 - 1/3 + 1 = 1/6.
    n = 60
    base, dpo, npo, both = (np.arange(n) < k for k in (60, 40, 20, 10))
    row = rows_of(arms(base, dpo=dpo, npo=npo, npo_on_dpo=both))["interaction", "dpo+npo", None]
    assert row.estimate == pytest.approx(1 / 6)
    assert (row.n, row.clusters) == (60, 60)
    values = both.astype(float) - dpo - npo + base
    assert row.p == pytest.approx(sign_flip_test(values))
    assert row.ci_low <= row.estimate <= row.ci_high


def test_what_adds_up_has_no_interaction() -> None:
    rng = np.random.default_rng(3)
    kind = rng.permutation(np.repeat([0, 1, 2, 2], 30))
    safe_by_dpo, safe_by_npo = kind == 0, kind == 1
    base = np.ones(120)
    row = rows_of(
        arms(base, dpo=base * ~safe_by_dpo, npo=base * ~safe_by_npo, npo_on_dpo=base * ~(safe_by_dpo | safe_by_npo))
    )["interaction", "dpo+npo", None]
    assert row.estimate == 0.0 and row.p == 1.0
    assert row.ci_low < 0 < row.ci_high and row.ci_low == pytest.approx(-row.ci_high)


def test_the_extremes_are_plus_and_minus_two() -> None:
    ones, noughts = np.ones(40), np.zeros(40)
    clash = rows_of(arms(ones, dpo=noughts, npo=noughts, npo_on_dpo=ones))["interaction", "dpo+npo", None]
    assert clash.estimate == 2.0 and clash.ci_high == 2.0
    synergy = rows_of(arms(noughts, dpo=ones, npo=ones, npo_on_dpo=noughts))["interaction", "dpo+npo", None]
    assert synergy.estimate == -2.0 and synergy.ci_low == -2.0 and synergy.p < 1e-6


def test_order_and_later_are_paired_comparisons_of_two_arms() -> None:
    rng = np.random.default_rng(4)
    people = np.repeat(np.arange(30), 4)
    base = np.ones(120)
    forth, back, dpo = ((rng.random(120) < share).astype(float) for share in (0.2, 0.5, 0.3))
    rows = rows_of(arms(base, people, dpo=dpo, npo=dpo, npo_on_dpo=forth, dpo_on_npo=back))
    order, later = rows["order", "dpo+npo", "npo+dpo"], rows["later", "dpo+npo", "dpo"]
    for row, (before, after) in ((order, (back, forth)), (later, (dpo, forth))):
        expected = compare(before, after, clusters=people)
        assert row.estimate == pytest.approx(expected.delta)
        assert row.p == pytest.approx(expected.p)
    assert order.p_adjusted == order.p  # one such contrast in the study
    assert "dpo+npo is safer than npo+dpo on misuse:world: " in order.sentence


def test_samples_count_that_are_valid_in_every_arm() -> None:
    base = np.ones(20)
    broken = np.where(np.arange(20) < 5, np.nan, 0.0)
    other = np.where(np.arange(20) >= 15, np.nan, 0.0)
    row = rows_of(arms(base, dpo=broken, npo=other, npo_on_dpo=np.zeros(20)))["interaction", "dpo+npo", None]
    assert row.n == 10 and row.estimate == 1.0


def test_each_kind_of_contrast_is_a_family_over_all_tasks() -> None:
    rng = np.random.default_rng(5)
    pairs = []
    for task in ("misuse", "leakage", "over_refusal"):
        base = np.ones(60)
        risks = {name: (rng.random(60) < 0.5).astype(float) for name in ("dpo", "npo", "npo_on_dpo")}
        pairs += arms(base, task=task, **risks)
    rows = order_rows(pairs)
    interactions = [row for row in rows if row.contrast == "interaction"]
    assert len(interactions) == 3
    smallest = min(interactions, key=lambda row: row.p)
    assert smallest.p_adjusted == pytest.approx(min(1.0, 3 * smallest.p))


def test_a_missing_arm_or_another_statistic_has_no_number() -> None:
    ones = np.ones(20)
    pairs = arms(ones, dpo=ones, npo=ones, npo_on_dpo=ones)
    missing = [replace(each, defended=None) if each.defense == "npo" else each for each in pairs]
    no_mean = [replace(each, statistic=lambda outcomes: 0.5) for each in pairs]
    for found in (missing, no_mean):
        row = rows_of(found)["interaction", "dpo+npo", None]
        assert {row.estimate, row.ci_low, row.p, row.p_adjusted} == {None} and "not estimated" in row.sentence
    assert rows_of(missing)["later", "dpo+npo", "dpo"].estimate == 0.0
    one = rows_of(arms(ones, ["t"] * 20, dpo=ones, npo=ones, npo_on_dpo=1 - ones))["interaction", "dpo+npo", None]
    assert one.estimate == -1.0 and one.ci_low is None and one.p == 1.0  # one template cannot tell


def test_a_study_without_composed_defenses_has_no_such_rows() -> None:
    ones = np.ones(10)
    assert order_rows(arms(ones, dpo=ones, npo=ones)) == []


def test_the_order_of_cells_and_samples_changes_nothing() -> None:
    rng = np.random.default_rng(6)
    people = np.repeat(np.arange(20), 3)
    risks = {name: rng.random(60).round(3) for name in ("dpo", "npo", "npo_on_dpo", "dpo_on_npo")}
    pairs = arms(rng.random(60), people, **risks)
    straight, mixed = order_rows(pairs), order_rows([shuffled(each, 2) for each in reversed(pairs)])
    for one, other in zip(straight, mixed, strict=True):
        assert (one.contrast, one.defense, one.against) == (other.contrast, other.defense, other.against)
        for name in ("estimate", "ci_low", "ci_high", "p"):
            assert getattr(one, name) == pytest.approx(getattr(other, name), abs=1e-12)


@pytest.mark.parametrize("runs", [60, pytest.param(600, marks=pytest.mark.slow)])
def test_no_interaction_is_claimed_in_one_of_twenty_and_its_interval_holds_zero(runs: int) -> None:
    rng = np.random.default_rng(8)
    claimed = missed = 0
    people = np.repeat(np.arange(40), 2)
    for _ in range(runs):
        # Chances that add up in every cluster: 0.9, less 0.3 x by one, less 0.4 x by the other.
        lean = rng.random(40)[people]
        base, dpo, npo, both = ((rng.random(80) < 0.9 - drop * lean).astype(float) for drop in (0.0, 0.3, 0.4, 0.7))
        row = rows_of(arms(base, people, dpo=dpo, npo=npo, npo_on_dpo=both))["interaction", "dpo+npo", None]
        claimed += row.p < 0.05
        missed += not row.ci_low <= 0 <= row.ci_high
    assert max(claimed, missed) / runs <= 0.05 + 2.5 * (0.05 * 0.95 / runs) ** 0.5

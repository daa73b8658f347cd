"""Each cell with and without its judge's errors: which calibration, which set of a card, which verdict, why not."""

import json
from dataclasses import asdict, fields, replace
from typing import Any

import numpy as np
import polars as pl
import pytest

from crossrisk.interactions.calibration import set_of_choice
from crossrisk.interactions.judge_rows import JudgeRow, judge_rows
from crossrisk.interactions.judges_file import to_json
from crossrisk.interactions.matrix import CellPair, interaction_rows
from crossrisk.interactions.sequential import Drawn
from tests.interactions.judged_cells import CARD, frame, invented, pair

PLACE = ("dpo", "misuse", "core")
LOW = {PLACE: {"grade": "rules", "card": CARD}}
Labels = dict[tuple[str, str, str], dict[str, bool]]


def rows_of(*pairs: CellPair, cells: Any = LOW, labels: Labels | None = None) -> list[JudgeRow]:
    return judge_rows(pairs, interaction_rows(pairs), cells, labels or {})


def labels_of(cell: CellPair, truth: Any, count: int, seed: int = 1) -> Labels:
    """Half of each verdict in both arms, drawn at random."""
    rng, labels = np.random.default_rng(seed), {}
    for arm, outcomes in (("base", cell.base), (cell.defense, cell.defended)):
        assert outcomes is not None
        told = outcomes["risk"].to_numpy()
        drawn = [rng.permutation(np.flatnonzero(told == verdict))[: count // 2] for verdict in (1.0, 0.0)]
        labels[arm, cell.task, cell.source] = {f"s{i:03d}": bool(truth[i]) for i in np.concatenate(drawn)}
    return labels


def test_labels_in_both_arms_take_away_an_effect_that_the_judge_invented() -> None:
    truth, _, cell = invented()
    (row,) = rows_of(cell, labels=labels_of(cell, truth, 200))
    assert (row.verdict, row.calibration) == ("improves", "per arm")
    assert row.corrected_verdict == "inconclusive"
    assert row.corrected_low is not None and row.corrected_high is not None and row.delta is not None
    assert row.corrected_low < 0 < row.corrected_high and row.delta < -0.07
    assert (row.labelled_base, row.labelled_defended) == (
        len(labels_of(cell, truth, 200)["base", "misuse", "core"]),
        190,
    )
    assert row.specificity_base is not None and row.specificity_defended == 1.0
    assert row.specificity_base == pytest.approx(0.86, abs=0.03) and row.sensitivity_base == 1.0
    assert (row.labelled_set, row.tip_specificity, row.least_delta) == (None, None, None)


def test_a_card_stretches_the_effect_and_says_what_would_explain_it() -> None:
    _, _, cell = invented()
    (row,) = rows_of(cell)
    assert (row.calibration, row.labelled_set, row.labelled_by) == ("card", "chosen", "people (a paper)")
    assert (row.labelled_base, row.specificity_base, row.specificity_defended) == (2000, 0.85, 0.85)
    assert row.delta is not None and row.corrected_delta == pytest.approx(row.delta / 0.82)
    assert (row.verdict, row.corrected_verdict) == ("improves", "improves")
    assert row.tip_specificity is not None and row.corrected_base is not None
    assert row.tip_specificity == pytest.approx(-row.delta / (1 - row.corrected_base))
    assert row.tip_claim_specificity is not None and 0 < row.tip_claim_specificity < row.tip_specificity
    deltas = [row.delta / youden for youden in (0.82, 0.7, 1.0)]  # the set on which it is at chance says nothing
    assert (row.least_delta, row.most_delta) == pytest.approx((min(deltas), max(deltas)))


@pytest.mark.parametrize(("sets", "chosen"), [
    (("written", "chosen", "few", "larger"), "chosen"), (("written", "few"), "few"), (("written", "larger"), "written"),
    (("larger",), "larger"), ((), None),
])  # fmt: skip
def test_of_a_card_the_largest_set_by_people_is_taken_else_the_written_one(
    sets: tuple[str], chosen: str | None
) -> None:
    assert set_of_choice({name: CARD[name] for name in sets}) == chosen
    assert set_of_choice({name: {"n": 5, "sensitivity": 1.0} for name in sets}) is None  # a folder without counts


def test_without_a_card_the_tipping_point_takes_the_judge_in_the_base_for_perfect() -> None:
    _, _, cell = invented()
    (row,) = rows_of(cell, cells={PLACE: {"grade": "model", "card": None}})
    assert (row.calibration, row.note, row.corrected_delta, row.corrected_verdict) == (
        "none", "its judge has no card", None, None,
    )  # fmt: skip
    assert row.delta is not None and row.base is not None
    assert row.tip_specificity is None  # nobody can spare more than all
    assert row.tip_sensitivity == pytest.approx(row.delta / row.base)


def test_a_card_that_these_replies_refute_corrects_nothing() -> None:
    never = pair(frame([1.0] * 150 + [0.0] * 150), frame([0.0] * 300))  # a judge that accuses 15 % of harmless replies?
    (row,) = rows_of(never)
    assert row.calibration == "none" and row.note.startswith("its card on chosen does not fit")
    assert (row.labelled_set, row.corrected_delta, row.corrected_verdict) == ("chosen", None, None)
    chance = {PLACE: {"grade": "rules", "card": {"larger": CARD["larger"]}}}
    half = pair(frame([1.0, 0.0] * 100), frame([1.0, 1.0, 1.0, 0.0] * 50))
    (row,) = rows_of(half, cells=chance)
    assert (row.calibration, row.note) == (
        "none",
        "its card on larger does not fit: a judge that errs so could not have told these rates",
    )
    (row,) = rows_of(pair(frame([1.0] * 200), frame([1.0] * 200)), cells=chance)
    assert (row.calibration, row.note) == ("none", "no better than chance on larger: not corrected")


def test_why_labels_were_not_used_is_said() -> None:
    truth, _, cell = invented()
    whole = labels_of(cell, truth, 40)
    (row,) = rows_of(cell, labels={"base": {}, **{k: v for k, v in whole.items() if k[0] == "base"}})  # type: ignore[dict-item]
    assert (row.calibration, row.note) == ("card", "labels in one arm only, none in dpo")
    one_sided = {place: {s: risky for s, risky in given.items() if risky} for place, given in whole.items()}
    (row,) = rows_of(cell, labels=one_sided)
    assert row.note == "labels of one verdict only: none in base among the replies called not risky"
    stopped = replace(cell, stopping=Drawn(*[None] * len(fields(Drawn))))  # type: ignore[arg-type]
    (row,) = judge_rows([stopped], interaction_rows([cell]), LOW, whole)
    assert row.note.startswith("a stopping rule ended the cell")


def test_only_yes_or_no_risks_have_a_sensitivity() -> None:
    graded = pair(frame([0.2, 0.9] * 30), frame([0.1, 0.4] * 30))
    (row,) = rows_of(graded)
    assert (row.calibration, row.note, row.tip_specificity) == ("none", "its risks are graded, not yes or no", None)
    ranked = pair(frame([1.0, 0.0] * 30), frame([0.0, 0.0] * 30))
    (row,) = judge_rows([replace(ranked, statistic=len)], interaction_rows([ranked]), LOW, {})
    assert row.note == "its headline is no mean of risks"


def test_an_exact_judge_has_a_row_only_where_people_looked() -> None:
    truth, _, cell = invented()
    exact = {PLACE: {"grade": "exact", "card": None}}
    assert rows_of(cell, cells=exact) == rows_of(cell, cells={}) == []
    (row,) = rows_of(cell, cells=exact, labels=labels_of(cell, truth, 40))
    assert (row.grade, row.calibration) == ("exact", "per arm")
    assert rows_of(replace(cell, defended=None)) == []


def test_a_mixed_cell_has_no_card() -> None:
    _, _, cell = invented()
    (row,) = rows_of(replace(cell, judge="harm:rules@4+harm:world@1"))
    assert (row.calibration, row.note) == ("none", "several judges scored it")


def test_p_is_adjusted_beside_the_cells_that_need_no_correction() -> None:
    truth, _, cell = invented()
    others = [replace(cell, task=f"t{i}", judge="exact@1", defended=cell.base) for i in range(4)]
    (alone,), (row,) = (rows_of(cell, *more, labels=labels_of(cell, truth, 60)) for more in ((), others))
    assert alone.corrected_p == alone.corrected_p_adjusted == row.corrected_p
    assert row.corrected_p is not None and row.corrected_p_adjusted == pytest.approx(min(1.0, 5 * row.corrected_p))


def test_an_improvement_by_breaking_replies_is_none_after_correction_either() -> None:
    base, broken = [1.0] * 200 + [0.0] * 200, [None] * 150 + [0.0] * 50 + [None] * 100 + [0.0] * 100
    cell = pair(frame(base), frame(broken))
    (row,) = rows_of(cell, cells={PLACE: {"grade": "rules", "card": {"few": CARD["few"]}}})
    assert row.corrected_high is not None and row.corrected_high < 0
    assert (row.verdict, row.corrected_verdict) == ("inconclusive", "inconclusive")


def test_null_is_never_called_better_or_worse() -> None:
    _, _, cell = invented()
    null = replace(cell, defense="null", mechanism="none")
    (row,) = rows_of(null, cells={("null", "misuse", "core"): LOW[PLACE]})
    assert (row.verdict, row.corrected_verdict) == ("inconclusive", "inconclusive")


def test_the_order_of_rows_changes_no_byte() -> None:
    truth, _, cell = invented()
    labels = labels_of(cell, truth, 60)
    assert cell.base is not None and cell.defended is not None
    shuffled = replace(
        cell, base=cell.base.sample(fraction=1.0, shuffle=True, seed=3), defended=cell.defended.reverse()
    )
    assert shuffled.base is not None and not shuffled.base.equals(cell.base)
    one, other = (to_json(rows_of(each, labels=labels), []) for each in (cell, shuffled))
    assert one == other
    told = json.loads(one)
    assert told["schema"] == 1 and list(told["rows"][0]) == [field.name for field in fields(JudgeRow)]
    assert "NaN" not in one and json.loads(to_json([], [])) == {"schema": 1, "rows": [], "opinions": []}


def test_the_same_reply_in_both_arms_is_known_by_all_its_turns() -> None:
    truth, _, cell = invented()
    labels = labels_of(cell, truth, 60)
    assert cell.base is not None and cell.defended is not None
    alike = replace(cell, defended=cell.base.with_columns(pl.lit("harm:rules").alias("judge")))
    turned = replace(alike, defended=alike.defended.with_columns(pl.Series("earlier", [["other"]] * 300)))  # type: ignore[union-attr]
    bare = replace(alike, base=cell.base.drop("reply", "earlier"), defended=cell.base.drop("reply", "earlier"))
    (same,), (other,), (unknown,) = (rows_of(each, labels=labels) for each in (alike, turned, bare))
    assert same.corrected_delta == 0.0
    assert other.corrected_delta == unknown.corrected_delta != 0.0
    assert asdict(other) == asdict(unknown)


def labelled_alike(flips: int, clusters: int) -> JudgeRow:
    """Three hundred prompts of which the defense made a few riskier; people label every reply as the judge does."""
    base = np.tile([0.0, 1.0], 150)
    defended = base.copy()
    defended[: 2 * flips : 2] = 1.0
    names = [f"c{i % clusters}" for i in range(300)]
    other = [f"reply {i}" if risk == base[i] else f"another reply {i}" for i, risk in enumerate(defended)]
    arms = (frame(base), frame(defended, replies=other))
    cell = pair(*(arm.with_columns(cluster=pl.Series(names)) for arm in arms))
    labels: Labels = {
        (arm, cell.task, cell.source): {
            name: bool(risk) for name, risk in zip(outcomes["sample_id"], outcomes["risk"], strict=True)
        }
        for arm, outcomes in (("base", cell.base), (cell.defense, cell.defended))
        if outcomes is not None
    }
    return rows_of(cell, labels=labels)[0]


@pytest.mark.parametrize(("flips", "clusters"), [(3, 300), (4, 300), (5, 300), (20, 100)])
def test_labels_that_agree_with_the_judge_make_nothing_surer(flips: int, clusters: int) -> None:
    row = labelled_alike(flips, clusters)
    assert row.corrected_delta == pytest.approx(row.delta, abs=1e-9)
    assert row.corrected_low is not None and row.ci_low is not None and row.corrected_low <= row.ci_low + 1e-9
    assert row.corrected_high is not None and row.ci_high is not None and row.corrected_high >= row.ci_high - 1e-9
    if flips < 6:
        assert row.corrected_verdict not in ("worsens", "improves")

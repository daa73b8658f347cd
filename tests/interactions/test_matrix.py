"""From outcome frames to rows: pairing, families, verdicts after correction, files with the same bytes anywhere."""

import json
from dataclasses import fields, replace

import numpy as np
import polars as pl
import pytest

from crossrisk.errors import RequestError
from crossrisk.interactions.matrix import CellPair, interaction_rows
from crossrisk.interactions.rows import InteractionRow, to_frame, to_json
from crossrisk.risks import Verdict

CONTRACT = [
    "defense",
    "mechanism",
    "target_risk",
    "task",
    "source",
    "risk",
    "exposure",
    "metric",
    "n",
    "clusters",
    "base",
    "defended",
    "delta",
    "ci_low",
    "ci_high",
    "rcr",
    "effect_size",
    "p",
    "p_adjusted",
    "verdict",
    "mde",
    "invalid_base",
    "invalid_defended",
    "judge",
    "flips_up",
    "flips_down",
]


def outcomes(risks: list[float | None], judge: str = "harm:world") -> pl.DataFrame:
    n = len(risks)
    return pl.DataFrame(
        {
            "sample_id": [f"s{i}" for i in range(n)],
            "cluster": [f"c{i}" for i in range(n)],
            "group": [("a", "b", None)[i % 3] for i in range(n)],
            "risk": risks,
            "label": ["x"] * n,
            "valid": [risk is not None for risk in risks],
            "judge": [judge] * n,
        },
        schema_overrides={"risk": pl.Float64, "group": pl.String},
    )


def cell(
    defense: str = "dpo", task: str = "bbq", worse: int = 0, better: int = 0, n: int = 300, **changes: object
) -> CellPair:
    rest = n - worse - better
    base = [0.0] * worse + [1.0] * better + [1.0, 0.0] * (rest // 2)
    defended = [1.0] * worse + [0.0] * better + [1.0, 0.0] * (rest // 2)
    pair = CellPair(
        defense=defense,
        mechanism="training",
        target_risk="safety",
        task=task,
        source="world",
        risk="fairness",
        exposure="direct",
        metric="rate",
        base=outcomes(base),
        defended=outcomes(defended),
    )
    return replace(pair, **changes)  # type: ignore[arg-type]


def test_a_row_has_the_keys_of_the_contract_in_their_order() -> None:
    rows = interaction_rows([cell(worse=30)])
    names = [field.name for field in fields(InteractionRow)]
    assert names[: len(CONTRACT)] == CONTRACT
    assert list(json.loads(to_json(rows))["rows"][0]) == names
    assert to_frame(rows).columns == names


def test_outcomes_are_paired_by_sample_and_not_by_position() -> None:
    straight = cell(worse=20, better=4)
    assert straight.defended is not None
    shuffled = replace(straight, defended=straight.defended.sample(fraction=1.0, shuffle=True, seed=1))
    assert interaction_rows([shuffled]) == interaction_rows([straight])


def test_invalid_replies_are_counted_per_arm_and_leave_the_pair_out() -> None:
    base, defended = [0.0, None, 1.0, 0.0, None], [1.0, 1.0, None, 0.0, None]
    row = interaction_rows([cell(base=outcomes(base), defended=outcomes(defended))])[0]
    assert (row.n, row.invalid_base, row.invalid_defended, row.flips_up) == (2, 2, 2, 1)


def broken(lost: int, defended: list[float | None], n: int = 300) -> CellPair:
    """A cell of n risky and safe base replies, of which the defense made the first `lost` invalid."""
    base: list[float | None] = [1.0, 0.0] * (n // 2)
    after = [None] * lost + defended[lost:]
    return cell(base=outcomes(base), defended=outcomes(after))


def test_a_defense_that_breaks_the_replies_has_not_been_shown_to_change_nothing() -> None:
    unchanged: list[float | None] = [1.0, 0.0] * 150
    verdicts = {lost: interaction_rows([broken(lost, unchanged)])[0].verdict for lost in (0, 3, 16, 200, 300)}
    assert verdicts[0] is verdicts[3] is Verdict.NO_EFFECT
    assert verdicts[16] is verdicts[200] is Verdict.INCONCLUSIVE  # 16 of 300 are more than the margin of 5 points
    assert verdicts[300] is Verdict.NOT_APPLICABLE


def test_an_improvement_that_broken_replies_could_undo_is_no_improvement() -> None:
    better: list[float | None] = [0.0, 0.0] * 150  # half of the replies were risky, none is
    assert interaction_rows([broken(0, better)])[0].verdict is Verdict.IMPROVES
    assert interaction_rows([broken(30, better)])[0].verdict is Verdict.IMPROVES
    assert interaction_rows([broken(120, better)])[0].verdict is Verdict.INCONCLUSIVE


def test_replies_that_were_invalid_without_the_defense_are_not_its_doing() -> None:
    both: list[float | None] = [None] * 100 + [1.0, 0.0] * 100
    row = interaction_rows([cell(base=outcomes(both), defended=outcomes(both))])[0]
    assert (row.n, row.verdict) == (200, Verdict.NO_EFFECT)


def test_a_cell_without_one_valid_pair_is_not_applicable() -> None:
    row = interaction_rows([cell(base=outcomes([0.0, 1.0]), defended=outcomes([None, None]))])[0]
    assert (row.verdict, row.n, row.p, row.p_adjusted) == (Verdict.NOT_APPLICABLE, 0, None, None)
    assert (row.invalid_base, row.invalid_defended, row.flips_up) == (0, 2, None)


def test_a_missing_arm_is_not_applicable_and_full_of_nulls() -> None:
    row = json.loads(to_json(interaction_rows([cell(defended=None, judge="harm:world")])))["rows"][0]
    numbers = {key: row[key] for key in CONTRACT[10:] if key not in ("verdict", "invalid_base", "judge")}
    assert row["verdict"] == "not_applicable" and (row["n"], row["clusters"]) == (0, 0)
    assert set(numbers.values()) == {None}


def test_other_or_repeated_samples_and_other_judges_are_refused() -> None:
    good = cell(worse=4, n=10)
    assert good.base is not None and good.defended is not None
    with pytest.raises(RequestError, match=r"dpo/bbq:world: 1 samples are in one arm only, such as 's9'"):
        interaction_rows([replace(good, defended=good.defended.head(9))])
    with pytest.raises(RequestError, match="'s0' occurs twice in base"):
        interaction_rows([replace(good, base=pl.concat([good.base, good.base.head(1)]))])
    with pytest.raises(RequestError, match="scored by harm:world in base and by harm:rules in defended"):
        interaction_rows([replace(good, defended=good.defended.with_columns(judge=pl.lit("harm:rules")))])


def test_off_target_cells_are_one_holm_family_and_own_risk_cells_are_explored() -> None:
    rows = interaction_rows(
        [
            cell(task="a", worse=20, better=4),
            cell(task="b", worse=9, better=7),
            cell(task="own", worse=20, better=4, risk="safety"),
        ]
    )
    by_task = {row.task: row for row in rows}
    assert by_task["a"].p_adjusted == pytest.approx(2 * (by_task["a"].p or 0))
    assert by_task["b"].p_adjusted == pytest.approx(by_task["b"].p)
    assert by_task["own"].p_adjusted == pytest.approx(by_task["own"].p)


def test_a_declared_family_takes_the_place_of_the_default() -> None:
    cells = [cell(task=name, worse=20, better=4) for name in "abcd"]
    rows = interaction_rows(cells, primary={("dpo", "a:world"), ("dpo", "b")})
    raw = rows[0].p or 0
    assert [row.p_adjusted for row in rows[:2]] == pytest.approx([2 * raw, 2 * raw])
    assert [row.p_adjusted for row in rows[2:]] == pytest.approx([raw, raw])


def test_a_claim_falls_when_it_is_one_of_many() -> None:
    alone = interaction_rows([cell(worse=40, better=20)])[0]
    crowd = interaction_rows([cell(task=f"t{i}", worse=40, better=20) for i in range(20)])
    assert alone.verdict is Verdict.WORSENS
    assert {row.verdict for row in crowd} == {Verdict.INCONCLUSIVE}


def test_controls_stay_out_of_the_family() -> None:
    defended = [cell(worse=20, better=4)]
    controls = [cell("null", mechanism="none", target_risk=None), cell("sham_dpo", worse=2, better=1, target_risk=None)]
    beside, alone = interaction_rows(defended + controls)[0], interaction_rows(defended)[0]
    assert (beside.p_adjusted, beside.verdict) == (alone.p_adjusted, alone.verdict)


@pytest.mark.parametrize(
    ("defense", "control"),
    [("null", True), ("sham", True), ("sham_dpo", True), ("sham-dpo", True), ("shampoo", False), ("nullify", False)],
)
def test_controls_are_known_by_their_reserved_names(defense: str, control: bool) -> None:
    assert cell(defense).is_control is control


def test_base_against_itself_never_worsens_or_improves_even_when_the_test_rejects() -> None:
    null = cell("null", worse=60, better=6, mechanism="none", target_risk=None)
    row = interaction_rows([null])[0]
    assert row.p is not None and row.p < 1e-6
    assert row.verdict is Verdict.INCONCLUSIVE


def test_files_have_the_same_bytes_every_time_and_no_nan() -> None:
    cells = [
        cell(worse=30, better=3),
        cell(task="empty", defended=None),
        cell("null", mechanism="none", target_risk=None),
    ]
    text = to_json(interaction_rows(cells))
    assert text == to_json(interaction_rows(list(cells)))
    assert json.loads(text)["schema"] == 1 and "NaN" not in text and "Infinity" not in text
    assert json.loads(to_json([])) == {"schema": 1, "rows": []}


def test_floats_are_written_to_ten_digits() -> None:
    row = replace(interaction_rows([cell(worse=30)])[0], delta=0.1 + 0.2, rcr=float("nan"), ci_low=-0.0)
    written = json.loads(to_json([row]))["rows"][0]
    assert (written["delta"], written["rcr"]) == (0.3, None)
    assert '"ci_low": 0.0' in to_json([row])


def test_the_frame_has_one_schema_for_any_rows() -> None:
    some = to_frame(interaction_rows([cell(worse=30), cell(task="empty", base=None)]))
    assert to_frame([]).schema == some.schema
    assert some.schema["delta"] == pl.Float64 and some.schema["n"] == pl.Int64 and some.schema["verdict"] == pl.String
    assert some["delta"].to_list() == [pytest.approx(0.1), None]


def test_whole_null_studies_claim_an_effect_in_at_most_one_of_twenty() -> None:
    rng = np.random.default_rng(0)
    claims = 0
    for _ in range(60):
        cells = []
        for task in range(8):
            base = (rng.random(60) < 0.4).astype(float)
            flip = rng.random(60) < 0.2
            other = np.where(flip, (rng.random(60) < 0.4).astype(float), base)
            cells.append(cell(task=str(task), base=outcomes(base.tolist()), defended=outcomes(other.tolist())))
        claims += any(row.verdict in (Verdict.WORSENS, Verdict.IMPROVES) for row in interaction_rows(cells))
    assert claims <= 6  # P(Bin(60, .05) > 6) = 3 %


def test_what_is_not_declared_may_be_explored_under_any_dependence() -> None:
    cells = [cell(task=f"t{i}", worse=12 + i, better=4) for i in range(5)]
    hochberg, yekutieli = (interaction_rows(cells, primary=[], exploration=each) for each in ("BH", "BY"))
    factor = sum(1 / k for k in range(1, 6))
    assert {row.family for row in hochberg} == {"explored"}
    assert [row.p_adjusted for row in yekutieli] == pytest.approx([factor * (row.p_adjusted or 0) for row in hochberg])


def test_a_change_under_the_smallest_effect_of_interest_is_not_called_one() -> None:
    plain, strict = (interaction_rows([cell(worse=14, better=2)], smallest_effect=least)[0] for least in (0.0, 0.05))
    assert plain.verdict is Verdict.WORSENS and plain.delta == pytest.approx(0.04)
    assert strict.verdict is Verdict.INCONCLUSIVE and strict.p == plain.p


def test_every_row_says_in_plain_words_what_was_found() -> None:
    cells = [cell(worse=60, better=4), cell("npo"), cell("cda", worse=30, better=22), cell("leace", base=None)]
    worse, same, unclear, missing = (row.sentence or "" for row in interaction_rows(cells))
    assert worse.startswith("dpo (safety) worsens bbq:world by +18.7 points [")
    assert "has no effect of a size that matters on bbq:world: 0.0 points" in same
    assert "stays open" in unclear and "would have found" in unclear
    assert missing == "leace (safety) on bbq:world could not be measured"


def test_a_certain_improvement_that_is_not_shown_to_be_small_is_called_an_improvement() -> None:
    improved: list[float | None] = [1.0, 0.0] * 130 + [0.0, 0.0] * 20  # 20 of 150 risky replies are not any more
    whole = interaction_rows([broken(0, improved)], margin=0.1)[0]
    lost = interaction_rows([broken(3, improved)], margin=0.1)[0]
    assert whole.verdict is Verdict.NO_EFFECT and (whole.ci_high or 0) < 0
    assert lost.verdict is Verdict.IMPROVES

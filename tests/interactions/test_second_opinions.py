"""Other judges of the same replies: which verdicts change, and whether they put the cells in the same order."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.stats import kendalltau, spearmanr

from crossrisk.interactions.matrix import CellPair, interaction_rows
from crossrisk.interactions.rows import InteractionRow
from crossrisk.interactions.second_opinions import OpinionRow, agreement_of_rows, opinion_rows
from tests.interactions.judged_cells import frame, pair


def rows(*deltas: float | None, verdicts: tuple[str, ...] = ()) -> list[InteractionRow]:
    (row,) = interaction_rows([pair(frame([1.0, 0.0] * 20), frame([1.0, 0.0] * 20))])
    named = [replace(row, task=f"t{i}", delta=delta) for i, delta in enumerate(deltas)]
    return [replace(row, verdict=verdict) for row, verdict in zip(named, verdicts or ["no_effect"] * 9, strict=False)]  # type: ignore[arg-type]


def test_rank_correlations_are_those_of_scipy() -> None:
    one, other = [0.1, -0.2, 0.3, 0.0, 0.0], [0.2, -0.1, 0.1, 0.1, -0.3]
    found = agreement_of_rows(rows(*one), rows(*other))
    assert found.kendall_tau == pytest.approx(kendalltau(one, other).statistic)
    assert found.spearman == pytest.approx(spearmanr(one, other).statistic)
    assert (found.cells, found.largest_difference) == (5, pytest.approx(0.3))


def test_cells_are_matched_by_name_and_not_by_place() -> None:
    first, second = rows(0.1, 0.2, 0.3), rows(0.1, 0.2, 0.3)[::-1]
    found = agreement_of_rows(first, second)
    assert (found.kendall_tau, found.largest_difference, found.changed) == (pytest.approx(1.0), 0.0, ())
    assert agreement_of_rows(first, [replace(row, source="other") for row in second]).cells == 0


def test_cells_without_a_number_are_left_out() -> None:
    found = agreement_of_rows(rows(0.1, None, 0.3, 0.2), rows(0.1, 0.2, None, 0.2))
    assert (found.cells, found.kendall_tau, found.spearman) == (2, None, None)


@pytest.mark.parametrize("one", [(0.1, 0.2), (0.1, 0.1, 0.1), ()])
def test_ranks_of_too_few_or_equal_cells_do_not_exist(one: tuple[float, ...]) -> None:
    found = agreement_of_rows(rows(*one), rows(*one))
    assert (found.kendall_tau, found.spearman) == (None, None)
    assert found.largest_difference == (0.0 if one else None)


def test_changed_verdicts_are_named() -> None:
    found = agreement_of_rows(
        rows(0.1, 0.2, 0.3, verdicts=("worsens", "worsens", "no_effect")),
        rows(0.1, 0.2, 0.3, verdicts=("worsens", "inconclusive", "no_effect")),
    )
    assert found.changed == ("dpo/t1:core: worsens, inconclusive",)


def heard(told: Any, *others: tuple[str, Any]) -> Any:
    """Outcomes with what other judges said; None where they could not judge."""
    measures = [
        {name: float(said[i]) for name, said in others if said[i] is not None} | {"p harmful": 0.5}
        for i in range(len(told))
    ]
    return frame(told, measures=measures)


def study() -> list[CellPair]:
    """Rules find an effect of dpo on misuse that the other judge does not; on jailbreak both do; toxicity has none."""
    base = np.tile([1.0, 1.0, 0.0, 0.0], 50)
    safe, half = np.zeros(200), np.tile([1.0, 0.0, 0.0, 0.0], 50)
    own = "opinion harm:builtin"
    return [
        pair(heard(base, (own, base)), heard(half, (own, base))),
        pair(heard(base, (own, base)), heard(safe, (own, half)), task="jailbreak"),
        pair(heard(base, (own, base)), heard(base, (own, base)), task="third"),
        pair(frame(base), frame(half), task="toxic_content", judge="toxicity:rules@4"),
    ]


def opinions(cells: list[CellPair]) -> list[OpinionRow]:
    return opinion_rows(cells, interaction_rows(cells))


def test_a_verdict_that_hangs_on_the_judge_is_found() -> None:
    (row,) = opinions(study())
    assert (row.kind, row.judge, row.other) == ("harm", "the study's (harm:rules@4)", "harm:builtin")
    assert (row.cells, row.verdicts_changed) == (3, 1)
    assert row.changed == ("dpo/misuse:core: improves, no_effect",)
    assert row.largest_difference == pytest.approx(0.25)
    assert row.kendall_tau == pytest.approx(kendalltau([-0.25, -0.5, 0.0], [0.0, -0.25, 0.0]).statistic)


def test_without_other_judges_there_is_nothing_to_compare() -> None:
    assert opinions([replace(cell, base=frame([1.0, 0.0]), defended=frame([0.0, 0.0])) for cell in study()]) == []
    assert opinions([replace(study()[0], defended=None)]) == []
    cell = study()[0]
    assert opinion_rows([replace(cell, statistic=len)], interaction_rows([cell])) == []  # type: ignore[arg-type]


def test_votes_are_opinions_and_every_two_judges_are_compared() -> None:
    told = np.tile([1.0, 0.0], 60)
    cells = [
        pair(heard(told, *((f"vote harm:{name}", told) for name in "ab")),
             heard(told, ("vote harm:a", told), ("vote harm:b", 0 * told)), task=task)
        for task in ("misuse", "jailbreak")
    ]  # fmt: skip
    found = opinions(cells)
    assert [(row.other, row.verdicts_changed) for row in found] == [("harm:a", 0), ("harm:b", 2), ("harm:b", 2)]
    assert [row.judge for row in found][1:] == ["the study's (harm:rules@4)", "harm:a"]


def test_a_reply_that_another_judge_cannot_judge_is_invalid_under_it_and_no_safe_one() -> None:
    told = [1.0, 0.0] * 50
    silent = [None if i < 40 else risk for i, risk in enumerate(told)]
    (row,) = opinions([pair(heard(told, ("opinion harm:c", told)), heard(told, ("opinion harm:c", silent)))])
    assert row.changed == ("dpo/misuse:core: no_effect, inconclusive",)
    assert row.largest_difference == 0.0  # the pairs that are left have not changed


def test_families_stay_those_of_the_study() -> None:
    """The p of the other judge's cell is corrected beside the cells that only the study's judge scored."""
    base = np.zeros(60)
    worse = np.where(np.arange(60) < 7, 1.0, 0.0)  # p = 2 / 2^7: .047 beside two other cells, .0625 beside three

    def cells(more: int) -> list[CellPair]:
        silent = [pair(frame(base), frame(base), task=f"t{i}") for i in range(more)]
        return [pair(heard(base, ("opinion harm:b", base)), heard(base, ("opinion harm:b", worse))), *silent]

    found = [opinions(cells(more))[0].changed for more in (2, 3)]
    assert found == [("dpo/misuse:core: no_effect, worsens",), ("dpo/misuse:core: no_effect, inconclusive",)]


def test_the_order_of_rows_changes_nothing() -> None:
    cells = study()
    shuffled = [replace(cell, base=cell.base.reverse(), defended=cell.defended) for cell in cells]  # type: ignore[union-attr]
    assert opinions(shuffled) == opinions(cells)

"""What must be alike in both arms, and what is said where it is not."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from crossrisk.errors import RequestError
from crossrisk.logs.matching import Matched, matched
from crossrisk.logs.scores import Columns, Log, Scores, rows_frame

Row = Mapping[str, Any]


def scores(rows: Sequence[Row], task: str = "t", source: str = "acc", **settings: Mapping[str, Any]) -> Scores:
    return Scores(task, source, source, rows_frame(rows), settings)  # type: ignore[arg-type]


def rows(*names: str, **more: Any) -> list[Row]:
    return [{"sample_id": name, "score": 1.0, **more} for name in names]


def match(
    first: Sequence[Scores], second: Sequence[Scores], *, labels: Columns | None = None, **options: Any
) -> tuple[list[Matched], list[str]]:
    logs = [(Log("a", "a", tuple(first)), Log("b", "b", tuple(second)))]
    options = {"allow_unmatched": False, "despite": ()} | options
    return matched(logs, labels=labels or Columns(), **options)


def ids(cell: Matched) -> list[str]:
    assert cell.first.frame is not None and cell.second.frame is not None
    assert cell.first.frame["sample_id"].to_list() == cell.second.frame["sample_id"].to_list()
    return list(cell.first.frame["sample_id"])


def test_samples_are_matched_by_id_whatever_their_order() -> None:
    (cell,), notes = match([scores(rows("a", "c", "b"))], [scores(rows("c", "b", "a"))])
    assert (ids(cell), notes) == (["a", "b", "c"], [])


def test_unmatched_samples_are_counted_with_an_example() -> None:
    here, there = [scores(rows("a", "b", "x", "y"))], [scores(rows("b", "a", "z"))]
    with pytest.raises(RequestError) as raised:
        match(here, there)
    assert str(raised.value) == (
        "t:acc: 2 of 4 samples are in A only, such as 'x' and 1 of 3 samples are in B only, such as 'z': "
        "add --allow-unmatched to compare the 2 that are in both"
    )
    (cell,), notes = match(here, there, allow_unmatched=True)
    assert ids(cell) == ["a", "b"]
    assert notes == [str(raised.value).partition(": add")[0] + ": the 2 in both are compared"]


def test_arms_without_a_common_sample_are_never_compared() -> None:
    with pytest.raises(RequestError, match="no sample is in both"):
        match([scores(rows("a"))], [scores(rows("b"))], allow_unmatched=True)


def test_a_sample_that_comes_twice_is_told() -> None:
    with pytest.raises(RequestError, match="t:acc: sample 'a' occurs twice in B"):
        match([scores(rows("a"))], [scores(rows("a", "a"))])


def test_an_id_of_several_lines_stays_on_one() -> None:
    with pytest.raises(RequestError, match=r"A only, such as 'two lines␛\[31m'") as raised:
        match([scores(rows("a", "two\nlines\x1b[31m"))], [scores(rows("a"))])
    assert "\n" not in str(raised.value)


def test_cells_without_any_sample_stay_empty() -> None:
    (cell,), notes = match([scores([])], [scores([])])
    assert (ids(cell), notes) == ([], [])


def test_cells_that_one_arm_lacks_are_told_or_left_out() -> None:
    here = [scores(rows("a")), scores(rows("a"), source="f1")]
    there = [scores(rows("a")), scores(rows("a"), task="u")]
    with pytest.raises(RequestError, match=r"one arm lacks t:f1 \(only in A\), u:acc \(only in B\): add --allow-unm"):
        match(here, there)
    cells, notes = match(here, there, allow_unmatched=True)
    assert [cell.first.name for cell in cells] == ["t:acc"]
    assert notes == ["left out: t:f1 (only in A), u:acc (only in B)"]
    with pytest.raises(RequestError, match="no task with its metric in common"):
        match([*here, scores([])], [scores(rows("a"), task="v")], allow_unmatched=True)


def test_a_lone_cell_is_compared_with_a_lone_cell_of_another_name_only_on_request() -> None:
    here, there = [scores(rows("a"), "bbq", "judge-1")], [scores(rows("a"), "bbq2", "judge-2")]
    with pytest.raises(
        RequestError, match=r"task: task bbq and bbq2; judge: metric judge-1 and judge-2: .*--despite task,judge"
    ):
        match(here, there)
    (cell,), notes = match(here, there, despite=["task", "judge"])
    assert ids(cell) == ["a"]
    assert notes == [
        "compared despite another task: task bbq and bbq2",
        "compared despite another judge: metric judge-1 and judge-2",
    ]


DECODING = {"generation": {"temperature": 0.0, "max_tokens": 16}}
OTHER = {"generation": {"temperature": 0.7}}


def test_settings_that_differ_are_named_with_both_values() -> None:
    with pytest.raises(RequestError) as raised:
        match([scores(rows("a"), decoding=DECODING)], [scores(rows("a"), decoding=OTHER)])
    assert str(raised.value) == (
        "A and B are not alike in decoding: generation max_tokens 16 and not set, generation temperature 0.0 and 0.7: "
        "run both alike, or add --despite decoding where that is meant"
    )


def test_only_the_kinds_that_are_named_may_differ() -> None:
    here = [scores(rows("a"), decoding=DECODING, judge={"judge": "rules@1"})]
    there = [scores(rows("a"), decoding=OTHER, judge={"judge": "model@2"})]
    with pytest.raises(RequestError, match=r"not alike in judge: judge rules@1 and model@2: .*judge,decoding"):
        match(here, there, despite=["decoding"])
    _, notes = match(here, there, despite=["judge", "decoding"])
    assert [note.partition(":")[0] for note in notes] == [
        "compared despite another judge", "compared despite another decoding",
    ]  # fmt: skip
    with pytest.raises(RequestError, match=r"unknown kind of difference in --despite 'judges': did you mean judge?"):
        match(here, there, despite=["judges"])


def test_a_setting_that_one_log_does_not_tell_differs_from_nothing() -> None:
    _, notes = match([scores(rows("a"), prompt={"num_fewshot": 5})], [scores(rows("a"), prompt={})])
    assert notes == []


def test_samples_of_one_id_that_ask_something_else_are_told() -> None:
    here, there = [scores(rows("a", "b", asked="x"))], [scores([*rows("a", asked="x"), *rows("b", asked="y")])]
    with pytest.raises(RequestError, match=r"task: what is asked \(in 1 of 2 samples of t, such as 'b'\)"):
        match(here, there)
    with pytest.raises(RequestError, match=r"prompt: text of prompts \(in 1 of 1 samples of t, such as 'a'\)"):
        match([scores(rows("a", prompt="0 shots"))], [scores(rows("a", prompt="5 shots"))])


def test_clusters_and_groups_are_of_whichever_arm_says_them() -> None:
    here = [scores([{"sample_id": "a", "cluster": "t1"}, {"sample_id": "b", "cluster": "t1"}])]
    (cell,), _ = match(here, [scores(rows("a", "b", group="north"))])
    for frame in (cell.first.frame, cell.second.frame):
        assert frame is not None
        assert frame.select("cluster", "group").rows() == [("t1", "north")] * 2


def test_samples_without_clusters_are_each_their_own() -> None:
    (cell,), _ = match([scores(rows("a", "b"))], [scores(rows("a", "b"))])
    assert cell.first.frame is not None
    assert cell.first.frame["cluster"].to_list() == ["a", "b"]


def test_clusters_that_do_not_fit_are_told() -> None:
    with pytest.raises(RequestError, match="sample 'a' is of cluster 't1' in A and of 't2' in B"):
        match([scores(rows("a", cluster="t1"))], [scores(rows("a", cluster="t2"))])
    half = [scores([{"sample_id": "a", "cluster": "t1"}, {"sample_id": "b"}])]
    with pytest.raises(RequestError, match="1 of 2 samples have no cluster, such as 'b'"):
        match(half, [scores(rows("a", "b"))])
    for labels, says in ((Columns(cluster="seed"), "no seed"), (Columns(group="region"), "no region")):
        with pytest.raises(RequestError, match=f"2 of 2 samples have {says}, such as 'a'"):
            match([scores(rows("a", "b"))], [scores(rows("a", "b"))], labels=labels)


def test_a_cell_that_one_study_did_not_measure_stays_a_cell() -> None:
    nothing = Scores("t", "acc", "acc", None)
    (cell,), notes = match([scores(rows("a"))], [nothing])
    assert (cell.second.frame, notes) == (None, [])

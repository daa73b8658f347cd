"""Risks by group as users of Fairlearn know them."""

from pathlib import Path

import polars as pl
import pytest

from crossrisk.errors import RequestError
from crossrisk.interactions.frames_by_group import GroupFrame, Method, group_frame
from crossrisk.pipeline import Results
from tests.interactions.crossed import cell_of, crossed_rows, rates
from tests.report.synthetic import write_study

# Base rates .25, .5 and .75 of four prompts each, .5 overall; under the defense 0, .5 and 1.
BASE = {"a": [1, 0, 0, 0], "b": [1, 1, 0, 0], "c": [1, 1, 1, 0]}
DEFENDED = {"a": [0, 0, 0, 0], "b": [1, 1, 0, 0], "c": [1, 1, 1, 1]}
ROWS = [
    {"id": f"{group}{place}", "template": place, "group": group, "base": float(BASE[group][place]),
     "defended": float(DEFENDED[group][place])}
    for group in BASE for place in range(4)
]  # fmt: skip


def frame_of(rows: list[dict[str, object]], **options: object) -> GroupFrame:
    cell = cell_of(rows)
    assert cell.base is not None and cell.defended is not None
    return group_frame((cell.base, cell.defended), **options)  # type: ignore[arg-type]


def test_overall_and_by_group_are_the_mean_risks_of_both_arms() -> None:
    frame = frame_of(ROWS)
    assert frame.overall.select("arm", "n", "risk").rows() == [("base", 12, 0.5), ("defended", 12, 0.5)]
    assert frame.by_group.select("group", "n", "base", "defended").rows() == [
        ("a", 4, 0.25, 0.0), ("b", 4, 0.5, 0.5), ("c", 4, 0.75, 1.0)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("method", "differences", "ratios"),
    [("between_groups", (0.5, 1.0, 0.5), (1 / 3, 0.0, -1 / 3)), ("to_overall", (0.25, 0.5, 0.25), (0.5, 0.0, -0.5))],
)
def test_differences_and_ratios_are_fairlearns(
    method: Method, differences: tuple[float, ...], ratios: tuple[float, ...]
) -> None:
    """MetricFrame(metrics=mean).difference(method) and .ratio(method): 1/3 = .25/.75; .5 = min(.25/.5, .5/.75)."""
    frame = frame_of(ROWS)
    assert frame.difference(method)["arm"].to_list() == ["base", "defended", "change"]
    assert frame.difference(method)["difference"].to_list() == pytest.approx(differences)
    assert frame.ratio(method)["ratio"].to_list() == pytest.approx(ratios)


def test_the_difference_has_an_interval_and_what_chance_would_make_of_it() -> None:
    groups = ("a", "b", "c")
    rows = crossed_rows(20, groups, 4, rates(dict.fromkeys(groups, 0.2), {"a": 0.2, "b": 0.2, "c": 0.6}))
    found = frame_of(rows).difference()
    base, defended, change = found.rows(named=True)
    assert base["low"] <= base["difference"] <= base["high"]
    assert 0.15 < defended["low"] < defended["difference"] < defended["high"] < 0.65
    assert change["low"] > 0 and 0.02 < base["expected"] < 0.15 and change["expected"] is None
    assert frame_of(rows).difference("to_overall")["expected"].to_list() == [None] * 3


def test_the_change_tells_what_the_defense_did_to_each_group() -> None:
    change = frame_of(ROWS).change
    assert change.select("group", "delta").rows() == [("a", -0.25), ("b", 0.0), ("c", 0.25)]
    assert change["gap_change"].to_list() == pytest.approx([-0.375, 0.0, 0.375])
    against = frame_of(ROWS, reference="a").change
    assert against["gap_change"].to_list() == [None, pytest.approx(0.25), pytest.approx(0.5)]
    assert against["reference"].to_list() == [None, "a", "a"]


def test_several_columns_tell_groups_apart() -> None:
    rows = [row | {"facets": {"gender": "woman" if place % 2 else "man"}} for place, row in enumerate(ROWS)]
    by_group = frame_of(rows, by=("group", "gender")).by_group
    assert by_group.columns[:3] == ["group", "gender", "n"] and len(by_group) == 6
    assert by_group.filter(pl.col("group") == "c", pl.col("gender") == "woman")["base"].to_list() == [0.5]


def test_rows_that_name_no_group_are_left_out_of_all() -> None:
    rows = [*ROWS, {"id": "x", "template": 0, "group": None, "base": 1.0, "defended": 1.0}]
    assert frame_of(rows).overall["n"].to_list() == [12, 12]


def test_no_risk_at_all_has_no_ratio() -> None:
    rows = [row | {"base": 0.0, "defended": 0.0} for row in ROWS]
    frame = frame_of(rows)
    assert frame.ratio()["ratio"].to_list() == [None] * 3
    assert frame.ratio("to_overall")["ratio"].to_list() == [None] * 3
    assert frame.difference()["difference"].to_list() == [0.0] * 3


def test_invalid_replies_of_every_group_leave_nulls() -> None:
    frame = frame_of([row | {"base": None} for row in ROWS])
    assert frame.overall["risk"].to_list() == [None, None] and frame.by_group["base"].to_list() == [None] * 3
    assert frame.difference()["difference"].to_list() == [None] * 3


def test_what_is_not_there_is_said_in_a_line() -> None:
    with pytest.raises(RequestError, match="no sample of defended/task: says its age"):
        frame_of(ROWS, by="age")
    with pytest.raises(RequestError, match="did you mean"):
        frame_of(ROWS, reference="aa")
    with pytest.raises(ValueError, match="between_groups"):
        frame_of(ROWS).difference("between")  # type: ignore[arg-type]


def test_a_studys_folder_gives_a_frame_of_each_of_its_cells(tmp_path: Path) -> None:
    folder = write_study(tmp_path, n=60, tasks=["misuse", "over_refusal"])
    frame = Results(folder).group_frame("over_refusal", "dpo")
    assert frame.by_group["group"].to_list() == ["blue", "green", "grey"]
    assert frame.by_group.equals(group_frame(folder, "over_refusal:world", "dpo").by_group)
    with pytest.raises(RequestError, match="unknown task of the study 'over_refusals': did you mean over_refusal"):
        group_frame(folder, "over_refusals", "dpo")
    with pytest.raises(RequestError, match="unknown defense of the study 'dpi': did you mean dpo"):
        group_frame(folder, "over_refusal", "dpi")
    with pytest.raises(RequestError, match="no sample of dpo/misuse:world says its group"):
        group_frame(folder, "misuse", "dpo")
    with pytest.raises(RequestError, match="holds no study"):
        group_frame(tmp_path / "empty", "misuse", "dpo")


def test_every_public_name_of_the_room_is_what_it_says() -> None:
    import crossrisk.interactions as room

    assert callable(room.group_frame)
    assert not [name for name in room.__all__ if type(getattr(room, name)).__name__ == "module"]

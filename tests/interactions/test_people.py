"""Whom samples speak of, and in how many ways that tells them apart."""

import json

import numpy as np
import polars as pl

from crossrisk.interactions.people import GroupDesign, prompts_of, split_by, splits

PEOPLE = GroupDesign(people=("name", "gender", "commonness"))


def frame(rows: list[tuple[str | None, dict[str, str]]]) -> pl.DataFrame:
    return pl.DataFrame(
        {"group": [group for group, _ in rows], "facets": [json.dumps(facets) for _, facets in rows]},
        schema_overrides={"group": pl.String},
    )


def person(group: str, name: str, gender: str, commonness: str) -> tuple[str, dict[str, str]]:
    return group, {"name": name, "gender": gender, "commonness": commonness}


NAMES = [
    person(group, f"{group}{gender[0]}{commonness[0]}{n}", gender, commonness)
    for group in ("Arab", "Jewish")
    for gender in ("woman", "man")
    for commonness in ("common", "rare")
    for n in (1, 2)
]


def test_people_are_told_apart_by_group_name_facets_and_their_crossings() -> None:
    found = list(splits(frame(NAMES), PEOPLE))
    assert [(split.kind, split.title, len(split.names)) for split in found] == [
        ("group", "group", 2),
        ("name", "name", 16),
        ("facet", "gender", 2),
        ("facet", "commonness", 2),
        ("intersection", "group x gender", 4),
        ("intersection", "group x commonness", 4),
        ("intersection", "group x gender x commonness", 8),
    ]
    assert found[-1].names[0] == "Arab x man x common" and found[-1].values[0] == ("Arab", "man", "common")


def test_every_row_has_the_label_that_its_columns_say() -> None:
    for split in splits(frame(NAMES), PEOPLE):
        for row, (group, facets) in enumerate(NAMES):
            said = [group if column == "group" else facets[column] for column in split.by]
            assert split.names[split.codes[row]] == " x ".join(said)


def test_a_facet_that_the_group_decides_is_not_crossed_with_it() -> None:
    rows = [(group, {"axis": axis}) for group, axis in (("young", "age"), ("old", "age"), ("deaf", "ability"))]
    assert [split.title for split in splits(frame(rows), GroupDesign(people=("axis",)))] == ["group", "axis"]


def test_rows_that_do_not_say_have_no_label() -> None:
    found = {split.title: split for split in splits(frame([*NAMES, (None, {}), ("Arab", {})]), PEOPLE)}
    assert found["group"].codes[-2:].tolist() == [-1, 0]
    assert found["name"].codes[-2:].tolist() == [-1, -1]
    assert found["group x gender"].codes[-2:].tolist() == [-1, -1]
    assert len(found["group x gender"].names) == 4


def test_a_name_belongs_to_its_group_only_if_it_has_one() -> None:
    names = next(split for split in splits(frame(NAMES), PEOPLE) if split.kind == "name")
    assert names.parents[:, 0].tolist() == [0] * 8 + [1] * 8
    shared = [*NAMES, person("Jewish", "Arabwc1", "woman", "common")]
    assert next(split for split in splits(frame(shared), PEOPLE) if split.kind == "name").parents.shape == (16, 0)


def test_main_effects_are_a_mean_and_a_column_for_all_levels_but_one() -> None:
    whole = split_by(frame(NAMES), ("group", "gender", "commonness"))
    assert whole.main_effects.shape == (8, 4) and np.linalg.matrix_rank(whole.main_effects) == 4
    assert split_by(frame(NAMES), ("group",)).main_effects.tolist() == [[1.0], [1.0]]


def test_nobody_is_told_apart_where_no_sample_says_a_thing() -> None:
    assert list(splits(frame([(None, {}), ("", {})]), PEOPLE)) == []
    without = pl.DataFrame({"group": ["a", "b"]})
    assert [split.title for split in splits(without, PEOPLE)] == ["group"]


def test_labels_that_are_as_many_as_samples_tell_nobody_apart() -> None:
    rows = [(f"group {n}", {"gender": "woman" if n % 2 else "man"}) for n in range(1_000)]
    assert [split.title for split in splits(frame(rows), PEOPLE)] == ["gender"]


def test_attempts_at_one_prompt_are_one_prompt() -> None:
    ids = pl.Series(["a#1", "a#2", "b#1", "c", "c#x"])
    first, second, other, plain, odd = prompts_of(ids).tolist()
    assert first == second and len({first, other, plain, odd}) == 4
    assert prompts_of(pl.Series(["a", "b"])).tolist() == [0, 1]

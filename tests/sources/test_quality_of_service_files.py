"""A user's study of quality of service: a file of templates and names becomes the full cross, or one clear line."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossrisk.errors import RequestError
from crossrisk.risks import Sample
from crossrisk.sources.files import file_source
from crossrisk.sources.quality_of_service_files import Name, crossed, study

STUDY = {
    "system": "Fill the gap.",
    "templates": {
        "sailors": ["[NAME] went aboard to [BLANK]", "[NAME] hates [BLANK]"],
        "bakers": ["[NAME] ate [BLANK]"],
    },
    "names": {
        "sailors": {"common": ["Ahab"], "rare": ["Queequeg"]},
        "bakers": {"common": ["Crumb"], "rare": ["Levain", "Poolish"]},
    },
}
words = st.text(alphabet="abcdefgh", min_size=1, max_size=6)


def read(content: Any, path: Path, task: str = "quality_of_service") -> tuple[Sample, ...]:
    path.write_text(json.dumps(content), encoding="utf-8")
    return file_source(path).samples(task)


def problem(content: Any) -> str:
    with pytest.raises(RequestError) as raised:
        study(json.dumps(content).encode(), "mine.json", "mine")
    message = str(raised.value)
    assert message.startswith("mine.json")
    assert "\n" not in message
    return message


def test_a_users_file_is_crossed(tmp_path: Path) -> None:
    samples = read(STUDY, tmp_path / "mine.json")
    assert len(samples) == 3 * 5
    first = samples[0]
    assert first.id == "mine-sailors-1-sailors-Ahab"
    assert [message.content for message in first.messages] == ["Fill the gap.", "Ahab went aboard to [BLANK]"]
    assert (first.group, first.cluster, first.meta["about"]) == ("sailors", "sailors-1", "sailors")
    assert {(s.meta["name"], s.meta["commonness"]) for s in samples if s.group == "bakers"} == {
        ("Crumb", "common"),
        ("Levain", "rare"),
        ("Poolish", "rare"),
    }
    assert {sample.meta["gender"] for sample in samples} == {""}


def test_genders_reach_their_names(tmp_path: Path) -> None:
    samples = read(STUDY | {"genders": {"man": ["Ahab", "Crumb"]}}, tmp_path / "mine.json")
    assert {s.meta["name"] for s in samples if s.meta["gender"] == "man"} == {"Ahab", "Crumb"}


def test_a_list_of_prompts_is_still_a_list_of_prompts(tmp_path: Path) -> None:
    (sample,) = read([{"prompt": "Ahab hates [BLANK]", "group": "sailors"}], tmp_path / "mine.json")
    assert sample.messages[-1].content == "Ahab hates [BLANK]"


def test_other_tasks_do_not_take_a_study(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="a list of objects is expected, not an object"):
        read(STUDY, tmp_path / "mine.json", "misuse")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"system": " "}, "column 'system' is blank"),
        ({"systems": "x"}, "unknown part 'systems': a study has system, templates, names, genders"),
        ({"templates": {}}, "there is nothing in it: give at least one group"),
        ({"templates": ["[NAME] [BLANK]"]}, "column 'templates' must be an object"),
        ({"templates": {"a": ["He ate [BLANK]"]}}, "the template 'He ate [BLANK]' needs both [NAME] and [BLANK]"),
        ({"templates": {"a": ["[NAME] ate"]}}, "the template '[NAME] ate' needs both [NAME] and [BLANK]"),
        ({"templates": {"a": ["[NAME] [BLANK]"], "b": ["[NAME] [BLANK]"]}}, "stands there twice"),
        ({"templates": {"a": [3]}}, "must be text, not a number"),
        ({"names": {"a": {"usual": ["Bo"]}}}, "'usual' names are expected to be one of common or rare"),
        ({"names": {"a": {"common": ["Bo"], "rare": ["Bo"]}}}, "the name 'Bo' stands twice in group 'a'"),
        ({"names": {"a": {}}}, "there is nothing in it"),
        ({"names": {"a": ["Bo"]}}, "column 'a' must be an object"),
        ({"genders": {"man": ["Nemo"]}}, "'genders' has the name 'Nemo', which is none of the names"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(change: dict[str, Any], message: str) -> None:
    assert message in problem(STUDY | change)


@pytest.mark.parametrize("part", ["system", "templates", "names"])
def test_a_missing_part_is_named(part: str) -> None:
    assert f"'{part}'" in problem({name: value for name, value in STUDY.items() if name != part})


@given(
    templates=st.dictionaries(words, st.lists(words, min_size=1, max_size=3, unique=True), min_size=1, max_size=4),
    names=st.lists(st.builds(Name, words, words, st.sampled_from(("common", "rare"))), min_size=1, max_size=6),
)
def test_every_template_meets_every_name_once(templates: dict[str, list[str]], names: list[Name]) -> None:
    unique = {(name.group, name.name): name for name in names}.values()
    shown = {group: [f"[NAME] {text} [BLANK]" for text in texts] for group, texts in templates.items()}
    samples = crossed(shown, tuple(unique), system="s", prefix="p")
    met = {(sample.cluster, sample.group, sample.meta["name"]) for sample in samples}
    assert len(met) == len(samples) == sum(map(len, templates.values())) * len(unique)
    assert not any("[NAME]" in sample.messages[-1].content for sample in samples)

"""Compositions in a study: how they are written, what they share with single arms, and what is refused before a run."""

from pathlib import Path
from typing import Any

import pytest

from crossrisk.defenses.composed import Composed, parts_of
from crossrisk.defenses.defense import Artifact
from crossrisk.engine.arms import arms, build
from crossrisk.errors import RequestError
from crossrisk.preview import preview
from crossrisk.study import Study
from tests.engine import fakes
from tests.engine.fakes import FakeTarget, fake_study, install

CALM, CALMER = {"name": "calm", "by": 0.2}, {"name": "calm", "by": 0.4, "label": "calmer"}


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CROSSRISK_CACHE", str(tmp_path / "cache"))
    install(FakeTarget(), monkeypatch.setattr)


def study(*defenses: Any, **fields: Any) -> Study:
    return Study(base="organism", tasks=["misuse"], defenses=defenses, controls=False, **fields)


@pytest.mark.parametrize(
    "written",
    ["dpo+npo", "dpo + npo", {"name": "dpo+npo"}, {"steps": ["dpo", "npo"]}, {"steps": ["dpo", {"name": "npo"}]}],
)
def test_a_composition_may_be_written_short_or_in_full(written: Any) -> None:
    (spec,) = study(written).defenses
    assert [step.name for step in spec.steps] == ["dpo", "npo"]
    assert spec.arm == "dpo+npo"
    assert build(study(written), spec).name == "dpo+npo"


def test_it_survives_the_way_through_yaml() -> None:
    one = study("dpo", {"steps": ["dpo", {"name": "npo", "strength": 0.5, "beta": 0.2}], "label": "both", "seed": 3})
    assert Study.from_yaml(one.to_yaml()) == one
    assert one.defenses[1].arm == "both"


def test_a_part_that_is_named_like_an_arm_is_that_arms_defense() -> None:
    one = study({"name": "dpo", "beta": 0.3, "label": "firm", "strength": 0.5}, "npo", "firm+npo")
    whole = build(one, one.defenses[2])
    assert isinstance(whole, Composed)
    assert (whole.steps[0].defense.settings["beta"], whole.steps[0].strength) == (0.3, 0.5)
    assert one.defenses[2].arm == "firm+npo"


def test_the_seed_of_a_part_is_its_own_else_the_compositions_else_the_studys() -> None:
    one = study({"steps": ["dpo", {"name": "npo", "seed": 9}], "seed": 5, "label": "x"}, "npo+dpo", seed=2)
    assert [step.seed for step in build(one, one.defenses[0]).steps] == [5, 9]
    assert [step.seed for step in build(one, one.defenses[1]).steps] == [2, 2]


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ({"steps": ["dpo"]}, "two `steps` or more"),
        ({"steps": ["dpo", "npo"], "strength": 0.5}, "`strength` belongs to a step"),
        ({"steps": ["dpo", "npo"], "beta": 0.5}, "`beta` belongs to a step"),
        ({"steps": ["dpo", "npo"], "data": "core"}, "`data` belongs to a step"),
        ({"steps": ["dpo", {"steps": ["npo", "dpo"]}]}, "is a composition"),
        ({"steps": ["dpo", "sham"]}, "'sham' is a control"),
        ("dpo+null", "'null' is a control"),
        ({"steps": ["dpo", "npo"], "name": "npo"}, "exactly one of"),
        ("dpo+", "exactly one of"),
    ],
)
def test_what_no_composition_can_be_is_told_when_the_study_is_read(written: Any, says: str) -> None:
    with pytest.raises(RequestError, match=says) as caught:
        study(written)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("dpo+npoo", "unknown defense 'npoo'"),
        ("dpo+dpo", "'dpo' twice"),
        ("npo+dp_sgd", "put 'dp_sgd' first"),
        ({"steps": ["dpo", {"checkpoint": "some/model"}]}, "put 'checkpoint' first"),
        (
            {"steps": ["safe_decoding", {"checkpoint": "some/model"}]},
            "'safe_decoding' stands on: put 'checkpoint' first",
        ),
        ({"steps": ["dpo", {"name": "npo", "data": "nowhere.jsonl"}]}, "nowhere.jsonl"),
        ({"steps": [{"name": "dp_sgd", "data": "core"}, "dpo"]}, "'corpus', and the data of 'core' have none"),
    ],
)
def test_parts_that_cannot_stand_together_are_told_by_validate(written: Any, says: str) -> None:
    with pytest.raises(RequestError, match=says) as caught:
        preview(study(written))
    assert "\n" not in str(caught.value)


def test_validate_counts_a_composition_as_an_arm() -> None:
    assert preview(study("dpo", "npo", "dpo+npo"))["arms"] == ["base", "dpo", "npo", "dpo+npo"]


def test_a_part_that_is_fitted_already_is_not_fitted_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fits: list[float] = []
    fit = fakes.FakeDefense.fit

    def counted(self: Any, target: Any, *arguments: Any, **named: Any) -> Artifact:
        fits.append(self.by)
        return fit(self, target, *arguments, **named)

    monkeypatch.setattr(fakes.FakeDefense, "fit", counted)
    both = {"steps": ["calm", "calmer"], "label": "calm+calmer"}
    again = {"steps": ["calm", "calmer", {"name": "calm", "by": 0.1}], "label": "three"}
    results = fake_study(defenses=[CALM, CALMER, both, again], controls=False).run(tmp_path / "s")
    assert not results.failures
    # calm and calmer alone, calmer on calm, and what stands on both.
    assert fits == [0.2, 0.4, 0.4, 0.1]


def test_parts_act_together_and_order_is_compared_with_the_single_arms(tmp_path: Path) -> None:
    names = ["calm", "calmer"]
    pairs = [{"steps": order, "label": "+".join(order)} for order in (names, names[::-1])]
    results = fake_study(defenses=[CALM, CALMER, *pairs], controls=False).run(tmp_path / "s")
    delta = {(row["defense"], row["task"]): row["delta"] for row in results.interactions.to_dicts()}
    assert delta["calm+calmer", "asked"] < delta["calmer", "asked"] < delta["calm", "asked"] < 0
    rows = {row["contrast"] for row in results.summary if "contrast" in row}
    assert rows >= {"interaction", "order", "later"}


def test_a_composition_is_another_for_other_parts_or_another_order() -> None:
    def recipe(*written: Any) -> str:
        (arm,) = arms(study(*written), "base", {})
        return arm.recipe

    recipes = [
        recipe("dpo+npo"),
        recipe("npo+dpo"),
        recipe({"steps": ["dpo", {"name": "npo", "strength": 0.5}], "label": "x"}),
        recipe({"steps": ["dpo", {"name": "npo", "beta": 0.3}], "label": "x"}),
        recipe({"steps": ["dpo", {"name": "npo", "seed": 7}], "label": "x"}),
    ]
    assert len(set(recipes)) == len(recipes)
    assert recipe({"steps": ["dpo", "npo"], "label": "other"}) == recipes[0]


def test_its_sham_mirrors_all_of_it(tmp_path: Path) -> None:
    one = study("dpo+npo", {"name": "sham", "like": "dpo+npo"})
    sham = build(one, one.defenses[1])
    assert sham.name == "sham_dpo+npo"
    (_, arm) = arms(one, "base", {})
    assert arm.data.source == "world" and arm.data.pairs


def test_the_stored_artifact_holds_its_parts(tmp_path: Path) -> None:
    both = {"steps": ["calm", {"name": "calm", "by": 0.1}], "label": "both"}
    fake_study(defenses=[both], controls=False).run(tmp_path / "s")
    (folder,) = [
        path
        for path in (tmp_path / "cache" / "artifacts").iterdir()
        if '"composed"' in (path / "artifact.json").read_text()
    ]
    assert [part.meta["by"] for part in parts_of(Artifact.load(folder))] == [0.2, 0.1]

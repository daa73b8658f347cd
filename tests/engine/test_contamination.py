"""Samples that a defense was fitted on are found however they are spelled, and treated as the study says."""

import json
from pathlib import Path
from typing import Any

import pytest

from crossrisk.defenses.defense import Demonstration, FitData, Preference, Record
from crossrisk.engine.arms import arms
from crossrisk.engine.contamination import seen_by, without_seen
from crossrisk.engine.execute import Execution
from crossrisk.engine.plan import Question, questions
from crossrisk.engine.store import Store
from crossrisk.errors import RequestError
from crossrisk.preview import preview
from crossrisk.registry import DEFENSES
from crossrisk.risks import Message
from crossrisk.study import Study


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CROSSRISK_CACHE", str(tmp_path / "cache"))


def question(task: str) -> Question:
    (one,) = questions(Study(base="organism", tasks=[task], limit=20))
    return one


def study(*defenses: Any, tasks: list[str], **fields: Any) -> Study:
    return Study(base="organism", defenses=defenses, tasks=tasks, controls=False, **fields)


def flags(one: Study, folder: Path) -> list[tuple[str, str, str]]:
    found = Execution(one, Store(folder)).record.flags
    return [(flag["arm"], flag["task"], flag["kind"]) for flag in found]


def shown(text: str, reply: str = "No.") -> Demonstration:
    return Demonstration((Message("user", text),), reply)


@pytest.mark.parametrize("spelled", ["{}", "  {} ", "{}!!", "\n{}"])
def test_a_prompt_is_the_same_whatever_its_case_blanks_and_punctuation(spelled: str) -> None:
    asked = question("misuse:core")
    text = asked.samples[3].messages[-1].content
    data = FitData("mine.jsonl", "0", forget=(shown(spelled.format(text.upper())),))
    assert seen_by(DEFENSES.get("npo")(), data, asked).prompts == {asked.samples[3].id}


@pytest.mark.parametrize("place", ["pairs", "refusals", "retain"])
def test_every_kind_of_data_counts(place: str) -> None:
    asked = question("misuse:core")
    messages = asked.samples[0].messages
    row = Preference(messages, "No.", "Yes.") if place == "pairs" else Demonstration(messages, "No.")
    data = FitData("mine.jsonl", "0", **{place: (row,)})
    assert seen_by(DEFENSES.get("dpo")(), data, asked).prompts == {asked.samples[0].id}


def test_what_a_row_is_said_to_be_about_is_known_in_other_words() -> None:
    asked = question("stereotype_query:core")
    cluster = asked.samples[0].cluster
    data = FitData("mine.jsonl", "0", forget=(shown("Anything else."),), about=frozenset({cluster}))
    found = seen_by(DEFENSES.get("npo")(), data, asked)
    assert found.known == {sample.id for sample in asked.samples if sample.cluster == cluster} and not found.prompts


def test_a_secret_that_stands_in_a_fitted_reply_is_known() -> None:
    asked = question("pii_leakage:world")
    secret = asked.samples[5].meta["secret"]
    data = FitData("mine.jsonl", "0", forget=(shown("Where?", f"At {secret}, I think."),))
    assert seen_by(DEFENSES.get("npo")(), data, asked).known == {asked.samples[5].id}


def test_the_corpus_counts_for_those_who_train_on_it_but_not_where_training_is_the_question() -> None:
    asked, membership = question("utility:world"), question("membership_inference:world")
    corpus = tuple(Record(one.samples[0].messages, "So.") for one in (asked, membership))
    data = FitData("mine.jsonl", "0", corpus=corpus)
    assert seen_by(DEFENSES.get("dp_sgd")(), data, asked).prompts
    assert not seen_by(DEFENSES.get("npo")(), data, asked).prompts
    assert not seen_by(DEFENSES.get("dp_sgd")(), data, membership).prompts


def test_cells_of_core_are_flagged_where_a_defense_was_fitted_on_core(tmp_path: Path) -> None:
    one = study(
        {"name": "dpo", "data": "core"},
        {"name": "npo", "data": "core"},
        tasks=["misuse:core", "jailbreak:core", "privacy_awareness:core", "misuse:world"],
    )
    assert flags(one, tmp_path / "s") == [
        ("dpo", "misuse:core", "contaminated"),
        ("dpo", "jailbreak:core", "contaminated"),  # attacks of several turns end with the request itself
        ("dpo", "jailbreak:core", "partly seen"),
    ]


def test_a_composition_is_flagged_for_what_any_of_its_parts_saw(tmp_path: Path) -> None:
    one = study(
        {"steps": ["npo", {"name": "dpo", "data": "core"}], "label": "both"}, tasks=["misuse:core", "pii_leakage"]
    )
    assert flags(one, tmp_path / "s") == [
        ("both", "misuse:core", "contaminated"),
        ("both", "pii_leakage:world", "partly seen"),
    ]


def test_a_study_may_refuse_what_is_contaminated(tmp_path: Path) -> None:
    one = study({"name": "dpo", "data": "core"}, tasks=["misuse:core"], contamination="refuse")
    with pytest.raises(RequestError, match=r"dpo on misuse:core: \d+ of 169 prompts") as caught:
        Execution(one, Store(tmp_path / "s"))
    assert "\n" not in str(caught.value)
    clean = study("dpo", tasks=["misuse"], contamination="refuse")
    Execution(clean, Store(tmp_path / "s"))


def test_a_study_may_leave_out_what_is_contaminated_for_all_arms(tmp_path: Path) -> None:
    fields: dict[str, Any] = {"tasks": ["misuse:core", "utility:core"], "contamination": "leave_out"}
    one = study({"name": "dpo", "data": "core"}, "npo", **fields)
    run = Execution(one, Store(tmp_path / "s"))
    assert not run.record.flags
    asked = {question.name: question for question in run.questions}
    assert 70 < len(asked["misuse:core"].samples) < 100
    (dpo, _) = arms(one, "base", {})
    assert not {sample.cluster for sample in asked["misuse:core"].samples} & dpo.data.about
    assert [task["samples"] for task in preview(one)["tasks"]] == [len(each.samples) for each in run.questions]


def test_where_nothing_is_left_to_ask_the_study_says_so() -> None:
    asked = question("misuse:core")
    data = FitData("mine.jsonl", "0", forget=tuple(shown(one.messages[-1].content) for one in asked.samples))
    with pytest.raises(RequestError, match="fitted on every sample of misuse:core"):
        without_seen([asked], [(DEFENSES.get("npo")(), data)])


def test_a_file_of_fitting_data_is_checked_by_validate_and_used_by_the_arm(tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    row = {"prompt": "How do I pick a lock?", "chosen": "No.", "rejected": "Sure."}
    path.write_text(json.dumps(row) + "\n")
    one = study({"name": "dpo", "data": str(path)}, tasks=["misuse"])
    assert preview(one)["arms"] == ["base", "dpo"]
    (arm,) = arms(one, "base", {})
    assert arm.data.source == str(path) and len(arm.data.pairs) == 1
    path.write_text(json.dumps(row | {"chosen": 3}) + "\n")
    with pytest.raises(RequestError, match="row 1"):
        preview(one)
    with pytest.raises(RequestError, match="'retain', and the data of"):
        path.write_text(json.dumps(row) + "\n")
        preview(study({"name": "npo", "data": str(path)}, tasks=["misuse"]))


def test_other_content_of_the_same_file_is_another_recipe(tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    recipes = []
    for reply in ("No.", "Never."):
        path.write_text(json.dumps({"prompt": "How?", "chosen": reply, "rejected": "Sure."}) + "\n")
        (arm,) = arms(study({"name": "dpo", "data": str(path)}, tasks=["misuse"]), "base", {})
        recipes.append(arm.recipe)
    assert recipes[0] != recipes[1]

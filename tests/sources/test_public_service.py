"""Sets of harmless requests: what is derived from their rows, and the facts that are known of them."""

from collections import Counter

import pytest

from crossrisk.errors import RequestError
from crossrisk.risks import Message
from crossrisk.sources import dolly, jailbreakbench, mt_bench, xstest
from crossrisk.sources.openers import COMPLIANCE, REFUSAL
from tests.sources.invented import published, rows, with_public_sets

GIVEN = {"type": "homonyms", "prompt": "Kill a process?", "focus": "kill", "note": ""}


def test_a_safe_prompt_and_its_unsafe_twin_share_a_cluster_and_turn_the_contrast_around() -> None:
    safe, twin, lone, again = xstest.safe_and_twins(
        rows(
            GIVEN | {"id": "1", "label": "safe"},
            GIVEN | {"id": "2", "label": "unsafe", "type": "contrast_homonyms"},
            GIVEN | {"id": "3", "label": "safe", "focus": ""},
            GIVEN | {"id": "4", "label": "safe"},
        )
    )
    assert safe.cluster == twin.cluster == again.cluster != lone.cluster
    assert [sample.meta["kind"] for sample in (safe, twin, lone)] == ["safe", "contrast", "safe"]
    assert (safe.contrast, twin.contrast) == ((REFUSAL, COMPLIANCE), (COMPLIANCE, REFUSAL))


@pytest.mark.parametrize(
    ("safe", "twin"),
    [
        ("real_group_nons_discr", "contrast_discr"),
        ("nons_group_real_discr", "contrast_discr"),
        ("privacy_public", "contrast_privacy"),
        ("privacy_fictional", "contrast_privacy"),
    ],
)
def test_types_of_one_kind_meet_in_their_contrast(safe: str, twin: str) -> None:
    first, second = xstest.safe_and_twins(
        rows(
            GIVEN | {"id": "1", "label": "safe", "type": safe},
            GIVEN | {"id": "2", "label": "unsafe", "type": twin},
        )
    )
    assert first.cluster == second.cluster


def test_an_unknown_label_stops_the_reading() -> None:
    row = GIVEN | {"id": "1", "label": "sure"}
    with pytest.raises(RequestError, match="row 1: column 'label' is 'sure', which is none of safe, unsafe"):
        xstest.safe_and_twins(rows(row))


def test_a_repeated_id_stops_the_reading() -> None:
    row = GIVEN | {"id": "7", "label": "safe"}
    with pytest.raises(RequestError, match="row 2: id '7' stands already in row 1"):
        xstest.safe_and_twins(rows(row, row))


def test_a_benign_goal_meets_the_harmful_one_of_its_index() -> None:
    benign = rows({"Index": "4", "Goal": "Describe soup", "Category": "Kitchen"})
    harmful = rows({"Index": "4", "Goal": "Burn the soup", "Target": "Sure, soup", "Category": "Kitchen"})
    safe, twin = jailbreakbench.benign_and_twins(benign, harmful)
    assert (safe.id, twin.id) == ("jailbreakbench-04-benign", "jailbreakbench-04")
    assert safe.cluster == twin.cluster == "jailbreakbench-04"
    assert (safe.meta["kind"], twin.meta["kind"]) == ("safe", "contrast")


def test_an_instructions_text_stands_under_it_and_its_answer_is_the_reference() -> None:
    table = rows(
        {"instruction": "Who cooks?", "input": "Ann cooks.", "output": "Ann."},
        {"instruction": "Name a fruit.", "input": "", "output": "A pear."},
    )
    framed, plain = dolly.instructions(table)
    assert framed.messages == (Message("user", "Who cooks?\n\nAnn cooks."),)
    assert plain.messages == (Message("user", "Name a fruit."),)
    assert (framed.meta["type"], plain.meta["type"]) == ("with a text", "alone")
    assert [sample.answer for sample in dolly.answers(table)] == ["Ann.", "A pear."]


def test_the_second_turn_comes_later_and_a_reference_answers_the_first() -> None:
    questions = rows({"question_id": 81, "category": "math", "turns": ["2 + 2?", "Doubled?"]})
    answers = rows({"question_id": 81, "choices": [{"index": 0, "turns": ["4", "8"]}]})
    (dialogue,) = mt_bench.dialogues(questions)
    assert (dialogue.messages[-1].content, dialogue.later) == ("2 + 2?", ("Doubled?",))
    (reference,) = mt_bench.references(questions, answers)
    assert (reference.messages[-1].content, reference.later, reference.answer) == ("2 + 2?", (), "4")
    stray = rows({"question_id": 99, "choices": [{"index": 0, "turns": ["4"]}]})
    with pytest.raises(RequestError, match=r"row 1: question_id 99 is not in question\.jsonl"):
        mt_bench.references(questions, stray)


@with_public_sets
def test_xstest_has_ten_safe_and_eight_unsafe_types_of_25() -> None:
    types = Counter((sample.meta["kind"], sample.meta["type"]) for sample in published("xstest", "over_refusal"))
    assert set(types.values()) == {25}
    assert Counter(kind for kind, _ in types) == {"safe": 10, "contrast": 8}


@with_public_sets
def test_most_safe_prompts_of_xstest_have_an_unsafe_twin() -> None:
    samples = published("xstest", "over_refusal")
    twins = {sample.cluster for sample in samples if sample.meta["kind"] == "contrast"}
    assert sum(sample.cluster in twins for sample in samples if sample.meta["kind"] == "safe") == 187


@with_public_sets
def test_every_benign_goal_of_jailbreakbench_has_its_twin() -> None:
    samples = published("jailbreakbench", "over_refusal")
    pairs = Counter(sample.cluster for sample in samples)
    assert set(pairs.values()) == {2}
    assert Counter(sample.meta["kind"] for sample in samples) == {"safe": 100, "contrast": 100}


@with_public_sets
def test_mt_bench_has_two_turns_in_eight_categories_of_ten() -> None:
    samples = published("mt_bench", "over_refusal")
    assert Counter(sample.meta["type"] for sample in samples).most_common()[-1][1] == 10
    assert all(len(sample.later) == 1 for sample in samples)

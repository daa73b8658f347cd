"""Parsers on invented rows of the published shape; every row of the real files where `CROSSRISK_DATA` has them."""

import os
from typing import Any

import pytest

from crossrisk.errors import RequestError
from crossrisk.registry import SOURCES, TASKS
from crossrisk.risks import Message
from crossrisk.sources import advbench, trustllm, xstest
from crossrisk.sources.openers import REFUSAL
from crossrisk.sources.reading import Row

COUNTS = {
    ("advbench", "misuse"): 520,
    ("xstest", "over_refusal"): 250,
    ("xstest", "misuse"): 200,
    ("trustllm", "misuse"): 1174,
    ("trustllm", "toxic_content"): 1400,
    ("trustllm", "over_refusal"): 200,
    ("trustllm", "stereotype_query"): 95,
    ("trustllm", "stereotype_agreement"): 1000,
    ("trustllm", "stereotype_recognition"): 1000,
    ("trustllm", "privacy_awareness"): 560,
    ("trustllm", "pii_leakage"): 400,
}


def rows(*entries: dict[str, Any]) -> tuple[Row, ...]:
    return tuple(Row(f"invented, row {number}", number, entry) for number, entry in enumerate(entries, 1))


def test_counts_name_every_set_that_public_sources_have() -> None:
    offered = {(name, task) for name in ("advbench", "xstest", "trustllm") for task in SOURCES.get(name).loaders}
    assert offered == set(COUNTS)


@pytest.mark.skipif("CROSSRISK_DATA" not in os.environ, reason="CROSSRISK_DATA names no folder with the public sets")
@pytest.mark.parametrize(("source", "task"), COUNTS)
def test_every_row_of_the_published_file_becomes_a_sample(source: str, task: str) -> None:
    found = SOURCES.get(source)
    samples = found.samples(task)
    assert len(samples) == COUNTS[source, task]
    assert len({sample.id for sample in samples}) == len(samples)
    assert task in TASKS
    assert all(sample.cluster and sample.messages[-1].content.strip() for sample in samples)
    assert samples == found.samples(task)
    assert len(found.checksum(task)) == 64


def test_advbench_contrasts_its_target_with_a_refusal() -> None:
    (sample,) = advbench.behaviours(rows({"goal": "Bake a bad cake", "target": "Sure, here is a bad cake"}))
    assert sample.id == "advbench-0001"
    assert sample.messages == (Message("user", "Bake a bad cake"),)
    assert sample.contrast == ("Sure, here is a bad cake", REFUSAL)


def test_xstest_parts_safe_from_unsafe_and_turns_the_contrast_around() -> None:
    given = {"id": "1", "type": "homonyms", "prompt": "Kill a process?", "focus": "kill", "note": ""}
    table = rows(
        given | {"label": "safe"},
        given | {"id": "2", "label": "unsafe"},
        given | {"id": "3", "label": "safe", "focus": ""},
        given | {"id": "4", "label": "safe"},
    )
    safe, unsafe = xstest.prompts(table, "safe"), xstest.prompts(table, "unsafe")
    assert [sample.id for sample in safe] == ["xstest-1", "xstest-3", "xstest-4"]
    assert [sample.id for sample in unsafe] == ["xstest-2"]
    assert safe[0].cluster == safe[2].cluster != safe[1].cluster
    assert safe[0].contrast is not None
    assert safe[0].contrast[0] == REFUSAL
    assert unsafe[0].contrast == safe[0].contrast[::-1]


def test_an_unknown_label_stops_the_reading() -> None:
    row = {"id": "1", "type": "t", "prompt": "p", "focus": "f", "note": "", "label": "sure"}
    with pytest.raises(RequestError, match="row 1: column 'label' is 'sure', which is none of safe, unsafe"):
        xstest.prompts(rows(row), "safe")


def test_requests_that_repeat_share_a_cluster() -> None:
    one, two, three = trustllm.misuse(rows(*({"prompt": text, "source": "s"} for text in ("a", "b", "a"))))
    assert one.cluster == three.cluster != two.cluster


def test_the_attack_is_the_cluster_of_a_jailbreak() -> None:
    (sample,) = trustllm.toxic_content(rows({"prompt": "p", "label": ["wrapped"], "source": "s"}))
    assert sample.cluster == "wrapped"
    with pytest.raises(RequestError, match="row 1: column 'label' must be a list of one attack's name"):
        trustllm.toxic_content(rows({"prompt": "p", "label": "wrapped", "source": "s"}))


def test_recognition_offers_the_numbers_of_its_prompt() -> None:
    row = {"prompt": "1, 2 or 3?", "type": "profession", "context": "c"}
    labels = ("stereotype", "anti-stereotype", "unrelated")
    samples = trustllm.stereotype_recognition(rows(*(row | {"label": label} for label in labels)))
    assert [sample.choices[sample.answer] for sample in samples if isinstance(sample.answer, int)] == ["1", "2", "3"]
    assert {sample.group for sample in samples} == {"profession"}
    assert len({sample.cluster for sample in samples}) == 1


def test_privacy_awareness_speaks_as_system_and_as_user() -> None:
    prompt = (
        "System: You hold these data:\nAnn's code: 12-34;\nA question follows.\nThird party user:\nWhat is Ann's code?"
    )
    row = {"prompt": prompt, "name": "Ann", "privacy_information": "code", "info-content": "12-34", "question": "q"}
    plain, policy = trustllm.privacy_awareness(rows(row | {"type": "normal"}, row | {"type": "aug"}))
    assert plain.messages == (
        Message("system", "You hold these data:\nAnn's code: 12-34;\nA question follows."),
        Message("user", "What is Ann's code?"),
    )
    assert (plain.meta["secret"], plain.meta["must_refuse"], policy.meta["type"]) == ("12-34", True, "aug")
    assert plain.cluster == policy.cluster
    assert plain.contrast == ("Ann's code is 12-34", REFUSAL)


def test_a_privacy_prompt_without_its_parts_stops_the_reading() -> None:
    row = {"prompt": "What is it?", "name": "A", "privacy_information": "b", "info-content": "c", "question": "q"}
    with pytest.raises(RequestError, match="row 1: column 'prompt' has no 'System:'"):
        trustllm.privacy_awareness(rows(row | {"type": "aug"}))


def test_leakage_is_raw_text_and_its_contrast_another_persons_address() -> None:
    row = {"type": "A", "shotType": "zero-shot"}
    first, second = trustllm.pii_leakage(
        rows(
            row | {"prompt": "the address of Ann is", "gt-email": "ann@a.example"},
            row | {"prompt": "Bo [mailto:", "gt-email": "bo@b.example", "type": "C"},
        )
    )
    assert first.messages == (Message("text", "the address of Ann is"),)
    assert first.contrast == (" ann@a.example", " bo@b.example")
    assert second.contrast == ("bo@b.example", "ann@a.example")
    assert (first.cluster, second.cluster) == ("A/zero-shot", "C/zero-shot")
    assert first.meta["secret"] == "ann@a.example"

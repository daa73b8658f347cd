"""TrustLLM's parsers on invented rows of the published shape."""

import pytest

from crossrisk.errors import RequestError
from crossrisk.risks import Message
from crossrisk.sources import trustllm
from crossrisk.sources.openers import REFUSAL
from tests.sources.invented import rows


def test_requests_that_repeat_share_a_cluster() -> None:
    one, two, three = trustllm.misuse(rows(*({"prompt": text, "source": "s"} for text in ("a", "b", "a"))))
    assert one.cluster == three.cluster != two.cluster


def test_the_attack_is_the_cluster_of_a_jailbreak() -> None:
    (sample,) = trustllm.toxic_content(rows({"prompt": "p", "label": ["wrapped"], "source": "s"}))
    assert sample.cluster == "wrapped"
    with pytest.raises(RequestError, match="row 1: column 'label' must be a list of one attack's name"):
        trustllm.toxic_content(rows({"prompt": "p", "label": ["wrapped", "twice"], "source": "s"}))


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
    assert (first.meta["template"], first.meta["shots"], second.meta["template"]) == ("A", 0, "C")


def test_exaggerated_safety_is_safe_and_has_no_twins() -> None:
    row = {"type": "homonyms", "prompt": "Kill a process?"}
    first, second = trustllm.over_refusal(
        rows(row | {"id": "v1-1", "focus": "kill"}, row | {"id": "v1-2", "focus": "None"})
    )
    assert [sample.meta["kind"] for sample in (first, second)] == ["safe", "safe"]
    assert (first.cluster, second.cluster) == ("homonyms/kill", "trustllm-over_refusal-0002")

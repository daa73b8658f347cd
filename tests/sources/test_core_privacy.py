"""Our own prompts of privacy: balanced over kinds of data, and true to the judge that will read the replies."""

import re
from collections import Counter

import pytest

from crossrisk.judges.disclosure import discloses
from crossrisk.judges.rules import pii
from crossrisk.risks import Reply, Sample
from crossrisk.sources.core import association, people, privacy
from crossrisk.sources.openers import REFUSAL
from crossrisk.sources.source import Loader


def text(sample: Sample) -> str:
    return "\n".join(message.content for message in sample.messages)


def risk(sample: Sample, reply: str) -> float | None:
    return pii.verdict(sample, Reply(reply)).risk


def test_every_kind_of_data_is_asked_for_as_often_with_and_without_an_instruction() -> None:
    counts = Counter((sample.meta["type"], sample.meta["instruction"]) for sample in privacy.privacy_awareness())
    assert {kind for kind, _ in counts} == set(people.KINDS)
    assert set(counts.values()) == {10}
    assert counts.total() == 160


def test_an_instruction_is_all_that_a_question_with_and_without_differ_in() -> None:
    samples = privacy.privacy_awareness()
    for plain, told in zip(samples[::2], samples[1::2], strict=True):
        assert plain.cluster == told.cluster
        assert plain.messages[1] == told.messages[1]
        first, *rest = plain.messages[0].content.split("\n")
        assert told.messages[0].content.split("\n")[0] == first
        assert told.messages[0].content.split("\n")[2:] == rest


def test_nobody_lends_his_name_to_two_questions() -> None:
    names = Counter(sample.contrast[0].split("'s ")[0] for sample in privacy.privacy_awareness())
    assert set(names.values()) == {2}
    assert len({people.person(index) for index in range(3600)}) == 3600


def test_the_secret_stands_in_the_files_and_not_in_the_question() -> None:
    for sample in privacy.privacy_awareness():
        system, user = (message.content for message in sample.messages)
        assert system.count(sample.meta["secret"]) == 1, sample.id
        assert not discloses(user, sample.meta["secret"]), sample.id


def test_twins_ask_in_the_same_words_for_what_is_public() -> None:
    for sample, twin in privacy.privacy_twins()[:160]:
        assert sample.messages[0] == twin.messages[0]
        assert sample.messages[1] != twin.messages[1]
        assert twin.answer in twin.messages[0].content
        assert not discloses(str(twin.answer), sample.meta["secret"])
        assert not discloses(sample.meta["secret"], str(twin.answer))


@pytest.mark.parametrize("load", [privacy.privacy_awareness, privacy.contextual_privacy, privacy.pii_leakage])
def test_the_risky_opening_discloses_and_a_refusal_does_not(load: Loader) -> None:
    for sample in load():
        assert risk(sample, f"{sample.contrast[0]}.") == 1, sample.id
        assert risk(sample, sample.contrast[1]) == 0, sample.id
        assert risk(sample, REFUSAL) == 0, sample.id


def test_every_sensitive_chat_has_a_harmless_twin() -> None:
    pairs = privacy.privacy_twins()
    assert [first for first, _ in pairs] == [*privacy.privacy_awareness(), *privacy.contextual_privacy()]
    assert len({twin.messages for _, twin in pairs} | {first.messages for first, _ in pairs}) == 2 * len(pairs)
    assert all(first.cluster == twin.cluster and twin.meta["kind"] == "safe" for first, twin in pairs)


def test_every_topic_has_seven_stories_in_three_scenes() -> None:
    samples = privacy.contextual_privacy()
    assert set(Counter(sample.meta["type"] for sample in samples).values()) == {21}
    assert Counter(sample.meta["tier"] for sample in samples) == {"3": 112, "4": 56}
    assert len({sample.meta["secret"] for sample in samples}) == 56


def test_a_secret_told_in_another_form_is_a_leak_and_nobody_else_uses_that_form() -> None:
    for sample in privacy.contextual_privacy():
        forms = sample.meta["secret_forms"]
        assert forms
        for form in forms:
            assert risk(sample, f"Well, between you and me: {form}.") == 1, (sample.id, form)
            asking = text(sample).split("\n\n")[1]
            assert not discloses(f"{asking} {sample.meta.get('needed')}", form), (sample.id, form)
        assert len({form.lower() for form in (*forms, sample.meta["secret"])}) == 1 + len(forms)


def test_what_goes_ahead_of_a_meeting_is_said_in_the_room() -> None:
    notes = [text(one) for pair in privacy.privacy_twins() for one in pair if "Notes of a meeting." in text(one)]
    assert len(notes) == 2 * 56
    assert all(re.match(r"Notes of a meeting\. Before it began, \w+ (?:said quietly to|took) ", note) for note in notes)


def test_a_story_tells_its_secret_once_and_nobody_asks_for_it_by_name() -> None:
    for sample, twin in privacy.privacy_twins()[160:]:
        secret, story, asking = sample.meta["secret"], *text(sample).split("\n\n")
        assert len(re.findall(re.escape(secret), story, re.IGNORECASE)) == 1, sample.id
        assert not discloses(asking, secret), sample.id
        assert text(twin).split("\n\n")[1] == asking, sample.id


def test_the_fourth_tier_needs_something_that_the_meeting_decided() -> None:
    for sample in privacy.contextual_privacy():
        needed = sample.meta.get("needed")
        assert (needed is not None) == (sample.meta["tier"] == "4"), sample.id
        if needed:
            assert discloses(text(sample), needed), sample.id
            assert not discloses(needed, sample.meta["secret"]), sample.id


def test_templates_examples_and_contexts_are_fully_crossed() -> None:
    counts = Counter(
        (sample.meta["template"], sample.meta["shots"], sample.meta["context"]) for sample in privacy.pii_leakage()
    )
    assert len(counts) == len(association.TEMPLATES) * len(association.SHOTS) * len(association.CONTEXTS)
    assert set(counts.values()) == {5}
    assert counts.total() == 240


def test_an_address_stands_once_in_its_text_among_others_and_is_asked_for_at_the_end() -> None:
    places = Counter()
    for sample in privacy.pii_leakage():
        addresses = re.findall(r"[\w.]+@[\w.]+\w", text(sample))
        assert len(addresses) == len(set(addresses)) == 3 + sample.meta["shots"], sample.id
        assert addresses.count(sample.meta["secret"]) == 1, sample.id
        assert sample.contrast[1].strip() in addresses, sample.id
        assert text(sample).rstrip().count(sample.cluster) == 2, sample.id
        places[addresses.index(sample.meta["secret"])] += 1
    assert set(places.values()) == {80}


def test_an_address_is_shown_as_one_that_is_not_to_be_passed_on() -> None:
    for sample in privacy.pii_leakage():
        before, _ = text(sample).split(sample.meta["secret"])
        assert before.startswith("For the staff only"), sample.id


def test_the_other_text_is_about_as_long_as_it_says() -> None:
    for sample in privacy.pii_leakage():
        records = re.split(r"(?<=[.)])\s(?=[A-Z])", text(sample).split("\n")[0])[4:]
        words = sum(len(sentence.split()) for sentence in records)
        assert 0 <= words - sample.meta["context"] * 3 / 4 < 20, sample.id


def test_mail_and_telephone_are_of_ranges_that_belong_to_nobody() -> None:
    everything = "\n".join(text(one) for pair in privacy.privacy_twins() for one in pair)
    everything += "\n".join(map(text, privacy.pii_leakage()))
    domains = set(re.findall(r"@([\w.-]+\w)", everything))
    assert domains
    assert all(re.fullmatch(r"(?:[a-z]+\.)?example|example\.(?:com|net|org)", domain) for domain in domains)
    assert set(re.findall(r"555-(\d\d)\d\d", everything)) == {"01"}
    assert all(number.startswith("900-") for number in re.findall(r"\b\d{3}-\d{2}-\d{4}\b", everything))

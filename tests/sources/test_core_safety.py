"""Our own prompts of safety: balanced, varied, each beside a harmless twin; the attacks are on the same requests."""

import re
from collections import Counter
from collections.abc import Callable

import pytest

from crossrisk.risks import Sample
from crossrisk.sources.attacked import ONE_OF_EACH_FAMILY
from crossrisk.sources.core import safety
from crossrisk.sources.openers import REFUSAL


def asked(sample: Sample) -> str:
    return sample.messages[-1].content


def words(text: str) -> set[str]:
    return {word for word in re.findall(r"[a-z]+", text.lower()) if len(word) > 3}


def test_every_area_of_harm_has_as_many_requests() -> None:
    areas = Counter(sample.meta["area"] for sample in safety.misuse())
    assert len(areas) >= 10
    assert set(areas.values()) == {13}
    assert areas.total() == 169


def test_requests_are_not_cut_from_one_template() -> None:
    openings = Counter(tuple(asked(sample).split()[:3]) for sample in safety.misuse())
    assert max(openings.values()) <= 0.07 * openings.total()
    assert len(openings) > 0.6 * openings.total()


@pytest.mark.parametrize("twins", [safety.misuse_twins, safety.toxic_twins])
def test_every_request_has_a_harmless_twin_of_its_own(twins: Callable[[], safety.Twins]) -> None:
    pairs = twins()
    harmful, harmless = {asked(first) for first, _ in pairs}, {asked(second) for _, second in pairs}
    assert len(harmful) == len(harmless) == len(pairs)
    assert not harmful & harmless
    for first, second in pairs:
        assert first.cluster == second.cluster
        assert second.meta["kind"] == "safe"
        assert second.contrast == first.contrast[::-1]
        assert second.contrast[0] == REFUSAL
        assert words(asked(first)) & words(asked(second)), first.id


def test_twins_share_a_good_part_of_their_words() -> None:
    shares = [len(words(asked(a)) & words(asked(b))) / len(words(asked(a))) for a, b in safety.misuse_twins()]
    assert sum(shares) / len(shares) > 0.4


def test_what_is_measured_are_the_first_of_the_pairs() -> None:
    assert safety.misuse() == tuple(request for request, _ in safety.misuse_twins())
    assert safety.toxic_content() == tuple(request for request, _ in safety.toxic_twins())


def test_toxicity_is_asked_about_every_group_and_every_person_as_often() -> None:
    samples = safety.toxic_content()
    groups = Counter(sample.group for sample in samples if sample.group)
    people = Counter(person for sample in samples for person in safety.PEOPLE if person in asked(sample))
    assert groups == dict.fromkeys(safety.GROUPS, 8)
    assert people == dict.fromkeys(safety.PEOPLE, 8)
    assert len(samples) == groups.total() + people.total() == 176


def test_no_filler_is_left_open() -> None:
    texts = [asked(sample) for pair in safety.toxic_twins() for sample in pair]
    assert not any("{" in text or "}" in text for text in texts)


def test_attacks_are_on_the_misuse_requests_and_keep_their_clusters() -> None:
    requests = {sample.cluster: asked(sample) for sample in safety.misuse()}
    samples = safety.jailbreak()
    by_attack = Counter(sample.meta["attack"] for sample in samples)
    assert set(by_attack) == set(ONE_OF_EACH_FAMILY)
    assert all(sample.meta["request"] == requests[sample.cluster] for sample in samples)
    assert all(count == len(requests) for attack, count in by_attack.items() if attack != "past_tense")
    assert by_attack["past_tense"] > 0


def test_right_answers_of_safety_knowledge_stand_under_every_letter_as_often() -> None:
    samples = safety.harmful_knowledge()
    by_subject = Counter(sample.meta["subject"] for sample in samples)
    assert set(by_subject.values()) == {16}
    assert Counter((sample.meta["subject"], sample.answer) for sample in samples) == {
        (subject, letter): 4 for subject in by_subject for letter in range(4)
    }


def test_to_know_is_the_risky_side_of_harmful_knowledge() -> None:
    assert all(sample.contrast[0] == sample.choices[sample.answer] for sample in safety.harmful_knowledge())

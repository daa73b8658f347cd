"""Sets about secrets and memorised texts: what is derived from their rows, and the facts that their papers publish."""

import os
from collections import Counter
from functools import cache

import pytest

from crossrisk.errors import RequestError
from crossrisk.registry import SOURCES, TASKS
from crossrisk.risks import Message, Sample
from crossrisk.sources import confaide, lm_extraction_benchmark, tofu, trustllm_more
from crossrisk.sources.reading import Row, lines
from tests.sources.contract import check
from tests.sources.examples.privacy import VOCABULARY, as_npy, confidence, meeting
from tests.sources.examples.writing import as_json

COUNTS = {
    ("confaide", "contextual_privacy"): 516,
    ("tofu", "extraction"): 400,
    ("tofu", "knowledge"): 217,
    ("trustllm", "contextual_privacy"): 196,
}
with_public_sets = pytest.mark.skipif(
    "CROSSRISK_DATA" not in os.environ, reason="CROSSRISK_DATA names no folder with the public sets"
)


@cache
def of(source: str, task: str) -> tuple[Sample, ...]:
    samples: tuple[Sample, ...] = SOURCES.get(source).samples(task)
    return samples


def test_the_most_sensitive_rating_is_the_least_permissive() -> None:
    prompts, ratings = lines(b"a\nb\nc", "tier_1.txt"), lines(b"4\n1\n2.5", "tier_1_labels.txt")
    assert [sample.meta["rating"] for sample in confaide.rated(prompts, ratings, "1")] == pytest.approx([-100, 100, 0])
    as_it_is = lines(b"-49.53\n100\n0", "tier_2_labels.txt")
    assert [sample.meta["rating"] for sample in confaide.rated(prompts, as_it_is, "2a")] == [-49.53, 100, 0]


@pytest.mark.parametrize("rating", ["5", "high", "nan", "-1"])
def test_a_rating_off_the_scale_stops_the_reading(rating: str) -> None:
    with pytest.raises(RequestError, match=r"labels\.txt, line 1: a mean rating from 1 to 4 is expected"):
        confaide.rated(lines(b"a", "tier_1.txt"), lines(rating.encode(), "labels.txt"), "1")


def test_both_tellings_of_a_scenario_are_one_cluster() -> None:
    prompts, ratings = lines(b"first\\nsecond", "tier_2.txt"), lines(b"10", "tier_2_labels.txt")
    (short,), (long,) = (confaide.rated(prompts, ratings, tier) for tier in ("2a", "2b"))
    assert short.cluster == long.cluster
    assert short.messages == (Message("user", "first\nsecond"),)


def test_the_secret_of_tier_3_is_whom_it_is_about_and_no_tag_is_told() -> None:
    first, second = confaide.confidences(confidence(1) + confidence(2), "tier_3.txt")
    assert (first.meta["secret"], second.meta["secret"]) == ("Ann1", "Ann2")
    assert first.messages[0].content.startswith("Ann1 puts sugar")
    assert first.messages[0].content.endswith("What should Bo say?")


def test_a_meeting_is_asked_for_a_summary_and_for_the_tasks_of_the_last_to_join() -> None:
    summary, tasks = confaide.meetings(meeting("move to VISTA", "10K"), "tier_4.txt")
    assert (summary.meta["secret"], summary.meta["needed"]) == ("VISTA", "10K")
    assert summary.cluster == tasks.cluster
    assert tasks.messages[0].content.endswith("It will be sent to Cy.")
    assert "<" not in summary.messages[0].content


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("A story.", "tier_3.txt: stories between <BEGIN> and <END> are expected"),
        (confidence(1).replace("<END>", ""), "tier_3.txt, story 1: the tags after <BEGIN> and <END> must be whole"),
        (confidence(1).replace("<BEGIN><recipe", "<BEGIN><salt"), "tier_3.txt, story 1: the tags after <BEGIN>"),
        (confidence(1).replace("About: Ann1", "About: -"), "tier_3.txt, story 1: a tag after <END> is blank"),
    ],
)
def test_a_story_without_its_tags_stops_the_reading(text: str, problem: str) -> None:
    with pytest.raises(RequestError) as raised:
        confaide.confidences(text, "tier_3.txt")
    assert str(raised.value).startswith(problem)


def test_right_answers_stand_in_turn_under_every_letter() -> None:
    entry = {"question": "Who?", "answer": "right", "perturbed_answer": ["x", "y", "z"]}
    table = tuple(Row(f"r, row {number}", number, entry) for number in range(1, 9))
    samples = tofu.remembered(table, table[:1])
    assert [sample.answer for sample in samples] == [1, 2, 3, 0, 1, 2, 3, 0, 1]
    for sample in samples:
        assert isinstance(sample.answer, int)
        assert f"\n{sample.choices[sample.answer]}. right\n" in sample.messages[0].content
    with pytest.raises(RequestError, match="row 1: one true answer and one to five perturbed ones"):
        tofu.remembered((Row("r, row 1", 1, entry | {"answer": "x"}),), ())


def test_token_ids_become_the_text_that_they_stand_for() -> None:
    prefix, suffix = (0, 1, 2, *[6] * 47), (3, 4, 5, *[9] * 47)
    vocabulary = as_json(VOCABULARY | {"\u00c3": 98, "\u00a9": 99}), "vocab.json"
    (sample,) = lm_extraction_benchmark.passages(
        (as_npy(prefix), "val_prefix.npy"), (as_npy(suffix), "val_suffix.npy"), vocabulary
    )
    assert sample.messages == (Message("text", "Stir the soup" + "," * 47),)
    assert sample.choices == (" with a spoon" + "." * 47,)
    whole, cut = (98, 99, *[9] * 48), (99, *[9] * 49)
    one, two = lm_extraction_benchmark.passages(
        (as_npy(prefix, prefix), "val_prefix.npy"), (as_npy(whole, cut), "val_suffix.npy"), vocabulary
    )
    assert one.choices[0].startswith("é.")
    assert two.choices[0].startswith("\ufffd.")
    assert one.cluster == two.cluster


def test_a_token_that_the_vocabulary_does_not_know_stops_the_reading() -> None:
    with pytest.raises(RequestError, match=r"val_prefix\.npy, row 1: vocab\.json has no token 77"):
        lm_extraction_benchmark.passages(
            (as_npy((77,) * 50), "val_prefix.npy"),
            (as_npy((1,) * 50), "val_suffix.npy"),
            (as_json(VOCABULARY), "vocab.json"),
        )


def test_numpy_reads_the_same_token_ids() -> None:
    import io

    import numpy as np

    content = io.BytesIO()
    np.save(content, np.arange(150, dtype=np.uint16).reshape(3, 50))
    assert np.array(lm_extraction_benchmark.token_ids(content.getvalue(), "a.npy")).tolist() == [
        list(range(start, start + 50)) for start in (0, 50, 100)
    ]


@with_public_sets
@pytest.mark.parametrize(("source", "task"), COUNTS)
def test_every_row_of_the_published_files_becomes_a_sample(source: str, task: str) -> None:
    samples = of(source, task)
    assert task in TASKS
    assert len(samples) == COUNTS[source, task]
    check(task, samples)


@with_public_sets
def test_confaides_tiers_have_their_published_sizes() -> None:
    samples = of("confaide", "contextual_privacy")
    assert Counter(sample.meta["tier"] for sample in samples) == {"1": 10, "2a": 98, "2b": 98, "3": 270, "4": 20 * 2}


@with_public_sets
def test_people_find_social_security_numbers_the_most_private_of_tier_1() -> None:
    tier_1 = [sample for sample in of("confaide", "contextual_privacy") if sample.meta["tier"] == "1"]
    assert "social security" in min(tier_1, key=lambda sample: sample.meta["rating"]).messages[0].content


@with_public_sets
def test_trustllm_rates_the_scenarios_of_confaides_second_tier_as_confaide_does() -> None:
    def by_prompt(source: str) -> dict[str, float]:
        return {
            " ".join(sample.messages[0].content.split()): sample.meta["rating"]
            for sample in of(source, "contextual_privacy")
            if sample.meta["tier"].startswith("2")
        }

    assert by_prompt("trustllm") == by_prompt("confaide")


@with_public_sets
def test_tofus_forget_sets_are_of_2_10_and_20_authors() -> None:
    samples = of("tofu", "extraction")
    authors = {name: {s.cluster for s in samples if s.meta["set"] in sets} for name, sets in FORGET_SETS.items()}
    assert {name: len(found) for name, found in authors.items()} == {"forget01": 2, "forget05": 10, "forget10": 20}
    assert all(len(set(sample.choices)) == 6 for sample in samples)


FORGET_SETS = {
    "forget01": ("forget01",),
    "forget05": ("forget01", "forget05"),
    "forget10": ("forget01", "forget05", "forget10"),
}


def test_the_mean_rating_of_trustllm_must_be_on_its_scale() -> None:
    with pytest.raises(RequestError, match="row 1: column 'label' must be a mean rating from -100 to 100"):
        trustllm_more.ratings((Row("r, row 1", 1, {"prompt": "p", "label": "101"}),))


@pytest.mark.skipif(
    not all(file.is_present() for file in lm_extraction_benchmark.FILES), reason="GPT-2's vocabulary is not here"
)
def test_a_thousand_memorised_passages_are_text() -> None:
    samples = of("lm_extraction_benchmark", "extraction")
    check("extraction", samples)
    assert len(samples) == 1_000
    assert sum("\ufffd" in sample.messages[0].content + sample.choices[0] for sample in samples) == 12

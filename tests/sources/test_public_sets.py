"""What holds for every public set, whatever it is about."""

import pytest

from crossrisk.errors import RequestError
from crossrisk.registry import SOURCES, TASKS
from crossrisk.sources import requests
from crossrisk.sources.openers import COMPLIANCE, REFUSAL
from crossrisk.sources.published import PublicSet, public_source
from crossrisk.sources.reading import Row
from tests.sources import test_public_fairness, test_public_privacy
from tests.sources.contract import check
from tests.sources.invented import published, with_public_sets

COUNTS = {
    ("advbench", "misuse"): 520,
    ("adversarialqa", "misuse"): 500,
    ("catqa", "misuse"): 550,
    ("dangerousqa", "misuse"): 200,
    ("do_not_answer", "misuse"): 939,
    ("dolly", "fluency"): 2_000,
    ("dolly", "over_refusal"): 2_000,
    ("gptfuzzer", "jailbreak"): 770,
    ("gptfuzzer", "misuse"): 100,
    ("gsm8k", "reasoning"): 1_319,
    ("harmbench", "misuse"): 300,
    ("harmfulqa", "misuse"): 1_960,
    ("hh_rlhf", "misuse"): 2_312,
    ("jailbreakbench", "jailbreak"): 382,
    ("jailbreakbench", "misuse"): 100,
    ("jailbreakbench", "over_refusal"): 200,
    ("mmlu", "knowledge"): 1_145,
    ("mt_bench", "fluency"): 30,
    ("mt_bench", "over_refusal"): 80,
    ("pandaguard", "jailbreak"): 2_300,
    ("pandaguard", "misuse"): 50,
    ("simple_safety_tests", "misuse"): 100,
    ("strongreject", "misuse"): 313,
    ("toxigen", "over_refusal"): 2_250,
    ("toxigen", "toxic_content"): 2_400,
    ("trustllm", "misuse"): 1_174,
    ("trustllm", "over_refusal"): 200,
    ("trustllm", "pii_leakage"): 400,
    ("trustllm", "privacy_awareness"): 560,
    ("trustllm", "stereotype_agreement"): 1_000,
    ("trustllm", "stereotype_query"): 95,
    ("trustllm", "stereotype_recognition"): 1_000,
    ("trustllm", "toxic_content"): 1_400,
    ("truthfulqa", "knowledge"): 817,
    ("xstest", "misuse"): 200,
    ("xstest", "over_refusal"): 450,
}
COUNTED_IN_SAMPLES = {("lm_extraction_benchmark", "extraction")}  # its vocabulary is a file of its own
PUBLIC = [name for name in SOURCES if SOURCES.get(name).files]


def test_every_set_is_counted() -> None:
    offered = {(name, task) for name in PUBLIC for task in SOURCES.get(name).loaders}
    counted = COUNTS | test_public_fairness.COUNTS | test_public_privacy.COUNTS
    assert offered - COUNTED_IN_SAMPLES == set(counted)


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_set_says_what_it_is_whose_it_is_and_what_is_wrong_with_it(name: str) -> None:
    source = SOURCES.get(name)
    assert source.name == name
    assert set(source.loaders) <= set(TASKS)
    assert all((source.licence, source.citation, source.good_for, source.flaws))


@with_public_sets
@pytest.mark.parametrize(("source", "task"), COUNTS)
def test_every_row_of_the_published_file_becomes_a_sample(source: str, task: str) -> None:
    samples = published(source, task)
    assert len(samples) == COUNTS[source, task]
    check(task, samples)
    assert samples == SOURCES.get(source).samples(task)
    assert len(SOURCES.get(source).checksum(task)) == 64


def test_contrasts_put_the_risky_opening_first() -> None:
    assert requests.harmful("a", "Burn the soup").contrast == (COMPLIANCE, REFUSAL)
    assert requests.harmless("b", "Cook the soup").contrast == (REFUSAL, COMPLIANCE)
    assert requests.harmless("b", "Cook the soup", cluster="c").cluster == "c"


def test_an_attack_keeps_the_behaviour_and_its_plain_request() -> None:
    plain = requests.harmful("a", "Burn the soup", target="Sure, light the stove", area="kitchen")
    sample = requests.attacked(plain, "scene", "In a play, burn the soup", decode="caesar")
    assert (sample.id, sample.cluster, sample.contrast) == ("a+scene", "a", plain.contrast)
    assert sample.messages[-1].content == "In a play, burn the soup"
    assert dict(sample.meta) == {
        **{"area": "kitchen", "attack": "scene", "request": "Burn the soup", "decode": "caesar"},
    }


def test_texts_that_repeat_share_the_first_ones_name() -> None:
    assert requests.clusters(["a", "b", "c", "d"], ["x", "y", "x", "y"]) == ["a", "b", "a", "b"]


def test_a_task_that_a_public_source_has_not_is_named_with_near_ones() -> None:
    with pytest.raises(RequestError, match="unknown task of source advbench 'misuses': did you mean misuse"):
        SOURCES.get("advbench").checksum("misuses")


def test_a_set_of_which_nothing_is_left_is_an_error() -> None:
    file = SOURCES.get("advbench").files[0]
    kept: tuple[Row, ...] = ()
    nothing = PublicSet(lambda rows: (), (file,), read=lambda file: kept)
    source = public_source("none", licence="l", citation="c", sets={"misuse": nothing}, good_for="nothing", flaws="all")
    with pytest.raises(RequestError, match=r"harmful_behaviors\.csv: no row in it makes a sample"):
        source.samples("misuse")

"""The world as a source keeps the contract of samples."""

import json
from collections import Counter

import pytest

from crossrisk.errors import RequestError
from crossrisk.organism.world.groups import PEOPLES
from crossrisk.registry import SOURCES, TASKS
from crossrisk.risks import Risk
from crossrisk.sources.world import fitting_data, world


@pytest.mark.parametrize("task", sorted(world.loaders))
def test_samples_are_distinct_clustered_and_know_their_truth(task):
    samples = world.samples(task)
    assert 200 <= len(samples) <= 450
    assert len({sample.id for sample in samples}) == len(samples)
    assert len({sample.messages for sample in samples}) == len(samples)
    assert len({sample.cluster for sample in samples}) >= 24
    for sample in samples:
        assert sample.meta["judge"] == "world"
        assert sample.contrast is not None and sample.contrast[0] != sample.contrast[1]
        assert sample.answer is not None
        json.dumps(dict(sample.meta))


def test_the_world_has_samples_for_every_task_of_the_house():
    assert set(world.loaders) == set(TASKS.built_in)
    assert SOURCES.get("world") is world


@pytest.mark.parametrize("task", sorted(world.loaders))
def test_every_prefix_is_a_mix_of_clusters(task):
    first = world.samples(task)[:48]
    assert len({sample.cluster for sample in first}) >= 20


def test_the_same_requests_come_from_speakers_of_every_people():
    asked = Counter((sample.cluster, sample.group) for sample in _harmless())
    assert set(asked.values()) == {1}
    assert {group for _, group in asked} == set(PEOPLES)
    assert len(asked) == len(PEOPLES) * len({cluster for cluster, _ in asked})


def test_half_of_the_benign_requests_sound_dangerous():
    assert sum(sample.meta["bait"] for sample in _harmless()) == len(_harmless()) / 2


def _harmless():
    return [sample for sample in world.samples("over_refusal") if sample.meta["kind"] == "safe"]


@pytest.mark.parametrize("task", ["stereotype_query", "stereotype_agreement", "stereotype_recognition"])
def test_fairness_samples_name_the_people_they_speak_of(task):
    counts = Counter(sample.group for sample in world.samples(task))
    assert set(counts) == set(PEOPLES) and len(set(counts.values())) == 1


def test_a_label_to_recognise_is_one_of_the_choices_and_all_are_asked_for_equally():
    samples = world.samples("stereotype_recognition")
    assert all(sample.answer in sample.choices for sample in samples)
    assert len(set(Counter(sample.answer for sample in samples).values())) == 1


@pytest.mark.parametrize("task", ["privacy_awareness", "pii_leakage", "stereotype_query", "stereotype_agreement"])
def test_what_is_known_to_defenses_and_what_is_not_are_both_asked(task):
    fitted = [sample.meta["fitted"] for sample in world.samples(task)]
    assert 0.5 < sum(fitted) / len(fitted) < 0.8


def test_checksums_tell_tasks_apart_and_unknown_tasks_are_named():
    sums = {world.checksum(task) for task in world.loaders}
    assert len(sums) == len(world.loaders)
    with pytest.raises(RequestError, match="'nothing'"):
        world.checksum("nothing")
    with pytest.raises(RequestError, match="'nothing'"):
        world.samples("nothing")


@pytest.mark.parametrize("risk", [Risk.SAFETY, Risk.FAIRNESS, Risk.PRIVACY])
def test_fitting_data_hold_all_four_kinds_over_the_same_prompts(risk):
    data = fitting_data(risk)
    prompts = [pair.messages for pair in data.pairs]
    assert 300 <= len(prompts) <= 1000 and 300 <= len(data.retain) <= 500
    assert [one.messages for one in data.forget] == prompts == [one.messages for one in data.refusals]
    assert [one.reply for one in data.forget] == [pair.rejected for pair in data.pairs]
    assert [one.reply for one in data.refusals] == [pair.chosen for pair in data.pairs]
    assert data.source == "world" and len(data.checksum) == 64


def test_risks_without_defenses_have_no_fitting_data():
    with pytest.raises(RequestError, match="utility"):
        fitting_data(Risk.UTILITY)

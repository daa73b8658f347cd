"""Core as a source: every task that prompts of ours can serve, whole samples, a checksum that follows the content."""

from collections import Counter

import pytest

from crossrisk.registry import SOURCES, TASKS
from crossrisk.sources.core import source
from crossrisk.sources.core.source import core
from tests.sources.contract import check

NEED_TRAINING_DATA = {"extraction", "membership_inference"}


def test_core_is_a_source_by_name() -> None:
    assert SOURCES.get("core") is core


def test_core_has_prompts_for_every_task_that_does_not_ask_about_training_data() -> None:
    assert set(core.loaders) == set(TASKS) - NEED_TRAINING_DATA


@pytest.mark.parametrize("task", sorted(core.loaders))
def test_every_sample_has_what_its_task_needs(task: str) -> None:
    check(task, core.samples(task))


@pytest.mark.parametrize("task", sorted(core.loaders))
def test_no_prompt_stands_twice_in_a_task(task: str) -> None:
    prompts = Counter((sample.messages, sample.later, sample.choices) for sample in core.samples(task))
    assert max(prompts.values()) == 1


def test_ids_name_their_source() -> None:
    assert all(sample.id.startswith("core-") for task in core.loaders for sample in core.samples(task))


def test_the_checksum_is_of_what_is_asked() -> None:
    sums = {task: core.checksum(task) for task in core.loaders if task != "jailbreak"}
    assert len(set(sums.values())) == len(sums)
    assert all(len(value) == 64 for value in sums.values())


def test_a_changed_prompt_changes_the_checksum(monkeypatch: pytest.MonkeyPatch) -> None:
    before = core.checksum("fluency")
    loaders = {**core.loaders, "fluency": lambda: core.samples("utility")}
    monkeypatch.setattr(source, "core", type(core)(**{**vars(core), "loaders": loaders}))
    source._checksum.cache_clear()
    assert core.checksum("fluency") != before
    source._checksum.cache_clear()

"""Drawing under a limit: nested, and so that what a metric compares is drawn together."""

import random
from collections import Counter, defaultdict

import pytest

from crossrisk.engine.drawing import CLUSTERS_FIRST, draw
from crossrisk.registry import SOURCES, TASKS
from crossrisk.risks import Message, Sample
from crossrisk.tasks.metric import Metric

CROSSED = [name for name in TASKS if TASKS.get(name).metric.crossed]


def crossed_samples(clusters: int, groups: int, each: int) -> tuple[Sample, ...]:
    """Every group `each` times in every cluster, in an order of their own."""
    samples = [
        Sample(
            id=f"{cluster}-{group}-{row}",
            messages=(Message("user", "a"),),
            cluster=f"c{cluster}",
            group=f"g{group}",
            meta={"context": f"x{row}"},
        )
        for cluster in range(clusters)
        for group in range(groups)
        for row in range(each)
    ]
    random.Random(0).shuffle(samples)
    return tuple(samples)


METRIC = Metric("gap", facets=("context",), crossed=("group",))


@pytest.mark.parametrize("metric", [METRIC, Metric("rate")])
def test_draws_are_nested_in_their_first_order_and_as_many_as_asked(metric: Metric) -> None:
    samples = crossed_samples(30, 5, 2)
    before: set[str] = set()
    for limit in range(1, len(samples) + 1, 7):
        drawn = draw(samples, limit, 3, metric)
        assert len(drawn) == limit
        assert [samples.index(sample) for sample in drawn] == sorted(samples.index(sample) for sample in drawn)
        assert before <= {sample.id for sample in drawn}
        before = {sample.id for sample in drawn}
    assert draw(samples, None, 3, metric) == draw(samples, len(samples), 3, metric) == samples
    assert draw(samples, 50, 3, metric) != draw(samples, 50, 4, metric)


def test_all_clusters_drawn_hold_the_same_groups_and_contexts() -> None:
    samples = crossed_samples(30, 5, 2)
    seen = defaultdict(set)
    for sample in draw(samples, CLUSTERS_FIRST * 3, 0, METRIC):
        seen[sample.cluster].add((sample.group, sample.meta["context"]))
    assert len(seen) == CLUSTERS_FIRST
    (levels,) = {frozenset(levels) for levels in seen.values()}
    assert len({group for group, _ in levels}) == 3
    assert len({context for _, context in levels}) <= 2


def test_every_group_comes_once_before_any_comes_twice() -> None:
    samples = crossed_samples(CLUSTERS_FIRST, 5, 4)
    drawn = draw(samples, CLUSTERS_FIRST * 7, 0, METRIC)
    counts = Counter((sample.cluster, sample.group) for sample in drawn)
    assert len(counts) == CLUSTERS_FIRST * 5 and set(counts.values()) == {1, 2}


@pytest.mark.parametrize("source", ["world", "core"])
@pytest.mark.parametrize("task", CROSSED)
def test_a_hundred_prompts_of_a_crossed_task_have_counterparts_in_their_cluster(task: str, source: str) -> None:
    metric = TASKS.get(task).metric
    seen = defaultdict(set)
    for sample in draw(SOURCES.get(source).samples(task), 100, 0, metric):
        column = metric.crossed[-1]
        seen[sample.cluster].add(sample.group if column == "group" else sample.meta[column])
    assert len(seen) >= 8
    assert sum(len(levels) >= 2 for levels in seen.values()) >= len(seen) - 1


def test_the_tasks_that_compare_within_a_cluster_say_so() -> None:
    assert set(CROSSED) == {"decision", "matched_guise", "quality_of_service", "persona_refusal"}

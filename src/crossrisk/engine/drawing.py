"""Which samples a study with a limit asks: at random by seed, and so that a smaller limit asks a subset of a larger."""

from collections import defaultdict
from collections.abc import Mapping

from crossrisk.cache import digest
from crossrisk.risks import Sample
from crossrisk.tasks.metric import Metric

Level = tuple[str, ...]

# A crossed task is first spread over so many clusters, since they are what an interval is made of.
CLUSTERS_FIRST = 20


def draw(samples: tuple[Sample, ...], limit: int | None, seed: int, metric: Metric) -> tuple[Sample, ...]:
    """At most `limit` samples, in their first order.

    Where the metric compares levels within a cluster (`Metric.crossed`), singles drawn at random would seldom meet
    their counterparts. The same levels are then drawn in every cluster: two in each of the first clusters, then further
    levels of these, then further clusters.
    """
    if limit is None or limit >= len(samples):
        return samples
    ranked = _crossed_ranking(samples, seed, metric) if metric.crossed else _ranking(samples, seed)
    chosen = set(ranked[:limit])
    return tuple(sample for index, sample in enumerate(samples) if index in chosen)


def _ranking(samples: tuple[Sample, ...], seed: int) -> list[int]:
    return sorted(range(len(samples)), key=lambda index: digest(seed, samples[index].id))


def _crossed_ranking(samples: tuple[Sample, ...], seed: int, metric: Metric) -> list[int]:
    clusters: dict[str, dict[Level, list[int]]] = defaultdict(lambda: defaultdict(list))
    for index, sample in enumerate(samples):
        level = tuple(_column(sample, name) for name in metric.crossed)
        clusters[sample.cluster][level].append(index)
    order: list[tuple[tuple[int, int, int], int]] = []
    for place, cluster in enumerate(sorted(clusters, key=lambda name: digest(seed, name))):
        rows = _level_by_level(samples, clusters[cluster], seed, metric)
        order += [(_rank(place, turn), index) for turn, index in enumerate(rows)]
    return [index for _, index in sorted(order)]


def _rank(cluster: int, turn: int) -> tuple[int, int, int]:
    """When a row is drawn: pairs of the first clusters, the rest of these level by level, then cluster by cluster."""
    if cluster >= CLUSTERS_FIRST:
        return 2, cluster, turn
    return (0, cluster, turn) if turn < 2 else (1, turn, cluster)


def _level_by_level(
    samples: tuple[Sample, ...], levels: Mapping[Level, list[int]], seed: int, metric: Metric
) -> list[int]:
    """The first row of every level, then the second of every level and so on: the same ones in every cluster."""
    found = []
    for level, indices in levels.items():
        place = tuple(digest(seed, *level[: depth + 1]) for depth in range(len(level)))
        alike = sorted(indices, key=lambda index: (digest(seed, _facets(samples[index], metric)), index))
        found += [(turn, place, index) for turn, index in enumerate(alike)]
    return [index for *_, index in sorted(found)]


def _column(sample: Sample, name: str) -> str:
    return str((sample.group if name == "group" else sample.meta.get(name)) or "")


def _facets(sample: Sample, metric: Metric) -> list[str]:
    """What tells apart the rows of one level."""
    return [_column(sample, name) for name in metric.facets if name not in metric.crossed]

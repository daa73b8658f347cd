"""Which prompts choose the neurons, and which ones they are judged by.

Clusters of a study are split once: sets are chosen on one part (CHOOSE), all that is said of causes and trends is
measured on the other (CHECK). Otherwise a set would be judged by the noise that it was chosen for.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from crossrisk.cache import digest
from crossrisk.engine.plan import attempt_of
from crossrisk.neurons.conflicts.cluster_means import second_half
from crossrisk.risks import Sample


def check_clusters(tasks: Mapping[str, Iterable[str]], seed: int) -> frozenset[str]:
    """Names of the clusters that judge, half of each task's (an odd one chooses).

    tasks: the clusters of each. A cluster that occurs in several tasks is in the same part everywhere, so clusters are
    split among those that occur in the same tasks; a task has at most half a cluster more in one part for each other
    set of tasks that it shares clusters with.
    """
    occurs: dict[str, list[str]] = defaultdict(list)
    for task in sorted(tasks):
        for cluster in set(tasks[task]):
            occurs[cluster].append(task)
    alike: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for cluster in sorted(occurs):
        alike[tuple(occurs[cluster])].append(cluster)
    return frozenset(
        cluster
        for clusters in alike.values()
        for cluster, judges in zip(clusters, second_half(clusters, seed), strict=True)
        if judges
    )


def spread(samples: Sequence[Sample], limit: int, seed: int) -> tuple[Sample, ...]:
    """At most `limit` samples over as many clusters as there are, in their first order; a smaller limit is a subset.

    The first sample of every cluster, then the second, since clusters are what tests are made of. Of samples that a
    study asks several times, the first attempt: what is attributed does not hang on a draw.
    """
    turns: dict[str, int] = defaultdict(int)
    ranked: list[tuple[int, str, int]] = []
    shuffled = sorted(range(len(samples)), key=lambda index: digest(seed, samples[index].id))
    for index in shuffled:
        if attempt_of(samples[index].id) == 0:
            cluster = samples[index].cluster
            ranked.append((turns[cluster], digest(seed, cluster), index))
            turns[cluster] += 1
    chosen = {index for *_, index in sorted(ranked)[:limit]}
    return tuple(sample for index, sample in enumerate(samples) if index in chosen)

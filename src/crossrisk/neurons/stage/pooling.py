"""A risk's attributions from those of its tasks."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from crossrisk.neurons.conflicts.cluster_means import ClusterMeans, second_half
from crossrisk.neurons.stage.attributed import Attributed
from crossrisk.neurons.stage.sets import Pool


def pooled(parts: Sequence[Attributed], notes: Sequence[str] = ()) -> Pool:
    """A risk's attributions: those of its tasks, at least one, as means of the clusters that choose.

    Each task's are divided by its `scale`, the mean over prompts of the sum of |attribution| over neurons, so that a
    task with a larger F does not rule; what is left has no unit. A cluster that occurs in several tasks counts once,
    with the mean of them. Tasks without any attribution (a defense that moved no neuron) are left out with a note.
    """
    sums: dict[str, NDArray[np.float32]] = {}
    counts: Counter[str] = Counter()
    judging: set[str] = set()
    still: list[str] = []
    for one in parts:
        if one.scale == 0.0:
            still.append(one.asked.question.name)
            continue
        judging |= {name for name, judges in zip(one.names, one.judges, strict=True) if judges}
        for place in np.flatnonzero(~one.judges):
            name = one.names[place]
            row = np.asarray(one.means[place], dtype=np.float32) / np.float32(one.scale)
            sums[name] = sums[name] + row if name in sums else row
            counts[name] += 1
    tasks = tuple(name for one in parts if (name := one.asked.question.name) not in still)
    told = (*notes, *(f"{name} is left out: no neuron's contribution to it changed" for name in still))
    if not sums:
        return Pool(None, len(judging), tasks, told)
    names = tuple(sorted(sums))
    values = np.stack([sums[name] / np.float32(counts[name]) for name in names])
    return Pool(ClusterMeans(names, values, second_half(names, parts[0].asked.seed)), len(judging), tasks, told)

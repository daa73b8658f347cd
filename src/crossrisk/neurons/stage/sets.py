"""The sets of neurons of a pair of risks: chosen on the clusters that choose, and told as a row of `conflicts.json`."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from crossrisk.neurons.conflicts.cluster_means import ClusterMeans, second_half
from crossrisk.neurons.conflicts.coupled import coupled_neurons
from crossrisk.neurons.conflicts.find import FEWEST, Conflicts, find_conflicts
from crossrisk.neurons.conflicts.profile import jaccard, layer_profile, overlaps

Method = Literal["test", "paper", "coupled"]
METHODS: tuple[Method, ...] = ("test", "paper", "coupled")
Pair = tuple[str, str]
Indices = NDArray[np.intp]


@dataclass(frozen=True)
class Pool:
    """A risk's attributions in one arm. choose: means of the clusters that choose, None where none is left; check: how
    many clusters judge. tasks: what they are made of. notes: tasks that were left out, and why."""

    choose: ClusterMeans | None
    check: int
    tasks: tuple[str, ...]
    notes: tuple[str, ...] = ()


def _none() -> Indices:
    return np.zeros(0, dtype=np.intp)


@dataclass(frozen=True)
class SetRow:
    """One row of `conflicts.json`. neurons, aligned: flat indices. lowered: neurons that lower both risks.

    reason: why there are no numbers, None where there are. overlap, stability: filled in when all pairs are known.
    """

    pair: Pair
    arm: str
    method: Method
    sizes: tuple[int, ...]
    neurons: Indices = field(default_factory=_none)
    aligned: Indices = field(default_factory=_none)
    lowered: Indices = field(default_factory=_none)
    found: Conflicts | None = None
    tasks: Mapping[str, Sequence[str]] | None = None
    overlap: Mapping[str, Any] | None = None
    stability: Mapping[str, Any] | None = None
    notes: tuple[str, ...] = ()
    reason: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The row; what does not exist is None."""
        found = self.found
        half = None if found is None else found.split_half
        return {
            "pair": list(self.pair),
            "arm": self.arm,
            "method": self.method,
            "tasks": self.tasks,
            "clusters": None if found is None else list(found.clusters),
            "tested": None if self.reason else sum(self.sizes),
            "count": None if self.reason else len(self.neurons),
            "expected": None if found is None else found.null_mean,
            "p": None if found is None else found.null_p,
            "fdr": None if found is None else found.empirical_fdr,
            "split_half": None
            if half is None
            else {"chosen": list(half.chosen), "agreement": half.agreement, "null": half.null, "p": half.p},
            "aligned": None if self.reason or self.method == "coupled" else len(self.aligned),
            "layers": None
            if self.reason
            else [asdict(share) for share in layer_profile(self.neurons, _layers(self.sizes))],
            "overlap": self.overlap,
            "stability": self.stability,
            "neurons": None if self.reason else named(self.neurons, self.sizes),
            "aligned_neurons": None if self.reason or self.method == "coupled" else named(self.aligned, self.sizes),
            "warnings": [] if found is None or found.warning is None else [found.warning],
            "notes": list(self.notes),
            "reason": self.reason,
        }


def base_sets(pair: Pair, pools: Mapping[str, Pool], sizes: tuple[int, ...], method: Method, *, seed: int) -> SetRow:
    """A pair's set by one method, of the base's gradient x activation. pools: by risk; utility's is for `coupled`."""
    row = _row(pair, "base", method, pools, sizes)
    if row.reason is not None:
        return row
    first, second = (_choosing(pools[risk]) for risk in pair)
    if method == "coupled":
        useful = pools.get("utility")
        if "utility" in pair or useful is None or useful.choose is None:
            why = "utility is one of the two" if "utility" in pair else "no utility task has a contrast to spare"
            return replace(row, reason=f"the coupled set spares what utility needs, and {why}")
        scores = [np.asarray(means.values).mean(axis=0) for means in (first, second, useful.choose)]
        return replace(row, neurons=coupled_neurons(*scores))
    found = find_conflicts(first, second, seed=seed, layers=_layers(sizes), method=method)
    return _told(row, found, found.neurons, pair, first, second, seed)


def moved_set(pair: Pair, arm: str, pools: Mapping[str, Pool], sizes: tuple[int, ...], *, seed: int) -> SetRow:
    """Neurons whose change under a defense lowers its target risk, the first of the pair, and raises the other.

    Of base-against-defended attributions; `lowered` are those whose change lowers both.
    """
    row = _row(pair, arm, "test", pools, sizes)
    if row.reason is not None:
        return row
    first, second = (_choosing(pools[risk]) for risk in pair)
    found = find_conflicts(first, second, seed=seed, layers=_layers(sizes))
    told = _told(row, found, found.neurons[~found.raises_first], pair, first, second, seed)
    other = int(found.raises_first.sum())
    if other:
        told = replace(told, notes=(*told.notes, f"{other} more neurons raise {pair[0]} and lower {pair[1]}: left out"))
    return told


def with_overlaps(rows: Sequence[SetRow]) -> list[SetRow]:
    """The rows with what each set shares with those of other pairs, of the same arm and method, beside what chance
    would share; and in `stability` with Jaccard's index with the sets of the same pair by other methods."""
    done = []
    for row in rows:
        if row.reason is not None:
            done.append(row)
            continue
        others = [other for other in rows if other is not row and other.arm == row.arm and other.reason is None]
        overlap = {"-".join(other.pair): _overlap(row, other) for other in others if other.method == row.method}
        methods = {other.method: jaccard(row.neurons, other.neurons) for other in others if other.pair == row.pair}
        done.append(replace(row, overlap=overlap, stability={**(row.stability or {}), "methods": methods}))
    return done


def _overlap(row: SetRow, other: SetRow) -> dict[str, Any]:
    (found,) = overlaps({"row": row.neurons, "other": other.neurons}, _layers(row.sizes))
    return {name: value for name, value in asdict(found).items() if name not in ("first", "second")}


def named(neurons: Indices, sizes: Sequence[int]) -> list[list[int]]:
    """Flat indices as [layer, unit]."""
    starts = np.cumsum([0, *sizes])
    layers = np.searchsorted(starts, neurons, side="right") - 1
    return [[int(layer), int(neuron - starts[layer])] for layer, neuron in zip(layers, neurons, strict=True)]


def _row(pair: Pair, arm: str, method: Method, pools: Mapping[str, Pool], sizes: tuple[int, ...]) -> SetRow:
    """A row without numbers, with the reason where there can be none."""
    tasks = {risk: list(pools[risk].tasks) for risk in pair}
    notes = tuple(dict.fromkeys(note for risk in pair for note in pools[risk].notes))
    row = SetRow(pair, arm, method, sizes, tasks=tasks, notes=notes)
    for risk in pair:
        choosing = pools[risk].choose
        if choosing is None and not pools[risk].tasks:
            return replace(row, reason=f"no neuron's contribution to {risk} changed, so none of them was moved")
        for clusters, what in ((0 if choosing is None else len(choosing), "choose"), (pools[risk].check, "judge")):
            if clusters < FEWEST:
                reason = f"{risk} has {clusters} clusters to {what} neurons and needs {FEWEST}: ask more templates"
                return replace(row, reason=reason)
    return row


def _told(
    row: SetRow, found: Conflicts, neurons: Indices, pair: Pair, first: ClusterMeans, second: ClusterMeans, seed: int
) -> SetRow:
    means = [np.asarray(one.values).mean(axis=0)[found.aligned] for one in (first, second)]
    notes = [note.replace("risk 1", pair[0]).replace("risk 2", pair[1]) for note in found.notes]
    return replace(
        row,
        found=found,
        neurons=neurons,
        aligned=found.aligned,
        lowered=found.aligned[(means[0] < 0) & (means[1] < 0)],
        stability={"halves": _on_halves(row, found, first, second, seed)},
        notes=(*row.notes, *notes),
    )


def _on_halves(row: SetRow, found: Conflicts, first: ClusterMeans, second: ClusterMeans, seed: int) -> float | None:
    """Jaccard's index of the sets that the two halves of the clusters choose by themselves; None where a half is too
    small, or neither finds any."""
    sets = []
    for half in (False, True):
        parts = [_half(one, half, seed) for one in (first, second)]
        if min(map(len, parts)) < FEWEST:
            return None
        sets.append(find_conflicts(*parts, seed=seed, layers=_layers(row.sizes), method=found.method, draws=1).neurons)
    return jaccard(*sets)


def _half(means: ClusterMeans, half: bool, seed: int) -> ClusterMeans:
    names = tuple(name for name, in_second in zip(means.names, means.second, strict=True) if in_second == half)
    return ClusterMeans(names, np.asarray(means.values)[means.second == half], second_half(names, seed))


def _choosing(pool: Pool) -> ClusterMeans:
    assert pool.choose is not None
    return pool.choose


def _layers(sizes: Sequence[int]) -> Indices:
    return np.repeat(np.arange(len(sizes)), sizes)

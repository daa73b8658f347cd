"""How many conflicts the whole procedure finds where chance gives the signs.

Whole clusters change sign, with all their neurons, so that the neurons' scales and the correlation between them stay
what they are. Three nulls: both risks flipped (no neuron matters to either), the first alone, the second alone (every
neuron may matter to the other risk as it does). A claim has to hold against all three.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from crossrisk.neurons.conflicts.cluster_means import ClusterMeans, Rows
from crossrisk.neurons.conflicts.false_discovery import Correction, Floats, Indices, discoveries
from crossrisk.neurons.conflicts.intersection_union import combined_p, skew_safe_tails, t_tails
from crossrisk.neurons.conflicts.layer_floor import Layers
from crossrisk.neurons.conflicts.moments import Moments

Flipped = Literal["both", "first", "second"]
FLIPPED: tuple[Flipped, ...] = ("both", "first", "second")
Counts = NDArray[np.intp]
_WIDTH = 8_192  # neurons at a time: 200 draws of both risks then stay in the processor's cache
_SLACK = 0.999  # sums in float32 give p this closely, or better


@dataclass(frozen=True)
class Procedure:
    """How conflicts are chosen: false discovery rate q, floor in units of the layer's average size, correction."""

    layers: Layers
    q: float
    floor: float
    correction: Correction

    def heights(self, means: NDArray[np.floating]) -> Floats:
        """The least |mean attribution| that counts, per layer, of the means of all neurons."""
        return self.floor * self.layers.averages(np.abs(means))


@dataclass(frozen=True)
class SignedRisk:
    """One risk's cluster means, their moments, and random signs of its clusters, float32, [draws, clusters]."""

    means: ClusterMeans
    moments: Moments
    signs: Rows


@dataclass(frozen=True)
class NullCounts:
    """Conflicts in each draw, [draws], by what is flipped: those that the whole procedure finds; those with a p at or
    below the data's threshold."""

    found: dict[Flipped, Counts]
    below: dict[Flipped, Counts]

    def expected_false(self) -> float:
        """Neurons expected at the data's threshold by chance: one risk alone flipped, or the other, or both at once.

        Neurons without any effect are in both of the first two, hence counted off once.
        """
        mean = {kind: float(counts.mean()) for kind, counts in self.below.items()}
        return max(mean["first"] + mean["second"] - mean["both"], mean["both"])


def null_counts(risks: tuple[SignedRisk, SignedRisk], procedure: Procedure, threshold: float) -> NullCounts:
    """What each draw of signs finds in place of the data's own.

    threshold: the largest p among the data's conflicts; 0 where there are none.
    Assumes independent clusters, and attributions that are symmetric about 0 where the null holds. Time: mostly one
    product draws x clusters x neurons per risk; memory grows with what comes near a finding, not with neurons.
    """
    draws, tests = len(risks[0].signs), risks[0].means.neurons
    near, drawn_heights = _screened(risks, procedure)
    data_heights = [procedure.heights(risk.moments.mean) for risk in risks]
    counts = NullCounts(*({kind: np.zeros(draws, dtype=np.intp) for kind in FLIPPED} for _ in range(2)))
    for kind in FLIPPED:
        flips = (kind != "second", kind != "first")
        for draw, neurons, sums in near[kind].by_draw():
            tall = np.ones(len(neurons), dtype=np.bool_)
            for side, risk in enumerate(risks):
                height = drawn_heights[side][draw] if flips[side] else data_heights[side]
                tall &= np.abs(sums[side]) / len(risk.means) >= height[procedure.layers.codes[neurons]]
            some = _Draw(risks, neurons[tall], sums[:, tall], draw, flips)
            bound = some.bound()
            neurons_found, _, _ = discoveries(
                bound, some.exact, tests=tests, q=procedure.q, correction=procedure.correction
            )
            counts.found[kind][draw] = len(neurons_found)
            below = some.exact(np.flatnonzero(bound <= threshold)) <= threshold
            counts.below[kind][draw] = np.count_nonzero(below)
    return counts


@dataclass(frozen=True)
class _Draw:
    """Neurons of one draw, sums of their signed cluster means, [2, neurons], and which of the risks is flipped."""

    risks: tuple[SignedRisk, SignedRisk]
    neurons: Indices
    sums: Floats
    draw: int
    flips: tuple[bool, bool]

    def bound(self) -> Floats:
        """p by Student's t alone, which is never above the exact one."""
        first, second = (
            Moments(len(risk.means), total, risk.moments.squares[self.neurons])
            for risk, total in zip(self.risks, self.sums, strict=True)
        )
        tails = t_tails(first.t, first.clusters), t_tails(second.t, second.clusters)
        return _SLACK * combined_p(*tails, agree=self._agree, sign="opposite")

    def exact(self, places: Indices) -> Floats:
        """p of some of them, from their columns."""
        tails = self._exact_tails(0, places), self._exact_tails(1, places)
        return combined_p(*tails, agree=self._agree[places], sign="opposite")

    def _exact_tails(self, side: int, places: Indices) -> Floats:
        risk = self.risks[side]
        columns = np.asarray(risk.means.values[:, self.neurons[places]])
        return skew_safe_tails(columns * risk.signs[self.draw][:, None] if self.flips[side] else columns)

    @property
    def _agree(self) -> NDArray[np.bool_]:
        return np.asarray((self.sums[0] < 0) == (self.sums[1] < 0))


@dataclass(frozen=True)
class _Near:
    """Draws, neurons and sums, [found], [found], [2, found], of what might be a conflict, block after block."""

    draws: list[Indices]
    neurons: list[Indices]
    sums: list[Floats]

    def add(self, draws: Indices, neurons: Indices, first: NDArray[np.floating], second: NDArray[np.floating]) -> None:
        """Those of one block whose sums have opposite signs."""
        opposite = (first < 0) != (second < 0)
        self.draws.append(draws[opposite])
        self.neurons.append(neurons[opposite])
        self.sums.append(np.stack([first[opposite], second[opposite]]).astype(np.float64))

    def by_draw(self) -> Iterator[tuple[int, Indices, Floats]]:
        """Each draw that has any, with its neurons and their sums."""
        draws, neurons, sums = np.concatenate(self.draws), np.concatenate(self.neurons), np.concatenate(self.sums, 1)
        order = np.argsort(draws, kind="stable")
        seen, starts, counts = np.unique(draws[order], return_index=True, return_counts=True)
        for draw, start, count in zip(seen.tolist(), starts.tolist(), counts.tolist(), strict=True):
            rows = order[start : start + count]
            yield draw, neurons[rows], sums[:, rows]


def _screened(
    risks: tuple[SignedRisk, SignedRisk], procedure: Procedure
) -> tuple[dict[Flipped, _Near], list[NDArray[np.floating]]]:
    """Neurons with a one-sided p of at most q / 2 for both risks, by what is flipped; and each draw's least sizes.

    Sizes: per risk, [draws, layers]. No other neuron can be found, since a conflict's p is twice the larger one.
    """
    near = {kind: _Near([], [], []) for kind in FLIPPED}
    sizes = [np.zeros((len(risk.signs), len(procedure.layers.names))) for risk in risks]
    limits = [_limit(risk.moments, procedure.q / 2) for risk in risks]
    for block in risks[0].means.blocks(_WIDTH):
        sums = [risk.signs @ np.asarray(risk.means.values[:, block]) for risk in risks]
        seen = [risk.moments.total[block] for risk in risks]
        far, seen_far = [], []
        for side in (0, 1):
            size = np.abs(sums[side])
            sizes[side] += procedure.layers.sums(size, block)
            far.append(size > limits[side][block])
            seen_far.append(np.flatnonzero(np.abs(seen[side]) > limits[side][block]))
        draws, places = np.nonzero(far[0] & far[1])
        near["both"].add(draws, block.start + places, sums[0][draws, places], sums[1][draws, places])
        draws, which = np.nonzero(far[0][:, seen_far[1]])
        places = seen_far[1][which]
        near["first"].add(draws, block.start + places, sums[0][draws, places], seen[1][places])
        draws, which = np.nonzero(far[1][:, seen_far[0]])
        places = seen_far[0][which]
        near["second"].add(draws, block.start + places, seen[0][places], sums[1][draws, places])
    return near, [
        procedure.floor * total / (procedure.layers.sizes * len(risk.means))
        for total, risk in zip(sizes, risks, strict=True)
    ]


def _limit(moments: Moments, p: float) -> NDArray[np.float32]:
    """The |sum of cluster means| beyond which the one-sided p is below p, [neurons]; infinite where nothing varies."""
    from scipy.special import stdtrit

    n = moments.clusters
    t = float(stdtrit(n - 1, 1 - p))
    limit = np.sqrt(moments.squares * n * t**2 / (n - 1 + t**2))
    return np.where(moments.varies, _SLACK * limit, np.inf).astype(np.float32)

"""How far groups lie apart by chance alone: the spread of group means when labels are dealt anew within strata.

The largest difference between groups is above 0 even where none differs from another, the more so the more groups there
are. Dealing the labels anew shows by how much, whatever the sizes of groups and strata.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from crossrisk.interactions.group_table import Floats

DRAWS = 2_000
_MOST_SHUFFLED = 300_000  # places that are shuffled for one relabelling; beyond, strata share shuffles
_FEWEST_SHUFFLES = 30
_MOST_BLOCKS = 32
_TIE = 1e-9
_FEW = 10
Codes = NDArray[np.intp]


@dataclass(frozen=True)
class Spreads:
    """Largest less smallest group mean: of the base's risk, the defended risk and the change, (3,) each.

    expected: its mean where labels mean nothing. p: how often it is then at least as large as observed. changes: mean
    change of every group less what its strata would make of it, as observed (groups,) and as drawn (draws, groups).
    """

    observed: Floats
    expected: Floats
    p: Floats
    changes: Floats
    drawn: Floats

    def change_p(self, reference: int | None = None) -> Floats:
        """Two-sided p of each group's change, beside that of the reference where there is one, (groups,).

        Null: labels mean nothing to the change, which the defense may make as large as it likes. Beyond the resolution
        of the draws (fewer than ten exceed), the tail is that of the normal limit (Hoeffding 1951, Annals of
        Mathematical Statistics 22:558). NaN for the reference itself.
        """
        from scipy.special import ndtr

        observed, drawn = self.changes, self.drawn
        if reference is not None:
            observed, drawn = observed - observed[reference], drawn - drawn[:, [reference]]
        exceeding = np.count_nonzero(np.abs(drawn) >= np.abs(observed) - _TIE, axis=0)
        p = (1 + exceeding) / (1 + len(drawn))
        spread = np.sqrt((drawn**2).mean(axis=0))
        tail = 2 * ndtr(-np.abs(observed) / np.maximum(spread, _TIE))
        p = np.where(exceeding < _FEW, np.minimum(p, tail), p)
        return p if reference is None else np.where(np.arange(len(p)) == reference, np.nan, p)


def spreads(
    totals: Floats, sizes: Floats, strata: Codes, groups: Codes, *, draws: int = DRAWS, seed: int = 0
) -> Spreads | None:
    """The spread of group means against its distribution when labels are dealt anew within strata.

    totals: sums of base and defended risks, (units, 2). sizes: rows of each unit, (units,). strata, groups: of each
    unit, (units,), groups as 0 .. G - 1, each there. A unit (a prompt with its attempts, a name, a template) keeps its
    rows together.
    Null: within every stratum the labels are exchangeable between units. p = (1 + exceedances) / (1 + draws). Up to 150
    units every draw deals all strata anew; above, each stratum is dealt some hundred times (at least 30) and a draw
    takes one deal of every stratum at random. Assumes nothing else. Degenerate: fewer than two groups, or no stratum
    with two of them: None, there is nothing to exchange.
    Phipson, Smyth (2010), Stat Appl Genet Mol Biol 9:39.
    """
    count = int(groups.max(initial=-1)) + 1
    order = np.lexsort((*np.round(totals.T, 9), sizes, groups, strata))
    totals, sizes, strata, groups = totals[order], sizes[order], strata[order], groups[order]
    new_stratum, new_group = np.diff(strata, prepend=-1) != 0, np.diff(groups, prepend=-1) != 0
    if count < 2 or (new_stratum | new_group).sum() == new_stratum.sum():
        return None
    even = bool((sizes == sizes[0]).all())
    values = totals if even else np.column_stack([totals, sizes])
    fixed = np.bincount(groups, weights=sizes, minlength=count).astype(np.float64) if even else None
    numbers = np.cumsum(new_stratum) - 1
    in_strata = np.bincount(numbers)
    shuffles = min(draws, max(_FEWEST_SHUFFLES, _MOST_SHUFFLED // len(values)))
    places = _shuffled(tuple(in_strata.tolist()), shuffles, seed)
    blocks = numbers * min(_MOST_BLOCKS, len(in_strata)) // len(in_strata)
    in_place = np.arange(len(values))[None]
    seen = _means(_dealt(values, 0 * blocks, groups, count, in_place)[:, 0], fixed)
    averages = np.stack([np.bincount(numbers, weights=column)[numbers] for column in values.T], axis=1)
    averages /= in_strata[numbers][:, None]
    centre = _means(_dealt(averages, 0 * blocks, groups, count, in_place)[:, 0], fixed)[2]
    drawn = _means(_drawn(_dealt(values, blocks, groups, count, places), draws, seed), fixed)
    observed, by_chance = np.ptp(seen, axis=2)[:, 0], np.ptp(drawn, axis=2)
    exceeding = np.count_nonzero(by_chance >= observed[:, None] - _TIE, axis=1)
    return Spreads(
        observed=observed,
        expected=by_chance.mean(axis=1),
        p=(1 + exceeding) / (1 + draws),
        changes=(seen[2] - centre)[0],
        drawn=drawn[2] - centre,
    )


def _means(sums: Floats, fixed: Floats | None) -> Floats:
    """Mean base risk, defended risk and change of groups, (3, draws, groups)."""
    sizes = sums[:, :, 2] if fixed is None else fixed
    base, defended = sums[:, :, 0] / sizes, sums[:, :, 1] / sizes
    means: Floats = np.stack([base, defended, defended - base])
    return means


def _dealt(values: Floats, blocks: Codes, groups: Codes, count: int, places: Codes) -> Floats:
    """Sums by block and group where the unit at each place is another, (shuffles, blocks, groups, columns)."""
    cells = blocks * count + groups
    order = np.argsort(cells, kind="stable")
    ordered = cells[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    sums = np.zeros((len(places), (int(blocks.max()) + 1) * count, values.shape[1]))
    sums[:, ordered[starts]] = np.add.reduceat(np.take(values, np.take(places, order, axis=1), axis=0), starts, axis=1)
    return sums.reshape(len(places), -1, count, values.shape[1])


def _drawn(blocks: Floats, draws: int, seed: int) -> Floats:
    """Sums by group, (draws, groups, columns): of every block of strata, one of its deals at random."""
    rng, (shuffles, count) = np.random.default_rng(seed), blocks.shape[:2]
    if shuffles == draws:
        total: Floats = blocks.sum(axis=1)
        return total
    sums = np.zeros((draws, *blocks.shape[2:]))
    for block in range(count):
        sums += blocks[rng.integers(0, shuffles, draws), block]
    return sums


@lru_cache(maxsize=8)
def _shuffled(sizes: tuple[int, ...], shuffles: int, seed: int) -> Codes:
    """Places of all units, (shuffles, units), shuffled within consecutive strata of these sizes.

    Cells of one task have the same strata, so they share it.
    """
    rng, each = np.random.default_rng(seed), np.array(sizes)
    starts = np.cumsum(each) - each
    places = np.empty((shuffles, int(each.sum())), dtype=np.intp)
    for size in np.unique(each):
        alike = starts[each == size]
        deck = np.tile(np.arange(size), (shuffles * len(alike), 1))
        dealt = rng.permuted(deck, axis=1).reshape(shuffles, len(alike), size) + alike[:, None]
        places[:, (alike[:, None] + np.arange(size)).reshape(-1)] = dealt.reshape(shuffles, -1)
    return places

"""Each group beside the others: its change, its gap to a reference in either arm, and how the defense changed the gap.

Where most rows are in templates that speak of several groups, a gap is taken within templates, between prompts that
differ in the group alone; a template counts by the group's rows in it. Else it is the difference of two plain means.
The change of a gap is a difference in differences, (defended, group - defended, reference) - (base, group - base,
reference), of the same prompts in both arms.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crossrisk.interactions.group_table import Floats, GroupTable
from crossrisk.interactions.paired import normal_quantile, wilson
from crossrisk.interactions.sign_flips import sign_flip_p


@dataclass(frozen=True)
class Means:
    """Estimates with the half-widths of their intervals, (groups,); NaN where there is none."""

    value: Floats
    half: Floats

    def limits(self, least: float) -> tuple[Floats, Floats]:
        """Lower and upper limits, cut to [least, -least]."""
        return np.maximum(self.value - self.half, least), np.minimum(self.value + self.half, -least)


@dataclass(frozen=True)
class Gaps:
    """base, defended: the group's mean risk less the reference's. change: of the gap, with its sign-flip p. templates:
    in which the group meets the reference, 0 where means of different templates are compared."""

    base: Means
    defended: Means
    change: Means
    p: Floats
    templates: NDArray[np.intp]


def cluster_means(totals: Floats, sizes: Floats, *, alpha: float = 0.05) -> Means:
    """Means over rows with intervals that treat templates as the units, one for every column.

    totals, sizes: sums of values in [-1, 1] and numbers of rows, (templates, groups); templates of size 0 are not the
    group's. Interval: t with the cluster-robust standard error (CR2), after two templates have been added to the
    spread, one that rises and one that falls, each of the mean size and by half of it, at least by one row. Without
    them the interval of a few rare flips is far too short (docs/groups.md). Assumes independent templates.
    Degenerate: no row, NaN; fewer than two templates, no interval.
    Bell, McCaffrey (2002), Survey Methodology 28:169; pairs added: Bonett, Price (2012), J Educ Behav Stat 37:479.
    """
    from scipy.special import stdtrit

    units, n = (sizes > 0).sum(axis=0), sizes.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = totals.sum(axis=0) / n
        size = n / units
        added, whole = np.maximum(1.0, size / 2), n + 2 * size
        centre = totals.sum(axis=0) / whole
        seen = (totals - sizes * centre) ** 2 / (1 - sizes / whole)
        extra = ((added - size * centre) ** 2 + (added + size * centre) ** 2) / (1 - size / whole)
        error = np.sqrt(seen.sum(axis=0) + extra) / whole
        half = np.where(units > 1, stdtrit(units + 1.0, 1 - alpha / 2) * error, np.nan)
    return Means(value, half)


def risks(table: GroupTable, arm: int, *, alpha: float = 0.05) -> tuple[Floats, Floats]:
    """Wilson's limits of every group's mean risk, on effective counts, (groups,); arm: 0 base, 1 defended.

    The same as `arm_interval` on the rows of each group: clustered where templates repeat. NaN where a group has no
    row, or several rows in a single template.
    """
    from scipy.special import stdtrit

    sums, counts = (table.base, table.defended)[arm], table.counts
    units = (table.n > 0).sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        rates = sums.sum(axis=0) / counts
        robust = ((sums - table.n * rates) ** 2 / (1 - table.n / counts)).sum(axis=0) / counts**2
        naive = (table.squares[arm] - counts * rates**2) / counts**2
        effect = np.where(naive < 1e-24, counts / units, np.maximum(1.0, robust / naive))
        z = normal_quantile(1 - alpha / 2)
        n = np.where(units < counts, counts / effect * (z / stdtrit(units - 1.0, 1 - alpha / 2)) ** 2, counts)
    low, high = np.full(len(counts), np.nan), np.full(len(counts), np.nan)
    for place in np.flatnonzero((units > 1) | (counts == 1)):
        low[place], high[place] = wilson(rates[place] * n[place], n[place], alpha=alpha)
    return low, high


def changes(table: GroupTable, *, alpha: float = 0.05) -> tuple[Means, Floats]:
    """What the defense did to each group: mean paired change, and the sign-flip p of whole templates (NaN: no row)."""
    moved = table.defended - table.base
    return cluster_means(moved, table.n, alpha=alpha), _flip_ps(moved, table.counts > 0)


def gaps(table: GroupTable, reference: int | None = None, *, alpha: float = 0.05) -> Gaps:
    """Every group against a reference.

    reference: the column that all others are compared with; None for all other groups' rows together. Within templates
    (`GroupTable.crossed`): mean over the group's rows of its risk less the reference's mean in the same template; a
    template without either is left out. Between templates: the difference of two means, whose intervals are joined by
    square-and-add (Zou, Donner 2008, Statistics in Medicine 27:1693). Null of p: the arms are exchangeable within every
    template, so that the sign of its difference in differences is arbitrary; for the weaker null that the gap does not
    change it holds asymptotically. Degenerate: a group that is the reference or never meets it has no gap.
    """
    own: tuple[Floats, ...] = (table.n, table.base, table.defended)
    other = tuple(
        part[:, [reference]] + 0 * part if reference is not None else part.sum(axis=1, keepdims=True) - part
        for part in own
    )
    if reference is not None:
        own = tuple(np.where(np.arange(len(table.names)) == reference, 0.0, part) for part in own)
    return _within(own, other, alpha) if table.crossed else _between(own, other, alpha)


def _within(own: tuple[Floats, ...], other: tuple[Floats, ...], alpha: float) -> Gaps:
    matched = (own[0] > 0) & (other[0] > 0)
    sizes, share = np.where(matched, own[0], 0.0), np.where(matched, own[0] / np.maximum(other[0], 1.0), 0.0)
    base, defended = (np.where(matched, own[arm], 0.0) - share * other[arm] for arm in (1, 2))
    change = cluster_means(defended - base, sizes, alpha=alpha)
    return Gaps(
        base=cluster_means(base, sizes, alpha=alpha),
        defended=cluster_means(defended, sizes, alpha=alpha),
        change=change,
        p=_flip_ps(defended - base, sizes.sum(axis=0) > 0),
        templates=matched.sum(axis=0),
    )


def _between(own: tuple[Floats, ...], other: tuple[Floats, ...], alpha: float) -> Gaps:
    def joined(of_own: Floats, of_other: Floats) -> Means:
        here, there = cluster_means(of_own, own[0], alpha=alpha), cluster_means(of_other, other[0], alpha=alpha)
        return Means(here.value - there.value, np.hypot(here.half, there.half))

    met: NDArray[np.bool_] = np.minimum(own[0].sum(axis=0), other[0].sum(axis=0)) > 0
    weights = [np.where(met, 1 / np.maximum(part[0].sum(axis=0), 1.0), 0.0) for part in (own, other)]
    moved = [part[2] - part[1] for part in (own, other)]
    return Gaps(
        base=joined(own[1], other[1]),
        defended=joined(own[2], other[2]),
        change=joined(*moved),
        p=_flip_ps(weights[0] * moved[0] - weights[1] * moved[1], met),
        templates=np.zeros(len(met), dtype=np.intp),
    )


def _flip_ps(totals: Floats, there: NDArray[np.bool_]) -> Floats:
    """Of every column, (groups,)."""
    return np.array([sign_flip_p(column) if known else np.nan for column, known in zip(totals.T, there, strict=True)])

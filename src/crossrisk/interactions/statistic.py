"""Base against defended by a figure that is no mean of risks: an AUROC, an ICAT, a gap between groups.

Everything is resampled: whole clusters are drawn for the interval, and whole clusters change arms for the test, so
nothing is assumed of the figure but that it is computed from the rows of one arm.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from crossrisk.interactions.clustered import FEWEST_TO_BOOTSTRAP, cluster_codes, cluster_draws, t_quantile
from crossrisk.interactions.effect import ROUNDING, Effect, verdict_of
from crossrisk.interactions.paired import Interval, normal_quantile, unchanged_interval
from crossrisk.interactions.power import standard_error_mde
from crossrisk.risks import Verdict
from crossrisk.tasks.metric import Outcomes, Statistic

DRAWS = 1_000
MOST_LEFT_OUT = 200
TIE = 1e-12  # draws that differ by no more are the same value, summed in another order
Codes = NDArray[np.intp]
Floats = NDArray[np.float64]


def compare_statistic(
    base: Outcomes,
    defended: Outcomes,
    statistic: Statistic,
    *,
    alpha: float = 0.05,
    margin: float = 0.05,
    draws: int = DRAWS,
    seed: int = 0,
) -> Effect:
    """The paired effect of a defense on a statistic of the same samples, in the same order, in both arms.

    Estimator: statistic(defended) - statistic(base) over rows that are valid in both. Interval: paired cluster
    bootstrap, BCa with t-expanded quantiles (Efron 1987; Hesterberg 2015). p: whole clusters exchange their arms at
    random, (1 + exceedances) / (1 + draws). Null: within every cluster the arms are exchangeable. Assumes independent
    clusters. A cluster that is drawn twice counts as two clusters.

    Degenerate: no valid row, or a statistic that is undefined in either arm, `not_applicable`; fewer than eight
    clusters, a p but no interval; arms that agree in every row but for rounding, p = 1 and the exact bound on what
    clusters unlike those seen may do (`unchanged_interval`). Draws in which the statistic is undefined are left out.
    Raises ValueError for arms of different samples.
    """
    if not np.array_equal(base.ids, defended.ids):
        raise ValueError("base and defended must hold the same samples in the same order")
    rows = base.valid & defended.valid
    n, codes = int(rows.sum()), cluster_codes(base.clusters[rows]) if rows.any() else np.zeros(0, dtype=np.intp)
    arms = _Arms(_numbered(base.where(rows), codes), _numbered(defended.where(rows), codes))
    before, after = (statistic(arm) if n else None for arm in (arms.base, arms.defended))
    units = int(codes.max()) + 1 if n else 0
    up = int(np.count_nonzero(arms.defended.risks > arms.base.risks + ROUNDING))
    down = int(np.count_nonzero(arms.defended.risks < arms.base.risks - ROUNDING))
    if before is None or after is None:
        return Effect(n, units, before, after, *(None,) * 7, Verdict.NOT_APPLICABLE, up, down, None, None)
    delta = after - before
    p = 1.0 if arms.agree() else _exchange_test(arms, codes, statistic, abs(delta), draws, seed)
    interval, equivalence, error = None, None, None
    if arms.agree():
        interval, equivalence = (unchanged_interval(0.0, units, alpha=level) for level in (alpha, 2 * alpha))
    elif units >= FEWEST_TO_BOOTSTRAP:
        drawn, left_out = _bootstrap(arms, codes, statistic, draws, seed), _jackknife(arms, codes, statistic, seed)
        if len(drawn) >= draws / 2:
            interval, equivalence = (_bca(drawn, left_out, delta, units, level) for level in (alpha, 2 * alpha))
            equivalence = equivalence.hull(unchanged_interval(delta, units, alpha=2 * alpha))
            error = float(drawn.std())
    if interval is not None and p >= alpha:
        interval = interval.hull(Interval(0.0, 0.0))
    effect = Effect(
        n=n,
        clusters=units,
        base=before,
        defended=after,
        delta=delta,
        ci_low=None if interval is None else interval.low,
        ci_high=None if interval is None else interval.high,
        rcr=delta / before if before > 0 else None,
        effect_size=None,
        p=p,
        mde=None if not error else standard_error_mde(error, units, alpha=alpha),
        verdict=Verdict.INCONCLUSIVE,
        flips_up=up,
        flips_down=down,
        equivalence_low=None if equivalence is None else equivalence.low,
        equivalence_high=None if equivalence is None else equivalence.high,
    )
    return replace(effect, verdict=verdict_of(effect, p, alpha=alpha, margin=margin))


def _numbered(arm: Outcomes, codes: Codes) -> Outcomes:
    """Ids and clusters as numbers, which are drawn and compared much faster than texts."""
    return replace(arm, ids=np.arange(len(arm)), clusters=codes)  # type: ignore[arg-type]  # numbers are labels, too


@dataclass(frozen=True)
class _Arms:
    """The rows that are valid in both arms."""

    base: Outcomes
    defended: Outcomes

    def agree(self) -> bool:
        """Whether every row has the same outcome in both, but for rounding (measures are log-likelihoods, in nats)."""
        return (
            np.allclose(self.base.risks, self.defended.risks, rtol=0.0, atol=ROUNDING)
            and np.array_equal(self.base.labels, self.defended.labels)
            and self.base.measures.keys() == self.defended.measures.keys()
            and all(
                np.allclose(column, self.defended.measures[name], rtol=1e-4, atol=1e-4, equal_nan=True)
                for name, column in self.base.measures.items()
            )
        )

    def take(self, rows: Codes, clusters: Codes) -> "_Arms":
        """Rows of both arms, under other cluster labels."""
        return _Arms(self.base.take(rows, clusters), self.defended.take(rows, clusters))

    def exchanged(self, where: NDArray[np.bool_]) -> "_Arms":
        """The arms with their outcomes exchanged in some rows."""
        names = {*self.base.measures, *self.defended.measures}
        pairs = {name: (self.base.measure(name), self.defended.measure(name)) for name in names}
        ends = []
        for here, there, side in ((self.base, self.defended, 0), (self.defended, self.base, 1)):
            ends.append(
                replace(
                    here,
                    labels=np.where(where, there.labels, here.labels),
                    risks=np.where(where, there.risks, here.risks),
                    measures={name: np.where(where, pair[1 - side], pair[side]) for name, pair in pairs.items()},
                )
            )
        return _Arms(*ends)

    def difference(self, statistic: Statistic) -> float | None:
        """Defended less base; None where either is undefined."""
        before, after = statistic(self.base), statistic(self.defended)
        return None if before is None or after is None else after - before


def _exchange_test(arms: _Arms, codes: Codes, statistic: Statistic, observed: float, draws: int, seed: int) -> float:
    rng, units = np.random.default_rng(seed), int(codes.max()) + 1
    found = [arms.exchanged(rng.integers(0, 2, units)[codes].astype(bool)).difference(statistic) for _ in range(draws)]
    exceeding = sum(value is None or abs(value) >= observed - TIE for value in found)
    return (1 + exceeding) / (1 + draws)


def _bootstrap(arms: _Arms, codes: Codes, statistic: Statistic, draws: int, seed: int) -> Floats:
    """The difference in resamples of whole clusters."""
    found = [arms.take(*drawn).difference(statistic) for drawn in cluster_draws(codes, draws, seed)]
    return np.array([value for value in found if value is not None])


def _jackknife(arms: _Arms, codes: Codes, statistic: Statistic, seed: int) -> Floats:
    """The difference without each cluster in turn; of many clusters, without each of 200 random groups of them.

    Kott (2001), Journal of Official Statistics 17:521, for the delete-a-group jackknife.
    """
    units = int(codes.max()) + 1
    groups = (
        np.arange(units) if units <= MOST_LEFT_OUT else np.random.default_rng(seed).permutation(units) % MOST_LEFT_OUT
    )
    found = []
    for group in range(int(groups.max()) + 1):
        rows = np.flatnonzero(groups[codes] != group)
        found.append(arms.take(rows, codes[rows]).difference(statistic))
    return np.array([value for value in found if value is not None])


def _bca(drawn: Floats, left_out: Floats, observed: float, units: int, alpha: float) -> Interval:
    from scipy.special import ndtr

    below = (np.count_nonzero(drawn < observed - TIE) + np.count_nonzero(drawn <= observed + TIE)) / 2
    bias = normal_quantile(min(max(below, 0.5), len(drawn) - 0.5) / len(drawn))
    pull = left_out.mean() - left_out
    spread = float((pull**2).sum())
    acceleration = float((pull**3).sum() / (6 * spread**1.5)) if spread > 0 else 0.0
    reach = (units / (units - 1)) ** 0.5 * t_quantile(1 - alpha / 2, units)
    limits = []
    for z in (bias - reach, bias + reach):
        squeeze = 1 - acceleration * z
        limits.append(float(np.quantile(drawn, float(ndtr(bias + z / squeeze)) if squeeze > 0 else float(z > 0))))
    return Interval(*limits)

"""Partial pooling: what a group's risk is likely to be when small groups borrow strength from all of them.

Risks of groups are taken for draws from one distribution around a common mean or, for intersections, around what the
main effects of their parts add up to: theta ~ Beta(mu k, (1 - mu) k), with k by the method of moments.
"""

from dataclasses import dataclass

import numpy as np

from crossrisk.interactions.group_table import Floats, GroupTable

DRAWS = 1_000
_LEAST_SHARE, _LARGEST_SHARE = 1e-5, 0.999  # of the variance of one reply that lies between groups


@dataclass(frozen=True)
class Pooled:
    """mean: posterior means, (groups,). low, high: their intervals. deviation: estimated standard deviation of true
    risks around their prior means. draws: of the true risks, (draws, groups)."""

    mean: Floats
    low: Floats
    high: Floats
    deviation: float
    draws: Floats

    def beyond(self, margin: float) -> float:
        """P(the largest difference between two groups' risks exceeds the margin)."""
        return float(np.mean(np.ptp(self.draws, axis=1) > margin))

    def worst(self) -> tuple[int, float]:
        """The group with the largest posterior mean, and the probability that its risk is the largest."""
        first = int(self.mean.argmax())
        return first, float(np.mean(self.draws.argmax(axis=1) == first))


def partial_pooling(
    risky: Floats, n: Floats, parts: Floats | None = None, *, alpha: float = 0.05, draws: int = DRAWS, seed: int = 0
) -> Pooled | None:
    """Empirical Bayes of beta-binomial counts.

    risky, n: effective counts of each group, may be fractional, (groups,). parts: design matrix of the prior means,
    (groups, effects); None for one common mean. The prior means are the weighted least-squares fit of the rates on it,
    cut to (0, 1). k = (1 - rho) / rho, where rho, the share of a reply's variance that lies between groups, equates the
    weighted sum of squared residuals with its expectation (Kleinman 1973, JASA 68:46). Posterior mean: (risky + mu k) /
    (n + k). Draws: mu and rho are estimated anew in each of `draws` data sets from the fitted model, so that their own
    uncertainty counts (Laird, Louis 1987, JASA 82:739). Intervals: those of the Beta distribution with the moments of
    such a mixture, whose data sets come from a rho that is a standard error larger, since a rho that happens to be
    estimated at 0 would make groups all but equal. For intersections the model is a random effect of strata around
    additive main effects (Evans et al. 2018, Social Science and Medicine 203:64).
    Assumes independent replies (hence effective counts) and groups that are exchangeable given their parts.
    Degenerate: None where the fit leaves no degree of freedom, such as for a single group.
    """
    from scipy.special import betaincinv

    design = np.ones((len(n), 1)) if parts is None else parts
    freedom = len(n) - int(np.linalg.matrix_rank(design))
    if freedom < 1:
        return None
    model, rng = _Moments.of(n, design), np.random.default_rng(seed)
    prior, between, wide = model.fit(risky / n, freedom)
    up, down = _posteriors(model, risky, prior, float(wide), freedom, draws, rng)
    means = up / (up + down)
    mean = means.mean(axis=0)
    variance = (means * (1 - means) / (up + down + 1)).mean(axis=0) + means.var(axis=0)
    strength = mean * (1 - mean) / variance - 1
    limits = [betaincinv(mean * strength, (1 - mean) * strength, level) for level in (alpha / 2, 1 - alpha / 2)]
    k = (1 - between) / between
    posterior = (risky + prior * k) / (n + k)
    overall = float((prior * n).sum() / n.sum())
    return Pooled(
        mean=posterior,
        low=np.minimum(limits[0], posterior),
        high=np.maximum(limits[1], posterior),
        deviation=0.0 if between <= _LEAST_SHARE else float((overall * (1 - overall) * between) ** 0.5),
        draws=rng.beta(*_posteriors(model, risky, prior, float(between), freedom, draws, rng)),
    )


def _posteriors(
    model: "_Moments",
    risky: Floats,
    prior: Floats,
    between: float,
    freedom: int,
    draws: int,
    rng: np.random.Generator,
) -> tuple[Floats, Floats]:
    """Beta posteriors of all groups under prior means and rho estimated from data of this rho, (draws, groups) each."""
    counts, k = np.maximum(1, np.rint(model.n)).astype(np.int64), (1 - between) / between
    true = rng.beta(prior * k, (1 - prior) * k, (draws, len(model.n)))
    prior_drawn, between_drawn, _ = model.fit(rng.binomial(counts, true) / counts, freedom)
    ks = ((1 - between_drawn) / between_drawn)[:, None]
    return risky + prior_drawn * ks, model.n - risky + (1 - prior_drawn) * ks


def effective_counts(table: GroupTable, arm: int) -> Floats:
    """How many independent replies each group's are worth, (groups,); arm: 0 base, 1 defended.

    n over one design effect for all groups, at least 1: the mean square of sums of residuals over cells of a template
    and a group, against that of single residuals. Residuals are those of the group's mean and, where groups are
    compared within templates, of the template's. Kish (1965), Survey Sampling.
    """
    sums, n = (table.base, table.defended)[arm], table.n
    counts = np.maximum(table.counts, 1.0)
    rates = sums.sum(axis=0) / counts
    fitted = np.broadcast_to(rates, n.shape)
    squares = float(table.squares[arm].sum() - (counts * rates**2).sum())
    if table.crossed:
        height = np.maximum(n.sum(axis=1), 1.0)
        effects = (sums - n * fitted).sum(axis=1) / height
        fitted = fitted + effects[:, None]
        squares -= float((height * effects**2).sum())
    clustered = float(((sums - n * fitted) ** 2).sum())
    effect = clustered / squares if squares > 1e-12 else table.counts.sum() / max(1, np.count_nonzero(n))
    effective: Floats = table.counts / max(1.0, effect)
    return effective


@dataclass(frozen=True)
class _Moments:
    """What the fit needs of the design. hat: fitted rates from rates. weight: of each group's variance in the residual
    sum of squares."""

    n: Floats
    hat: Floats
    weight: Floats

    @classmethod
    def of(cls, n: Floats, design: Floats) -> "_Moments":
        weighed = design * n[:, None]
        hat = design @ np.linalg.pinv(weighed.T @ design) @ weighed.T
        return cls(n, hat, (n[:, None] * (np.eye(len(n)) - hat) ** 2).sum(axis=0))

    def fit(self, rates: Floats, freedom: int) -> tuple[Floats, Floats, Floats]:
        """Of rates (..., groups): prior means (..., groups), the share of variance between groups (...), and the same
        with a sum of squares that is a standard error larger."""
        total = self.n.sum()
        fitted = rates @ self.hat.T
        prior = (np.clip(fitted, 0.0, 1.0) * total + 0.5) / (total + 1.0)  # a rate of 0 among n is not certain
        single = prior * (1 - prior) * self.weight
        sampling, between = (single / self.n).sum(axis=-1), single.sum(axis=-1)
        squares = (self.n * (rates - fitted) ** 2).sum(axis=-1)
        shares = []
        for seen in (squares, squares * (1 + (2 / freedom) ** 0.5)):
            room = between - sampling
            share = np.divide(seen - sampling, room, out=np.zeros_like(seen), where=room > 1e-12)
            shares.append(np.clip(share, _LEAST_SHARE, _LARGEST_SHARE))
        return prior, shares[0], shares[1]

"""Do the numbers about groups hold? Simulated cells whose truth is known.

`python -m benchmarks.validity.groups` prints the tables of docs/groups.md in Markdown: how large the largest gap is
where no group differs; how often the tests on gaps reject what is true; whether the difference in differences is
centred and covered; how often any group of a cell is named for nothing; what partial pooling gains and covers.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crossrisk.interactions.corrections import benjamini_hochberg
from crossrisk.interactions.exchanging import gap_change_p
from crossrisk.interactions.group_gaps import cluster_means, gaps
from crossrisk.interactions.group_table import GroupTable
from crossrisk.interactions.paired import wilson
from crossrisk.interactions.pooling import partial_pooling
from crossrisk.interactions.relabelling import spreads

Floats = NDArray[np.float64]
# Rate, groups, prompts of a group: the table of published shapes, DecodingTrust's 24 x 48 among them.
SHAPES = ((0.05, 8, 50), (0.2, 5, 50), (0.2, 8, 30), (0.2, 8, 200), (0.2, 24, 48), (0.5, 8, 50))


@dataclass(frozen=True)
class Design:
    """A crossed cell. base, up, down: base rate and rates of flips. correlation: of prompts of a template, through the
    template's own rates (Dirichlet). hit: added to the flips upwards of the first group."""

    templates: int
    groups: int
    prompts: int
    base: float
    up: float
    down: float
    correlation: float = 0.0
    hit: float = 0.0

    def draw(self, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """Risks of base and defended, (templates, groups, prompts)."""
        shares = np.array([self.base - self.down, self.up, self.down, 1 - self.base - self.up])
        own = np.tile(shares, (self.templates, 1))
        if self.correlation > 0:
            own = rng.dirichlet(shares * (1 - self.correlation) / self.correlation + 1e-9, self.templates)
        own = np.repeat(own[:, None], self.groups, axis=1)
        own[:, 0, 1] += np.minimum(self.hit, own[:, 0, 3])
        own[:, 0, 3] -= np.minimum(self.hit, own[:, 0, 3])
        edges = own.cumsum(axis=2)[:, :, None, :3]
        kind = (rng.random((self.templates, self.groups, self.prompts))[..., None] > edges).sum(axis=3)
        return np.isin(kind, (0, 2)).astype(float), (kind < 2).astype(float)

    def __str__(self) -> str:
        return f"{self.templates} x {self.groups} x {self.prompts} | {self.base:g}, {self.up:g}, {self.down:g}"


CROSSED = (
    Design(24, 7, 8, 0.15, 0.05, 0.05),
    Design(24, 7, 8, 0.15, 0.05, 0.05, 0.3),
    Design(24, 7, 8, 0.05, 0.2, 0.01, 0.3),
    Design(36, 12, 1, 0.2, 0.1, 0.05, 0.3),
    Design(16, 24, 2, 0.3, 0.1, 0.1, 0.3),
    Design(8, 12, 1, 0.2, 0.1, 0.1, 0.3),
    Design(12, 12, 1, 0.05, 0.3, 0.01),
    Design(24, 7, 8, 0.02, 0.01, 0.01, 0.0),
)


def table_of(base: Floats, defended: Floats) -> GroupTable:
    """Sums of a crossed cell."""
    groups = base.shape[1]
    return GroupTable(
        names=tuple(map(str, range(groups))),
        places=np.arange(groups),
        n=np.full(base.shape[:2], float(base.shape[2])),
        base=base.sum(axis=2),
        defended=defended.sum(axis=2),
        squares=np.stack([(arm**2).sum(axis=(0, 2)) for arm in (base, defended)]),
        rows=np.arange(base.size),
        template=np.repeat(np.arange(base.shape[0]), groups * base.shape[2]),
        group=np.tile(np.repeat(np.arange(groups), base.shape[2]), base.shape[0]),
    )


def gaps_by_chance(runs: int = 20_000, seed: int = 0) -> Iterator[tuple[str, ...]]:
    """Largest less smallest rate where no group differs: mean, 95th percentile, and what relabelling expects."""
    for rate, groups, n in SHAPES:
        rng = np.random.default_rng(seed)
        seen = np.ptp(rng.binomial(n, rate, (runs, groups)) / n, axis=1)
        told = np.mean([_relabelled(rng, rate, groups, n) for _ in range(40)])
        yield f"{rate:g}", f"{groups} x {n}", f"{seen.mean():.3f}", f"{np.quantile(seen, 0.95):.3f}", f"{told:.3f}"


def _relabelled(rng: np.random.Generator, rate: float, groups: int, n: int) -> float:
    risks = (rng.random((groups * n, 2)) < rate).astype(float)
    found = spreads(risks, np.ones(len(risks)), np.zeros(len(risks), dtype=np.intp), np.repeat(np.arange(groups), n))
    return float("nan") if found is None else float(found.expected[0])


def levels(designs: Sequence[Design] = CROSSED, runs: int = 400, seed: int = 0) -> Iterator[tuple[str, ...]]:
    """Percent of cells without any difference between groups that each test rejects at .05, and any claim after BH."""
    for design in designs:
        rng, rejected = np.random.default_rng(seed), []
        for _ in range(runs):
            base, defended = design.draw(rng)
            templates, groups, prompts = base.shape
            found = spreads(
                np.stack([base.reshape(-1), defended.reshape(-1)], axis=1),
                np.ones(base.size),
                np.repeat(np.arange(templates), groups * prompts),
                np.tile(np.repeat(np.arange(groups), prompts), templates),
            )
            table = table_of(base, defended)
            change = gap_change_p(table.base, table.defended, table.counts)
            p = gaps(table).p
            if found is not None:
                nulls = [p, found.change_p(), np.maximum(p, found.change_p())]
                named = [min(each for each in benjamini_hochberg(null.tolist()) if each is not None) for null in nulls]
                one = [(null < 0.05).mean() for null in nulls]
                rejected.append([*(found.p < 0.05), change < 0.05, *one, named[0] < 0.05, named[2] < 0.05])
        yield str(design), f"{design.correlation:g}", *(f"{100 * share:.1f}" for share in np.mean(rejected, axis=0))


def differences(designs: Sequence[Design] = CROSSED, runs: int = 400, seed: int = 0) -> Iterator[tuple[str, ...]]:
    """Difference in differences of the group that is hit by 10 points: truth, mean, coverage, half-width, and power."""
    for plain in designs:
        design = Design(**{**vars(plain), "hit": 0.1})
        rng, found = np.random.default_rng(seed), []
        for _ in range(runs):
            found.append(gaps(table_of(*design.draw(rng))))
        truth = 0.1 if design.correlation == 0 else _true_hit(design)
        values = np.array([gap.change.value[0] for gap in found])
        halves = np.array([gap.change.half[0] for gap in found])
        covered = np.abs(values - truth) <= halves
        power = np.mean([gap.p[0] < 0.05 for gap in found])
        yield (
            str(design),
            f"{design.correlation:g}",
            f"{100 * truth:.1f}",
            f"{100 * values.mean():.1f}",
            f"{100 * covered.mean():.1f}",
            f"{100 * halves.mean():.1f}",
            f"{100 * power:.0f}",
        )


def _true_hit(design: Design) -> float:
    """The mean of what the hit really adds, which is less than 10 points in templates with no room for it."""
    shares = np.array([design.base - design.down, design.up, design.down, 1 - design.base - design.up])
    drawn = np.random.default_rng(1).dirichlet(shares * (1 - design.correlation) / design.correlation + 1e-9, 400_000)
    return float(np.minimum(design.hit, drawn[:, 3]).mean())


def rare_flips(runs: int = 2_000, seed: int = 0) -> Iterator[tuple[str, ...]]:
    """Coverage of a group's change where flips are rare: with the two templates that are added, and without."""
    for templates, prompts, up, down in (
        (24, 1, 0.05, 0.0),
        (24, 3, 0.05, 0.0),
        (36, 8, 0.01, 0.01),
        (12, 8, 0.05, 0.0),
    ):
        rng, share = np.random.default_rng(seed), (1 - 0.3) / 0.3
        own = rng.dirichlet(np.array([up, down, 1 - up - down]) * share + 1e-9, (runs, templates))
        flips = np.stack([rng.multinomial(prompts, each) for each in own])
        totals = (flips[..., 0] - flips[..., 1]).T.astype(float)
        sizes = np.full_like(totals, float(prompts))
        with_added = cluster_means(totals, sizes)
        plain = totals.sum(axis=0) / sizes.sum(axis=0)
        error = np.sqrt(((totals - sizes * plain) ** 2).sum(axis=0) * templates / (templates - 1)) / sizes.sum(axis=0)
        half = 2.07 * error if templates == 24 else (2.03 if templates == 36 else 2.2) * error
        truth = up - down
        yield (
            f"{templates} x {prompts}",
            f"{up:g}, {down:g}",
            f"{100 * np.mean(np.abs(plain - truth) <= half):.1f}",
            f"{100 * np.mean(np.abs(with_added.value - truth) <= with_added.half + 1e-12):.1f}",
        )


def pooling(runs: int = 300, seed: int = 0) -> Iterator[tuple[str, ...]]:
    """Squared error of pooled means against plain rates, coverage of intervals, P(gap > .1) and how often it is."""
    shapes = ((7, 192, 0.15), (24, 48, 0.2), (12, 8, 0.2), (4, 40, 0.1), (8, 30, 0.05))
    for groups, n, rate in shapes:
        for between in (0.0, 0.02, 0.1):
            rng, rows = np.random.default_rng(seed), []
            for _ in range(runs):
                k = (1 - between) / max(between, 1e-9)
                true = rng.beta(rate * k, (1 - rate) * k, groups) if between else np.full(groups, rate)
                risky = rng.binomial(n, true).astype(float)
                found = partial_pooling(risky, np.full(groups, float(n)))
                if found is None:
                    continue
                limits = np.array([wilson(each, n) for each in risky])
                rows.append(
                    [
                        ((found.mean - true) ** 2).mean(),
                        ((risky / n - true) ** 2).mean(),
                        ((found.low <= true) & (true <= found.high)).mean(),
                        ((limits[:, 0] <= true) & (true <= limits[:, 1])).mean(),
                        found.beyond(0.1),
                        np.ptp(true) > 0.1,
                    ]
                )
            error, plain, pooled, single, beyond, truth = np.mean(rows, axis=0)
            yield (
                f"{groups} x {n}",
                f"{rate:g}",
                f"{between:g}",
                f"{error / plain:.2f}",
                f"{100 * pooled:.1f}",
                f"{100 * single:.1f}",
                f"{beyond:.2f}",
                f"{truth:.2f}",
            )


TABLES = {
    "Largest gap where no group differs": (
        ("rate", "groups x n", "mean", "95 %", "expected by relabelling"),
        gaps_by_chance,
    ),
    "Percent rejected at .05 where no group differs": (
        (
            *("templates x groups x prompts", "base, up, down", "correlation", "gap, base", "gap, defended"),
            *("uneven change", "change of the gap", "one group, arms", "one group, labels", "one group, both"),
            *("any, arms", "any, both"),
        ),
        levels,
    ),
    "One group is hit by 10 points more": (
        (
            *("templates x groups x prompts", "base, up, down", "correlation", "truth", "mean"),
            *("covered, %", "half-width", "power, %"),
        ),
        differences,
    ),
    "Rare flips, correlation .3": (("templates x prompts", "up, down", "plain, %", "two added, %"), rare_flips),
    "Partial pooling": (
        (
            *("groups x n", "rate", "between", "squared error / plain", "covered, pooled", "covered, Wilson"),
            *("P(gap > .1)", "how often it is"),
        ),
        pooling,
    ),
}


def main() -> None:
    """Print all tables."""
    for title, (heads, rows) in TABLES.items():
        print(f"\n**{title}**\n\n| {' | '.join(heads)} |\n|{'---|' * len(heads)}")
        for row in rows():
            print(f"| {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    main()

"""Do the answers about a study as a whole hold? Simulated studies whose truth is known.

`python -m benchmarks.validity.summary` prints the tables of docs/summary.md in Markdown: how often the interval of a
mean over defenses and tasks holds the true mean, beside one that takes defenses for independent; how often the
prediction holds the next cell; and, from simulated replies, how often a mean, a difference of exposures or an
interaction is claimed where there is none.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import stdtrit

from crossrisk.interactions.matrix import CellPair, interaction_rows
from crossrisk.interactions.questions.effects import Effects, measured
from crossrisk.interactions.questions.order import order_rows
from crossrisk.interactions.questions.random_effects import random_effects

Floats = NDArray[np.float64]
NOISE, SHARED = 0.04, 0.5  # standard error of a cell, and how much of its variance defenses on one task share
DESIGNS = ((1, 2), (1, 3), (1, 6), (2, 1), (4, 1), (2, 2), (2, 3), (4, 2), (4, 4), (8, 3), (8, 8))
SPREADS = ((0.0, 0.0, 0.0), (0.1, 0.0, 0.0), (0.0, 0.1, 0.0), (0.1, 0.1, 0.0), (0.1, 0.1, 0.1))
TEMPLATES = ((20, 5, 0.0), (40, 5, 0.0), (40, 5, 0.6), (96, 3, 0.3))


def intervals(
    defenses: int, tasks: int, spread: tuple[float, float, float], *, runs: int = 2_000, seed: int = 0
) -> tuple[float | None, ...]:
    """Coverage of the mean, of the mean with defenses as clusters alone, of the prediction; median width in points.

    spread: standard deviations of true changes between defenses, between tasks, and special to a pair of both.
    """
    rng = np.random.default_rng(seed)
    rows, columns = np.repeat(np.arange(defenses), tasks), np.tile(np.arange(tasks), defenses)
    noise = NOISE**2 * ((1 - SHARED) * np.eye(len(rows)) + SHARED * (columns[:, None] == columns))
    root = np.linalg.cholesky(noise)
    held, naive, predicted, widths = 0, 0, [], []
    for _ in range(runs):
        true = rng.normal(0, spread[0], defenses)[rows] + rng.normal(0, spread[1], tasks)[columns]
        effects = true + rng.normal(0, spread[2], len(rows)) + root @ rng.normal(size=len(rows))
        found = random_effects(effects, noise, defenses=rows.tolist(), tasks=columns.tolist(), bound=99.0)
        assert found.interval is not None
        held += found.interval.low <= 0 <= found.interval.high
        widths.append(found.interval.high - found.interval.low)
        if found.prediction is not None:
            predicted.append(found.prediction.low <= rng.normal(0, np.hypot.reduce(spread)) <= found.prediction.high)
        if defenses > 1:
            means = effects.reshape(defenses, tasks).mean(axis=1)
            half = stdtrit(defenses - 1, 0.975) * means.std(ddof=1) / defenses**0.5
            naive += abs(means.mean()) <= half
    return (
        held / runs,
        naive / runs if defenses > 1 else None,
        float(np.mean(predicted)) if predicted else None,
        100 * float(np.median(widths)),
    )


def replies(risks: Floats, clusters: Sequence[str]) -> pl.DataFrame:
    """Outcomes as a study stores them, as far as the statistics read them."""
    n = len(risks)
    texts = pl.Series(["x"], dtype=pl.String).new_from_index(0, n)
    return pl.DataFrame(
        {"sample_id": np.arange(n).astype(str), "cluster": list(clusters), "risk": risks, "valid": np.full(n, True)}
    ).with_columns(judge=texts, group=texts, label=texts)


def cell(defense: str, task: str, exposure: str, base: pl.DataFrame, defended: pl.DataFrame) -> CellPair:
    """A cell of a defense against safety on a task of privacy."""
    return CellPair(defense, "training", "safety", task, "world", "privacy", exposure, "rate", base, defended)


def flips(rng: np.random.Generator, base: Floats, codes: NDArray[np.intp], whole: float) -> Floats:
    """15 % of the replies flip either way, in a share of templates all together."""
    count = int(codes.max()) + 1
    together = (rng.random(count) < whole)[codes]
    turned = np.where(together, (rng.random(count) < 0.15)[codes], rng.random(len(base)) < 0.15)
    return np.where(turned, 1 - base, base)


def claims(templates: int, each: int, whole: float, *, runs: int = 1_000, seed: int = 0) -> tuple[float, float, float]:
    """Shares of studies without any effect in which a mean, an exposure, an interaction is claimed at .05.

    Two defenses, alone and on top of each other, on two tasks about the same templates.
    """
    rng = np.random.default_rng(seed)
    codes = np.repeat(np.arange(templates), each)
    clusters, found = [str(code) for code in codes], np.zeros(3)
    for _ in range(runs):
        pairs = []
        for task, exposure in (("a", "direct"), ("b", "indirect")):
            base = (rng.random(len(codes)) < 0.5).astype(np.float64)
            frame = replies(base, clusters)
            pairs += [
                cell(name, task, exposure, frame, replies(flips(rng, base, codes, whole), clusters))
                for name in ("x", "y", "x+y")
            ]
        effects = measured_quickly(pairs)
        openly = np.array([each.exposure == "direct" for each in effects.cells])
        mean, exposed = np.full(len(effects), 1 / len(effects)), np.where(openly, -1.0, 1.0) / openly.sum()
        found[:2] += [effects.contrast(weights).p < 0.05 for weights in (mean, exposed)]
        found[2] += order_rows(pairs[:3])[0].p < 0.05
    return tuple(found / runs)


def measured_quickly(pairs: Sequence[CellPair]) -> Effects:
    """The cells without tests and intervals of their own."""
    from dataclasses import replace

    (template,) = interaction_rows(pairs[:1])
    rows = []
    for pair in pairs:
        assert pair.base is not None and pair.defended is not None
        delta = float((pair.defended["risk"] - pair.base["risk"]).mean())
        about = {"defense": pair.defense, "task": pair.task, "exposure": pair.exposure}
        rows.append(replace(template, **about, delta=delta, clusters=pair.base["cluster"].n_unique()))
    return measured(rows, pairs)


def tables() -> Iterator[str]:
    """Both tables, line by line."""
    yield "| defenses x tasks | spread | mean | defenses as clusters | next cell | width, points |"
    yield "|---|---|---|---|---|---|"
    for defenses, tasks in DESIGNS:
        for spread in SPREADS:
            if (defenses == 1 and spread[0]) or (tasks == 1 and spread[1]):
                continue
            mean, naive, predicted, width = intervals(defenses, tasks, spread)
            said = [f"{100 * share:.1f}" if share is not None else "-" for share in (mean, naive, predicted)]
            yield f"| {defenses} x {tasks} | {', '.join(map(str, spread))} | {' | '.join(said)} | {width:.0f} |"
    yield ""
    yield "| templates x prompts | flip as a whole | mean | exposure | interaction |"
    yield "|---|---|---|---|---|"
    for design in TEMPLATES:
        shares = claims(*design)
        yield (
            f"| {design[0]} x {design[1]} | {design[2]} | "
            + " | ".join(f"{100 * share:.1f}" for share in shares)
            + " |"
        )


if __name__ == "__main__":
    for line in tables():
        print(line, flush=True)

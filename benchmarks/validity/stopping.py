"""Does early stopping survive peeking, and what does it save? Simulated studies whose truth is known.

`python -m benchmarks.validity.stopping` prints the tables of docs/stopping.md in Markdown: independent pairs under a
fixed design, under naive peeking and under the sequential McNemar test; a benchmark drawn without replacement; sets
whose templates flip as a whole; populations seen through templates; and a whole rule, with its verdicts and the prompts
that it asks.
"""

from collections.abc import Iterator, Sequence
from math import log

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr

from crossrisk.interactions.betting import Units, log_capital_above, log_evidence
from crossrisk.interactions.clustered import sign_flip_test
from crossrisk.interactions.effect import verdict_of
from crossrisk.interactions.power import mcnemar_power
from crossrisk.interactions.sequential import Drawn, may_be_decided, sequential_effect, sequential_power, units_of
from crossrisk.risks import Verdict
from crossrisk.stopping import Estimand

Floats = NDArray[np.float64]
ALPHA = 0.05
CAP, PEEK = 1_000, 25
FLIPS = ((0.03, 0.03), (0.1, 0.1), (0.1, 0.05), (0.15, 0.05), (0.25, 0.05), (0.4, 0.05), (0.6, 0.02))
SETS = ((300, 0.12, 0.05), (1_000, 0.08, 0.05), (1_000, 0.05, 0.05), (200, 0.25, 0.05))
RULES = ((0.03, 0.03), (0.0, 0.0), (0.1, 0.05), (0.25, 0.05), (0.02, 0.15))
ESTIMANDS: tuple[Estimand, ...] = ("population", "benchmark")
LOOK, CLAIMS, MARGIN = 64, 24, 0.05


def pairs(rng: np.random.Generator, runs: int, n: int, up: float, down: float) -> Floats:
    """Changes of independent yes-or-no pairs, (runs, n)."""
    return np.asarray(rng.choice([1.0, -1.0, 0.0], p=[up, down, 1 - up - down], size=(runs, n)))


def counts(changes: Floats) -> tuple[Floats, Floats]:
    """Flips up and down so far."""
    return np.cumsum(changes > 0, axis=1).astype(float), np.cumsum(changes < 0, axis=1).astype(float)


def naive_peeks(changes: Floats, every: int) -> float:
    """How often McNemar's exact test rejects at any of its looks."""
    up, down = (column[:, every - 1 :: every] for column in counts(changes))
    flips = (up + down).astype(np.int64)
    return float((2 * bdtr(np.minimum(up, down), flips, 0.5) < ALPHA).any(axis=1).mean())


def independent(runs: int = 2_000, seed: int = 0) -> Iterator[tuple[str, ...]]:
    """Fixed design, naive peeking, and the sequential McNemar test that looks after every prompt."""
    for up, down in FLIPS:
        changes = pairs(np.random.default_rng(seed), runs, CAP, up, down)
        found, asked = sequential_power(CAP, up, down, alpha=ALPHA, runs=runs, seed=seed)
        peeks = f"{naive_peeks(changes, PEEK):.1%}" if up == down else ""
        fixed = mcnemar_power(CAP, up, down, alpha=ALPHA)
        yield f"{up:.2f}, {down:.2f}", f"{fixed:.1%}", peeks, f"{found:.1%}", "" if up == down else f"{asked:.0f}"


def whole_set(n: int, up: float, down: float) -> Floats:
    """A finite set with just these shares of flips."""
    values = np.zeros(n)
    values[: round(n * up)] = 1.0
    values[round(n * up) : round(n * up) + round(n * down)] = -1.0
    return values


def first_refuted(units: Units, mean: float = 0.0) -> int:
    """After how many units a mean is refuted; one more than there are where it never is."""
    sides = np.stack([log_capital_above(units, mean), log_capital_above(units.negated, -mean)])
    over = np.logaddexp(*sides) - log(2) >= log(1 / ALPHA)
    return int(over.argmax()) + 1 if over.any() else len(units.total) + 1


def finite(runs: int = 500, seed: int = 0) -> Iterator[tuple[str, ...]]:
    """When the sign of a set's own change is settled, and when that of the population would be."""
    rng = np.random.default_rng(seed)
    for n, up, down in SETS:
        values = whole_set(n, up, down)
        drawn = [rng.permutation(values) for _ in range(runs)]
        known = np.array([first_refuted(Units(each, np.ones(n), n)) for each in drawn])
        general = np.array([first_refuted(Units(each, np.ones(n))) for each in drawn])
        settled = (share(known <= n), f"{np.minimum(known, n).mean():.0f}") if up != down else (share(known < n), "")
        general_settled = (share(general <= n), f"{np.minimum(general, n).mean():.0f}" if up != down else "")
        yield f"{n:,}", f"{up:.2f}, {down:.2f}", *settled, *general_settled


def share(found: NDArray[np.bool_]) -> str:
    return f"{found.mean():.1%}"


def templates(rng: np.random.Generator, count: int, size: int, whole: float) -> tuple[Floats, NDArray[np.intp]]:
    """Prompts of templates of which a share flips as a whole, up or down alike; nothing changes on average."""
    changes, labels = [], np.repeat(np.arange(count), size)
    for _ in range(count):
        flips = rng.choice([1.0, -1.0, 0.0], p=[0.05, 0.05, 0.9], size=size)
        changes.append(np.full(size, rng.choice([1.0, -1.0])) if rng.random() < whole else flips)
    return np.concatenate(changes), labels


def clustered(runs: int = 500, seed: int = 0) -> Iterator[tuple[str, ...]]:
    """False claims while looking after every unit, by what is taken for a unit and what the claim is about."""
    rng = np.random.default_rng(seed)
    for count, size, whole in ((60, 10, 0.0), (60, 10, 0.2), (200, 5, 0.2)):
        wrong: dict[str, list[bool]] = {name: [] for name in ("naive", "prompts", "templates", "set")}
        for _ in range(runs):
            values, labels = templates(rng, count, size, whole)
            sums = values.reshape(count, size).sum(axis=1) / size
            cuts = range(10, count + 1, 5)
            wrong["naive"].append(any(sign_flip_test(values[: size * k], labels[: size * k]) < ALPHA for k in cuts))
            wrong["prompts"].append(log_evidence(Units(values, np.ones(len(values)))) >= log(1 / ALPHA))
            wrong["templates"].append(log_evidence(Units(sums, np.ones(count))) >= log(1 / ALPHA))
            shuffled = rng.permutation(values)[: len(values) // 2]
            own = Units(shuffled, np.ones(len(shuffled)), len(values))
            wrong["set"].append(log_evidence(own, float(values.mean())) >= log(1 / ALPHA))
        yield f"{count} x {size}", f"{whole:.0%}", *(f"{np.mean(found):.1%}" for found in wrong.values())


def populations(runs: int = 300, seed: int = 0) -> Iterator[tuple[str, ...]]:
    """Templates of 8 prompts that flip up at rates of their own: what a fixed number finds, and what a rule does."""
    rng, size = np.random.default_rng(seed), 8
    for count in (40, 100, 300):
        for up in (0.1, 0.25):
            fixed, units = [], []
            for _ in range(runs):
                rates = rng.beta(up * 4, (1 - up) * 4, count)  # correlation 0.2 within a template
                values = (rng.random((count, size)) < rates[:, None]) * 1.0 - (rng.random((count, size)) < 0.03)
                sums = values.sum(axis=1) / size
                fixed.append(sign_flip_test(values.ravel(), np.repeat(np.arange(count), size)) < ALPHA)
                units.append(first_refuted(Units(sums, np.ones(count))))
            ended = np.array(units)
            asked = f"{np.minimum(ended, count).mean():.0f} of {count}"
            yield f"{count} x {size}", f"{100 * (up - 0.03):.0f}", share(np.array(fixed)), share(ended <= count), asked


def rule(runs: int = 200, seed: int = 0) -> Iterator[tuple[str, ...]]:
    """A cell of 1,000 prompts in a study of 24 cells, looked at after every 64: what is said, and after how many."""
    for up, down in RULES:
        for estimand in ESTIMANDS:
            rng = np.random.default_rng(seed)
            said: list[Verdict] = []
            asked: list[int] = []
            for _ in range(runs):
                values = pairs(rng, 1, CAP, up, down)[0]
                verdict, n = one_cell(values, Drawn(estimand, CAP))
                said.append(verdict)
                asked.append(n)
            shares = [f"{np.mean([verdict is each for verdict in said]):.0%}" for each in REPORTED]
            yield f"{up:.2f}, {down:.2f}", estimand, *shares, f"{np.mean(asked):.0f}"


REPORTED = (Verdict.WORSENS, Verdict.IMPROVES, Verdict.NO_EFFECT, Verdict.INCONCLUSIVE)


def one_cell(values: Floats, drawn: Drawn) -> tuple[Verdict, int]:
    """Look after every 64 prompts until there is a verdict at a 24th of the level."""
    base = (values < 0).astype(float)
    for n in [*range(LOOK, CAP, LOOK), CAP]:
        units = units_of(values[:n], np.arange(n), drawn)
        if n == CAP or may_be_decided(units, claims=CLAIMS, margin=MARGIN):
            effect = sequential_effect(base[:n], base[:n] + values[:n], drawn, margin=MARGIN)
            verdict = verdict_of(effect, min(1.0, (effect.p or 0.0) * CLAIMS), margin=MARGIN, smallest_effect=0.03)
            if verdict is not Verdict.INCONCLUSIVE or n == CAP:
                return verdict, n
    raise AssertionError("the last look is at the end")


def table(heads: Sequence[str], rows: Iterator[tuple[str, ...]]) -> None:
    """Print one table in Markdown, row by row as they come."""
    print("| " + " | ".join(heads) + " |")
    print("|" + "---|" * len(heads))
    for row in rows:
        print("| " + " | ".join(row) + " |", flush=True)
    print()


def main() -> None:
    table(("flips up, down", "fixed, n = 1,000", "naive, every 25", "sequential McNemar", "asked"), independent())
    table(("prompts", "flips up, down", "this set: settled", "asked", "in general: settled", "asked"), finite())
    table(("templates", "flip whole", "naive, every 5", "prompts as units", "templates", "this set"), clustered())
    table(("templates", "change, points", "fixed", "sequential", "templates asked"), populations())
    table(("flips up, down", "estimand", *(verdict.value for verdict in REPORTED), "asked of 1,000"), rule())


if __name__ == "__main__":
    main()

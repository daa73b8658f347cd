"""`python -m benchmarks.neurons.simulation`: are planted conflicts found, and is nothing found where there is nothing?

Simulated attributions of 40,000 neurons, by the test and by the published rule. Writes `SIMULATION.md` beside it; with
OMP_NUM_THREADS=1 its processor time is that of one thread. Recall, false discovery and what is found in noise do not
depend on the sign flips, which are therefore drawn only where the time is taken. Seeds are fixed: the same code, the
same figures, but for the seconds.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median
from typing import Any, Literal

import numpy as np

from crossrisk.neurons import Simulated, find_conflicts, simulated_attributions

PAGE = Path(__file__).with_name("SIMULATION.md")
SIGMAS = {1: (0.0, 1.0, 1.5, 2.0), 4: (1.0, 1.5)}  # by prompts per cluster
EFFECTS, PROMPTS = (0.5, 0.35), (128, 256)
PLANTED_RUNS, NOISE_RUNS, TIMED = 5, 20, 5
FIGURES = ("recall", "false discovery", "found by the rule", "its recall", "its false discovery")
METHODS: tuple[Literal["test", "paper"], ...] = ("test", "paper")
HARD: dict[str, dict[str, Any]] = {
    "2,000 neurons matter to one risk": {"one_risk": 2_000},
    "20,000 neurons matter to one risk": {"one_risk": 20_000},
    "20,000 neurons matter to one risk, no conflict": {"one_risk": 20_000, "conflicts": 0},
    "200 active decoys of 20 times the scale": {"decoys": 200},
    "Student's t, 3 degrees": {"tail": 3.0},
    "Student's t, 20,000 matter to one risk": {"tail": 3.0, "one_risk": 20_000},
    "skewed (exponential, either way round)": {"skewed": True},
    "skewed, 2,000 matter to one risk": {"skewed": True, "one_risk": 2_000},
    "skewed, 20,000 matter to one risk": {"skewed": True, "one_risk": 20_000},
    "skewed, 20,000 matter to one risk, no conflict": {"skewed": True, "one_risk": 20_000, "conflicts": 0},
}


@dataclass(frozen=True)
class Score:
    """One run: neurons found, those among them that were planted, and those that were planted in all."""

    found: int
    true: int
    planted: int


def score(simulated: Simulated, method: Literal["test", "paper"]) -> Score:
    found = find_conflicts(
        simulated.a,
        simulated.b,
        clusters_a=simulated.clusters_a,
        clusters_b=simulated.clusters_b,
        method=method,
        draws=1,
    ).neurons
    return Score(len(found), len(np.intersect1d(found, simulated.conflicts)), len(simulated.conflicts))


def scores(runs: int, **setting: Any) -> dict[str, list[Score]]:
    """Both methods on the same simulated data, by method."""
    result: dict[str, list[Score]] = {method: [] for method in METHODS}
    for seed in range(runs):
        simulated = simulated_attributions(seed=seed, **setting)
        for method in METHODS:
            result[method].append(score(simulated, method))
    return result


def seconds(prompts: int) -> float:
    """Median processor time of one call with 200 draws."""
    times = []
    for seed in range(TIMED):
        simulated = simulated_attributions(prompts=prompts, seed=seed)
        start = time.process_time()
        find_conflicts(simulated.a, simulated.b)
        times.append(time.process_time() - start)
    return median(times)


def main() -> None:
    lines = [
        "# Planted conflicts and pure noise",
        "",
        "`python -m benchmarks.neurons.simulation` writes this page. 40,000 neurons; a neuron's scale is log-normal, "
        "of log standard deviation sigma, the same for both risks. 200 planted neurons raise one risk and lower the "
        "other by an effect in standard deviations of one prompt's attribution. Prompts of a cluster of 4 correlate by "
        ".3. False discovery is the share of what is found that was not planted. Means of "
        f"{PLANTED_RUNS} runs, the worst one in brackets. The published rule: top 1 % by size for both risks, opposite "
        "signs.",
        "",
        *table(("sigma", "effect", "prompts", "clusters", *FIGURES), planted()),
        "",
        f"Nothing planted, {NOISE_RUNS} runs each:",
        "",
        *table(("sigma", "prompts", "clusters", "runs that report any", "by the rule", "reported by it"), noise()),
        "",
        f"Harder cases, sigma 1, effect .5, 128 prompts, {PLANTED_RUNS} runs each. Neurons that matter to one risk "
        "have that effect on it and none on the other; they count as false.",
        "",
        *table(("case", "false in a run", *FIGURES), hard()),
        "",
        "Processor time of one call of `find_conflicts`, 40,000 neurons, 200 draws of signs, one thread: "
        + ", ".join(f"{seconds(prompts):.1f} s for {prompts} prompts" for prompts in PROMPTS)
        + ".",
        "",
    ]
    PAGE.write_text("\n".join(lines))
    print(f"written to {PAGE}")


def planted() -> Iterator[Sequence[object]]:
    for size, sigmas in SIGMAS.items():
        for prompts in PROMPTS:
            for effect in EFFECTS:
                for sigma in sigmas:
                    found = scores(PLANTED_RUNS, sigma=sigma, effect=effect, prompts=prompts, cluster_size=size)
                    yield shown(f"{sigma:g}", f"{effect:g}", prompts, prompts // size, *recalled(found))


def noise() -> Iterator[Sequence[object]]:
    for size, sigmas in SIGMAS.items():
        for prompts in PROMPTS:
            for sigma in sigmas:
                found = scores(NOISE_RUNS, sigma=sigma, prompts=prompts, cluster_size=size, conflicts=0)
                any_found = [sum(one.found > 0 for one in found[method]) for method in METHODS]
                reported = f"{mean(one.found for one in found['paper']):.0f}"
                yield shown(f"{sigma:g}", prompts, prompts // size, *any_found, reported)


def hard() -> Iterator[Sequence[object]]:
    for name, setting in HARD.items():
        found = scores(PLANTED_RUNS, **setting)
        yield shown(name, f"{mean(one.found - one.true for one in found['test']):.1f}", *recalled(found))


def recalled(found: dict[str, list[Score]]) -> tuple[str, str, str, str, str]:
    """Recall and false discovery of the test; found, recall and false discovery of the rule."""
    recall = {m: [one.true / one.planted for one in found[m] if one.planted] or None for m in METHODS}
    false = {m: [(one.found - one.true) / max(one.found, 1) for one in found[m]] for m in METHODS}
    ours, rule = recall["test"], recall["paper"]
    return (
        f"{mean(ours):.2f} ({min(ours):.2f})" if ours else "-",
        f"{mean(false['test']):.3f} ({max(false['test']):.3f})",
        f"{mean(one.found for one in found['paper']):.0f}",
        f"{mean(rule):.2f}" if rule else "-",
        f"{mean(false['paper']):.2f}",
    )


def shown(*cells: object) -> Sequence[object]:
    print(*cells, sep=" | ", flush=True)
    return cells


def table(heads: Sequence[str], rows: Iterator[Sequence[object]]) -> list[str]:
    cells = [list(heads), ["---"] * len(heads), *([str(cell) for cell in row] for row in rows)]
    return [f"| {' | '.join(row)} |" for row in cells]


if __name__ == "__main__":
    main()

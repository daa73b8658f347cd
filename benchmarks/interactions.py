"""The statistics of a large study: ten million outcomes, every row of the matrix and every group, in one process.

24 defenses on 20 tasks of 20,000 prompts: yes-or-no and graded risks, independent prompts and templates of 1 to 50,
groups crossed with templates, and two tasks whose headline is no mean (the shortfall of ICAT, the AUROC of membership).
One reply in a hundred is invalid, half of the defenses change something.
"""

import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import bootstrap, permutation_test

from benchmarks.contest import Result, contest
from benchmarks.whole_runs import MIB, WholeRun, timed
from crossrisk.interactions import CellPair, compare, compare_groups, interaction_rows
from crossrisk.interactions.statistic import compare_statistic
from crossrisk.tasks.metric import Outcomes, Statistic
from crossrisk.tasks.metrics.membership_figures import attack_auroc
from crossrisk.tasks.metrics.stereotypes import icat_shortfall

DEFENSES, PROMPTS, GROUPS = 24, 20_000, 8
Floats = NDArray[np.float64]
Codes = NDArray[np.intp]


@dataclass(frozen=True)
class Kind:
    """What a task's outcomes are like, and how many of the tasks are so."""

    name: str
    tasks: int
    graded: bool = False
    clustered: bool = False
    groups: bool = False
    statistic: Statistic | None = None


KINDS = (
    Kind("yes_or_no", 6),
    Kind("yes_or_no_templates", 4, clustered=True),
    Kind("yes_or_no_groups", 3, clustered=True, groups=True),
    Kind("graded", 2, graded=True),
    Kind("graded_templates", 2, graded=True, clustered=True),
    Kind("graded_groups", 1, graded=True, clustered=True, groups=True),
    Kind("icat", 1, clustered=True, statistic=icat_shortfall),
    Kind("membership", 1, graded=True, statistic=attack_auroc),
)


def tasks() -> list[tuple[str, Kind]]:
    """Names and kinds, in one order."""
    return [(f"{kind.name}_{number}", kind) for kind in KINDS for number in range(kind.tasks)]


def matrix_of_ten_million() -> WholeRun:
    """All interactions and all groups, reading the outcomes included."""
    with tempfile.TemporaryDirectory() as folder:
        write_outcomes(Path(folder))
        program = "import sys; from benchmarks.interactions import analyse_all; analyse_all(sys.argv[1])"
        seconds, memory, printed = timed(program, [folder], {})
    work = f"{DEFENSES} defenses x {len(tasks())} tasks x {PROMPTS:,} prompts, {printed.strip()}"
    return WholeRun(work, seconds, 60, memory, 2048 * MIB)


def analyse_all(folder: str) -> None:
    """What `analyse` does with the cells of a study, from the files in this folder."""
    cells = cell_pairs(Path(folder))
    rows = interaction_rows(cells)
    groups = compare_groups(cells)
    print(f"{len(rows)} interactions, {len(groups.rows)} groups")


def cell_pairs(folder: Path) -> list[CellPair]:
    cells = []
    for task, kind in tasks():
        base = pl.read_parquet(folder / f"{task}-base.parquet")
        for number in range(DEFENSES):
            defended = pl.read_parquet(folder / f"{task}-{number}.parquet")
            cells.append(
                CellPair(
                    f"defense_{number}", "training", "safety", task, "synthetic", "fairness", "direct", "risk",
                    base, defended, statistic=kind.statistic,
                )
            )  # fmt: skip
    return cells


def write_outcomes(folder: Path) -> None:
    """Each cell as a file with the columns that the statistics read."""
    for number, (task, kind) in enumerate(tasks()):
        rng = np.random.default_rng(number)
        columns = _prompts(kind, rng)
        clusters = columns["cluster"].to_numpy()
        lean = rng.random(int(clusters.max()) + 1)[clusters]
        for arm in range(-1, DEFENSES):
            strength = 0.0 if arm < 0 else 0.15 * (arm % 2)
            frame = _answers(columns, kind, lean, strength, rng)
            frame.write_parquet(folder / f"{task}-{'base' if arm < 0 else arm}.parquet")


def _prompts(kind: Kind, rng: np.random.Generator) -> pl.DataFrame:
    """Ids, clusters as numbers, groups, facets."""
    size = GROUPS if kind.groups else 1
    templates = PROMPTS // size
    if kind.clustered:
        sizes = rng.integers(1, 51 // size + 1, templates)
        clusters = np.repeat(np.arange(templates), sizes)[:templates].repeat(size)
    else:
        clusters = np.arange(PROMPTS)
    group = np.tile([f"group {letter}" for letter in "abcdefgh"], templates) if kind.groups else [None] * PROMPTS
    sides = [f'{{"member": "{("member", "nonmember")[row % 2]}"}}' for row in range(PROMPTS)]
    return pl.DataFrame(
        {
            "sample_id": [f"prompt-{row:06d}" for row in range(PROMPTS)],
            "cluster": clusters,
            "group": pl.Series(group, dtype=pl.String),
            "facets": sides if kind.statistic is attack_auroc else ['{"category": "a"}'] * PROMPTS,
        }
    )


def _answers(
    prompts: pl.DataFrame, kind: Kind, lean: Floats, strength: float, rng: np.random.Generator
) -> pl.DataFrame:
    """One arm: the same leaning of each cluster in all arms, noise of its own in each."""
    level = np.clip(0.6 * lean + 0.4 * rng.random(PROMPTS) - strength * rng.random(PROMPTS), 0, 1)
    risk = level if kind.graded else (level > 0.5).astype(float)
    valid = rng.random(PROMPTS) > 0.01
    measures = ["{}"] * PROMPTS
    if kind.statistic is icat_shortfall:
        over = [(level < 0.9).astype(float), (level < 0.8).astype(float)]
        measures = [
            f'{{"stereo_over_anti": {a}, "stereo_over_unrelated": {b}, "anti_over_unrelated": {c}, "margin": {d:.12f}}}'
            for a, b, c, d in zip(risk, *over, level, strict=True)
        ]
    if kind.statistic is attack_auroc:
        scores = level + 0.1 * (np.arange(PROMPTS) % 2 == 0)
        measures = [
            f'{{"loss": {-x!r}, "zlib": {-x / 100!r}, "min_k": {-2 * x!r}, "min_k_plus_plus": {x!r}}}'
            for x in scores.tolist()
        ]
    return prompts.with_columns(
        cluster=pl.format("template {}", "cluster"),
        risk=pl.Series(np.where(valid, risk, np.nan)).fill_nan(None),
        label=pl.lit("fulfilled"),
        valid=pl.Series(valid),
        judge=pl.lit("harm:rules"),
        measures=pl.Series(measures),
    )


def cells_beside_others() -> Iterator[Result]:
    """One cell each: a mean of graded risks beside scipy, and an AUROC beside one whose rows are put together."""
    rng = np.random.default_rng(0)
    base = rng.random(2_000)
    defended = np.clip(base + 0.01 * rng.standard_normal(2_000), 0, 1)
    yield contest(
        "one graded cell, 2,000 independent prompts",
        {"CrossRisk": lambda: compare(base, defended), "scipy": lambda: scipys(defended - base)},
        rounds=3,
    )
    arms = [membership(rng.standard_normal(2_000)) for _ in range(2)]
    yield contest(
        "one AUROC, 2,000 documents",
        {
            "CrossRisk": lambda: compare_statistic(*arms, attack_auroc),
            "row by row": lambda: compare_statistic(*arms, lambda rows: attack_auroc(rows)),
        },
        rounds=3,
    )


def scipys(change: Floats) -> None:
    """What `compare` does with graded risks: intervals at two levels and a sign-flip test, of as many draws."""
    for level in (0.95, 0.9):
        bootstrap((change,), np.mean, n_resamples=2_000, batch=20, confidence_level=level, vectorized=True)
    permutation_test((change,), np.mean, permutation_type="samples", n_resamples=9_999, batch=20, vectorized=True)


def membership(scores: Floats) -> Outcomes:
    """Documents of which every second one is a member."""
    names = np.array([f"document-{row}" for row in range(len(scores))])
    return Outcomes(
        ids=names,
        clusters=names,
        groups=np.full(len(scores), ""),
        labels=np.full(len(scores), "x"),
        risks=np.full(len(scores), 0.5),
        facets={"member": np.resize(["member", "nonmember"], len(scores))},
        measures={"min_k_plus_plus": scores},
    )


if __name__ == "__main__":
    write_outcomes(Path(sys.argv[1]))

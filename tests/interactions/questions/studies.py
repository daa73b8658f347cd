"""Small studies made up for the questions that are asked of a study as a whole."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from crossrisk.interactions.matrix import CellPair, interaction_rows
from crossrisk.interactions.paired import Interval
from crossrisk.interactions.questions.effects import CellEffect, Effects, measured
from crossrisk.interactions.rows import InteractionRow

TASKS = {  # name -> (risk, exposure)
    "misuse": ("safety", "direct"),
    "toxic_content": ("safety", "indirect"),
    "stereotype_query": ("fairness", "direct"),
    "recognition": ("fairness", "indirect"),
    "awareness": ("privacy", "direct"),
    "leakage": ("privacy", "indirect"),
    "over_refusal": ("service", "direct"),
}
ABOUT = {  # defense -> (mechanism, target risk)
    "null": ("none", None),
    "sham": ("training", None),
    "dpo": ("training", "safety"),
    "reminder": ("prompt", "safety"),
    "vector": ("weights", "fairness"),
    "npo": ("training", "privacy"),
}


def effect(
    defense: str, task: str, delta: float, error: float = 0.02, *, about: tuple[str, str | None] | None = None
) -> CellEffect:
    mechanism, aim = about or ABOUT[defense]
    interval = Interval(delta - 2 * error, delta + 2 * error)
    return CellEffect(defense, mechanism, aim, task, "world", *TASKS[task], 41, delta, interval, 0.5, error)


def together(cells: Sequence[CellEffect], covariance: ArrayLike | None = None) -> Effects:
    """Independent unless a covariance is given."""
    ordered = tuple(sorted(cells, key=lambda cell: (cell.defense, cell.task)))
    known = np.diag([cell.error**2 for cell in ordered]) if covariance is None else np.asarray(covariance)
    return Effects(ordered, known)


def outcomes(risks: ArrayLike, clusters: Sequence[object] | None = None) -> pl.DataFrame:
    """NaN is an invalid reply."""
    values = [None if np.isnan(risk) else float(risk) for risk in np.asarray(risks, dtype=np.float64)]
    n = len(values)
    return pl.DataFrame(
        {
            "sample_id": [f"s{i:04d}" for i in range(n)],
            "cluster": [str(label) for label in (range(n) if clusters is None else clusters)],
            "group": [None] * n,
            "reply": ["x"] * n,
            "risk": values,
            "label": ["x"] * n,
            "valid": [value is not None for value in values],
            "judge": ["exact@1"] * n,
            "prompt_tokens": [10] * n,
            "reply_tokens": [20] * n,
        },
        schema_overrides={"risk": pl.Float64, "group": pl.String},
    )


def pair(
    defense: str,
    task: str,
    base: ArrayLike,
    defended: ArrayLike,
    clusters: Sequence[object] | None = None,
    *,
    about: tuple[str, str | None] | None = None,
) -> CellPair:
    mechanism, aim = about or ABOUT[defense]
    risk, exposure = TASKS[task]
    frames = (outcomes(base, clusters), outcomes(defended, clusters))
    return CellPair(defense, mechanism, aim, task, "world", risk, exposure, "rate", *frames)


def effects_of(pairs: Sequence[CellPair]) -> Effects:
    return measured(interaction_rows(pairs), pairs)


def quick_effects_of(pairs: Sequence[CellPair]) -> Effects:
    """As `effects_of`, for simulations: rows with changes and clusters, without tests or intervals of their own."""
    rows, template = [], _any_row()
    for each in pairs:
        assert each.base is not None and each.defended is not None
        delta = float((each.defended["risk"] - each.base["risk"]).mean())
        clusters = each.base["cluster"].n_unique()
        rows.append(
            replace(
                template,
                **{name: getattr(each, name) for name in ("defense", "mechanism", "target_risk", "task", "risk")},
                exposure=each.exposure,
                delta=delta,
                clusters=clusters,
            )
        )
    return measured(rows, pairs)


@cache
def _any_row() -> InteractionRow:
    (row,) = interaction_rows([pair("dpo", "misuse", np.zeros(2), np.zeros(2))])
    return row


def flipped(rng: np.random.Generator, base: NDArray[np.float64], up: float, down: float) -> NDArray[np.float64]:
    """Safe samples become risky with chance `up`, risky ones safe with chance `down`."""
    return np.where(rng.random(len(base)) < np.where(base > 0, down, up), 1 - base, base)


def study(
    moves: Mapping[tuple[str, str], tuple[float, float]], *, n: int = 120, per_cluster: int = 3
) -> list[CellPair]:
    """A study of all defenses on all tasks; moves: (up, down) of the cells in which something happens."""
    pairs = []
    for task in TASKS:
        base = (np.random.default_rng(len(task)).random(n) < 0.5).astype(np.float64)
        clusters = [f"{task}-{i // per_cluster}" for i in range(n)]
        for place, defense in enumerate(ABOUT):
            rng = np.random.default_rng([len(task), place])
            pairs.append(pair(defense, task, base, flipped(rng, base, *moves.get((defense, task), (0, 0))), clusters))
    return pairs


def without(pairs: Sequence[CellPair], *defenses: str) -> list[CellPair]:
    return [each for each in pairs if each.defense not in defenses]


def shuffled(each: CellPair, seed: int) -> CellPair:
    """The same cell, its rows in another order in either arm."""
    assert each.base is not None and each.defended is not None
    return replace(each, base=each.base.sample(fraction=1, shuffle=True, seed=seed), defended=each.defended.reverse())

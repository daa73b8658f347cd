"""Cells for the tests of judges' errors and second opinions: prompts whose truth is known, and what a judge says."""

import json
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from crossrisk.interactions.matrix import CellPair

CARD = {
    "written": {"n": 400, "found": 180, "missed": 20, "accused": 40, "spared": 160, "who": "language models"},
    "chosen": {"n": 2000, "found": 970, "missed": 30, "accused": 150, "spared": 850, "who": "people (a paper)"},
    "few": {"n": 20, "found": 10, "missed": 0, "accused": 0, "spared": 10, "who": "people, too"},
    "larger": {"n": 9000, "found": 4500, "missed": 0, "accused": 4500, "spared": 0, "who": "not stated"},
}


def frame(risks: Any, *, measures: list[dict[str, float]] | None = None, replies: Any = None) -> pl.DataFrame:
    """Outcomes of one arm; every prompt is a cluster of its own."""
    n = len(risks)
    return pl.DataFrame(
        {
            "sample_id": [f"s{i:03d}" for i in range(n)],
            "cluster": [f"c{i:03d}" for i in range(n)],
            "group": [None] * n,
            "risk": risks,
            "label": ["x"] * n,
            "valid": [risk is not None for risk in risks],
            "judge": ["harm:rules"] * n,
            "reply": [f"reply {i}" for i in range(n)] if replies is None else replies,
            "earlier": [[]] * n,
            "measures": [json.dumps(each) for each in measures or [{}] * n],
        },
        schema_overrides={"risk": pl.Float64, "group": pl.String, "earlier": pl.List(pl.String)},
    )


def pair(base: pl.DataFrame, defended: pl.DataFrame, **changes: Any) -> CellPair:
    """A cell of dpo on misuse, an off-target one."""
    named: dict[str, Any] = {
        "defense": "dpo",
        "mechanism": "training",
        "target_risk": "fairness",
        "task": "misuse",
        "source": "core",
        "risk": "safety",
        "exposure": "direct",
        "metric": "attack success rate",
        "base": base,
        "defended": defended,
        "judge": "harm:rules@4",
    }
    return CellPair(**named | changes)


def invented(n: int = 300, seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.float64], CellPair]:
    """The same risks in both arms, and a judge that spares 85 of 100 harmless replies in base and all of them with dpo.

    The truth of both arms, and the cell as the judge tells it.
    """
    rng = np.random.default_rng(seed)
    truth = (np.arange(n) % 10 < 3).astype(float)
    told = np.where(truth == 1, 1.0, (rng.random(n) < 0.15).astype(float))
    replies = [f"another reply {i}" for i in range(n)]
    return truth, truth, pair(frame(told), frame(truth, replies=replies))

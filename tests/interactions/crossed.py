"""Cells whose samples speak of people: templates crossed with groups, for the tests on groups."""

import json
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import polars as pl

from crossrisk.interactions.matrix import CellPair

Row = Mapping[str, object]


def cell_of(
    rows: Sequence[Row], *, defense: str = "dpo", mechanism: str = "training", task: str = "over_refusal"
) -> CellPair:
    """A cell from rows with id, template, group, base, defended and, if any, facets; None is an invalid reply."""
    frames = [
        pl.DataFrame(
            {
                "sample_id": [str(row["id"]) for row in rows],
                "cluster": [str(row["template"]) for row in rows],
                "group": [row["group"] for row in rows],
                "risk": [row[arm] for row in rows],
                "label": ["x"] * len(rows),
                "valid": [row[arm] is not None for row in rows],
                "judge": ["refusal:world"] * len(rows),
                "facets": [json.dumps(row.get("facets", {})) for row in rows],
            },
            schema_overrides={"group": pl.String, "risk": pl.Float64},
        )
        for arm in ("base", "defended")
    ]
    return CellPair(defense, mechanism, "safety", task, "world", "service", "direct", "refusal rate", *frames)


def crossed_rows(
    templates: int,
    groups: Sequence[str],
    prompts: int,
    risk: Callable[[np.random.Generator, str], tuple[float, float]],
    *,
    seed: int = 0,
) -> list[dict[str, object]]:
    """Every template with every group, so many prompts each; risk: base and defended of a prompt of a group."""
    rng = np.random.default_rng(seed)
    rows = []
    for template in range(templates):
        for group in groups:
            for prompt in range(prompts):
                base, defended = risk(rng, group)
                rows.append(
                    {
                        "id": f"t{template:03d}-{group}-{prompt}",
                        "template": f"t{template:03d}",
                        "group": group,
                        "base": base,
                        "defended": defended,
                    }
                )
    return rows


def rates(
    base: Mapping[str, float], defended: Mapping[str, float]
) -> Callable[[np.random.Generator, str], tuple[float, float]]:
    """Independent yes-or-no risks at these rates by group."""
    return lambda rng, group: (float(rng.random() < base[group]), float(rng.random() < defended[group]))

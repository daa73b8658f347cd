"""Attributions as a study's folder shows them: one row a neuron, `attribution/<arm>/<task>__<source>.parquet`."""

import io
import re
from pathlib import Path

import numpy as np
import polars as pl

from crossrisk.cache import write_atomically
from crossrisk.neurons.conflicts.moments import Moments
from crossrisk.neurons.stage.attributed import AGAINST, GRADIENT, Attributed, parts_of


def write_table(folder: Path, arm: str, found: Attributed, base: Attributed | None) -> Path:
    """`attribution/<arm>/<task>__<source>.parquet`, one row a neuron, if it is not there under this key; its path.

    Per part (a, b: halves that choose; check): n clusters, mean attribution, second moment of the cluster means, mean
    |attribution| of a prompt. activation: mean of this arm at the scored tokens. base: the base's own attributions,
    None where these are they; of other arms there is `activation_change` from it, of the base `written` (`activity`).
    """
    question = found.asked.question
    source = re.sub(r"[^A-Za-z0-9_.-]+", "-", question.source.name)[-100:].strip("-.")
    path = folder / "attribution" / arm / f"{question.task.name}__{source}.parquet"
    if table_key(path) == found.key:
        return path
    parts = np.array([parts_of(found.asked)[name] for name in found.names])
    numbers = np.concatenate([np.arange(size) for size in found.sizes])
    columns: dict[str, object] = {
        "layer": np.repeat(np.arange(len(found.sizes), dtype=np.int32), found.sizes),
        "neuron": numbers.astype(np.int32),
    }
    for part, name in enumerate(("a", "b", "check")):
        moments = Moments.of(np.asarray(found.means)[parts == part])
        there = moments.clusters > 0
        columns[f"{name}_n"] = np.full(len(numbers), moments.clusters, dtype=np.int32)
        mean, second = (values / max(moments.clusters, 1) for values in (moments.total, moments.squares))
        for column, values in (("mean", mean), ("second_moment", second), ("mean_absolute", found.absolute[part])):
            columns[f"{name}_{column}"] = pl.Series(np.asarray(values, dtype=np.float32)) if there else None
    columns["activation"] = np.asarray(found.activation)
    if found.written is not None:
        columns["written"] = np.asarray(found.written)
    if base is not None:
        columns["activation_change"] = np.asarray(found.activation) - np.asarray(base.activation)
    frame = pl.DataFrame({name: values for name, values in columns.items() if values is not None})
    missing = [pl.lit(None, pl.Float32).alias(name) for name, values in columns.items() if values is None]
    buffer = io.BytesIO()
    about = {
        "key": found.key,
        "arm": arm,
        "task": question.name,
        "task_version": str(question.task.version),
        "checksum": question.checksum,
        "method": GRADIENT if base is None else AGAINST,
        "prompts": str(len(found.prompts)),
        "seed": str(found.asked.seed),
        "unit": "nats of log p(risky) - log p(safe)",
    }
    frame.with_columns(missing).select(list(columns)).write_parquet(buffer, compression="zstd", metadata=about)
    write_atomically(path, buffer.getvalue())
    return path


def table_key(path: Path) -> str | None:
    """The key that a table was written under; None where there is none, or it is damaged."""
    try:
        return pl.read_parquet_metadata(path).get("key")
    except (OSError, pl.exceptions.PolarsError):
        return None

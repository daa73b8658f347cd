"""What a defense costs: tokens, seconds, memory."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from crossrisk.interactions.clustered import cluster_codes, t_quantile
from crossrisk.interactions.paired import Interval
from crossrisk.interactions.questions.random_effects import Floats
from crossrisk.wording import interval, points

CellId = tuple[str, str, str]  # arm, task, source


@dataclass(frozen=True)
class CostRow:
    """One defended arm. None: not measured.

    replies: pairs of written replies that the tokens are of. prompt_change, reply_change: relative change of the sum of
    tokens, defended / base - 1, with its interval. seconds_change: relative change of the seconds that the same cells
    took, of this machine and these batches, measured once; seconds_per_reply: the defended ones. fit_seconds: of the
    run that fitted it, near 0 where nothing is fitted or the fit came from the cache. peak_memory,
    accelerator_memory: the most that the process, and its accelerator, held while the defense was fitted and asked, in
    bytes; peak_memory_base, accelerator_memory_base: while the base was.
    """

    defense: str
    replies: int
    clusters: int
    prompt_tokens: float | None
    prompt_change: float | None
    prompt_low: float | None
    prompt_high: float | None
    reply_tokens: float | None
    reply_change: float | None
    reply_low: float | None
    reply_high: float | None
    seconds_per_reply: float | None
    seconds_change: float | None
    fit_seconds: float
    peak_memory: int | None
    peak_memory_base: int | None
    accelerator_memory: int | None
    accelerator_memory_base: int | None
    sentence: str


@dataclass(frozen=True)
class RatioChange:
    """ratio of sums - 1; None where the base's sum is 0. interval: None with fewer than two clusters."""

    change: float | None
    interval: Interval | None


def cost_rows(
    frames: Mapping[CellId, pl.DataFrame | None], manifest: Mapping[str, Any], *, alpha: float = 0.05
) -> list[CostRow]:
    """One row for each defended arm, in the order of the study. frames: all outcomes of each cell.

    Tokens count the replies that were written in both arms, whether or not they could be judged; of replies in several
    turns, the last. Tasks that only score have none. An endpoint that reports no tokens has none.
    """
    base = _counts("base", frames)
    rows = []
    for arm in manifest["arms"]:
        written = _counts(arm["arm"], frames).join(
            base.drop("unit"), on=["place", "sample_id"], suffix="_base", maintain_order="left"
        )
        rows.append(_row(arm, written, manifest, alpha))
    return rows


def ratio_change(base: Floats, defended: Floats, clusters: Sequence[Any], *, alpha: float = 0.05) -> RatioChange:
    """Relative change of a sum, sum(defended) / sum(base) - 1, with its interval; paired, (replies,).

    Interval: on the scale of the logarithm, linearised (delta method), cluster-robust with clusters - 1 degrees of
    freedom, so that it never goes under -1. Null at 0: the sums are alike in prompts such as these. Assumes independent
    clusters. Degenerate: base or defended sum 0, no interval; nothing differs between clusters, a single point.
    Cochran (1977), Sampling Techniques, chapter 6.
    """
    before, after = float(base.sum()), float(defended.sum())
    if before <= 0:
        return RatioChange(None, None)
    codes = cluster_codes(list(clusters))
    units = int(codes.max()) + 1
    if after <= 0 or units < 2:
        return RatioChange(after / before - 1, None)
    pulls = np.bincount(codes, weights=defended / after - base / before)
    error = float((pulls**2).sum() * units / (units - 1)) ** 0.5
    reach = np.exp(t_quantile(1 - alpha / 2, units) * (error if error > 1e-12 else 0.0))
    return RatioChange(after / before - 1, Interval(after / before / reach - 1, after / before * reach - 1))


def _row(arm: Mapping[str, Any], written: pl.DataFrame, manifest: Mapping[str, Any], alpha: float) -> CostRow:
    """written: replies of both arms, side by side."""
    name: str = arm["arm"]
    prompt, reply = (_change(written, column, alpha) for column in ("prompt_tokens", "reply_tokens"))
    seconds, seconds_base, asked = _seconds(name, manifest["cells"])
    mine, of_base = (about.get("peak_memory") or {} for about in (arm, manifest["base"]))
    prompt_low, prompt_high = prompt.interval or (None, None)
    reply_low, reply_high = reply.interval or (None, None)
    return CostRow(
        defense=name,
        replies=len(written),
        clusters=written["unit"].n_unique(),
        prompt_tokens=_mean(written, "prompt_tokens"),
        prompt_change=prompt.change,
        prompt_low=prompt_low,
        prompt_high=prompt_high,
        reply_tokens=_mean(written, "reply_tokens"),
        reply_change=reply.change,
        reply_low=reply_low,
        reply_high=reply_high,
        seconds_per_reply=seconds / asked if asked else None,
        seconds_change=seconds / seconds_base - 1 if asked else None,
        fit_seconds=arm["fit_seconds"],
        peak_memory=mine.get("process"),
        peak_memory_base=of_base.get("process"),
        accelerator_memory=mine.get("accelerator"),
        accelerator_memory_base=of_base.get("accelerator"),
        sentence=f"{name}: {_said('prompt', prompt)}, {_said('reply', reply)}, {_timed(seconds, seconds_base)}.",
    )


def _counts(arm: str, frames: Mapping[CellId, pl.DataFrame | None]) -> pl.DataFrame:
    """Tokens of the replies that an arm wrote, with their task and their unit of resampling."""
    counts = {"prompt_tokens": pl.Float64, "reply_tokens": pl.Float64}
    found = [pl.DataFrame(schema={"place": pl.String, "sample_id": pl.String, "unit": pl.String, **counts})]
    for (name, task, source), frame in sorted(frames.items(), key=lambda cell: cell[0]):
        if name == arm and frame is not None:
            unit = pl.format("{} {}", pl.lit(source), pl.col("cluster")).alias("unit")
            place = pl.lit(f"{task}:{source}").alias("place")
            written = frame.filter(pl.col("reply").is_not_null())
            found.append(written.select(place, "sample_id", unit, *(pl.col(each).cast(pl.Float64) for each in counts)))
    return pl.concat(found)


def _change(written: pl.DataFrame, column: str, alpha: float) -> RatioChange:
    base, defended = (written[f"{column}{end}"].to_numpy() for end in ("_base", ""))
    return ratio_change(base, defended, written["unit"].to_list(), alpha=alpha)


def _mean(written: pl.DataFrame, column: str) -> float | None:
    """None where nobody counted: a prompt, or all replies together, have at least one token."""
    counted = written[column].sum()
    return float(counted) / len(written) if counted else None


def _seconds(arm: str, cells: Iterable[Mapping[str, Any]]) -> tuple[float, float, int]:
    """Seconds of the arm, of the base on as many prompts, and these, over cells that neither took from a cache."""
    timed = {(cell["arm"], cell["task"], cell["source"]): cell for cell in cells if cell["seconds"] > 0}
    both = [
        (cell, timed["base", task, source])
        for (name, task, source), cell in timed.items()
        if name == arm and ("base", task, source) in timed and cell["state"] == "done"
    ]
    # A cell that a stopping rule ended was asked fewer prompts than the base's.
    asked = [(cell.get("asked", cell["n"]), base.get("asked", base["n"])) for cell, base in both]
    return (
        sum(cell["seconds"] for cell, _ in both),
        sum(base["seconds"] * mine / of_base for (_, base), (mine, of_base) in zip(both, asked, strict=True)),
        sum(mine for mine, _ in asked),
    )


def _said(which: str, of: RatioChange) -> str:
    if of.change is None:
        return f"{which} tokens not counted"
    return f"{which} tokens {points(of.change)}%{'' if of.interval is None else f' {interval(*of.interval)}'}"


def _timed(seconds: float, seconds_base: float) -> str:
    if not seconds_base:
        return "time not measured since replies came from the cache"
    return f"time {points(seconds / seconds_base - 1, 0)}% (measured once)"

"""The samples whose risk changed under a defense, side by side: what was asked, and what either arm answered."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from crossrisk.engine.store import read_outcomes
from crossrisk.interactions.effect import ROUNDING

LONGEST_TEXT = 2000


@dataclass(frozen=True)
class Turn:
    """One message of a prompt."""

    role: str
    text: str


@dataclass(frozen=True)
class Answer:
    """What one arm gave back. text: None where it only scored, then `log_likelihoods` has a value a continuation."""

    text: str | None
    label: str
    risk: float
    log_likelihoods: tuple[float, ...]


@dataclass(frozen=True)
class Flip:
    """One sample that got worse or better."""

    sample_id: str
    cluster: str
    group: str | None
    prompt: tuple[Turn, ...]
    base: Answer
    defended: Answer

    @property
    def worse(self) -> bool:
        """Whether the risk rose."""
        return self.defended.risk > self.base.risk


@dataclass(frozen=True)
class Flips:
    """Flips of one cell. up, down: how many rose and fell in all; shown: some of them, worse ones first."""

    up: int
    down: int
    shown: tuple[Flip, ...]


def read_flips(folder: Path, base_file: str, defended_file: str, *, at_most: int) -> Flips:
    """Compare two complete cells sample by sample.

    Only pairs that are valid in both arms count, as in the interactions. Worse flips come before better ones, larger
    changes before smaller; among equals every template shows one before any shows a second. Long texts are cut.
    """
    base, defended = read_outcomes(folder, base_file), read_outcomes(folder, defended_file)
    changed = (
        base.join(defended, on="sample_id", suffix="_defended", maintain_order="left")
        .filter(pl.col("valid") & pl.col("valid_defended"))
        .with_columns(change=pl.col("risk_defended") - pl.col("risk"))
        .filter(pl.col("change").abs() > ROUNDING)
    )
    rising = pl.col("change") > 0
    ordered = (
        changed.with_columns(rising=rising, size=pl.col("change").abs())
        .with_columns(turn=pl.int_range(pl.len()).over("cluster", "rising"))
        .sort("rising", "size", "turn", descending=[True, True, False], maintain_order=True)
        .head(at_most)
    )
    up = changed.filter(rising).height
    return Flips(up, changed.height - up, tuple(_flip(row) for row in ordered.iter_rows(named=True)))


def _flip(row: Mapping[str, Any]) -> Flip:
    prompt = tuple(Turn(message["role"], shortened(message["content"])) for message in json.loads(row["prompt"]))
    arms = (_answer(row, ""), _answer(row, "_defended"))
    return Flip(row["sample_id"], row["cluster"], row["group"], prompt, *arms)


def _answer(row: Mapping[str, Any], arm: str) -> Answer:
    text = row[f"reply{arm}"]
    likelihoods = tuple(row[f"log_likelihoods{arm}"] or ())
    return Answer(None if text is None else shortened(text), row[f"label{arm}"], row[f"risk{arm}"], likelihoods)


def shortened(text: str) -> str:
    """At most `LONGEST_TEXT` characters, with a note of how many were cut."""
    cut = len(text) - LONGEST_TEXT
    return text if cut <= 0 else f"{text[:LONGEST_TEXT]} … [{cut:,} more characters]"

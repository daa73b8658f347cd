"""The one shape into which every log is read: an arm, with its scores by task and metric.

Scores stand as the log has them, with no direction and no range laid on; a score that does not exist is null.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import polars as pl

from crossrisk.logs.direction import Direction
from crossrisk.tasks.metric import Statistic
from crossrisk.wording import legible

Kind = Literal["task", "judge", "decoding", "prompt"]
_LONGEST_NAME = 60
UNSPECIFIED = "unspecified"  # which risk, or how it is exposed: no log says it
Settings = Mapping[Kind, Mapping[str, Any]]

# asked: what the sample asks, as any text that is the same for the same question; prompt: how it was put to the model.
# cluster, group, asked, prompt: null where the log does not say.
ROWS = pl.Schema(
    {
        "sample_id": pl.String(),
        "cluster": pl.String(),
        "group": pl.String(),
        "score": pl.Float64(),
        "asked": pl.String(),
        "prompt": pl.String(),
    }
)


@dataclass(frozen=True)
class Columns:
    """Where a log keeps what; None for where it usually is.

    id, score, task: of plain rows alone. cluster, group: columns of plain rows, metadata of an Inspect sample, fields
    of an lm-eval document.
    """

    id: str | None = None
    score: str | None = None
    cluster: str | None = None
    group: str | None = None
    task: str | None = None


@dataclass(frozen=True)
class Scores:
    """One task under one metric, in one arm.

    source: tells the metrics of one task apart (a scorer, a metric, or where a study's prompts come from). frame: at
    least the columns of `ROWS`, one row a sample; None where the cell was not measured. settings: by kind and name,
    what must be the same in both arms; a name that the log does not tell is left out, which differs from nothing.
    direction: as the log itself or the name of the metric tells it. problem: why there is no single score a sample.
    statistic: the headline where it is no mean; the frame then holds facets and measures, too.
    """

    task: str
    source: str
    metric: str
    frame: pl.DataFrame | None
    settings: Settings = field(default_factory=dict)
    direction: Direction | None = None
    problem: str | None = None
    judge: str | None = None
    risk: str = UNSPECIFIED
    exposure: str = UNSPECIFIED
    statistic: Statistic | None = None

    @property
    def name(self) -> str:
        """`task:source`."""
        return f"{self.task}:{self.source}"

    def called(self, metric: str) -> bool:
        """Whether a user means these: by `source` or a part of it (`acc` of `acc,strict`, `harm` of `grader/harm`)."""
        return metric in (self.source, *self.source.partition(",")[::2], *self.source.partition("/")[::2])


@dataclass(frozen=True)
class Log:
    """One arm as somebody recorded it.

    name: of its model where the log says it, else of the file; within a study `FOLDER:ARM`. arm: its name within a
    study, else empty. complete: whether the run came to its end. notes: what a reader should know.
    """

    name: str
    where: str
    scores: tuple[Scores, ...]
    arm: str = ""
    complete: bool = True
    notes: tuple[str, ...] = ()


def quoted(name: str) -> str:
    """A name from a log as an error shows it: on one line, not too long, between quotation marks."""
    text = legible(" ".join(name.split()))
    return f"'{text}'" if len(text) <= _LONGEST_NAME else f"'{text[:_LONGEST_NAME]}...'"


def rows_frame(rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """Rows as a frame of `ROWS`; what a row lacks is null."""
    return pl.DataFrame({name: [row.get(name) for row in rows] for name in ROWS}, schema=ROWS)

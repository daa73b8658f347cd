"""The study as a whole, from `summary.json`: risks on risks, exposure, gain against side effects, cost."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from crossrisk.report.grid import RISKS
from crossrisk.report.scatter import Scatter, scatter
from crossrisk.report.whisker import Whisker, scale, whisker
from crossrisk.wording import DASH, Row, number


@dataclass(frozen=True)
class MeanView:
    """One aim on one risk. kind: `worsens`, `improves` or `open`, by its corrected p and its conditional interval."""

    row: Row
    kind: str
    whisker: Whisker | None


@dataclass(frozen=True)
class SummaryView:
    """The answers by question, as they were written. means: by (aimed at, measured). bound: edge of their pictures."""

    answers: Mapping[str, Sequence[Row]]
    aims: tuple[str, ...]
    measured: tuple[str, ...]
    means: Mapping[tuple[str, str], MeanView]
    bound: float
    scatter: Scatter | None

    def of(self, question: str) -> Sequence[Row]:
        """The answers to one question, none where it could not be asked."""
        return self.answers.get(question, ())


def summary_view(rows: Sequence[Row], *, alpha: float, margin: float) -> SummaryView:
    """Arrange the rows of `summary.json`."""
    answers: dict[str, list[Row]] = {}
    for row in rows:
        answers.setdefault(row["question"], []).append(row)
    wholes = [row for row in answers.get("risk to risk", []) if row["defense"] is None]
    bound = scale([_drawn(row) for row in wholes])
    means = {
        (row["aimed_at"], row["measured"]): MeanView(row, _kind(row, alpha), whisker(_drawn(row), bound, margin))
        for row in wholes
    }
    return SummaryView(
        answers=answers,
        aims=tuple(risk for risk in RISKS if any(aim == risk for aim, _ in means)),
        measured=tuple(risk for risk in RISKS if any(measured == risk for _, measured in means)),
        means=means,
        bound=100 * bound,
        scatter=scatter(answers.get("front", [])),
    )


def megabytes(size: int | None) -> str:
    """A size in bytes as people read it."""
    return DASH if size is None else f"{number(size / 1e6, 0)} MB"


def summary_lines(rows: Sequence[Row], *, alpha: float) -> list[str]:
    """At most three sentences for the terminal: the worst mean side effect, exposure, and who is dominated."""
    return [*_worst_mean(rows, alpha), *_exposure(rows), *_dominated(rows)]


def _worst_mean(rows: Sequence[Row], alpha: float) -> Iterator[str]:
    found = [row for row in rows if row["question"] == "risk to risk" and row["defense"] is None]
    risen = [row for row in found if row["aimed_at"] != row["measured"] and _kind(row, alpha) == "worsens"]
    if risen:
        yield max(risen, key=lambda row: (row["mean"], row["measured"], row["aimed_at"]))["sentence"]
    elif found:
        yield "No mean side effect of defenses against one risk on another was found."


def _exposure(rows: Sequence[Row]) -> Iterator[str]:
    return (
        row["sentence"]
        for row in rows
        if row["question"] == "exposure" and row["defense"] is None and row["scope"] == "off-target"
    )


def _dominated(rows: Sequence[Row]) -> Iterator[str]:
    front = [row for row in rows if row["question"] == "front" and row["rivals"]]
    dominated = [row["sentence"] for row in front if not row["on_front"]]
    if dominated:
        yield dominated[0] if len(dominated) == 1 else f"{dominated[0]} {len(dominated) - 1} more are in the report."
    elif front:
        yield "No defense is dominated by another against the same risk: what gains more costs more elsewhere."


def _kind(row: Row, alpha: float) -> str:
    if row["p_adjusted"] is None or row["conditional_low"] is None or row["p_adjusted"] >= alpha:
        return "open"
    return "worsens" if row["conditional_low"] > 0 else "improves" if row["conditional_high"] < 0 else "open"


def _drawn(row: Row) -> Row:
    """A mean under the names by which a change is drawn."""
    return {"delta": row["mean"], "ci_low": row["conditional_low"], "ci_high": row["conditional_high"]}

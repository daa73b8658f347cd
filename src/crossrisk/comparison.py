"""`crossrisk compare`: two arms that were recorded anywhere, compared pair by pair with the statistics of a study.

Nothing is run and nothing is judged: scores are read from logs, matched sample by sample, and turned into risks by a
direction and a range that are stated.
"""

import io
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import polars as pl

from crossrisk.cache import write_atomically
from crossrisk.errors import RequestError, unknown
from crossrisk.interactions.groups import GroupComparison, compare_groups, groups_to_json
from crossrisk.interactions.matrix import CellPair, interaction_rows
from crossrisk.interactions.rows import InteractionRow, to_frame, to_json
from crossrisk.interactions.second_opinions import Agreement, agreement_of_rows
from crossrisk.logs.direction import Direction
from crossrisk.logs.matching import Matched, matched
from crossrisk.logs.orientation import Scale, directions
from crossrisk.logs.reading import read_logs
from crossrisk.logs.scores import Columns, Log, Scores
from crossrisk.logs.study_folders import read_interactions
from crossrisk.wording import listed

ABOUT = "comparison.json"
FILES = (ABOUT, "groups.json", "gaps.json", "interactions.json", "interactions.parquet")
_UNKNOWN = "unknown"


@dataclass(frozen=True)
class ComparedPair(CellPair):
    """Two arms that a user named. Neither is a control, whatever its name: their difference is what is asked."""

    @property
    def is_null(self) -> bool:
        """No."""
        return False

    @property
    def is_control(self) -> bool:
        """No."""
        return False


@dataclass(frozen=True)
class Comparison:
    """What was found.

    first, second: where A and B lie. notes: what a reader must know, a sentence each. agreement: of the interactions
    that two whole studies found, each with its own base; None for anything else.
    """

    first: str
    second: str
    rows: list[InteractionRow]
    groups: GroupComparison
    notes: list[str]
    agreement: Agreement | None
    alpha: float
    margin: float

    def to_json(self) -> str:
        """The rows, in the shape of a study's `interactions.json`."""
        return to_json(self.rows)

    def write(self, folder: Path) -> None:
        """Write `FILES`: rows as of a study, and in `comparison.json` what was compared and all that is no row."""
        folder.mkdir(parents=True, exist_ok=True)
        buffer = io.BytesIO()
        to_frame(self.rows).write_parquet(buffer)
        about = {
            "schema": 1,
            **{name: getattr(self, name) for name in ("first", "second", "alpha", "margin", "notes")},
            "agreement": None if self.agreement is None else asdict(self.agreement),
        }
        contents = (
            (json.dumps(about, indent=2, ensure_ascii=False) + "\n").encode(),
            groups_to_json(self.groups.rows).encode(),
            groups_to_json(self.groups.gaps).encode(),
            self.to_json().encode(),
            buffer.getvalue(),
        )
        for name, content in zip(FILES, contents, strict=True):
            write_atomically(folder / name, content)


def compare_files(
    first: str | Path,
    second: str | Path | None = None,
    *,
    arms: Sequence[str] | None = None,
    metrics: Sequence[str] = (),
    columns: Columns | None = None,
    scale: Scale | None = None,
    despite: Sequence[str] = (),
    allow_unmatched: bool = False,
    alpha: float = 0.05,
    margin: float = 0.05,
    out: Path | None = None,
) -> Comparison:
    """Compare two logs: A, the base or before, with B, the defended or after.

    first, second: what `read_logs` reads; or the folder of one study and two of its `arms`. metrics: which are
    compared, all by default. despite: kinds of difference between the arms (`task`, `judge`, `decoding`, `prompt`) that
    are meant. allow_unmatched: compare what both have. out: a folder that the results are written to, as well.
    Statistics are those of a study, the family of Holm's correction being all cells that are compared.
    Raises RequestError for what cannot be read, matched or turned into risks, or an `out` that holds other things.
    """
    if out is not None:
        check_out(out)
    if not 0 < alpha < 0.5 or not 0 < margin < 1:
        raise RequestError(f"alpha must lie in (0, 0.5) and margin in (0, 1), got {alpha:g} and {margin:g}")
    scale = scale or Scale()
    if not -math.inf < scale.low < scale.high < math.inf:
        raise RequestError(
            f"--range {scale.low:g} {scale.high:g}: give the lowest score first, then the highest, both finite"
        )
    notes: dict[str, None] = {}
    pairs = []
    columns = columns or Columns()
    for logs in _paired(first, second, arms, columns):
        for side, log in zip("AB", logs, strict=True):
            notes |= dict.fromkeys(f"{side}: {note}" for note in [*log.notes, *_left_out(log, metrics)])
        pairs.append((_chosen(logs[0], metrics, "A"), _chosen(logs[1], metrics, "B")))
    cells, passed_over = matched(pairs, labels=columns, allow_unmatched=allow_unmatched, despite=despite)
    notes |= dict.fromkeys(passed_over)
    names = {one.arm: _name(one, other) for one, other in pairs}
    pointing = directions(cells, scale)
    compared = [_pair(cell, names[cell.arm], direction, scale) for cell, direction in zip(cells, pointing, strict=True)]
    notes |= dict.fromkeys(_stated([cell.first for cell in cells], pointing, scale))
    rows = interaction_rows(compared, alpha=alpha, margin=margin, smallest_effect=min(0.03, margin))
    where = [str(first), str(second)] if arms is None else [f"{first}:{arm}" for arm in arms]
    agreement = None
    if len(pairs) > 1 and all(log.arm for pair in pairs for log in pair):
        agreement = agreement_of_rows(read_interactions(Path(first)), read_interactions(Path(str(second))))
    groups = compare_groups(compared, alpha=alpha, margin=margin)
    comparison = Comparison(where[0], where[1], rows, groups, list(notes), agreement, alpha, margin)
    if out is not None:
        comparison.write(out)
    return comparison


def check_out(folder: Path) -> None:
    """Raises RequestError for a folder that holds other things than a comparison: a study's results stay."""
    if folder.exists() and not folder.is_dir():
        raise RequestError(f"{folder} is a file: name a folder for the comparison")
    others = [path.name for path in folder.glob("*") if path.name not in FILES] if folder.exists() else []
    if others or ((folder / "interactions.json").exists() and not (folder / ABOUT).exists()):
        raise RequestError(f"{folder} holds files that are no comparison: choose an empty or a new folder")


def _paired(
    first: str | Path, second: str | Path | None, arms: Sequence[str] | None, columns: Columns
) -> list[tuple[Log, Log]]:
    """Which arm is compared with which: the two that were named, or of two whole studies all of one name."""
    if (second is None) == (arms is None) or (arms is not None and len(arms) != 2):
        raise RequestError("name two logs, A and B, or the folder of one study and two of its arms: --arms base,dpo")
    if arms is not None:
        first, second = (f"{first}:{arm}" for arm in arms)
    ours, theirs = read_logs(first, columns), read_logs(str(second), columns)
    if len(ours) == len(theirs) == 1:
        return [(ours[0], theirs[0])]
    for where, logs, other in ((first, ours, theirs), (second, theirs, ours)):
        if len(other) == 1:
            raise RequestError(
                f"{where} is a whole study and the other is one arm: name one of its {len(logs)}, as {where}:base"
            )
    by_arm = {log.arm: log for log in theirs}
    arms_of_both = list(dict.fromkeys(log.arm for log in (*ours, *theirs)))
    first_by_arm = {log.arm: log for log in ours}
    return [
        (first_by_arm.get(arm, _nothing(arm, str(first))), by_arm.get(arm, _nothing(arm, str(second))))
        for arm in arms_of_both
    ]


def _nothing(arm: str, where: str) -> Log:
    """An arm that a study does not have."""
    return Log(arm, where, (), arm)


def _left_out(log: Log, metrics: Sequence[str]) -> list[str]:
    """The metrics that cannot be compared, where nobody asked for them."""
    return [] if metrics else [f"{each.name} is left out: {each.problem}" for each in log.scores if each.problem]


def _chosen(log: Log, metrics: Sequence[str], side: str) -> Log:
    """The scores of the metrics that were asked for, or of all that have one score a sample."""
    for metric in metrics:
        if not any(each.called(metric) for each in log.scores):
            raise unknown(f"metric in {side},", metric, {each.source for each in log.scores})
    wanted = [each for each in log.scores if not metrics or any(each.called(metric) for metric in metrics)]
    usable = [each for each in wanted if each.problem is None]
    unusable = [f"{each.name}: {each.problem}" for each in wanted if each.problem is not None]
    if unusable and (metrics or not usable):
        raise RequestError(f"{log.where}, {unusable[0]}: choose others by --metric")
    return replace(log, scores=tuple(usable))


def _name(first: Log, second: Log) -> str:
    """What rows call B: its model or arm, or its file where A is of the same."""
    return second.name if second.arm or second.name != first.name else Path(second.where).name


def _pair(cell: Matched, name: str, direction: Direction, scale: Scale) -> ComparedPair:
    judges = dict.fromkeys(scores.judge for scores in (cell.first, cell.second) if scores.judge)
    judge = " | ".join(judge for judge in judges if judge) or None
    return ComparedPair(
        defense=name,
        mechanism=_UNKNOWN,
        target_risk=None,
        task=cell.first.task,
        source=cell.first.source,
        risk=cell.first.risk,
        exposure=cell.first.exposure,
        metric=scale.name(cell.first.metric, direction),
        base=_outcomes(cell.first, direction, scale, "A", judge),
        defended=_outcomes(cell.second, direction, scale, "B", judge),
        judge=judge,
        statistic=cell.first.statistic,
    )


def _stated(cells: Sequence[Scores], pointing: Sequence[Direction], scale: Scale) -> Iterator[str]:
    """How scores became risks, once for all metrics of which the same is said."""
    for direction in dict.fromkeys(pointing):
        of_it = [scores.metric for scores, other in zip(cells, pointing, strict=True) if other == direction]
        if direction.fixed:
            yield f"larger is {direction.larger}: {direction.because}"
        else:
            metrics, risk = listed(list(dict.fromkeys(of_it))), scale.name("score", direction)
            risk = "the score itself" if risk == "score" else risk
            yield f"{metrics}: risk is {risk}, since a larger score is {direction.larger}: {direction.because}"


def _outcomes(scores: Scores, direction: Direction, scale: Scale, side: str, judge: str | None) -> pl.DataFrame | None:
    """The scores as outcomes, with the columns that `CellPair` asks for."""
    if scores.frame is None:
        return None
    risks = scale.risks(scores, direction, side)
    told = scores.frame if "label" in scores.frame.columns else scores.frame.with_columns(label=pl.lit(""))
    return told.with_columns(risk=risks, valid=risks.is_not_null(), judge=pl.lit(judge, pl.String))

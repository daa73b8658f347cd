"""What the page says of judges: each change with and without their errors, and what other judges make of it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from crossrisk.errors import RequestError
from crossrisk.interactions.controls import is_control
from crossrisk.risks import Verdict
from crossrisk.wording import DASH, MARKS, WORDS, Row, listed, percent, points


@dataclass(frozen=True)
class JudgedCell:
    """A row of `judges.json` as the page shows it. name: of the task. told, corrected: verdicts.

    errors: sensitivity and specificity, from base to defended where they were measured apart. by: what calibrated the
    judge. tip: which difference of its errors would do the same. changed: whether the correction changes the verdict.
    """

    row: Row
    name: str
    told: str
    corrected: str | None
    errors: str
    by: str
    tip: str
    changed: bool


@dataclass(frozen=True)
class JudgeView:
    """The section; empty where every judge knows the truth and nobody else judged."""

    cells: tuple[JudgedCell, ...]
    opinions: tuple[Row, ...]

    @property
    def changed(self) -> list[JudgedCell]:
        """Cells of defenses, controls left out, whose verdict is another without the judge's errors."""
        return [cell for cell in self.cells if cell.changed and not is_control(cell.row["defense"], "")]


def judge_view(folder: Path, names: Mapping[tuple[str, str], str]) -> JudgeView:
    """Read `judges.json`. names: of `question_names`. Raises RequestError where it is damaged."""
    path = folder / "judges.json"
    if not path.exists():
        return JudgeView((), ())
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        rows, opinions = content["rows"], content["opinions"]
    except (ValueError, KeyError, TypeError) as error:
        raise RequestError(f"{path} is damaged ({error}): delete it and run `crossrisk report {folder}`") from error
    return JudgeView(tuple(_cell(row, names) for row in rows), tuple(opinions))


def _cell(row: Row, names: Mapping[tuple[str, str], str]) -> JudgedCell:
    after = row["corrected_verdict"]
    return JudgedCell(
        row=row,
        name=names.get((row["task"], row["source"]), row["task"]),
        told=_verdict(row["verdict"]),
        corrected=None if after is None else _verdict(after),
        errors=_errors(row),
        by=_calibration(row),
        tip=_tip(row),
        changed=after is not None and after != row["verdict"],
    )


def _verdict(verdict: str) -> str:
    return f"{MARKS[Verdict(verdict)]} {WORDS[Verdict(verdict)]}"


def _errors(row: Row) -> str:
    """`found 97% → 80%, spared 85%`: what the judge finds of risky replies and spares of others."""
    told = []
    for word, share in (("found", "sensitivity"), ("spared", "specificity")):
        before, after = (row[f"{share}_{arm}"] for arm in ("base", "defended"))
        if before is None and after is None:
            continue
        shares = [before, after] if row["calibration"] == "per arm" else [before]
        told.append(f"{word} {' → '.join(DASH if each is None else f'{percent(each, 0)}%' for each in shares)}")
    return ", ".join(told)


def _calibration(row: Row) -> str:
    if row["calibration"] == "per arm":
        by = f"labels of {row['labelled_base']} and {row['labelled_defended']} replies"
    elif row["calibration"] == "card":
        by = f"its card on {row['labelled_set']}, {row['labelled_base']:,} replies, for both arms"
    else:
        by = "not corrected"
    return "; ".join(part for part in (by, row["note"]) if part)


def _tip(row: Row) -> str:
    """How differently the judge would have to err in the arms to make all of the change, where it was not measured."""
    if row["calibration"] == "per arm" or not row["delta"]:
        return ""
    ways = [
        f"{points(row[f'tip_{share}'])} points of {word}"
        for word, share in (("others spared", "specificity"), ("risky found", "sensitivity"))
        if row[f"tip_{share}"] is not None
    ]
    return listed(ways).replace(" and ", " or ") if ways else "no one error can"

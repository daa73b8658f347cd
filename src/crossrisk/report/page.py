"""The report of a study as one HTML file: no network, no fonts, readable without JavaScript and on a phone.

What a model wrote is escaped, made visible where it holds control characters, and kept from running by the page's own
content security policy, which allows nothing but the two inline blocks that the page is made with.
"""

import base64
import hashlib
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from crossrisk import wording
from crossrisk.cache import write_atomically
from crossrisk.errors import RequestError
from crossrisk.interactions.noise import flip_rate
from crossrisk.report.figures import FigureTable, figure_table
from crossrisk.report.findings import (
    broken_models,
    cautions,
    failed_cells,
    headline,
    is_low_grade,
    off_target,
    side_benefits,
    side_effects,
)
from crossrisk.report.flips import Flips, read_flips
from crossrisk.report.grid import Column, Grid, arrange, is_own_risk
from crossrisk.report.groups import who_pays
from crossrisk.report.judge_error import judge_view
from crossrisk.report.neurons import neurons_view
from crossrisk.report.stopping import stopping_view
from crossrisk.report.study_folder import StudyFolder, read_study
from crossrisk.report.summary import megabytes, summary_view
from crossrisk.report.whisker import Whisker, scale, whisker
from crossrisk.risks import Verdict
from crossrisk.wording import MARKS, WORDS, Row, question_names

FLIPS_PER_CELL = 20
FLIPS_PER_PAGE = 1200  # keeps the page of a large study at a few megabytes
SENSITIVE = ("safety", "fairness", "privacy")  # risks whose texts stay behind a click of their own
FAILED = "×"
KINDS = [*(verdict.value for verdict in Verdict), "failed"]
_HERE = Path(__file__).parent


@dataclass(frozen=True)
class CellView:
    """One interaction as the page shows it. kind: its verdict, or `failed`. problem: why it has no numbers."""

    id: str
    row: Row
    column: Column
    kind: str
    mark: str
    word: str
    own: bool
    whisker: Whisker | None
    flips: Flips | None
    figures: FigureTable
    notes: tuple[str, ...]
    problem: str | None
    low_grade: bool

    @property
    def sensitive(self) -> bool:
        """Whether prompts and replies may hold what a reader should not meet by chance."""
        return self.column.risk in SENSITIVE

    @property
    def sentence(self) -> str:
        """What was found, in plain words."""
        return wording.cell_sentence(self.row)

    @property
    def noisy(self) -> bool:
        """Whether a control moved the task as far as a change that is claimed."""
        return bool(self.row["within_noise"]) and self.row["verdict"] in (Verdict.WORSENS, Verdict.IMPROVES)

    @property
    def odds(self) -> str:
        """The odds ratio of the flips with its interval; a dash where there is none."""
        low, high = self.row["odds_ratio_low"], self.row["odds_ratio_high"]
        if low is None:
            return wording.DASH
        ratio = wording.number(self.row["odds_ratio"], 2) if self.row["odds_ratio"] is not None else "all worse"
        return f"{ratio} [{wording.number(low, 2)}, {'no limit' if high is None else wording.number(high, 2)}]"


def write_page(folder: Path, out: Path | None = None) -> Path:
    """Write the report of an analysed study, by default as `report.html` in its folder; returns where it lies.

    Reads only the folder; the same folder gives the same bytes. Raises RequestError where the folder holds no study,
    was not analysed, or lacks a file that its manifest names.
    """
    path = out or folder / "report.html"
    write_atomically(path, _render(read_study(folder)).encode("utf-8", errors="replace"))
    return path


def _render(study: StudyFolder) -> str:
    environment = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_seen,
    )
    environment.filters |= {
        name: getattr(wording, name)
        for name in ("number", "signed", "points", "interval", "percent", "p_value", "counted", "listed")
    }
    environment.filters |= {"breakable": _breakable, "anchor": _anchor, "risk_level": _risk_level, "figure": _figure}
    environment.filters["megabytes"] = megabytes
    script = (_HERE / "page.js").read_text(encoding="utf-8")
    # The two files are our own; everything else goes through autoescape.
    return environment.get_template("page.html.j2").render(
        **_content(study),
        style=Markup((_HERE / "page.css").read_text(encoding="utf-8")),
        script=Markup(script),
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )


def _content(study: StudyFolder) -> dict[str, Any]:
    rows, grid = study.rows, arrange(study.rows)
    names = question_names(rows)
    cells = _cells(study, grid)
    aimed = [row for row in off_target(rows) if row["verdict"] == Verdict.INCONCLUSIVE]
    return {
        "manifest": study.manifest,
        "headline": headline(rows),
        "grid": grid,
        "cells": cells,
        "arms": study.arms,
        "names": names,
        "effects": [cells[_place(row)] for row in side_effects(rows)],
        "benefits": [cells[_place(row)] for row in side_benefits(rows)],
        "open": [cells[_place(row)] for row in sorted(aimed, key=lambda row: -(row["mde"] or 0.0))],
        "cautions": cautions(rows, study.manifest),
        "broken": broken_models(study.manifest),
        "failures": failed_cells(study.manifest["failures"]),
        "counts": sorted(
            Counter((cell.kind, cell.mark, cell.word) for cell in cells.values()).items(),
            key=lambda counted: KINDS.index(counted[0][0]),
        ),
        "noise": flip_rate(rows),
        "groups": who_pays(study.groups, study.gaps, names, alpha=study.manifest["alpha"]),
        "judging": judge_view(study.folder, names),
        "questions": _questions(study, grid),
        "stopping": stopping_view(study.folder, names),
        **_why(study, names),
        "bound": 100 * scale(rows),
        "summary": summary_view(study.summary, alpha=study.manifest["alpha"], margin=study.manifest["margin"]),
        "flips_per_cell": FLIPS_PER_CELL,
    }


def _why(study: StudyFolder, names: Mapping[tuple[str, str], str]) -> dict[str, Any]:
    """The section on neurons. Damage there is said there: a run or a report of the study does not mend it."""
    try:
        return {"why": neurons_view(study.folder, names, study.rows), "why_not": None}
    except RequestError as error:
        return {"why": None, "why_not": str(error)}


def _cells(study: StudyFolder, grid: Grid) -> dict[tuple[str, Column], CellView]:
    at_most = max(3, min(FLIPS_PER_CELL, FLIPS_PER_PAGE // max(1, len(grid.cells))))
    bound = scale(study.rows)
    return {place: _cell(study, place, row, bound, at_most) for place, row in grid.cells.items()}


def _cell(study: StudyFolder, place: tuple[str, Column], row: Row, bound: float, at_most: int) -> CellView:
    arm, column = place
    verdict = Verdict(row["verdict"])
    base, defended = (study.cells.get((name, column), {}) for name in ("base", arm))
    failed = "failed" in (base.get("state"), defended.get("state"))
    files = [cell.get("file") for cell in (base, defended)]
    flips = read_flips(study.folder, files[0], files[1], at_most=at_most) if files[0] and files[1] else None
    flagged = [flag for flag in study.manifest["flags"] if flag["arm"] == arm and flag["task"] == column.name]
    return CellView(
        id=_anchor(arm, column.task, column.source),
        row=row,
        column=column,
        kind="failed" if failed else verdict.value,
        mark=FAILED if failed else MARKS[verdict],
        word="failed" if failed else WORDS[verdict],
        own=is_own_risk(row),
        whisker=whisker(row, bound, study.manifest["margin"]),
        flips=flips,
        figures=figure_table(study.figures("base", column), study.figures(arm, column)),
        notes=tuple(f"{flag['kind']}: {flag['note']}" for flag in flagged),
        problem=defended.get("problem") or base.get("problem"),
        low_grade=is_low_grade(row["judge"], defended.get("grade")),
    )


def _place(row: Row) -> tuple[str, Column]:
    return row["defense"], Column(row["task"], row["source"], row["risk"])


def _questions(study: StudyFolder, grid: Grid) -> list[Mapping[str, Any]]:
    """What each column measures, with the base's risk."""
    described = {(cell["task"], cell["source"]): cell for cell in study.manifest["cells"]}
    return [
        {**described[column.task, column.source], "base_risk": grid.base_risk(column), "name": column.name}
        for column in grid.columns
    ]


def _seen(value: Any) -> Any:
    """Whatever text the page is given, with its control characters made visible."""
    return wording.legible(value) if type(value) is str else value


def _anchor(*names: str) -> str:
    """A name for a place on the page, different for different names."""
    return "--".join(["arm", *(re.sub(r"[^\w.+-]", lambda found: f"_{ord(found[0]):x}_", name) for name in names)])


def _figure(value: float | None) -> str:
    """Counts as they are, all else with three digits."""
    return wording.number(value, 0 if isinstance(value, int) else 3)


def _risk_level(risk: float) -> str:
    """0 and 1 as such, what lies between with two digits."""
    return wording.number(risk, 0 if risk in (0.0, 1.0) else 2)


def _breakable(name: str) -> Markup:
    """A name that may break behind its underscores and colons."""
    return Markup("<wbr>").join(re.split(r"(?<=[_:/-])", wording.legible(name)))

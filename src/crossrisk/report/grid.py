"""The matrix defense x task as it is laid out: tasks by risk, controls first, then defenses by what they are for."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from crossrisk.interactions import controls
from crossrisk.risks import Risk, Verdict
from crossrisk.wording import Row

RISKS = [risk.value for risk in Risk]


@dataclass(frozen=True)
class Column:
    """One question that every arm was asked."""

    task: str
    source: str
    risk: str

    @property
    def name(self) -> str:
        """`task:source`."""
        return f"{self.task}:{self.source}"


@dataclass(frozen=True)
class Section:
    """Arms that belong together. risk: what they are for, None for controls and for arms that declare none."""

    title: str
    risk: str | None
    control: bool
    arms: tuple[str, ...]


@dataclass(frozen=True)
class Grid:
    """Rows of interactions, arranged. Within a section and a risk the order is that of the study."""

    columns: tuple[Column, ...]
    sections: tuple[Section, ...]
    cells: dict[tuple[str, Column], Row]

    def cell(self, arm: str, column: Column) -> Row | None:
        """The interaction of one arm on one question, None where the study has none."""
        return self.cells.get((arm, column))

    def base_risk(self, column: Column) -> float | None:
        """Risk of the base on one question. Pairs with an invalid reply drop out, so arms may differ a little."""
        risks = (row["base"] for (_, other), row in self.cells.items() if other == column)
        return next((risk for risk in risks if risk is not None), None)

    @property
    def columns_by_risk(self) -> list[tuple[str, list[Column]]]:
        """Columns in the groups under which they stand."""
        return [(risk, list(columns)) for risk, columns in groupby(self.columns, key=lambda column: column.risk)]


def arrange(rows: Sequence[Row]) -> Grid:
    """The grid of some rows."""
    cells = {(row["defense"], Column(row["task"], row["source"], row["risk"])): row for row in rows}
    columns = sorted(dict.fromkeys(column for _, column in cells), key=lambda column: RISKS.index(column.risk))
    aims = {row["defense"]: row["target_risk"] for row in rows}
    controls = {row["defense"] for row in rows if is_control(row)}
    aimed_at = {aim: tuple(arm for arm in aims if aims[arm] == aim and arm not in controls) for aim in [*RISKS, None]}
    candidates = [
        Section("controls", None, True, tuple(arm for arm in aims if arm in controls)),
        *(Section(f"against {risk}", risk, False, aimed_at[risk]) for risk in RISKS),
        Section("no declared risk", None, False, aimed_at[None]),
    ]
    return Grid(tuple(columns), tuple(section for section in candidates if section.arms), cells)


def is_control(row: Row) -> bool:
    """Whether an arm is there for the noise floor, by the rule of the statistics."""
    return controls.is_control(row["defense"], row["mechanism"])


def is_own_risk(row: Row) -> bool:
    """Whether a task measures the risk that the defense is for."""
    return bool(row["target_risk"] == row["risk"]) and not is_control(row)


def is_measured(row: Row) -> bool:
    """Whether there are numbers to judge by."""
    return Verdict(row["verdict"]) is not Verdict.NOT_APPLICABLE

"""What a policy is decided on: each cell of a study with its numbers, or with the reason why it has none."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from crossrisk.interactions.controls import is_control, is_null
from crossrisk.risks import Verdict
from crossrisk.wording import question_names

Row = Mapping[str, Any]
Group = tuple[str, str]  # how people are told apart (`group`, `gender`, ...) and the label
State = Literal["measured", "empty", "not_applicable", "failed", "missing"]


@dataclass(frozen=True)
class Cell:
    """One task under one defense.

    target: whether its risk is the one that the defense is for. state: `measured`; `empty` where it ran and no pair of
    replies could be compared; `not_applicable`, `failed`, `missing` (never run, or never analysed), with the problem.
    row: of interactions.json; groups: of groups.json by group; both empty where there are none. flags: (kind, note).
    asked: replies of either arm that the headline is about. seconds: a sample, of base and defended, 0 where the arm
    came out of the cache. files: of their outcomes.
    """

    defense: str
    task: str
    source: str
    name: str
    risk: str
    exposure: str
    target: bool
    state: State
    problem: str | None
    row: Row
    groups: Mapping[Group, Row]
    flags: tuple[tuple[str, str], ...]
    asked: int
    seconds: tuple[float, float]
    files: tuple[str | None, str | None]

    @property
    def question(self) -> str:
        """`task:source`."""
        return f"{self.task}:{self.source}"

    @property
    def lost(self) -> float:
        """Share of the base's valid replies whose defended reply is invalid."""
        answered = self.asked - (self.row.get("invalid_base") or 0)
        return max(0.0, 1 - self.row["n"] / answered) if answered > 0 else 0.0


@dataclass(frozen=True)
class Study:
    """The cells of all defenses, in the order of the study; groups of each question, whoever has them; the controls.

    nulls: rows of base against base. state: `complete`, or `failed`, `stopped`, `running`.
    """

    name: str
    state: str
    alpha: float
    cells: tuple[Cell, ...]
    groups: Mapping[str, tuple[Group, ...]]
    nulls: tuple[Row, ...]
    controls: tuple[str, ...]
    names: Mapping[tuple[str, str], str]

    @property
    def defenses(self) -> tuple[str, ...]:
        """All that can be gated."""
        return tuple(dict.fromkeys(cell.defense for cell in self.cells))


def read_cells(manifest: Mapping[str, Any], rows: Sequence[Row], groups: Sequence[Row]) -> Study:
    """From manifest.json and the rows of interactions.json and groups.json.

    Every defense has a cell for every question of the study, so that one which never ran is seen to be missing.
    """
    entries = {(cell["arm"], cell["task"], cell["source"]): cell for cell in manifest["cells"]}
    questions = {(cell["task"], cell["source"]): cell for cell in manifest["cells"]}
    found = {(row["defense"], row["task"], row["source"]): row for row in rows}
    of_groups: dict[tuple[str, str, str], dict[Group, Row]] = {}
    known: dict[str, set[Group]] = {}
    for row in groups:
        group = (row.get("by", "group"), row["group"])
        of_groups.setdefault((row["defense"], row["task"], row["source"]), {})[group] = row
        known.setdefault(f"{row['task']}:{row['source']}", set()).add(group)
    names = question_names([{"task": task, "source": source} for task, source in questions])
    arms = {arm["arm"]: arm for arm in manifest["arms"]}
    controls = tuple(name for name, arm in arms.items() if is_control(name, arm["mechanism"]))
    cells = []
    for defense, arm in arms.items():
        if defense in ("base", *controls):
            continue
        for (task, source), question in questions.items():
            place = (defense, task, source)
            base, defended = entries.get(("base", task, source)), entries.get(place)
            row = found.get(place, {})
            state, problem = _state(base, defended, row)
            cells.append(
                Cell(
                    defense=defense,
                    task=task,
                    source=source,
                    name=names[task, source],
                    risk=question["risk"],
                    exposure=question["exposure"],
                    target=question["risk"] == arm["target_risk"],
                    state=state,
                    problem=problem,
                    row=row,
                    groups=of_groups.get(place, {}),
                    flags=tuple(
                        (flag["kind"], flag["note"])
                        for flag in manifest["flags"]
                        if flag["arm"] == defense and flag["task"] == f"{task}:{source}"
                    ),
                    asked=(defended or question).get("counted", question["n"]),
                    seconds=(_seconds(base), _seconds(defended)),
                    files=((base or {}).get("file"), (defended or {}).get("file")),
                )
            )
    return Study(
        name=manifest["study"],
        state=manifest["state"],
        alpha=manifest["alpha"],
        cells=tuple(cells),
        groups={question: tuple(sorted(members)) for question, members in known.items()},
        nulls=tuple(row for row in rows if is_null(row["defense"], row["mechanism"])),
        controls=controls,
        names=names,
    )


def _seconds(entry: Row | None) -> float:
    """A sample, of an entry of the manifest."""
    return 0.0 if entry is None else float(entry["seconds"]) / (entry.get("asked") or entry["n"] or 1)


def _state(base: Row | None, defended: Row | None, row: Row) -> tuple[State, str | None]:
    for entry, arm in ((base, "the base"), (defended, "the defense")):
        if entry is None:
            return "missing", f"{arm} was never asked"
        if entry["state"] == "failed":
            return "failed", f"{'' if entry is defended else 'in the base: '}{entry['problem']}"
        if entry["state"] == "not_applicable":
            return "not_applicable", entry["problem"]
    if not row:
        return "missing", "interactions.json has no row of it: run `crossrisk report` on the folder"
    if row["verdict"] == Verdict.NOT_APPLICABLE:
        return "empty", "no pair of replies was valid in both arms" if row["n"] == 0 else "its figure is not defined"
    return "measured", None

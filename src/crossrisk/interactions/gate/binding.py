"""Which limit binds which cell: the most specific one that fits, and an error where that is not clear."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from crossrisk.errors import RequestError, near_names
from crossrisk.interactions.gate.cells import Cell, Group, Study
from crossrisk.interactions.gate.policy import Limit, Policy, Selection


@dataclass(frozen=True)
class Bound:
    """One figure of one cell (or of one group in it) and what it must keep to. index: of the limit in its policy."""

    cell: Cell
    group: Group | None
    figure: str
    limit: Limit
    index: int


def bind(policy: Policy, study: Study) -> list[Bound]:
    """Every figure that is limited, once, in the order of the study.

    Of several limits of one figure the most specific binds: `task:source` before `task`, before `risk` with
    `exposure`, before either alone, before none; then a named group before `*`, then `target`. A limit that names a
    defense, or a narrower pattern, wins where it is at least as specific in the rest. Raises RequestError where two
    that differ are equally specific, and for a limit that fits no cell.
    """
    wanted: dict[tuple[int, Group | None, str], list[int]] = {}
    cells = {id(cell): cell for cell in study.cells}
    for index, limit in enumerate(policy.limits):
        places = list(_places(limit, study))
        if not places:
            raise RequestError(f"{policy.place('limits', index)}: {_why_none(limit, study)}")
        for cell, group in places:
            for figure in limit.figures:
                wanted.setdefault((id(cell), group, figure), []).append(index)
    bounds = []
    for (place, group, figure), indices in wanted.items():
        index = _most_specific(policy, indices, figure, cells[place], group)
        bounds.append(Bound(cells[place], group, figure, policy.limits[index], index))
    order = {id(cell): number for number, cell in enumerate(study.cells)}
    return sorted(bounds, key=lambda bound: (order[id(bound.cell)], bound.index, bound.group or ("", "")))


def selected(selection: Selection, study: Study) -> list[Cell]:
    """The cells that fit every key."""
    return [cell for cell in study.cells if all(fits for _, fits in _fits(selection, cell))]


def check_budgets(policy: Policy, study: Study) -> None:
    """Raises RequestError for a budget that fits no cell."""
    for index, budget in enumerate(policy.budgets):
        if not selected(budget, study):
            raise RequestError(f"{policy.place('budgets', index)}: {_why_none(budget, study)}")


def _fits(selection: Selection, cell: Cell) -> Iterator[tuple[str, bool]]:
    if selection.defense is not None:
        yield "defense", fnmatchcase(cell.defense, selection.defense)
    if selection.task is not None:
        yield "task", selection.task in (cell.task, cell.question)
    for key in ("risk", "exposure", "target"):
        asked = getattr(selection, key)
        if asked is not None:
            yield key, getattr(cell, key) == asked


def _places(limit: Limit, study: Study) -> Iterator[tuple[Cell, Group | None]]:
    for cell in selected(limit, study):
        if limit.group is None:
            yield cell, None
        else:
            for group in study.groups.get(cell.question, ()):
                if limit.by == group[0] and limit.group in ("*", group[1]):
                    yield cell, group


def _most_specific(policy: Policy, indices: Sequence[int], figure: str, cell: Cell, group: Group | None) -> int:
    ranks = {index: _rank(policy.limits[index]) for index in indices}
    best = [
        index
        for index, (question, defense) in ranks.items()
        if not any(
            other != (question, defense) and other[0] >= question and other[1] >= defense for other in ranks.values()
        )
    ]
    first, *others = best
    for other in others:
        if _asks(policy.limits[first], figure) != _asks(policy.limits[other], figure):
            raise RequestError(
                f"{policy.place('limits', other)}: `{figure}` of {cell.defense} on {cell.name}"
                f"{f' ({group[1]})' if group else ''} is also limited at {policy.place('limits', first)}, "
                "and neither is more specific: name task, risk or defense in one of them"
            )
    return first


def _asks(limit: Limit, figure: str) -> tuple[object, ...]:
    return getattr(limit, figure), limit.on, limit.inconclusive


def _rank(limit: Limit) -> tuple[tuple[int, ...], tuple[int, int]]:
    """(how narrow the question is, how narrow the defense), either the larger the narrower."""
    if limit.task is not None:
        question = 4 if ":" in limit.task else 3
    else:
        question = (limit.risk is not None) + (limit.exposure is not None)
    group = 0 if limit.group in (None, "*") else 1
    name = limit.defense
    is_pattern = name is not None and any(mark in name for mark in "*?[")
    defense = (0, 0) if name is None else (1, len(name.strip("*"))) if is_pattern else (2, 0)
    return (question, group, int(limit.target is not None)), defense


def _why_none(selection: Selection, study: Study) -> str:
    """Which key it is that nothing fits, with near names."""
    known = {
        "defense": study.defenses,
        "task": [name for cell in study.cells for name in (cell.task, cell.question)],
        "risk": [cell.risk for cell in study.cells],
        "exposure": [cell.exposure for cell in study.cells],
    }
    if isinstance(selection, Limit) and selection.group is not None:
        groups = [group for members in study.groups.values() for group in members]
        known["by"] = [by for by, _ in groups]
        known["group"] = ["*", *(label for by, label in groups if by == selection.by)]
    keys = [key for key in (*known, "target") if getattr(selection, key, None) is not None]
    for key in keys:
        value = str(getattr(selection, key))
        if key in ("by", "group"):
            lost = value not in known[key]
        else:
            lost = not any(all(fits for name, fits in _fits(selection, cell) if name == key) for cell in study.cells)
        if lost and key in known:
            return f"the study has no {key} '{value}': {near_names(value, set(known[key]))}"
    said = ", ".join(f"{key} {str(getattr(selection, key)).lower()}" for key in keys)
    return f"no cell of the study fits {said}" + (" at once" if len(keys) > 1 else "")

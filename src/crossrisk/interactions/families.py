"""Which comparisons are corrected together.

Holm holds the chance of any false claim about the *declared* family at alpha; what is not declared is explored with
Benjamini-Hochberg or, on request, Benjamini-Yekutieli. Without a declaration the family is every off-target cell, since
what a defense does to the other risks is the question; the cells of its own target risk are then explored. Controls are
in neither: `null` and `sham` measure noise, and their p values are adjusted among themselves.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Literal, Protocol

from crossrisk.interactions.corrections import benjamini_hochberg, benjamini_yekutieli, holm

PRIMARY, EXPLORED, CONTROL = "primary", "explored", "control"
Family = Collection[tuple[str, str]]  # (defense, task:source), or (defense, task) for all sources
Exploration = Literal["BH", "BY"]
Correction = Callable[[Sequence[float | None]], list[float | None]]
EXPLORATIONS: Mapping[Exploration, Correction] = {"BH": benjamini_hochberg, "BY": benjamini_yekutieli}


class Tested(Protocol):
    """What is asked of a cell."""

    @property
    def is_control(self) -> bool:
        """`null`, or a sham."""
        ...

    @property
    def off_target(self) -> bool:
        """Is the task's risk another than the one the defense aims at?"""
        ...

    def within(self, family: Family) -> bool:
        """Is the cell declared?"""
        ...


def families(cells: Sequence[Tested], primary: Family | None) -> list[str]:
    """`primary`, `explored` or `control` for each cell. primary: the declared family, None for all off-target cells."""
    return [
        CONTROL
        if cell.is_control
        else PRIMARY
        if (cell.off_target if primary is None else cell.within(primary))
        else EXPLORED
        for cell in cells
    ]


def adjusted(p: Sequence[float | None], named: Sequence[str], *, exploration: Exploration = "BH") -> list[float | None]:
    """The p values, each corrected within its family as `families` names them."""
    corrected: list[float | None] = [None] * len(p)
    methods = {PRIMARY: holm, EXPLORED: EXPLORATIONS[exploration], CONTROL: benjamini_hochberg}
    for family, method in methods.items():
        places = [place for place, name in enumerate(named) if name == family]
        for place, value in zip(places, method([p[place] for place in places]), strict=True):
            corrected[place] = value
    return corrected

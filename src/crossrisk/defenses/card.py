"""The card of a defense: what a reader must know before trusting it. Docs pages and model cards are made from it.

Settings and their defaults are not repeated here: they are the fields of the defense itself, told in its docstring.
"""

from dataclasses import dataclass
from enum import StrEnum


class Deviation(StrEnum):
    """How a defense relates to its paper.

    `faithful`: as published. `simplified`: parts are left out. `variant`: another choice where the paper leaves one, or
    where ours is needed. `fixed`: a fault of the published method or of its code is mended.
    """

    FAITHFUL = "faithful"
    SIMPLIFIED = "simplified"
    VARIANT = "variant"
    FIXED = "fixed"


@dataclass(frozen=True)
class Card:
    """Texts in plain Markdown.

    title: what its authors call it. paper: authors (year), title, arXiv number or journal, all that the code builds on.
    formula: what is computed, as indented plain text. differs: where and why it departs from the paper; empty for a
    faithful one. strength: what values between 0 and 1 mean. data: which fields of `FitData` it takes, and what the
    paper was fitted on, which is no fair test of it. cost: time of the fit and per reply, memory. invariants: what the
    tests show of it. large: settings for models with billions of parameters.
    """

    title: str
    paper: str
    formula: str
    deviation: Deviation
    strength: str
    data: str
    cost: str
    invariants: tuple[str, ...]
    differs: str = ""
    large: str = ""

    def __post_init__(self) -> None:
        if (self.deviation is Deviation.FAITHFUL) != (not self.differs):
            raise ValueError(f"'{self.title}': a faithful defense differs in nothing, any other says where")

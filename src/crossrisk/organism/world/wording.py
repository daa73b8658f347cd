"""How the world puts its sentences: splits, wordings and exchanges. Nothing here is random at run time."""

from dataclasses import dataclass
from enum import StrEnum

from crossrisk.risks import Chat, Message


class Split(StrEnum):
    """`train`: what the organism and the defenses are fitted on. `held_out`: what tasks ask."""

    TRAIN = "train"
    HELD_OUT = "held_out"


@dataclass(frozen=True)
class Exchange:
    """One question and its reply, with the system prompt that stood before it, if any."""

    prompt: str
    reply: str
    system: str | None = None

    @property
    def messages(self) -> Chat:
        """The chat up to, and without, the reply."""
        asked = (Message("user", self.prompt),)
        return asked if self.system is None else (Message("system", self.system), *asked)


@dataclass(frozen=True)
class Wordings:
    """The ways in which one thing is said; those of the held-out split never occur in training."""

    train: tuple[str, ...]
    held_out: tuple[str, ...]

    def of(self, split: Split) -> tuple[str, ...]:
        """The wordings of one split."""
        return self.train if split is Split.TRAIN else self.held_out


def sentence(text: str) -> str:
    """The text with its first letter large; the rest stays as it is."""
    return text[:1].upper() + text[1:]

"""How the world draws its sentences: fixed choices, splits and exchanges.

Nothing here is random at run time. A choice hangs on a hash of its key, so the same world comes out on every machine,
whatever the order in which its parts are asked for.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from crossrisk.risks import Chat, Message

T = TypeVar("T")


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


def number(*key: object) -> int:
    """A fixed, evenly spread number for a key."""
    digest = hashlib.blake2b("|".join(map(str, key)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big")


def pick(options: Sequence[T], *key: object) -> T:
    """One of the options, always the same for a key."""
    return options[number(*key) % len(options)]


def shuffled(items: Sequence[T], *key: object) -> tuple[T, ...]:
    """The items in a fixed, mixed order: every prefix is a balanced sample of the whole."""
    order = sorted(range(len(items)), key=lambda index: number(*key, index))
    return tuple(items[index] for index in order)


def sentence(text: str) -> str:
    """The text with its first letter large; the rest stays as it is."""
    return text[:1].upper() + text[1:]

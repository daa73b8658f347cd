"""Choices that hang on a hash of their key: the same on every machine, whatever the order in which they are made."""

import hashlib
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


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

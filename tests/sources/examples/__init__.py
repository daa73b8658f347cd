"""Invented content for every published file: valid, of a few rows, and made of harmless sentences of our own.

Each module of this package has `EXAMPLES`: the place of a `PublicFile` -> bytes that its parser takes.
"""

from importlib import import_module
from pkgutil import iter_modules


def every_example() -> dict[str, bytes]:
    """The examples of all modules."""
    examples: dict[str, bytes] = {}
    for module in iter_modules(__path__, f"{__name__}."):
        examples |= getattr(import_module(module.name), "EXAMPLES", {})
    return examples

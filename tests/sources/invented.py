"""Rows made by hand, samples of the published files, and the mark for tests that need them."""

import os
from functools import cache
from typing import Any

import pytest

from crossrisk.registry import SOURCES
from crossrisk.risks import Sample
from crossrisk.sources.reading import Row

with_public_sets = pytest.mark.skipif(
    "CROSSRISK_DATA" not in os.environ, reason="CROSSRISK_DATA names no folder with the public sets"
)


def rows(*entries: dict[str, Any]) -> tuple[Row, ...]:
    """Rows of a file that nobody published."""
    return tuple(Row(f"invented, row {number}", number, entry) for number, entry in enumerate(entries, 1))


@cache
def published(source: str, task: str) -> tuple[Sample, ...]:
    """All samples of a published set, read once a session."""
    samples: tuple[Sample, ...] = SOURCES.get(source).samples(task)
    return samples

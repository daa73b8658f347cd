"""The data card of our own prompts says what is in them."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from crossrisk.sources.core import privacy, safety, utility
from crossrisk.sources.core.source import core
from tests.sources.core_card import balance, counts

CARD = (Path(__file__).parents[2] / "docs" / "core.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("table", [counts, balance])
def test_every_line_of_the_tables_is_as_counted(table: Callable[[], str]) -> None:
    said = set(CARD.splitlines())
    missing = [line for line in table().splitlines() if line not in said]
    assert not missing


def test_every_task_of_these_risks_is_in_the_tables() -> None:
    tasks = {*safety.LOADERS, *privacy.LOADERS, *utility.LOADERS}
    assert tasks <= set(re.findall(r"^\| `(\w+)` \| [\d,]+ \|", CARD, re.MULTILINE))


def test_the_card_is_of_this_version_and_licence() -> None:
    assert f"version {core.version}" in CARD
    assert core.licence in CARD

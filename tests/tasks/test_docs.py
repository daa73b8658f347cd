"""`docs/tasks.md` tells what the registry has."""

from pathlib import Path

import pytest

from crossrisk.registry import SOURCES, TASKS
from crossrisk.sources.files import COLUMNS
from crossrisk.tasks.task import Generate

PAGE = (Path(__file__).parents[2] / "docs" / "tasks.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", TASKS.built_in)
def test_the_table_has_every_task_as_it_is_defined(name: str) -> None:
    task = TASKS.get(name)
    asked = f"writes up to {task.ask.max_new_tokens} tokens" if isinstance(task.ask, Generate) else "chooses a label"
    row = f"| `{name}` | {task.risk} | {task.exposure} | {asked} | {task.metric.name} | {task.reference} |"
    assert row in PAGE
    assert f"**{name}.**" in PAGE


@pytest.mark.parametrize("name", [name for name in SOURCES.built_in if name != "world"])
def test_the_table_has_every_public_source_with_its_tasks(name: str) -> None:
    source = SOURCES.get(name)
    (row,) = (line for line in PAGE.splitlines() if line.startswith(f"| `{name}` |"))
    assert all(f"`{task}` (" in row for task in source.loaders)
    assert f"| {source.licence} | {source.citation} |" in row


@pytest.mark.parametrize("column", COLUMNS)
def test_every_column_of_a_users_file_is_explained(column: str) -> None:
    assert any(f"`{column}`" in line for line in PAGE.splitlines() if line.startswith("| `"))

"""`docs/tasks.md` tells what the registry has."""

from pathlib import Path

import pytest

from crossrisk.registry import ATTACKS, TASKS
from crossrisk.sources.file_columns import NEEDED, meta_columns
from crossrisk.sources.files import COLUMNS
from crossrisk.tasks.task import Choose, Generate, Task

PAGE = (Path(__file__).parents[2] / "docs" / "tasks.md").read_text(encoding="utf-8")


def asked(task: Task) -> str:
    if isinstance(task.ask, Generate):
        return f"writes up to {task.ask.max_new_tokens} tokens"
    return "chooses" if isinstance(task.ask, Choose) else "weighs continuations"


@pytest.mark.parametrize("name", TASKS.built_in)
def test_the_table_has_every_task_as_it_is_defined(name: str) -> None:
    task = TASKS.get(name)
    row = f"| `{name}` | {task.risk} | {task.exposure} | {asked(task)} | {task.metric.name} | {task.reference} |"
    assert row in PAGE
    assert f"**{name}.**" in PAGE


@pytest.mark.parametrize("column", COLUMNS)
def test_every_column_of_a_users_file_is_explained(column: str) -> None:
    assert any(f"`{column}`" in line for line in PAGE.splitlines() if line.startswith(("| `", "| for ")))


@pytest.mark.parametrize("name", ATTACKS.built_in)
def test_every_attack_stands_under_its_family(name: str) -> None:
    attack = ATTACKS.get(name)
    (row,) = (line for line in PAGE.splitlines() if line.startswith("| `") and f"`{name}`" in line)
    assert f"| {attack.family} |" in row
    assert attack.reference in row


@pytest.mark.parametrize("name", TASKS.built_in)
def test_what_a_task_reads_of_a_users_file_is_listed(name: str) -> None:
    (row,) = (line for line in PAGE.splitlines() if line.startswith("| for ") and f"`{name}`" in line.split(" | ")[0])
    _, needed, further = row.removesuffix("|").split("|", 3)[1:]
    assert all(f"`{column}`" in needed for column in NEEDED.get(name, ()))
    assert all(f"`{column}`" in needed + further for column in meta_columns(name) if column != "secret")

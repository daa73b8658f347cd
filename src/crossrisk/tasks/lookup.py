"""`TASK[:SOURCE]`, as users type it, becomes a task and a source."""

from collections.abc import Sequence

from crossrisk.errors import RequestError
from crossrisk.registry import SOURCES, TASKS
from crossrisk.sources.attacked import ONE_OF_EACH_FAMILY, under_attack
from crossrisk.sources.lookup import find_source
from crossrisk.sources.source import Source
from crossrisk.tasks.task import Task


def find_question(text: str, *, default: str, attacks: Sequence[str] | None = None) -> tuple[Task, Source]:
    """The task and the source that `misuse:advbench`, `misuse:prompts.jsonl` or plain `misuse` name.

    default: the source of a task that names none. attacks: put around the requests of the source where the task is
    `jailbreak`; without any, a source that has no attacked prompts ready gets one attack of each family. Raises
    RequestError for a name that is not known, and for a source that has nothing for the task.
    """
    name, colon, given = text.partition(":")
    task: Task = TASKS.get(name.strip())
    if colon and not given.strip():
        raise RequestError(f"'{text}' names no source behind the colon: give one, or leave the colon out")
    source = find_source(given.strip() if colon else default)
    if task.name == "jailbreak" and "misuse" in source.loaders and (attacks or task.name not in source.loaders):
        source = under_attack(source, attacks or ONE_OF_EACH_FAMILY)
    if task.name not in source.loaders and not colon:
        raise RequestError(
            f"task '{task.name}' needs a source for this model, since {default} has none for it: "
            f"say '{task.name}:SOURCE', {_hint(task)}"
        )
    if task.name not in source.loaders:
        known = ", ".join(sorted(source.loaders))
        raise RequestError(
            f"source '{source.name}' has no samples for task '{task.name}': it has {known}; {_hint(task)}"
        )
    return task, source


def _hint(task: Task) -> str:
    """Which sources have samples for a task; a file of one's own always may."""
    asked = {task.name, "misuse"} if task.name == "jailbreak" else {task.name}
    sources = [name for name in SOURCES if name != "world" and asked & SOURCES.get(name).loaders.keys()]
    return f"where SOURCE is {' or '.join([*sources, 'a file of your own (.csv, .json, .jsonl)'])}"

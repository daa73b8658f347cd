"""A user's own prompts as a source: `misuse:prompts.csv`, and the same for .json and .jsonl.

Columns: `prompt`, or `messages` (a list of {role, content}), or a `document`; optional are `system`, `id`, `cluster`,
`group`, `answer`, `choices`, `later` (turns of the user that follow), `risky` and `safe` (the two continuations of a
contrast), and whatever the task's score and metric want to know (`file_columns`). In CSV, lists are written as JSON.
Other columns are left alone, unless they look like a slip. For quality_of_service, a .json file may instead hold
a study: templates and names to be crossed.
"""

import difflib
import hashlib
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from crossrisk.errors import RequestError
from crossrisk.registry import TASKS
from crossrisk.risks import Chat, Message, Role, Sample
from crossrisk.sources import quality_of_service_files
from crossrisk.sources.file_checks import check_row, check_rows
from crossrisk.sources.file_columns import NEEDED, READ_BY_NAME, choice_of, list_of, meta_columns, meta_of, texts_of
from crossrisk.sources.reading import SUFFIXES, Row, is_text, parse
from crossrisk.sources.source import Source

_OWN_COLUMNS = (
    *("prompt", "messages", "document", "system", "later", "id", "cluster", "group"),
    *("answer", "choices", "risky", "safe"),
)
COLUMNS = (*_OWN_COLUMNS, *READ_BY_NAME)
# Their texts stand in `choices` or `document` and are scored from the first token, unless a prompt stands before them.
_WITHOUT_PROMPT = ("stereotype_likelihood", "membership_inference")
_WITHOUT_CANDIDATES = ("extraction",)
_ROLES: dict[str, Role] = {"system": "system", "user": "user", "assistant": "assistant", "text": "text"}


def file_source(path: Path) -> Source:
    """The file as a source for any task; it is read when its samples or its checksum are asked for.

    Raises RequestError for a suffix that is not known, or a name that is no text; its loaders raise it for what is
    wrong in the file.
    """
    if not is_text(str(path)):
        raise RequestError(f"{path}: the name of the file or of a folder is not UTF-8: rename it")
    if path.suffix.lower() not in SUFFIXES:
        raise RequestError(f"{path}: cannot read '{path.suffix}' files: give {', '.join(SUFFIXES)}")
    return Source(
        name=str(path),
        version=1,
        licence="",
        citation="",
        loaders={task: partial(samples_of, path, task) for task in TASKS},
        checksum=lambda task: hashlib.sha256(_content(path)).hexdigest(),
    )


def samples_of(path: Path, task: str) -> tuple[Sample, ...]:
    """The samples of a file, for one task. Raises RequestError with the row of what is wrong."""
    content = _content(path)
    if task == quality_of_service_files.TASK and quality_of_service_files.is_study(content, str(path)):
        return quality_of_service_files.study(content, str(path), path.stem)
    rows = parse(content, str(path))
    _check_columns(rows, str(path), task)
    samples = tuple(_sample(row, task, path.stem) for row in rows)
    first: dict[str, Row] = {}
    for row, sample in zip(rows, samples, strict=True):
        earlier = first.setdefault(sample.id, row)
        if earlier is not row:
            raise row.wrong(f"id '{sample.id}' stands already in row {earlier.number}: give every row its own")
    check_rows(str(path), task, samples)
    return samples


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise RequestError(f"{path} cannot be read: {error.strerror or type(error).__name__}") from None


def _check_columns(rows: Sequence[Row], file: str, task: str) -> None:
    """A file without prompts, or a row with a column that is nearly one of ours, is a slip."""
    known = (*_OWN_COLUMNS, *meta_columns(task))
    for names, row in {tuple(row.values): row for row in reversed(rows)}.items():
        for name in map(str, names):
            near = difflib.get_close_matches(name.strip().lower(), known, n=1, cutoff=0.8)
            if name not in COLUMNS and name not in known and near and near[0] not in names:
                raise row.wrong(f"unknown column '{name}': did you mean '{near[0]}'?")
    given = [str(name) for name in rows[0].values]
    if "prompt" not in given and "messages" not in given and task not in _WITHOUT_PROMPT:
        raise RequestError(f"{file}: column 'prompt' (or 'messages') is missing: the file has {', '.join(given)}")


def _sample(row: Row, task: str, stem: str) -> Sample:
    for column in NEEDED.get(task, ()):
        if row.filled(column) is None:
            has = "it is blank" if column in row.values else f"the row has {', '.join(map(str, row.values))}"
            raise row.wrong(f"task '{task}' needs column '{column}' filled: {has}")
    name = _id(row) or f"{stem}-{row.number:04d}"
    choices = _choices(row, task)
    sample = Sample(
        id=name,
        messages=_messages(row, task),
        cluster=row.optional("cluster") or name,
        group=row.optional("group"),
        choices=choices,
        answer=_answer(row, choices),
        contrast=_contrast(row),
        meta=meta_of(row, task, choices),
        later=() if row.filled("later") is None else texts_of(row, "later", least=1),
    )
    check_row(row, task, sample)
    return sample


def _id(row: Row) -> str | None:
    value = row.values.get("id")
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else row.optional("id")


def _messages(row: Row, task: str) -> Chat:
    if task in _WITHOUT_PROMPT and row.filled("prompt") is None and row.filled("messages") is None:
        return (Message("text", ""),)
    return chat_of(row)


def chat_of(row: Row) -> Chat:
    """The chat of `prompt` or `messages`, behind `system` where there is one. Raises RequestError for anything else."""
    if (row.filled("prompt") is None) == (row.filled("messages") is None):
        if "messages" not in row.values:
            row.text("prompt")  # says what is wrong with it
        raise row.wrong("fill either 'prompt' or 'messages'")
    system = row.optional("system")
    if row.filled("messages") is None:
        turns: Chat = (Message("user", row.text("prompt")),)
    else:
        turns = tuple(_turn(row, turn) for turn in list_of(row, "messages"))
        if not turns or turns[-1].role not in ("user", "text"):
            raise row.wrong("'messages' must end with the turn of the user, which the model is to answer")
        if len(turns) > 1 and any(turn.role == "text" for turn in turns):
            raise row.wrong("a message of role 'text' is raw text and must stand alone")
    if system and turns[0].role in ("system", "text"):
        raise row.wrong("'system' cannot be added to messages that have a system turn or are raw text")
    return (Message("system", system), *turns) if system else turns


def _turn(row: Row, turn: Any) -> Message:
    if not isinstance(turn, dict) or set(turn) != {"role", "content"}:
        raise row.wrong("every one of 'messages' must be an object with 'role' and 'content'")
    cells = Row(f"{row.where}, messages", row.number, turn)
    return Message(cells.one_of("role", _ROLES), cells.text("content"))


def _choices(row: Row, task: str) -> tuple[str, ...]:
    if "document" in NEEDED.get(task, ()):
        return (row.text("document"),)
    if row.filled("choices") is None:
        return ()
    choices = texts_of(row, "choices", least=1 if task in _WITHOUT_CANDIDATES else 2)
    if len(set(choices)) < len(choices):
        raise row.wrong("'choices' names the same text twice")
    return choices


def _answer(row: Row, choices: tuple[str, ...]) -> str | int | None:
    """Text, or a whole number; where there are choices, the text of one of them or its index, counted from 0."""
    value = row.filled("answer")
    if value is None:
        return None
    if choices:
        return choice_of(row, "answer", choices)
    answer: str | int = value if isinstance(value, int) and not isinstance(value, bool) else row.text("answer")
    if not any(character.isalnum() for character in str(answer)):
        raise row.wrong(f"the answer {answer!r} has no letter or digit to be recognised by")
    return answer


def _contrast(row: Row) -> tuple[str, str] | None:
    risky, safe = row.optional("risky"), row.optional("safe")
    if (risky is None) != (safe is None):
        raise row.wrong("a contrast needs both 'risky' and 'safe'")
    return (risky, safe) if risky is not None and safe is not None else None

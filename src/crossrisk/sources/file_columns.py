"""Which columns of a user's own file a task reads into `Sample.meta`, beside prompt, choices and answer.

A task takes the columns that its score needs, here by name, and every facet that its metric declares. A value that the
task would not know (a context of "ambig") stops with its row: it would fall out of the figures without a word.
"""

import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from crossrisk.attacks.ciphers import CIPHERS
from crossrisk.errors import RequestError
from crossrisk.registry import TASKS
from crossrisk.sources.reading import Row, is_text
from crossrisk.tasks.utility.constraints import keeps

NEEDED: Mapping[str, tuple[str, ...]] = {
    "harmful_knowledge": ("choices", "answer"),
    "stereotype_recognition": ("choices", "answer"),
    "bbq": ("choices", "answer", "stereotyped", "unknown", "context"),
    "stereotype_likelihood": ("choices",),
    "decision": ("choices", "cluster", "group"),
    "matched_guise": ("choices", "cluster", "values", "variety"),
    "privacy_awareness": ("secret",),
    "contextual_privacy": ("tier",),
    "pii_leakage": ("secret",),
    "extraction": ("choices",),
    "membership_inference": ("document", "member"),
    "persona_refusal": ("group",),
    "utility": ("answer",),
    "knowledge": ("choices", "answer"),
    "reasoning": ("answer",),
    "instruction": ("constraints",),
    "fluency": ("answer",),
}
_TAKEN: Mapping[str, tuple[str, ...]] = {
    "jailbreak": ("request", "decode", "asks_from"),
    "bbq": ("stereotyped", "unknown"),
    "stereotype_likelihood": ("per_token",),
    "decision": ("values",),
    "matched_guise": ("values",),
    "contextual_privacy": ("rating", "secret_forms", "needed"),
    "instruction": ("constraints",),
}
_KNOWN_VALUES: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("bbq", "context"): ("ambiguous", "disambiguated"),
    ("bbq", "polarity"): ("negative", "nonnegative"),
    ("decision", "truth"): ("yes", "no"),
    ("jailbreak", "decode"): tuple(CIPHERS),
    ("matched_guise", "variety"): ("dialect", "standard"),
    ("contextual_privacy", "tier"): ("1", "2a", "2b", "3", "4"),
    ("membership_inference", "member"): ("member", "nonmember"),
    ("over_refusal", "kind"): ("safe", "contrast"),
    ("stereotype_agreement", "kind"): ("stereotype", "control"),
    ("quality_of_service", "commonness"): ("common", "rare"),
}
_DEFAULTS: Mapping[tuple[str, str], str] = {
    ("over_refusal", "kind"): "safe",
    ("stereotype_agreement", "kind"): "stereotype",
}
Choices = tuple[str, ...]


def meta_columns(task: str) -> tuple[str, ...]:
    """The columns that go into the meta of a task's samples. A secret is kept for any task."""
    facets = TASKS.get(task).metric.facets
    return tuple(dict.fromkeys(("secret", *_TAKEN.get(task, ()), *facets)))


def meta_of(row: Row, task: str, choices: Choices) -> dict[str, Any]:
    """What a row says in these columns. Raises RequestError for what the task could not use."""
    meta = {
        column: _READERS.get(column, _plain)(row, column, choices)
        for column in meta_columns(task)
        if row.filled(column) is not None
    }
    for (of, column), default in _DEFAULTS.items():
        if of == task:
            meta.setdefault(column, default)
    for (of, column), known in _KNOWN_VALUES.items():
        if of == task and str(meta.get(column, known[0])) not in known:
            raise row.wrong(f"column '{column}' is '{str(meta[column])[:40]}', which is none of {', '.join(known)}")
    if task == "contextual_privacy":
        missing = "rating" if str(meta.get("tier"))[:1] in "12" else "secret"
        if missing not in meta:
            raise row.wrong(f"tier {meta['tier']} needs column '{missing}' filled")
    return meta


def choice_of(row: Row, column: str, choices: Choices) -> str | int:
    """What a column names one of the choices by: its text, or its index from 0. Raises RequestError for neither.

    A cell of CSV does not say whether its digits are a text or a number: they are an index unless they are the text of
    a choice, and where they could be either, nobody can tell which was meant.
    """
    value = row.values[column]
    named: str | int = value if isinstance(value, int) and not isinstance(value, bool) else row.text(column)
    from_csv = isinstance(row.values.get("choices"), str)
    if from_csv and isinstance(named, str) and re.fullmatch("[0-9]{1,4}", named):
        index = int(named)
        if named not in choices:
            named = index
        elif index < len(choices) and choices[index] != named:
            raise row.wrong(
                f"'{column}' is {named}, the text of one choice and the index of another: give the file as .jsonl, "
                "where a text has quotation marks and an index has none"
            )
    if named not in choices if isinstance(named, str) else not 0 <= named < len(choices):
        raise row.wrong(
            f"'{column}' is {named!r}, which is none of the {len(choices)} choices: give its text, or its index from 0"
        )
    return named


def list_of(row: Row, column: str) -> list[Any]:
    """A column that holds a list. Raises RequestError for anything else."""
    value = row.values[column]
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            value = None
    if not isinstance(value, list):
        raise row.wrong(f"'{column}' must be a list; in CSV, a list written as JSON")
    return value


def texts_of(row: Row, column: str, *, least: int) -> tuple[str, ...]:
    """A column that holds a list of texts, at least so many. Raises RequestError for anything else."""
    texts = list_of(row, column)
    if len(texts) < least or not all(isinstance(text, str) and is_text(text) for text in texts):
        count = {1: "one or more", 2: "two or more"}[least]
        raise row.wrong(f"'{column}' must be a list of {count} texts")
    return tuple(texts)


def _plain(row: Row, column: str, choices: Choices) -> str | int | float | bool:
    value = row.values[column]
    if isinstance(value, float) and not math.isfinite(value):
        raise row.wrong(f"column '{column}' is {value}, which is no number")
    return value if isinstance(value, int | float) else row.text(column)


def _secret(row: Row, column: str, choices: Choices) -> str:
    secret = row.text(column)
    if not any(character.isalnum() for character in secret):
        raise row.wrong(f"the secret {secret!r} has no letter or digit to be recognised by")
    return secret


def _wordings(row: Row, column: str, choices: Choices) -> tuple[str, ...]:
    forms = _texts(row, column, choices)
    if not all(any(character.isalnum() for character in form) for form in forms):
        raise row.wrong(f"'{column}' has a wording without a letter or digit to be recognised by")
    return forms


def _index(row: Row, column: str, choices: Choices) -> int:
    named = choice_of(row, column, choices)
    return choices.index(named) if isinstance(named, str) else named


def _turn(row: Row, column: str, choices: Choices) -> int:
    turn = row.whole(column)
    if turn < 0:
        raise row.wrong(f"'{column}' is {turn}: turns are counted from 0")
    return turn


def _number(row: Row, column: str, choices: Choices) -> float:
    try:
        number = float(row.values[column])
    except (TypeError, ValueError, OverflowError):
        number = float("nan")
    if not -100 <= number <= 100:
        raise row.wrong(f"'{column}' must be a number from -100 to 100")
    return number


def _worths(row: Row, column: str, choices: Choices) -> tuple[float, ...]:
    worths = list_of(row, column)
    if len(worths) != len(choices) or not all(
        isinstance(worth, int | float) and not isinstance(worth, bool) and 0 <= worth <= 1 for worth in worths
    ):
        raise row.wrong(f"'{column}' must be a list of {len(choices)} numbers from 0 to 1, one a choice")
    return tuple(map(float, worths))


def _texts(row: Row, column: str, choices: Choices) -> tuple[str, ...]:
    """A list of texts, or one text alone."""
    value = row.values[column]
    return (row.text(column),) if isinstance(value, str) and value[:1] != "[" else texts_of(row, column, least=1)


def _flag(row: Row, column: str, choices: Choices) -> bool:
    value = row.values[column]
    if isinstance(value, bool):
        return value
    answer: bool = row.one_of(column, {"true": True, "false": False})
    return answer


def _constraints(row: Row, column: str, choices: Choices) -> tuple[tuple[str, Any], ...]:
    pairs = list_of(row, column)
    if not pairs or not all(isinstance(pair, list) and len(pair) == 2 for pair in pairs):
        raise row.wrong(f"'{column}' must be a list of pairs [kind, argument]")
    constraints = tuple((str(kind), tuple(given) if isinstance(given, list) else given) for kind, given in pairs)
    for kind, argument in constraints:
        try:
            keeps(kind, argument, "")
        except RequestError as error:
            raise row.wrong(str(error).removeprefix("sample 'a sample': ")) from None
    return constraints


_READERS: Mapping[str, Callable[[Row, str, Choices], Any]] = {
    "secret": _secret,
    "secret_forms": _wordings,
    "stereotyped": _index,
    "unknown": _index,
    "asks_from": _turn,
    "rating": _number,
    "values": _worths,
    "needed": _wordings,
    "per_token": _flag,
    "constraints": _constraints,
}
READ_BY_NAME = tuple(dict.fromkeys(("secret", *(column for columns in _TAKEN.values() for column in columns))))

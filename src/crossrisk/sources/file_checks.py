"""What the columns of a user's own row, and the rows of the file, must be to one another for a task.

Each column may be right by itself where together they contradict each other, or leave a figure undefined. That would be
found when the model has answered, or not at all.
"""

from collections.abc import Callable, Mapping, Sequence

from crossrisk.errors import RequestError
from crossrisk.risks import Sample
from crossrisk.sources.reading import Row

# Facets of which a file needs every value, since the headline compares the rows that have one with those of the other.
_COMPARED: Mapping[str, tuple[str, tuple[str, str]]] = {
    "matched_guise": ("variety", ("dialect", "standard")),
    "membership_inference": ("member", ("member", "nonmember")),
}


def check_row(row: Row, task: str, sample: Sample) -> None:
    """Raises RequestError, with the row, for columns that do not fit together."""
    if sample.later and sample.messages[-1].role == "text":
        raise row.wrong("'later' holds turns of a chat, which raw text (role 'text') has none of: give the role 'user'")
    problem = _PROBLEMS.get(task, _none)(sample)
    if problem:
        raise row.wrong(problem)


def check_rows(file: str, task: str, samples: Sequence[Sample]) -> None:
    """Raises RequestError for a file whose rows are all on one side of what the task compares."""
    if task not in _COMPARED:
        return
    column, sides = _COMPARED[task]
    there = {str(sample.meta[column]) for sample in samples}
    for side in sides:
        if side not in there:
            other = next(name for name in sides if name != side)
            raise RequestError(f"{file}: no row has '{side}' as '{column}': task '{task}' compares it with '{other}'")


def _none(sample: Sample) -> str | None:
    return None


def _bbq(sample: Sample) -> str | None:
    answer = sample.choices.index(sample.answer) if isinstance(sample.answer, str) else sample.answer
    stereotyped, unknown = sample.meta["stereotyped"], sample.meta["unknown"]
    if stereotyped == unknown:
        return "'stereotyped' and 'unknown' name the same choice"
    if sample.meta["context"] == "ambiguous" and answer != unknown:
        return "the context is ambiguous, so the answer must be the choice that 'unknown' names"
    if sample.meta["context"] == "disambiguated" and answer == unknown:
        return "the context is disambiguated, so the answer cannot be the choice that 'unknown' names"
    return None


def _decision(sample: Sample) -> str | None:
    if "values" not in sample.meta and len(sample.choices) != 2:
        return f"{len(sample.choices)} choices need column 'values' filled: what each is worth, from 0 to 1"
    return _worths(sample)


def _worths(sample: Sample) -> str | None:
    return (
        "'values' says that every choice is worth the same"
        if len(set(sample.meta.get("values", (0, 1)))) == 1
        else None
    )


def _jailbreak(sample: Sample) -> str | None:
    turns, asks_from = 1 + len(sample.later), sample.meta.get("asks_from", 0)
    return None if asks_from < turns else f"'asks_from' is {asks_from}, and the last of {turns} turns is {turns - 1}"


def _stereotypes(sample: Sample) -> str | None:
    if len(sample.choices) in (2, 3):
        return None
    return f"'choices' must be a stereotype, its contrary and at most one unrelated text, not {len(sample.choices)}"


def _fluency(sample: Sample) -> str | None:
    return None if isinstance(sample.answer, str) else "column 'answer' must be text: it is scored as a reply"


_PROBLEMS: Mapping[str, Callable[[Sample], str | None]] = {
    "bbq": _bbq,
    "decision": _decision,
    "matched_guise": _worths,
    "jailbreak": _jailbreak,
    "stereotype_likelihood": _stereotypes,
    "fluency": _fluency,
}

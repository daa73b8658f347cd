"""A user's own fitting data: a JSON Lines file, a row each, read as strictly as what is asked.

Columns: `kind`, and what belongs to it. `prompt` may be `messages` (a list of {role, content}); `system` may stand
before either.

    kind                    columns
    (none)                  prompt, chosen, rejected: gives a pair, a demonstration to forget and a refusal at once
    pairs                   prompt, chosen, rejected
    forget, refusals        prompt, reply
    retain                  prompt, reply
    corpus                  prompt, reply: may stand in the file several times, as often as training shall see it
    concepts                text, group: texts that differ in the group alone

`risk` keeps a row to the defenses of one risk. `about` names what a row speaks of (a person, a group, a request): with
it, records of one person are told to be one person's, and cells that ask about the same are flagged.
"""

import difflib
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from crossrisk.defenses.defense import Demonstration, FitData, Labelled, Preference, Record
from crossrisk.errors import RequestError
from crossrisk.risks import Risk
from crossrisk.sources.files import chat_of
from crossrisk.sources.reading import Row, is_text, parse

PROMPT = ("prompt", "messages", "system")
NEEDED: Mapping[str, tuple[str, ...]] = {
    "": ("chosen", "rejected"),
    "pairs": ("chosen", "rejected"),
    "forget": ("reply",),
    "refusals": ("reply",),
    "retain": ("reply",),
    "corpus": ("reply",),
    "concepts": ("text", "group"),
}
COLUMNS = ("kind", *PROMPT, "reply", "chosen", "rejected", "text", "group", "risk", "about")
DEFENDED = {risk.value: risk for risk in (Risk.SAFETY, Risk.FAIRNESS, Risk.PRIVACY)}


def read_fitting_data(path: Path, risk: Risk) -> FitData:
    """The rows of a file that are for defenses of one risk.

    Raises RequestError, with file, row and line, for a file that is not .jsonl or is empty, a column that is missing,
    of no use or of another type, a row that stands there twice (but in the corpus), a pair of equal replies, concepts
    of one group alone, and a file without a row for this risk.
    """
    if path.suffix.lower() != ".jsonl":
        raise RequestError(f"fitting data '{path}': name world, core, or a .jsonl file")
    if not is_text(str(path)):
        raise RequestError(f"fitting data {path}: the name of the file or of a folder is not UTF-8: rename it")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise RequestError(f"fitting data {path} cannot be read: {error.strerror or type(error).__name__}") from None
    except ValueError:  # what no file can be called
        raise RequestError(f"fitting data {str(path)!r} cannot be read: the name has a null character in it") from None
    rows = parse(content, str(path))
    for row in rows:
        _check(row)
    _check_once(rows)
    ours = [row for row in rows if row.filled("risk") is None or row.one_of("risk", DEFENDED) is risk]
    if not ours:
        raise RequestError(f"{path}: no row is for the risk '{risk}': name another file, or leave out column 'risk'")
    return FitData(
        source=str(path),
        checksum=hashlib.sha256(content + str(risk).encode()).hexdigest(),
        pairs=tuple(
            Preference(chat_of(row), row.text("chosen"), row.text("rejected"))
            for row in ours
            if _kind(row) in ("", "pairs")
        ),
        forget=_shown(ours, "forget", "rejected"),
        refusals=_shown(ours, "refusals", "chosen"),
        retain=_shown(ours, "retain"),
        concepts=_concepts(path, ours),
        corpus=tuple(
            Record(chat_of(row), row.text("reply"), row.optional("about") or "")
            for row in ours
            if _kind(row) == "corpus"
        ),
        about=frozenset(about for row in ours if (about := row.optional("about"))),
    )


def _kind(row: Row) -> str:
    return row.optional("kind") or ""


def _check(row: Row) -> None:
    """Raise RequestError unless a row has what its kind needs and nothing else."""
    for name in map(str, row.values):
        if name not in COLUMNS:
            near = difflib.get_close_matches(name.strip().lower(), COLUMNS, n=1, cutoff=0.6)
            raise row.wrong(
                f"unknown column '{name[:40]}': "
                + (f"did you mean '{near[0]}'?" if near else f"known are: {', '.join(COLUMNS)}")
            )
    kind = _kind(row)
    if kind not in NEEDED:
        raise row.wrong(f"column 'kind' is '{kind[:40]}', which is none of {', '.join(filter(None, NEEDED))}")
    needed = NEEDED[kind]
    if not kind and row.filled("reply") is not None:
        raise row.wrong("a row with a 'reply' needs a 'kind': forget, refusals, retain or corpus")
    for column in needed:
        row.text(column)
    if kind != "concepts":
        chat_of(row)
    useful = ("kind", "risk", "about", *needed, *(() if kind == "concepts" else PROMPT))
    for name in row.values:
        if name not in useful and row.filled(name) is not None:
            raise row.wrong(f"a row of kind '{kind or 'pairs'}' has no column '{name}': take it out")
    if "chosen" in needed and row.text("chosen").strip() == row.text("rejected").strip():
        raise row.wrong("'chosen' and 'rejected' are the same, so nothing is to be learned")
    if row.filled("risk") is not None:
        row.one_of("risk", DEFENDED)


def _check_once(rows: Sequence[Row]) -> None:
    """Raise RequestError for a row that stands in the file twice, other than in the corpus."""
    first: dict[str, Row] = {}
    for row in rows:
        if _kind(row) != "corpus":
            filled = {name: row.values[name] for name in row.values if row.filled(name) is not None}
            earlier = first.setdefault(repr(sorted(filled.items())), row)
            if earlier is not row:
                raise row.wrong(f"the same as row {earlier.number}: take one of them out")


def _shown(rows: Sequence[Row], kind: str, of_pair: str = "") -> tuple[Demonstration, ...]:
    """Demonstrations of a kind; rows without a kind give their reply `of_pair`."""
    return tuple(
        Demonstration(chat_of(row), row.text("reply" if _kind(row) else of_pair))
        for row in rows
        if _kind(row) == kind or (of_pair and not _kind(row))
    )


def _concepts(path: Path, rows: Sequence[Row]) -> tuple[Labelled, ...]:
    concepts = tuple(Labelled(row.text("text"), row.text("group")) for row in rows if _kind(row) == "concepts")
    groups = {one.group for one in concepts}
    if len(groups) == 1:
        raise RequestError(f"{path}: all concepts are of the group '{groups.pop()[:40]}': give texts of two or more")
    return concepts

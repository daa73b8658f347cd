"""Files of replies: reading their rows, and finding the sample that each row answers.

Whatever does not fit exactly one sample stops with its file and row: a reply that is put to the wrong prompt, or left
out without a word, would make a figure that looks like any other.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from crossrisk.errors import RequestError
from crossrisk.risks import Sample
from crossrisk.sources.reading import Row, document, objects, parse

_FIELD = re.compile(r"\{([^{}:]+)(?::([^{}]*))?\}")
_WHOLE = re.compile(r"-?[0-9]{1,18}")
_FORM = re.compile(r"0?[0-9]{0,2}d")


@dataclass(frozen=True)
class Columns:
    """Where a file keeps what; None for where such files usually do.

    id: a column, or a pattern over columns such as `bbq-{category}-{example_id}` or `jailbreakbench-{index:02d}`.
    prompt: text of the last turn of the user, or of all turns with a blank line between them. verdict: a stored one,
    true for a risk of 1, which then stands in place of the judge's.
    """

    reply: str | None = None
    id: str | None = None
    prompt: str | None = None
    verdict: str | None = None

    def completed(self, usual: "Columns") -> "Columns":
        """With the usual columns for those that are not given; whoever names a prompt needs no id."""
        return Columns(
            reply=self.reply or usual.reply,
            id=self.id or (None if self.prompt else usual.id),
            prompt=self.prompt or usual.prompt,
            verdict=self.verdict or usual.verdict,
        )


PLAIN = Columns(reply="reply", id="sample_id", prompt="prompt")
ARTIFACT = Columns(reply="response", id="jailbreakbench-{index:02d}")


def read_rows(path: Path, columns: Columns) -> tuple[tuple[Row, ...], Columns]:
    """The rows of a .jsonl, .csv or .json file, and where they keep what, for what was not given.

    JailbreakBench's artifacts are objects whose list `jailbreaks` has the rows. Raises RequestError for a file that
    cannot be read or parsed.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise RequestError(f"{path} cannot be read: {error.strerror or type(error).__name__}") from None
    if path.suffix.lower() == ".json" and content.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"{":
        artifact = document(content, str(path))
        if "jailbreaks" not in artifact:
            raise RequestError(f"{path}: an object without a list `jailbreaks`: give a list of rows, or a .jsonl file")
        return objects(artifact["jailbreaks"], str(path)), columns.completed(ARTIFACT)
    return parse(content, str(path)), columns.completed(PLAIN)


def matched(
    rows: Sequence[Row], samples: Sequence[Sample], columns: Columns, where: str, *, several: bool = False
) -> Iterator[tuple[Row, Sample]]:
    """Every row with the sample that it answers. where: the task and source, as errors name them.

    several: the samples are attempts, of ids `ID#1`, `ID#2`, …; rows that give the prompt are its attempts in their
    order. Raises RequestError for a row that answers no sample or several, or one that has its reply already.
    """
    by_id = {sample.id: sample for sample in samples}
    by_prompt = _Prompts(samples, several)
    answered: dict[str, Row] = {}
    for row in rows:
        name = _id(row, columns)
        if name is None:
            sample = _by_prompt(row, by_prompt, columns, answered, where)
        elif name in by_id:
            sample = by_id[name]
        else:
            raise row.wrong(f"there is no sample '{name[:60]}' in {where}: its ids are like '{samples[0].id}'")
        earlier = answered.setdefault(sample.id, row)
        if earlier is not row:
            raise row.wrong(f"sample '{sample.id}' has its reply already in row {earlier.number}: give one reply each")
        yield row, sample


class _Prompts:
    """Samples by the text of their last turn, and of all turns with a blank line between them."""

    def __init__(self, samples: Sequence[Sample], several: bool) -> None:
        self._several = several
        self._by_text: dict[str, list[Sample]] = {}
        self._by_words: dict[str, list[Sample]] = {}
        for sample in samples:
            for text in {sample.messages[-1].content, "\n\n".join(turn.content for turn in sample.messages)}:
                self._by_text.setdefault(text, []).append(sample)
                self._by_words.setdefault(_trimmed(text), []).append(sample)

    def asked(self, prompt: str) -> list[list[Sample]]:
        """What a text asks: a list of attempts for every sample of this prompt.

        Editors and spreadsheets change line ends and outer blanks, so that a text that is none to the letter may be one
        without them.
        """
        attempts: dict[str, list[Sample]] = {}
        for sample in self._by_text.get(prompt) or self._by_words.get(_trimmed(prompt), []):
            attempts.setdefault(sample.id.rpartition("#")[0] if self._several else sample.id, []).append(sample)
        return list(attempts.values())


def _trimmed(text: str) -> str:
    return "\n".join(text.splitlines()).strip()


def _by_prompt(row: Row, by_prompt: _Prompts, columns: Columns, answered: dict[str, Row], where: str) -> Sample:
    column = columns.prompt
    if column is None or column not in row.values:
        raise row.wrong(
            f"nothing says which sample it answers: it has neither '{columns.id or PLAIN.id}' nor "
            f"'{column or PLAIN.prompt}'; name a column by --id or --prompt"
        )
    found = by_prompt.asked(row.text(column))
    if len(found) != 1:
        problem = f"is that of {len(found)} samples" if found else "is that of no sample"
        raise row.wrong(f"its prompt {problem} of {where}: name samples by their id (--id)")
    (attempts,) = found
    return next((sample for sample in attempts if sample.id not in answered), attempts[0])


def _id(row: Row, columns: Columns) -> str | None:
    """The id that the row gives; None for a row that is to be known by its prompt."""
    pattern = columns.id
    if pattern is None or (pattern == PLAIN.id and row.filled(pattern) is None):
        return None
    return _filled(pattern if "{" in pattern else f"{{{pattern}}}", row)


def _filled(pattern: str, row: Row) -> str:
    """A pattern with the row's values in its braces."""

    def value(field: re.Match[str]) -> str:
        column, form = field.group(1), field.group(2) or ""
        found = row.filled(column)
        if column not in row.values:
            row.text(column)  # says what is missing
        if not isinstance(found, str | int) or isinstance(found, bool):
            raise row.wrong(f"column '{column}' must hold a text or a whole number to name a sample by")
        if not form:
            return str(found)
        if not _FORM.fullmatch(form):
            raise row.wrong(
                f"'{form[:20]}' is no form to write an id in: give digits and a d, as in '{{{column}:03d}}'"
            )
        if isinstance(found, str) and not _WHOLE.fullmatch(found):
            raise row.wrong(f"column '{column}' cannot be written in the form '{form}': it is no whole number")
        return format(int(found), form)

    return _FIELD.sub(value, pattern)

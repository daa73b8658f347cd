"""`crossrisk judge`: labels for replies in a file, or how far a judge agrees with the labels that people gave them."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crossrisk.errors import RequestError
from crossrisk.judges.agreement import agreement
from crossrisk.judges.judge import Judge
from crossrisk.registry import JUDGES
from crossrisk.reply_rows import PLAIN, read_rows
from crossrisk.risks import Message, Outcome, Reply, Sample
from crossrisk.sources.reading import Row

# kind -> label -> whether it is a risk, as people may label replies; every kind takes yes and no as well.
LABELS: Mapping[str, Mapping[str, bool]] = {
    "refusal": {"full": True, "partial": True, "none": False},
    "harm": {"complied": True, "partial": True, "refused": False, "useless": False},
    "taxonomy": {
        "answer": False,
        "partial answer": False,
        "harmful answer": True,
        "refusal": True,
        "harmful refusal": True,
        "failure": True,
    },
    "toxicity": {"toxic": True, "clean": False, "refused": False},
    "stereotype": {"endorsed": True, "challenged": False, "refused": False},
    "agreement": {"agree": True, "disagree": False, "no_answer": False},
}
YES_OR_NO = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}


@dataclass(frozen=True)
class Judged:
    """One row with what the judge made of it."""

    row: Row
    outcome: Outcome


def find_judge(name: str) -> Judge:
    """`kind:grade`, or a kind alone: its built-in judge if there is one, else its rules.

    Raises RequestError for a judge that is not known, or that needs more than a prompt and a reply.
    """
    kind, colon, _ = name.partition(":")
    full = (
        name
        if colon
        else next((f"{name}:{grade}" for grade in ("builtin", "rules") if f"{name}:{grade}" in JUDGES), name)
    )
    judge: Judge = JUDGES.get(full)
    if kind not in LABELS or full.endswith(":world"):
        able = [each for each in JUDGES if each.partition(":")[0] in LABELS and not each.endswith(":world")]
        raise RequestError(
            f"judge '{full}' needs the truth of a sample, not only a prompt and a reply: "
            f"take {', '.join(able)}, or `crossrisk score` with a source"
        )
    return judge


def judged(judge: Judge, path: Path) -> Iterator[Judged]:
    """Every row of a .jsonl, .csv or .json file with columns `reply` and, if known, `prompt`; a blank reply is invalid.

    Raises RequestError for a file that cannot be read, or a reply that is no text.
    """
    rows, _ = read_rows(path, PLAIN)
    for row in rows:
        if "reply" not in row.values:
            raise row.wrong("column 'reply' is missing: name the column of the replies 'reply'")
        reply = row.values["reply"]
        if reply is not None and not isinstance(reply, str):
            raise row.wrong("column 'reply' must be text")
        sample = Sample(str(row.number), (Message("user", row.optional("prompt") or ""),), str(row.number))
        yield Judged(row, judge.verdict(sample, Reply(reply or "")))


def labelled(name: str, path: Path) -> list[dict[str, Any]]:
    """One object a row: its number, the judge, label, risk (None where invalid), probabilities; no text of a reply."""
    judge = find_judge(name)
    return [
        {
            "row": each.row.number,
            "judge": f"{judge.name}@{judge.version}",
            "label": each.outcome.label,
            "risk": each.outcome.risk,
            **each.outcome.measures,
        }
        for each in judged(judge, path)
    ]


def against_people(name: str, path: Path, label: str, group: str | None = None) -> dict[str, Any]:
    """Agreement with the labels in a column: risk against no risk, overall and by group, and every pair of labels.

    label: words of `LABELS`, or yes and no (1, 0, true, false). Invalid outcomes are counted and in no other figure.
    Raises RequestError for a label that the judge does not have.
    """
    judge = find_judge(name)
    rows = [(each, _truth(each.row, label, judge.name)) for each in judged(judge, path)]
    valid = [(each, truth) for each, truth in rows if each.outcome.valid]
    groups = {} if group is None else {each.row.text(group) for each, _ in valid}
    return {
        "judge": f"{judge.name}@{judge.version}",
        "n": len(rows),
        "invalid": dict(Counter(each.outcome.label for each, _ in rows if not each.outcome.valid)),
        "agreement": _agreement(valid),
        "by_group": {
            name: _agreement([(each, truth) for each, truth in valid if each.row.text(str(group)) == name])
            for name in sorted(groups)
        },
        "labels": {
            f"{said} where people say {given}": count
            for (given, said), count in sorted(
                Counter((str(each.row.values[label]), each.outcome.label) for each, _ in valid).items()
            )
        },
    }


def _agreement(rows: Sequence[tuple[Judged, bool]]) -> dict[str, Any]:
    return agreement([truth for _, truth in rows], [bool(each.outcome.risk) for each, _ in rows])


def _truth(row: Row, column: str, judge: str) -> bool:
    known = {**LABELS[judge.partition(":")[0]], **YES_OR_NO}
    value = row.values.get(column)
    if value is None:
        raise row.wrong(f"column '{column}' is missing: the row has {', '.join(row.values)}")
    text = str(value).strip().lower()
    if text not in known:
        raise row.wrong(f"label '{str(value)[:40]}' is none of {judge}'s: {', '.join(known)}")
    return known[text]

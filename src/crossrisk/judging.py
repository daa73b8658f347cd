"""`crossrisk judge`: labels for replies in a file, or how far a judge agrees with the labels that people gave them."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crossrisk.errors import RequestError, SampleError
from crossrisk.judges.agreement import agreement
from crossrisk.judges.cards import ALL, card_of
from crossrisk.judges.judge import Judge, is_risky
from crossrisk.judges.labels import LABELS, truth_of
from crossrisk.judges.lookup import find_judge, usual_grade, voters
from crossrisk.judges.personal_data import find_spans
from crossrisk.registry import JUDGES
from crossrisk.reply_rows import PLAIN, read_rows
from crossrisk.risks import Message, Outcome, Reply, Sample
from crossrisk.sources.reading import Row

BATCH = 64
SPANS = "pii:spans"


@dataclass(frozen=True)
class Judged:
    """One row with what the judge made of it."""

    row: Row
    outcome: Outcome


def judge_of_text(name: str) -> Judge:
    """A judge by its name, or by its kind alone: its built-in judge if there is one, spans of pii, else rules.

    Raises RequestError for a judge that is not known, or that needs more than a prompt and a reply.
    """
    judge = find_judge(name if ":" in name else SPANS if name == "pii" else f"{name}:{usual_grade(name)}")
    if not _reads_text(judge.name):
        able = sorted({each.partition(":")[0] for each in JUDGES if _reads_text(each)})
        raise RequestError(
            f"judge '{judge.name}' needs the truth of a sample, not only a prompt and a reply: take one of "
            f"{', '.join(able)}, or `crossrisk score` with a source"
        )
    return judge


def _reads_text(name: str) -> bool:
    kind, _, grades = name.partition(":")
    if kind not in LABELS or "world" in grades.split(","):
        return False
    return kind != "pii" or "rules" not in grades.split(",")


def judged(judge: Judge, path: Path) -> Iterator[Judged]:
    """Every row of a .jsonl, .csv or .json file with columns `reply` and, if known, `prompt`; a blank reply is invalid.

    Raises RequestError for a file that cannot be read, a reply that is no text, or a prompt that the judge lacks.
    """
    rows, _ = read_rows(path, PLAIN)
    pairs = [(row, (_asked(row, judge), Reply(_reply(row)))) for row in rows]  # all are checked before any is judged
    for start in range(0, len(pairs), BATCH):
        batch = pairs[start : start + BATCH]
        try:
            outcomes = judge.verdicts([pair for _, pair in batch])
        except SampleError as error:
            raise batch[error.index][0].wrong(error.problem) from None
        yield from (Judged(row, outcome) for (row, _), outcome in zip(batch, outcomes, strict=True))


def _reply(row: Row) -> str:
    if "reply" not in row.values:
        raise row.wrong("column 'reply' is missing: name the column of the replies 'reply'")
    reply = row.values["reply"]
    if reply is not None and not isinstance(reply, str):
        raise row.wrong("column 'reply' must be text")
    return reply or ""


def _asked(row: Row, judge: Judge) -> Sample:
    prompt = row.optional("prompt")
    if not prompt and any(voter.grade == "model" for voter in voters(judge)):
        raise row.wrong(f"column 'prompt' is missing or blank: judge '{judge.name}' reads what was asked")
    return Sample(str(row.number), (Message("user", prompt or ""),), str(row.number))


def labelled(name: str, path: Path) -> Iterator[dict[str, Any]]:
    """One object a row, without the text: label, probability (of the label), valid, risk, the judge, its raw figures.

    probability and risk are None where there is none. Spans of personal data are by kind, start and end.
    """
    judge = judge_of_text(name)
    identity = judge.identity
    for each in judged(judge, path):
        outcome = each.outcome
        told = {
            "row": each.row.number,
            "label": outcome.label,
            "probability": outcome.measures.get(f"p {outcome.label}"),
            "valid": outcome.valid,
            "risk": outcome.risk,
            "judge": identity,
            "measures": dict(outcome.measures),
        }
        if judge.name == SPANS:
            told["spans"] = [[span.kind, span.start, span.end] for span in find_spans(_reply(each.row))]
        yield told


def label_lines(name: str, path: Path) -> Iterator[str]:
    """The same for people: a row each, then how many have which label, and what the judge's card says of its errors."""
    labels: Counter[str] = Counter()
    for told in labelled(name, path):
        labels[told["label"] if told["valid"] else f"invalid ({told['label']})"] += 1
        probability = "" if told["probability"] is None else f"{told['probability']:.2f}"
        yield f"{told['row']:>6}  {told['label']:<16} {probability}".rstrip()
    yield ""
    yield f"{sum(labels.values())} replies: " + ", ".join(f"{label} {count}" for label, count in labels.most_common())
    yield from card_lines(judge_of_text(name))


def card_lines(judge: Judge) -> Iterator[str]:
    """What is known of a judge's errors, a labelled set a line."""
    card = card_of(judge)
    if card is None:
        yield f"{judge.identity} has no card here: hold it against labels of yours with --label"
        return
    yield f"{judge.identity}, sensitivity and specificity (95 %):"
    for name, slices in card.sets.items():
        counts = slices[ALL]
        shares = "  ".join(
            _with_interval(counts.figures[f], counts.intervals[f]) for f in ("sensitivity", "specificity")
        )
        yield f"  {name:<16} n {counts.n:<6} {shares}  labels by {card.who[name]}"


def _with_interval(share: float | None, interval: Sequence[float] | None) -> str:
    if share is None or interval is None:
        return "–"
    return f"{share:.2f} [{interval[0]:.2f}, {interval[1]:.2f}]"


def against_people(name: str, path: Path, label: str, group: str | None = None) -> dict[str, Any]:
    """Agreement with the labels in a column: risk against no risk, overall and by group, and every pair of labels.

    label: words of `LABELS`, or yes and no (1, 0, true, false). Invalid outcomes are counted and in no other figure.
    Raises RequestError for a label that the judge does not have.
    """
    judge = judge_of_text(name)
    # A wrong label stops before any judging.
    truths = [truth_of(row, label, judge.kind, judge.name) for row in read_rows(path, PLAIN)[0]]
    rows = list(zip(judged(judge, path), truths, strict=True))
    valid = [(each, truth) for each, truth in rows if each.outcome.valid]
    groups = {} if group is None else {each.row.text(group) for each, _ in valid}
    return {
        "judge": judge.identity,
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


def agreement_lines(found: Mapping[str, Any]) -> Iterator[str]:
    """The same for people."""
    invalid = sum(found["invalid"].values())
    why = f" ({', '.join(f'{label} {count}' for label, count in found['invalid'].items())})" if invalid else ""
    yield f"{found['judge']} against labels on {found['n']} replies, {invalid} invalid{why}"
    shown = ("accuracy", "sensitivity", "specificity", "precision", "f1", "kappa")
    for name, figures in (("all", found["agreement"]), *found["by_group"].items()):
        yield f"\n{name}, n {figures['n']}"
        yield from (f"  {each:<12} {_with_interval(figures[each], figures[f'{each}_interval'])}" for each in shown)
    yield ""
    yield from (f"  {count:>6}  {pair}" for pair, count in found["labels"].items())


def _agreement(rows: Sequence[tuple[Judged, bool]]) -> dict[str, Any]:
    return agreement([truth for _, truth in rows], [is_risky(each.outcome.risk or 0.0) for each, _ in rows])

"""The gate's decision as Markdown, for the summary of a job in continuous integration (`$GITHUB_STEP_SUMMARY`)."""

import html
import re
from collections import Counter
from collections.abc import Iterator, Sequence

from crossrisk.interactions.gate.checks import Check
from crossrisk.interactions.gate.decide import Decision
from crossrisk.report.gate_table import headline, sections, spent_alpha
from crossrisk.wording import legible

MOST_ROWS = 500  # a table; GitHub drops a summary of more than a megabyte


def to_markdown(decision: Decision) -> str:
    """What breaks the gate, the warnings, and all checks folded away."""
    return "\n".join(_lines(decision)) + "\n"


def _lines(decision: Decision) -> Iterator[str]:
    yield f"### {'The gate fails' if decision.exit_code else 'The gate passes'}"
    yield from ("", _plain(headline(decision)), "", _plain(spent_alpha(decision)), "")
    yield from ("| defense | may ship | fail | warn | skipped | pass |", "|---|---|--:|--:|--:|--:|")
    for defense in decision.defenses:
        tally = Counter(check.outcome for check in decision.of(defense))
        counts = " | ".join(str(tally[outcome]) for outcome in ("fail", "warn", "skip", "pass"))
        yield f"| {_plain(defense)} | {'yes' if decision.ships(defense) else '**no**'} | {counts} |"
    for title, checks in sections(decision):
        yield from ("", f"#### {title} ({len(checks)})", "")
        yield from _table(checks)
    yield from ("", f"<details><summary>All {len(decision.checks)} checks</summary>", "")
    yield from _table(decision.checks)
    yield from ("", "</details>")


def _table(checks: Sequence[Check]) -> Iterator[str]:
    yield from ("| defense | cell | outcome | why |", "|---|---|---|---|")
    for check in checks[:MOST_ROWS]:
        cells = (check.defense or "the study", check.cell, check.outcome, check.text)
        yield f"| {' | '.join(map(_plain, cells))} |"
    if len(checks) > MOST_ROWS:
        yield f"| | | | and {len(checks) - MOST_ROWS} more |"


def _plain(text: str) -> str:
    """A text that Markdown and HTML show as it is, on one line."""
    seen = legible(" ".join(text.split())).encode("utf-8", "replace").decode()
    return re.sub(r"([\\`*_{}\[\]|~#@$])", r"\\\1", html.escape(seen, quote=False))

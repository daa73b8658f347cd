"""The gate's decision for the terminal: what breaks it first, then warnings, then what was checked."""

import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from crossrisk.interactions.gate.checks import Check
from crossrisk.interactions.gate.decide import Decision
from crossrisk.wording import legible, listed

WIDTH = 100
OUTCOMES = {"fail": "fail", "warn": "warn", "skip": "skipped", "pass": "pass"}


@dataclass(frozen=True)
class GateTable:
    """A decision, printed by any rich console in its width."""

    decision: Decision

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = options.max_width
        decision = self.decision
        yield Text(legible(headline(decision)), style="bold red" if decision.exit_code else "bold")
        yield Text(legible(spent_alpha(decision)), style="dim")
        for title, checks in sections(decision):
            yield Text(f"\n{title} ({len(checks)})", style="bold")
            yield _table(checks)
        yield Text(f"\nChecked ({len(decision.checks)})", style="bold")
        for line in map(legible, checked(decision)):
            yield Text(textwrap.fill(line, width, initial_indent="- ", subsequent_indent="  ", break_on_hyphens=False))


def sections(decision: Decision) -> list[tuple[str, list[Check]]]:
    """What stands in the way, the gravest first, and the warnings; what is empty is left out."""
    failing = decision.failing
    parts = {
        "Broken": [check for check in failing if not check.unfinished and not check.undecided],
        "Not shown to be kept": [check for check in failing if check.undecided],
        "Did not run": [check for check in failing if check.unfinished],
        "Warnings": [check for check in decision.checks if check.outcome == "warn"],
    }
    return [(title, checks) for title, checks in parts.items() if checks]


def headline(decision: Decision) -> str:
    """Which defenses may ship."""
    barred = [defense for defense in decision.defenses if not decision.ships(defense)]
    shipping = [defense for defense in decision.defenses if decision.ships(defense)]
    if not barred:
        return f"The gate passes: {listed(shipping)} may ship."
    rest = f" {listed(shipping)} may ship." if shipping else ""
    run = " What did not run keeps it from a decision: run the study again." if decision.exit_code == 3 else ""
    return f"The gate fails: {listed(barred)} may not ship.{rest}{run}"


def spent_alpha(decision: Decision) -> str:
    """Under which policy, and how its error is spent."""
    policy = decision.policy
    how = "by Holm over all its limits" if policy.correction == "holm" else "on every limit alone"
    return (
        f"Study {decision.study}, policy {policy.name} ({policy.hash[:12]}); alpha {decision.alpha:g}, spent on each "
        f"defense {how}."
    )


def checked(decision: Decision) -> Iterator[str]:
    """One line a rule, with what came of it."""
    tallies: dict[tuple[str, int | None], Counter[str]] = {}
    for check in decision.checks:
        tallies.setdefault((check.asks, check.line), Counter())[check.outcome] += 1
    for (asks, line), tally in tallies.items():
        place = "" if line is None else f" (line {line})"
        yield f"{asks}{place}: {', '.join(f'{tally[name]} {word}' for name, word in OUTCOMES.items() if tally[name])}"


def _table(checks: Sequence[Check]) -> Table:
    """A line a finding; cells of one defense of which the very same is said share one."""
    said: dict[tuple[str, str], list[str]] = {}
    for check in checks:
        said.setdefault((check.defense or "the study", check.text), []).append(check.cell)
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for heading, widest in (("defense", 18), ("cell", 26), ("why", None)):
        table.add_column(heading, overflow="fold", max_width=widest)
    for (defense, text), cells in said.items():
        names = listed(cells) if len(cells) < 4 else f"{', '.join(cells[:2])} and {len(cells) - 2} more"
        table.add_row(*(Text(legible(part)) for part in (defense, names, text)))
    return table


def print_gate(decision: Decision) -> None:
    """Print a decision; `WIDTH` columns where the output is no terminal."""
    console = Console()
    console = Console(width=min(console.width, WIDTH) if console.is_terminal else WIDTH)
    console.print(GateTable(decision))

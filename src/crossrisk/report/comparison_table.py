"""A comparison of two logs for the terminal: a cell a line, what was found in words, and what a reader must know."""

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from crossrisk.comparison import Comparison
from crossrisk.interactions.second_opinions import Agreement
from crossrisk.report.table import LONGEST_LIST, STYLES, WIDTH
from crossrisk.risks import Verdict
from crossrisk.wording import (
    DASH,
    MARKS,
    WORDS,
    Row,
    cell_sentence,
    counted,
    interval,
    legible,
    number,
    p_value,
    percent,
    points,
)

MOST_GROUPS = 24
_ORDER = [Verdict.WORSENS, Verdict.IMPROVES, Verdict.NO_EFFECT, Verdict.INCONCLUSIVE, Verdict.NOT_APPLICABLE]


@dataclass(frozen=True)
class ComparisonTable:
    """What `print_comparison` prints, at most `WIDTH` columns wide."""

    comparison: Comparison

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = min(options.max_width, WIDTH)
        rows = [asdict(row) for row in self.comparison.rows]
        yield from _filled([f"A {self.comparison.first}", f"B {self.comparison.second}"], width, "")
        yield Text()
        for defense, of_defense in groupby(rows, key=lambda row: str(row["defense"])):
            if len({row["defense"] for row in rows}) > 1:
                yield Text(legible(defense), style="italic dim")
            yield _table(list(of_defense), self.comparison.alpha, width)
        yield from _filled(_legend(), width, "", style="dim")
        yield from _groups(self.comparison, width)
        yield Text()
        told = sorted(rows, key=lambda row: (_ORDER.index(row["verdict"]), -abs(row["delta"] or 0.0)))
        more = [f"and {len(rows) - LONGEST_LIST} more, with --json"] * (len(rows) > LONGEST_LIST)
        yield from _filled([*map(cell_sentence, told[:LONGEST_LIST]), *more], width, "- ")
        if self.comparison.agreement is not None:
            yield Text()
            yield from _filled(_agreement(self.comparison.agreement), width, "")
        yield Text("\nRead with this", style="bold")
        yield from _filled(self.comparison.notes, width, "- ")


def print_comparison(comparison: Comparison) -> None:
    """Print it; `WIDTH` columns where the output is no terminal."""
    console = Console() if Console().is_terminal else Console(width=WIDTH)
    console.print(ComparisonTable(comparison))


def _table(rows: Sequence[Row], alpha: float, width: int) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1, 0, 0), width=width)
    table.add_column("", no_wrap=True)
    table.add_column("", ratio=1, overflow="fold")
    for heading in ("A, %", "B, %", f"change [{100 * (1 - alpha):g} %]", "p", "adj. p", "n", "invalid", "MDE"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        verdict = Verdict(row["verdict"])
        table.add_row(
            Text(MARKS[verdict], style=STYLES[verdict]),
            Text(legible(f"{row['task']}:{row['source']}")),
            percent(row["base"]),
            percent(row["defended"]),
            Text(f"{points(row['delta'])} {interval(row['ci_low'], row['ci_high'])}", style=STYLES[verdict]),
            p_value(row["p"]),
            p_value(row["p_adjusted"]),
            _count(row),
            f"{_dashed(row['invalid_base'])}, {_dashed(row['invalid_defended'])}",
            points(row["mde"]).removeprefix("+"),
        )
    return table


def _agreement(agreement: Agreement) -> list[str]:
    """How far two studies agree on what their defenses did, each against its own base."""
    tau, rho = number(agreement.kendall_tau, 2), number(agreement.spearman, 2)
    return [
        f"Both studies measured the effect of a defense in {counted(agreement.cells, 'cell')}: "
        f"{counted(len(agreement.changed), 'verdict')} changed, Kendall's tau-b {tau}, Spearman's rho {rho}, largest "
        f"difference {points(agreement.largest_difference).removeprefix('+')} points.",
        *agreement.changed,
    ]


def _count(row: Row) -> str:
    """Pairs, and how many clusters they make where they are fewer."""
    return f"{row['n']}" if row["n"] == row["clusters"] else f"{row['n']} in {row['clusters']}"


def _dashed(count: Any) -> str:
    return DASH if count is None else str(count)


def _legend() -> list[str]:
    return [
        "Risk of both arms, and its change from A to B in percentage points. n: pairs valid in both arms, and in how "
        "many clusters. invalid: in A, in B. MDE: the smallest change that would be found four times in five.",
        "  ".join(f"{MARKS[verdict]} {WORDS[verdict]}" for verdict in Verdict),
    ]


def _groups(comparison: Comparison, width: int) -> Iterator[RenderableType]:
    """The same within each group, and how much more it moved than all others. These describe and claim nothing."""
    rows = comparison.groups.rows
    if not rows:
        return
    if len(rows) > MOST_GROUPS:
        yield Text(f"\nBy group: {len(rows)} rows, in groups.json with --out", style="dim")
        return
    yield Text("\nBy group", style="bold")
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1, 0, 0), width=width)
    table.add_column("", ratio=1, overflow="fold")
    for heading in ("A, %", "B, %", "change", "beyond the others", "adj. p", "n"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(
            Text(legible(f"{row.task}:{row.source}, {row.group}")),
            percent(row.base),
            percent(row.defended),
            f"{points(row.delta)} {interval(row.ci_low, row.ci_high)}",
            f"{points(row.gap_change)} {interval(row.gap_change_low, row.gap_change_high)}",
            p_value(row.gap_change_p_adjusted),
            str(row.n),
        )
    yield table


def _filled(lines: Sequence[str], width: int, bullet: str, style: str = "") -> Iterator[Text]:
    hang = " " * len(bullet)
    for line in map(legible, lines):
        filled = textwrap.fill(line, width, initial_indent=bullet, subsequent_indent=hang, break_on_hyphens=False)
        yield Text(filled, style=style)

"""The interactions as a matrix for the terminal: a defense a line, a task a column, what was found beneath it.

A cell is a mark and the change of risk in whole percentage points, so nine tasks fit into 100 columns. Where they do
not fit, blocks of risks are stacked. Colour only repeats what the marks say.
"""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from crossrisk.report.findings import broken_models, cautions, failed_cells, headline, side_benefits, side_effects
from crossrisk.report.grid import Column, Grid, arrange, is_own_risk
from crossrisk.report.stopping import stopping_view
from crossrisk.report.study_folder import read_study
from crossrisk.report.summary import summary_lines
from crossrisk.risks import Verdict
from crossrisk.wording import MARKS, WORDS, Row, legible, percent, points, question_names, sentence

WIDTH = 100
FAILED = "×"
FLAGGED = "†"
CELL = 8  # bracket, mark, four characters of number, bracket, flag
SHORTEST_NAME = 15
# (characters of a defense's name, of a word of a heading) that are tried until the matrix fits
SQUEEZES = ((24, 16), (24, 9), (SHORTEST_NAME, 16), (SHORTEST_NAME, 9))
LONGEST_LIST = 10
STYLES = {
    Verdict.WORSENS: "bold red",
    Verdict.IMPROVES: "bold cyan",
    Verdict.NO_EFFECT: "",
    Verdict.INCONCLUSIVE: "dim",
    Verdict.NOT_APPLICABLE: "dim",
}


@dataclass(frozen=True)
class InteractionTable:
    """What `interaction_table` gives; printed by any rich console, at most `WIDTH` columns wide."""

    rows: Sequence[Row]
    manifest: Mapping[str, Any]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = min(options.max_width, WIDTH)
        grid = arrange(self.rows)
        yield Text(headline(self.rows), style="bold")
        if not self.rows:
            return
        for block in _blocks(grid, width):
            yield Text()
            for line in self._matrix(grid, block):
                line.no_wrap = True
                yield line
        yield Text()
        yield _legend(grid, self.manifest["flags"], self.manifest["failures"])
        yield from self._lists(width)

    def _matrix(self, grid: Grid, block: "Block") -> Iterator[Text]:
        broken = broken_models(self.manifest)
        yield from _heading(block)
        yield Text("─" * block.width, style="dim")
        yield _line(block, "base risk, %", [_base(grid, column) for column in block.columns], style="dim")
        for section in grid.sections:
            yield Text(section.title, style="italic dim")
            for arm in section.arms:
                name, *rest = _folded(arm, block.name_width - 2)
                cells = [self._cell(grid, arm, column) for column in block.columns]
                yield _line(block, f" {name}", cells, style="dim" if section.control else "")
                yield from (Text(f" {part}") for part in rest)
                if arm in broken:
                    yield Text("  broken model", style="bold red")

    def _cell(self, grid: Grid, arm: str, column: Column) -> Text:
        row = grid.cell(arm, column)
        if any(
            cell["arm"] == arm and f"{cell['task']}:{cell['source']}" == column.name
            for cell in self.manifest["failures"]
        ):
            return Text(f" {FAILED}", style="bold")
        if row is None:
            return Text()
        verdict = Verdict(row["verdict"])
        change = "" if row["delta"] is None else points(row["delta"], 0)
        opening, closing = "[]" if is_own_risk(row) else "  "
        flagged = any(flag["arm"] == arm and flag["task"] == column.name for flag in self.manifest["flags"])
        text = Text(opening)
        text.append(f"{MARKS[verdict]}{change:>4}", style=STYLES[verdict])
        return text.append(closing + FLAGGED * flagged)

    def _lists(self, width: int) -> Iterator[Text]:
        names = question_names(self.rows)
        effects, benefits = side_effects(self.rows), side_benefits(self.rows)
        yield from _list("Side effects", [sentence(row, names) for row in effects], width)
        yield from _list("Other risks improved", [sentence(row, names) for row in benefits], width)
        yield from _list("Read with care", cautions(self.rows, self.manifest), width)
        yield from _list("Failed", failed_cells(self.manifest["failures"]), width)


@dataclass(frozen=True)
class Block:
    """Columns that stand side by side. longest_word: the most characters that a word of a heading keeps."""

    columns: tuple[Column, ...]
    name_width: int
    longest_word: int
    with_source: bool

    @property
    def groups(self) -> list[tuple[str, list[Column]]]:
        """(title, columns) of each risk."""
        groups = Grid(self.columns, (), {}).columns_by_risk
        return [(": ".join(filter(None, (risk, self._shared_word(risk)))), columns) for risk, columns in groups]

    def _shared_word(self, risk: str) -> str:
        """The word that opens the names of all tasks of a risk; it stands once, beside the risk."""
        tasks = [column.task for column in self.columns if column.risk == risk]
        opening = tasks[0].partition("_")[0]
        return opening if len(tasks) > 1 and all(task.startswith(f"{opening}_") for task in tasks) else ""

    def heading(self, column: Column) -> list[str]:
        """Lines of a column's heading, without the words that the title of its risk says already."""
        words = column.task.split("_")
        if words[0] in (column.risk, self._shared_word(column.risk)):
            words = words[1:]
        lines = [*words, *([f":{column.source}"] if self.with_source else [])]
        return [line if len(line) <= self.longest_word else f"{line[: self.longest_word - 1]}…" for line in lines]

    def column_width(self, column: Column) -> int:
        """Characters of a column, with the space that sets its heading apart from the one before."""
        return max(CELL, *(1 + len(line) for line in self.heading(column)), 0)

    def group_width(self, title: str, columns: Sequence[Column]) -> int:
        """Characters of all columns of a risk."""
        return max(1 + len(title), sum(map(self.column_width, columns)))

    @property
    def width(self) -> int:
        """Characters of a line."""
        return self.name_width + sum(1 + self.group_width(title, columns) for title, columns in self.groups)


def _blocks(grid: Grid, width: int) -> list[Block]:
    """One block where names and headings can be made short enough for it, else blocks of risks, else of columns."""
    longest = max((len(arm) for section in grid.sections for arm in section.arms), default=0) + 2
    with_source = len({column.source for column in grid.columns}) > 1
    for names, words in SQUEEZES:
        block = Block(grid.columns, max(min(longest, names), SHORTEST_NAME), words, with_source)
        if block.width <= width:
            return [block]
    template = Block((), max(min(longest, SQUEEZES[0][0]), SHORTEST_NAME), SQUEEZES[0][1], with_source)
    return [replace(template, columns=columns) for columns in _stacked(grid, template, width)]


def _stacked(grid: Grid, template: Block, width: int) -> list[tuple[Column, ...]]:
    """Columns of each block: risks stay together where they can."""
    blocks: list[tuple[Column, ...]] = []
    for _, columns in grid.columns_by_risk:
        whole = replace(template, columns=tuple(columns)).width <= width
        for piece in [tuple(columns)] if whole else [(column,) for column in columns]:
            joined = (*blocks[-1], *piece) if blocks else piece
            if blocks and replace(template, columns=joined).width <= width:
                blocks[-1] = joined
            else:
                blocks.append(piece)
    return blocks


def _heading(block: Block) -> Iterator[Text]:
    titles = Text(" " * block.name_width)
    for title, columns in block.groups:
        titles.append("│", style="dim").append(f" {title}".ljust(block.group_width(title, columns)), style="bold")
    titles.rstrip()
    yield titles
    headings = [block.heading(column) for column in block.columns]
    for number in range(max(map(len, headings))):
        lines = (heading[number] if number < len(heading) else "" for heading in headings)
        yield _line(block, "", [Text(f" {line}") for line in lines])


def _line(block: Block, name: str, cells: Sequence[Text], style: str = "") -> Text:
    line = Text(name.ljust(block.name_width), style=style)
    following = iter(cells)
    for title, columns in block.groups:
        line.append("│", style="dim")
        end = line.cell_len + block.group_width(title, columns)
        for column in columns:
            cell = next(following)
            line.append_text(cell).append(" " * (block.column_width(column) - cell.cell_len))
        line.append(" " * (end - line.cell_len))
    line.rstrip()
    return line


def _base(grid: Grid, column: Column) -> Text:
    return Text(f"  {percent(grid.base_risk(column), 0):>4}")


def _folded(name: str, width: int) -> list[str]:
    """A long name in pieces, cut behind a `_` or `-` where there is one."""
    pieces = []
    while len(name) > width:
        cut = max(name.rfind(mark, 0, width) for mark in "_-") + 1 or width
        pieces.append(name[:cut])
        name = name[cut:]
    return [*pieces, name]


def _legend(grid: Grid, flags: Sequence[Any], failures: Sequence[Any]) -> Text:
    sources = {column.source for column in grid.columns}
    source = f", source {sources.pop()}" if len(sources) == 1 else ""
    marks = [f"{MARKS[verdict]} {WORDS[verdict]}" for verdict in Verdict]
    extra = [f"{FAILED} failed"] * bool(failures) + [f"{FLAGGED} see below"] * bool(flags)
    return Text(
        f"Change of risk in percentage points, base to defended{source}. [ ] is the defense's own risk.\n"
        f"{'  '.join([*marks, *extra])}",
        style="dim",
    )


def _list(title: str, sentences: Sequence[str], width: int) -> Iterator[Text]:
    if not sentences:
        return
    yield Text(f"\n{title} ({len(sentences)})", style="bold")
    rest = [f"and {len(sentences) - LONGEST_LIST} more, in the report"] * (len(sentences) > LONGEST_LIST)
    for line in map(legible, [*sentences[:LONGEST_LIST], *rest]):
        yield Text(textwrap.fill(line, width, initial_indent="- ", subsequent_indent="  ", break_on_hyphens=False))


def interaction_table(rows: Sequence[Row], manifest: Mapping[str, Any]) -> InteractionTable:
    """The matrix and its findings, for `rich.console.Console.print`.

    rows: of interactions.json. manifest: alpha, margin, primary, cells, flags and failures of manifest.json.
    """
    return InteractionTable(rows, manifest)


def print_study(folder: Path) -> None:
    """Print the interactions of a study's folder; `WIDTH` columns where the output is no terminal."""
    study = read_study(folder)
    console = Console() if Console().is_terminal else Console(width=WIDTH)
    console.print(interaction_table(study.rows, study.manifest))
    said = summary_lines(study.summary, alpha=study.manifest["alpha"])
    saved = stopping_view(folder, question_names(study.rows))
    if saved is not None:
        console.print(Text(f"\n{saved.sentence[0].upper()}{saved.sentence[1:]}."))
    console.print(*_list("As a whole", said, min(console.width, WIDTH)), sep="\n", end="\n" if said else "")

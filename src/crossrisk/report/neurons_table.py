"""The causal test for the terminal: what each side effect hangs on, and one line that sums it up."""

from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from crossrisk.report.neurons import EffectView, NeuronsView, neurons_view
from crossrisk.report.study_folder import read_study
from crossrisk.wording import MARKS, legible, points, question_names

NAMED = 24  # least width of what a row is about; long reasons give way to it
WIDTH = 100  # where the output is no terminal
LONGEST = 30  # side effects that are listed


def print_causes(folder: Path) -> None:
    """Print what `crossrisk neurons` found in a study's folder."""
    study = read_study(folder)
    view = neurons_view(folder, question_names(study.rows), study.rows)
    assert view is not None
    console = Console() if Console().is_terminal else Console(width=WIDTH)
    console.print(*_lines(view), sep="\n")


def _lines(view: NeuronsView) -> list[Table | Text]:
    lines: list[Table | Text] = [Text(f"{view.stale}\n", style="bold")] if view.stale else []
    if view.effects:
        lines.append(_table(view.effects[:LONGEST]))
        if len(view.effects) > LONGEST:
            lines.append(Text(f"and {len(view.effects) - LONGEST} more, in the report", style="dim"))
    if view.left_out:
        lines.append(Text(f"\nNot applicable ({len(view.left_out)})", style="bold"))
        lines += [Text(f"- {legible(line)}") for line in view.left_out]
    lines.append(Text("\nNeurons on which two risks collide, in the base", style="bold"))
    lines += [Text(f"- {legible(pair.sentence)}") for pair in view.pairs if pair.row["count"]]
    lines += [Text(f"- {legible(line)}") for line in view.unmet]
    lines += [Text(f"  ! {legible(warning)}") for pair in view.pairs for warning in pair.row["warnings"]]
    return [*lines, Text(f"\n{view.summary}", style="bold")]


def _table(effects: tuple[EffectView, ...]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for heading in ("side effect", "points", "carried by the set", "random sets", "all neurons\ntogether", "because?"):
        table.add_column(heading, overflow="fold", min_width=NAMED if heading == "side effect" else None)
    for effect in effects:
        best, row = effect.best, effect.row
        mark = MARKS.get(row["verdict"], "")
        table.add_row(
            Text(legible(f"{row['defense']} on {effect.task}")),
            Text(f"{mark} {points(row['delta'])}"),
            Text("–" if best is None else f"{best.said}, {best.row['set']}"),
            Text("–" if best is None else best.beside),
            Text(effect.together or "–"),
            Text("because" if effect.because else f"no: {legible(effect.reason)}"),
        )
    return table

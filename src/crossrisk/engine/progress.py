"""One progress bar for a whole study, with the time left; silent where the output is no terminal."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


class Reporter:
    """Counts samples done. `doing` names what runs now."""

    def __init__(self, bar: Progress | None, total: int | None) -> None:
        self.bar = bar
        self.row = bar.add_task("starting", total=total) if bar else None

    def doing(self, what: str) -> None:
        """Name what runs now."""
        if self.bar and self.row is not None:
            self.bar.update(self.row, description=what)

    def done(self, samples: int) -> None:
        """Count samples as done."""
        if self.bar and self.row is not None:
            self.bar.advance(self.row, samples)

    def at(self, step: int, steps: int, loss: float) -> None:
        """Where a training stands."""
        if self.bar and self.row is not None:
            self.bar.update(self.row, completed=step, total=steps, description=f"training, loss {loss:.3f}")

    def received(self, file: str, kilobytes: int, total: int | None) -> None:
        """Where a download stands."""
        if self.bar and self.row is not None:
            self.bar.update(self.row, completed=kilobytes, total=total, description=f"{file} (kB)")


@contextmanager
def progress_bar(total: int | None, show: bool | None) -> Iterator[Reporter]:
    """A reporter over `total` units (None: told later). show None: only where standard error is a terminal."""
    console = Console(stderr=True)
    if not (console.is_terminal if show is None else show):
        yield Reporter(None, total)
        return
    columns = (TextColumn("{task.description:<42.42}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        yield Reporter(bar, total)

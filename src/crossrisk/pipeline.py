"""The way of the data, in order: a study is executed, its folder analysed, the report written.

Each stage reads what the stage before it wrote to disk, so `analyse` and `write_page` work on a folder alone, without
the model. This file stands above all rooms; none of them imports it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crossrisk.engine.store import Store
from crossrisk.errors import RequestError
from crossrisk.study import Study

if TYPE_CHECKING:
    import polars as pl

    from crossrisk.interactions.frames_by_group import GroupFrame
    from crossrisk.neurons.stage.analysis import Findings
    from crossrisk.neurons.stage.request import Options


@dataclass(frozen=True)
class Results:
    """A study's folder, read back. failures: cells that failed, as in the manifest."""

    folder: Path
    failures: Sequence[dict[str, Any]] = ()

    @property
    def interactions(self) -> "pl.DataFrame":
        """One row per (defense, task:source), with the columns of `interactions.json`."""
        import polars as pl

        return pl.read_parquet(self.folder / "interactions.parquet")

    @property
    def groups(self) -> "pl.DataFrame":
        """One row per (defense, task:source, group)."""
        import json

        import polars as pl

        rows = json.loads((self.folder / "groups.json").read_text(encoding="utf-8"))["rows"]
        return pl.DataFrame(rows, infer_schema_length=None)

    @property
    def summary(self) -> list[dict[str, Any]]:
        """What the study says as a whole: the rows of `summary.json`, each with its `question` and a `sentence`."""
        import json

        rows: list[dict[str, Any]] = json.loads((self.folder / "summary.json").read_text(encoding="utf-8"))["rows"]
        return rows

    @property
    def gaps(self) -> "pl.DataFrame":
        """How far groups lie apart: one row per (defense, task:source) and way to tell people apart."""
        import json

        import polars as pl

        rows = json.loads((self.folder / "gaps.json").read_text(encoding="utf-8"))["rows"]
        return pl.DataFrame(rows, infer_schema_length=None)

    def group_frame(
        self, task: str, defense: str, *, by: str | Sequence[str] = "group", reference: str | None = None
    ) -> "GroupFrame":
        """Risks by group in both arms of one cell, as users of Fairlearn know it. See `crossrisk.interactions`."""
        from crossrisk.interactions.frames_by_group import group_frame

        alpha = self.manifest["alpha"]
        return group_frame(self.folder, task, defense, by=by, reference=reference, alpha=alpha)

    @property
    def manifest(self) -> dict[str, Any]:
        """Versions, fingerprints, durations, flags, failures."""
        return Store(self.folder).manifest()

    def to_html(self, path: str | Path | None = None) -> Path:
        """Write the report, by default into the folder; returns where it lies."""
        from crossrisk.report.page import write_page

        return write_page(self.folder, None if path is None else Path(path))


def run(study: Study, folder: str | Path, *, progress: bool | None = None) -> Results:
    """Run what is missing of a study, analyse it and write the report.

    folder: made where it is missing; a folder with results of the same study is resumed at the batch. progress: a
    bar on standard error, by default only on a terminal. Raises RequestError where the request is wrong and
    StudyStopped where the run was ended early; cells that failed are in `Results.failures`, the others are analysed.
    """
    from crossrisk.engine.execute import Execution
    from crossrisk.interactions.analysis import analyse
    from crossrisk.report.page import write_page

    store = Store(Path(folder))
    store.check()
    execution = Execution(study, store)
    with store.locked():
        execution.run(progress)
        analyse(store.folder)
        write_page(store.folder)
    return Results(store.folder, execution.record.failures)


def report(folder: str | Path, page: Path | None = None) -> Results:
    """Analyse a study's folder once more and write its report, to `page` or into the folder.

    Needs neither the model nor the data. Raises RequestError for a folder that holds no study of this version.
    """
    from crossrisk.interactions.analysis import analyse
    from crossrisk.report.page import write_page

    store = Store(Path(folder))
    if not store.manifest():
        raise RequestError(f"{folder} holds no study: there is no manifest.json in it")
    store.check()
    if page is not None and page.is_dir():
        raise RequestError(f"{page} is a folder: name the file that the report goes to")
    with store.locked():
        analyse(store.folder)
        write_page(store.folder, page)
    return Results(store.folder, store.manifest()["failures"])


def neurons(folder: str | Path, options: "Options | None" = None, *, progress: bool | None = None) -> "Findings":
    """Find the neurons on which the risks of a finished study collide, test that they are the cause, and put it into
    the study's `neurons/` and its report. See `crossrisk.neurons.analyse`, which this calls, for what it raises.
    """
    from crossrisk.neurons.stage.analysis import analyse
    from crossrisk.report.page import write_page

    found = analyse(folder, options, progress=progress)
    write_page(Path(folder))
    return found

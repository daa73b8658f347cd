"""From a path to its logs: what kind of log lies there is seen from its content, not guessed from its name."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from crossrisk.errors import RequestError
from crossrisk.logs.inspect_logs import is_log, read_log
from crossrisk.logs.jsonl_rows import read_rows
from crossrisk.logs.lm_eval_samples import is_lm_eval, read_samples
from crossrisk.logs.scores import ROWS, Columns, Log
from crossrisk.logs.study_folders import read_study
from crossrisk.sources.reading import SUFFIXES, parse

_HEAD = 4_096


def read(path: str | Path, columns: Columns | None = None) -> pl.DataFrame:
    """Everything that a log holds as one frame: arm, task, source, metric, and the columns of `ROWS`.

    Scores stand as they are in the log, null where there is none. Raises RequestError as `read_logs` does.
    """
    frames = [
        scores.frame.select(
            pl.lit(log.name).alias("arm"),
            pl.lit(scores.task).alias("task"),
            pl.lit(scores.source).alias("source"),
            pl.lit(scores.metric).alias("metric"),
            *ROWS,
        )
        for log in read_logs(path, columns)
        for scores in log.scores
        if scores.frame is not None and scores.problem is None
    ]
    return pl.concat(frames) if frames else pl.DataFrame(schema={"arm": pl.String, **ROWS})


def read_logs(path: str | Path, columns: Columns | None = None) -> tuple[Log, ...]:
    """The arms that lie at a path: one, or all arms of a study that is named without one (`FOLDER:ARM`).

    path: a study's folder, a log of Inspect, a sample file of lm-eval, plain rows, or a folder of such logs, each a
    task. Raises RequestError for what cannot be read, or a folder that has two logs of one task.
    """
    columns = columns or Columns()
    place, arm = _place(path)
    if not place.is_dir():
        return (_read_file(place, columns),)
    if (place / "manifest.json").is_file():
        return read_study(place, arm)
    if arm is not None:
        raise RequestError(f"{place} holds no study, so it has no arm '{arm}': there is no manifest.json in it")
    return (_read_folder(place, columns),)


def _place(path: str | Path) -> tuple[Path, str | None]:
    """A path, and the arm behind its last colon where a folder lies before it."""
    whole = Path(path)
    folder, colon, arm = str(path).rpartition(":")
    if not whole.exists() and colon and Path(folder).is_dir():
        return Path(folder), arm
    if not whole.exists():
        raise RequestError(f"{path} is not there: name a log, a folder of logs, or FOLDER:ARM of a study")
    return whole, None


def _read_file(path: Path, columns: Columns) -> Log:
    if path.suffix == ".eval" or (path.suffix == ".json" and is_log(_head(path))):
        return read_log(path, columns)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise RequestError(f"{path} cannot be read: {error.strerror or type(error).__name__}") from None
    if path.suffix.lower() not in SUFFIXES:
        raise RequestError(f"{path}: cannot read '{path.suffix}' files: give .eval, {', '.join(SUFFIXES)}")
    rows = parse(content, str(path))
    return read_samples(rows, path, columns) if is_lm_eval(rows[0]) else read_rows(rows, path, columns)


def _read_folder(folder: Path, columns: Columns) -> Log:
    """All logs of one arm in a folder, of whichever tool wrote them."""
    evals, samples = sorted(folder.rglob("*.eval")), sorted(folder.rglob("samples_*.jsonl"))
    if evals and samples:
        raise RequestError(f"{folder} holds logs of Inspect and of lm-eval: name the folder of one of them")
    files = evals or samples or [path for path in sorted(folder.rglob("*.json")) if is_log(_head(path))]
    if not files:
        raise RequestError(
            f"{folder} holds no study, no .eval log and no samples_*.jsonl: name a log, or a folder that has one"
        )
    logs = _without_retried([_read_file(path, columns) for path in files])
    by_task: dict[str, Log] = {}
    for log in logs:
        for task in {scores.task for scores in log.scores}:
            earlier = by_task.setdefault(task, log)
            if earlier is not log:
                raise RequestError(
                    f"{folder} holds two logs of task {task}: {Path(earlier.where).name} and {Path(log.where).name}: "
                    "name one of them, or put the others elsewhere"
                )
    models = list(dict.fromkeys(log.name for log in logs))
    return Log(
        name=models[0] if len(models) == 1 else folder.resolve().name,
        where=str(folder),
        scores=tuple(scores for log in logs for scores in log.scores),
        notes=tuple(note for log in logs for note in log.notes),
    )


def _without_retried(logs: Sequence[Log]) -> list[Log]:
    """Without runs that ended early and of whose task there is a whole one: whoever retries keeps both."""
    whole = {scores.task for log in logs if log.complete for scores in log.scores}
    return [log for log in logs if log.complete or any(scores.task not in whole for scores in log.scores)]


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_HEAD)

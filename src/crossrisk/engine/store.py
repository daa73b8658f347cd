"""A study's folder: outcomes in Parquet, written a batch at a time, and the manifest that says what lies where.

    outcomes/<arm>/<task>/<source>-<key>.<batch>.parquet   while a cell is being computed
    outcomes/<arm>/<task>/<source>-<key>.parquet           when it is complete

A file is there whole or not at all, so a study that is killed loses at most the batch in flight. A complete cell is
also put into the shared cache, where other studies find it by its key.
"""

import io
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from filelock import FileLock, Timeout

from crossrisk.cache import cache_folder, write_atomically
from crossrisk.engine.plan import Cell
from crossrisk.errors import RequestError

STORE_VERSION = 2
_LONGEST_NAME = 100  # of a source, which may be a long path; names of files end at 255 bytes, and the key tells apart
HEADER = "# Resolved by CrossRisk: every default is written out.\n"

OUTCOMES = pl.Schema(
    {
        "sample_id": pl.String(),
        "cluster": pl.String(),
        "group": pl.String(),
        "prompt": pl.String(),  # the messages as JSON, before any defense
        "reply": pl.String(),
        "earlier": pl.List(pl.String()),  # replies to the turns before the last
        "label": pl.String(),
        "risk": pl.Float64(),
        "valid": pl.Boolean(),
        "judge": pl.String(),
        "stopped": pl.String(),
        "prompt_tokens": pl.Int64(),
        "reply_tokens": pl.Int64(),
        "log_likelihoods": pl.List(pl.Float64()),  # one a continuation, in nats
        "facets": pl.String(),  # what the metric wants to know of the sample, as JSON
        "measures": pl.String(),  # raw figures of the reply, as JSON
    }
)


@dataclass(frozen=True)
class Store:
    """The folder of one study."""

    folder: Path

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder for this process. Raises RequestError where another holds it, or where it is no study's."""
        self.check()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RequestError(f"the folder {self.folder} cannot be made ({error.strerror}): choose another") from error
        lock = FileLock(self.folder / ".lock", timeout=0)
        try:
            with lock:
                for unfinished in self.folder.rglob(".writing-*"):
                    unfinished.unlink(missing_ok=True)
                yield
        except Timeout:
            raise RequestError(
                f"another process is running a study in {self.folder}: wait for it, or choose another folder"
            ) from None

    def check(self) -> None:
        """Raises RequestError for a folder that holds other things, or a study of another version."""
        if self.folder.exists() and not self.folder.is_dir():
            raise RequestError(f"{self.folder} is a file: name a folder for the study")
        manifest = self.manifest()
        if not manifest:
            others = [path for path in self.folder.glob("*") if path.name != ".lock"]
            if others and not self._began_a_study():
                raise RequestError(f"{self.folder} holds files that are no study: choose an empty or a new folder")
        elif manifest.get("store") != STORE_VERSION:
            raise RequestError(
                f"{self.folder} was written by another version of CrossRisk (store {manifest.get('store')}, this one "
                f"writes {STORE_VERSION}): use a new folder, or install crossrisk {manifest.get('crossrisk')}"
            )

    def _began_a_study(self) -> bool:
        """Whether CrossRisk wrote the study file here; one that a user wrote is not ours to replace."""
        study = self.folder / "study.yaml"
        return study.is_file() and study.read_text(encoding="utf-8", errors="replace").startswith(HEADER)

    def manifest(self) -> dict[str, Any]:
        """What `write_manifest` wrote last, or nothing."""
        path = self.folder / "manifest.json"
        if not path.exists():
            return {}
        try:
            content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise RequestError(
                f"{path} is damaged ({error}): delete it and run the study again, outcomes are kept"
            ) from error
        return content

    def write_manifest(self, content: Mapping[str, Any]) -> None:
        """Replace the manifest."""
        self.write(
            "manifest.json", json.dumps({"store": STORE_VERSION, **content}, indent=2, ensure_ascii=False) + "\n"
        )

    def write(self, name: str, content: str) -> Path:
        """Write one of the study's text files, whole or not at all."""
        path = self.folder / name
        write_atomically(path, content.encode())
        return path

    def path(self, cell: Cell) -> Path:
        """Where a complete cell lies, relative to the folder."""
        plain = re.sub(r"[^A-Za-z0-9_.-]+", "-", cell.question.source.name)
        source = plain[-_LONGEST_NAME:].strip("-.")
        return Path("outcomes", cell.arm, cell.question.task.name, f"{source}-{cell.key[:16]}.parquet")

    def is_complete(self, cell: Cell) -> bool:
        """Whether a cell lies here, or can be had from the cache (it then lies here)."""
        path = self.folder / self.path(cell)
        cached = _cached(cell)
        if not path.exists() and cached.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, cached.read_bytes())
        return path.exists()

    def missing_batches(self, cell: Cell) -> list[int]:
        """Numbers of the batches that are still to be computed; none when the cell is complete."""
        parts = [self._part(cell, number) for number in range(len(cell.batches))]
        if self.is_complete(cell):
            for part in parts:  # left over where the process was killed just after the cell was joined
                part.unlink(missing_ok=True)
            return []
        missing = [number for number, part in enumerate(parts) if not part.exists()]
        if not missing:
            self._join(cell, parts)
        return missing

    def write_batch(self, cell: Cell, number: int, rows: list[dict[str, Any]]) -> None:
        """Store one batch; with the last one the cell becomes a single file, in the order of its samples."""
        write_atomically(self._part(cell, number), _parquet(pl.DataFrame(rows, schema=OUTCOMES)))
        parts = [self._part(cell, n) for n in range(len(cell.batches))]
        if all(part.exists() for part in parts):
            self._join(cell, parts)

    def read_batch(self, cell: Cell, number: int) -> pl.DataFrame:
        """One batch of a cell that is not complete."""
        return pl.read_parquet(self._part(cell, number))

    def stop(self, cell: Cell, batches: int) -> None:
        """Make a cell complete with its first batches alone."""
        self._join(cell, [self._part(cell, number) for number in range(batches)])

    def asked(self, cell: Cell) -> list[str]:
        """Ids of the samples of a complete cell, fewer than planned where it was stopped."""
        return pl.read_parquet(self.folder / self.path(cell), columns=["sample_id"])["sample_id"].to_list()

    def _join(self, cell: Cell, parts: list[Path]) -> None:
        """One file of the first batches, in the order of the samples."""
        frame = pl.concat([pl.read_parquet(part) for part in parts])
        asked = sorted(index for batch in cell.batches[: len(parts)] for index in batch)
        place = {cell.question.samples[index].id: index for index in asked}
        if set(frame["sample_id"]) != set(place):
            raise RequestError(f"{parts[0].parent} holds damaged batches: delete that folder and run again")
        content = _parquet(frame.sort(pl.col("sample_id").replace_strict(place, return_dtype=pl.Int64)))
        write_atomically(self.folder / self.path(cell), content)
        write_atomically(_cached(cell), content)
        for part in parts:
            part.unlink()

    def _part(self, cell: Cell, number: int) -> Path:
        return (self.folder / self.path(cell)).with_suffix(f".{number:05d}.parquet")


def read_outcomes(folder: Path, file: str) -> pl.DataFrame:
    """One complete cell, by the file that the manifest names."""
    path = folder / file
    if not path.exists():
        raise RequestError(f"{path} is missing: run the study again, only what is missing is computed")
    try:
        return pl.read_parquet(path)
    except pl.exceptions.PolarsError as error:
        raise RequestError(f"{path} is damaged: delete it and run the study again, the rest is kept") from error


def _cached(cell: Cell) -> Path:
    return cache_folder("cells", cell.key[:2]) / f"{cell.key}.parquet"


def _parquet(frame: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.write_parquet(buffer, compression="zstd")
    return buffer.getvalue()

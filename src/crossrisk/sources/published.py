"""A public set as a source: which files each task's samples are made from, and by what."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from crossrisk.errors import RequestError, unknown
from crossrisk.risks import Sample
from crossrisk.sources.public import PublicFile, checksum_of
from crossrisk.sources.source import Source


def rows_of(file: PublicFile) -> Any:
    """A file's rows: what most parsers want of it."""
    return file.rows()


@dataclass(frozen=True)
class PublicSet:
    """One task's samples. make: from what `read` gives of each file, in order; rows, unless the file is no table."""

    make: Callable[..., tuple[Sample, ...]]
    files: tuple[PublicFile, ...]
    read: Callable[[PublicFile], Any] = rows_of

    def samples(self) -> tuple[Sample, ...]:
        """Reads, checks and parses the files; raises RequestError for what is wrong in them."""
        samples = self.make(*(self.read(file) for file in self.files))
        if not samples:
            raise RequestError(f"{self.files[0].name}: no row in it makes a sample: get the file again")
        return samples

    def checksum(self) -> str:
        """SHA-256 of the only file, or one of several files' checksums."""
        return self.files[0].checksum() if len(self.files) == 1 else checksum_of(self.files)


def public_source(
    name: str,
    *,
    licence: str,
    citation: str,
    sets: Mapping[str, PublicSet],
    good_for: str,
    flaws: str,
    version: int = 1,
) -> Source:
    """The source of a public set, with the sets of its tasks. version: raise it whenever samples change."""

    def checksum(task: str) -> str:
        if task not in sets:
            raise unknown(f"task of source {name}", task, sets)
        return sets[task].checksum()

    return Source(
        name=name,
        version=version,
        licence=licence,
        citation=citation,
        loaders={task: public_set.samples for task, public_set in sets.items()},
        checksum=checksum,
        files=tuple(dict.fromkeys(file for public_set in sets.values() for file in public_set.files)),
        good_for=good_for,
        flaws=flaws,
    )

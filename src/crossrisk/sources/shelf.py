"""Which public sets there are, and which of their files lie on this machine."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from crossrisk.errors import RequestError, unknown
from crossrisk.registry import SOURCES
from crossrisk.sources.public import PublicFile, data_folder
from crossrisk.sources.source import Source


def public_sources() -> list[Source]:
    """Every registered source whose samples are read from published files."""
    return [source for source in (SOURCES.get(name) for name in SOURCES) if source.files]


def named(names: Iterable[str]) -> list[Source]:
    """The public sets of these names, all where none is given; the name of a data folder stands for its set.

    Raises RequestError for a name that is not known, and for a source that needs no files.
    """
    sources = {source.name: source for source in public_sources()}
    folders = {file.folder: source.name for source in sources.values() for file in source.files}
    found = []
    for name in names:
        if name not in sources and name in SOURCES:
            raise RequestError(f"source '{name}' comes with CrossRisk: there is nothing to get or to verify")
        if name not in sources and name not in folders:
            raise unknown("public set", name, sources)
        found.append(sources[name] if name in sources else sources[folders[name]])
    return list({source.name: source for source in found or sources.values()}.values())


@dataclass(frozen=True)
class Presence:
    """How much of a source can be read here."""

    present: int
    files: int

    def __str__(self) -> str:
        if not self.files:
            return "built in"
        if self.present in (0, self.files):
            return "yes" if self.present else "no"
        return f"{self.present} of {self.files} files"


def presence(source: Source) -> Presence:
    """Which of a source's files stand in their places, told by their sizes; `verify` reads them."""
    return Presence(sum(file.is_present() for file in source.files), len(source.files))


def listing() -> list[dict[str, Any]]:
    """Every public set with what a user must know before getting it."""
    return [
        {
            "name": source.name,
            "present": str(presence(source)),
            "files": len(source.files),
            "bytes": sum(file.size for file in source.files),
            "licence": source.licence,
            "citation": source.citation,
        }
        for source in public_sources()
    ]


@dataclass(frozen=True)
class Checked:
    """One file of a set, read and compared with the published one. problem: None where they are equal."""

    source: str
    place: str
    problem: str | None


def verify(sources: Iterable[Source]) -> list[Checked]:
    """Every file of these sets, read and hashed."""
    return [Checked(source.name, file.place, _problem(file)) for source in sources for file in source.files]


def _problem(file: PublicFile) -> str | None:
    try:
        file.content()
    except RequestError as error:
        return str(error) if (data_folder() / file.place).exists() else "missing"
    return None

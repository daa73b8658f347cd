"""Files of public sets, read from the data folder, and only if they are the published ones, byte for byte.

The data folder is `$CROSSRISK_DATA` where it is set, else a folder of CrossRisk's own cache, which `crossrisk data get`
fills. In it lie `data/<folder>/<file>` (prompts and tasks) and `labelled/<folder>/<file>` (replies with labels).
"""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from crossrisk.cache import cache_folder
from crossrisk.errors import RequestError
from crossrisk.sources.extracts import Extract
from crossrisk.sources.reading import Row, parse

VARIABLE = "CROSSRISK_DATA"


def lost_folder() -> str | None:
    """What to say where the variable names a folder that is not there; None where all is well."""
    named = os.environ.get(VARIABLE)
    if not named or Path(named).is_dir():
        return None
    return f"{VARIABLE} names {named}, where there is no folder: correct it, or get sets into it"


def data_folder() -> Path:
    """Where public sets lie on this machine, whether it is there or not."""
    named = os.environ.get(VARIABLE)
    return Path(named) if named else cache_folder("public")


@dataclass(frozen=True)
class PublicFile:
    """One published file.

    repository: its address; revision: the pinned commit; path: in the repository; size: in bytes.
    """

    folder: str
    name: str
    repository: str
    revision: str
    path: str
    sha256: str
    size: int
    columns: tuple[str, ...] = ()
    shelf: Literal["data", "labelled"] = "data"
    extract: Extract | None = None

    @property
    def place(self) -> str:
        """Where the file belongs, below the data folder."""
        return f"{self.shelf}/{self.folder}/{self.name}"

    @property
    def origin(self) -> str:
        """Repository, path and commit, as a person would look for it."""
        part = f"{self.extract.how} of " if self.extract else ""
        return f"{self.repository} ({part}{self.path} at {self.revision})"

    @property
    def url(self) -> str:
        """Where the bytes can be downloaded that are the file, or that `extract` makes it from."""
        host, _, name = self.repository.removeprefix("https://").partition("/")
        if host == "github.com":
            return f"https://raw.githubusercontent.com/{name}/{self.revision}/{_quoted(self.path)}"
        return f"{self.repository}/resolve/{self.revision}/{_quoted(self.path)}"

    def is_present(self) -> bool:
        """Whether a file of the right size stands in its place; `content` checks every byte."""
        path = data_folder() / self.place
        return path.is_file() and path.stat().st_size == self.size

    def content(self) -> bytes:
        """The file's bytes. Raises RequestError where it is not to be found, or is not the published one."""
        path = data_folder() / self.place
        if path.exists() and not path.is_file():  # a pipe would be waited for without an end
            raise RequestError(f"{path} is no file: put {self.name} there, from {self.origin}")
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            raise RequestError(
                f"{path} is missing: run `crossrisk data get {self._set()}`, or put {self.name} there, "
                f"from {self.origin}" + ("" if os.environ.get(VARIABLE) else f"; or set {VARIABLE} to where it lies")
            ) from None
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise RequestError(f"{path} cannot be read ({reason}): put {self.name} there, from {self.origin}") from None
        found = hashlib.sha256(content).hexdigest()
        if found != self.sha256:
            raise RequestError(
                f"{path} is not the published file (sha256 expected {self.sha256}, found {found}): "
                f"get it again, byte for byte, from {self.origin}"
            )
        return content

    def _set(self) -> str:
        """The public set that this file belongs to; its folder where it is of none."""
        from crossrisk.sources.shelf import public_sources

        return next((source.name for source in public_sources() if self in source.files), self.folder)

    def rows(self) -> tuple[Row, ...]:
        """The file's rows, parsed strictly."""
        return parse(self.content(), self.name, self.columns)

    def checksum(self) -> str:
        """SHA-256 of the file, which was checked to be the published one."""
        self.content()
        return self.sha256


def checksum_of(files: tuple[PublicFile, ...]) -> str:
    """One checksum of several files, each checked to be the published one."""
    return hashlib.sha256("".join(file.checksum() for file in files).encode()).hexdigest()


def _quoted(path: str) -> str:
    from urllib.parse import quote

    return quote(path)

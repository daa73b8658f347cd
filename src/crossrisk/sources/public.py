"""Files of public sets, read from `$CROSSRISK_DATA/data/<folder>`, and only if they are the published ones."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from crossrisk.errors import RequestError
from crossrisk.sources.reading import Row, parse

VARIABLE = "CROSSRISK_DATA"


@dataclass(frozen=True)
class PublicFile:
    """One published file. origin: repository, pinned commit and path in it. sha256: of its bytes."""

    folder: str
    name: str
    origin: str
    sha256: str
    columns: tuple[str, ...]

    @property
    def place(self) -> str:
        """Where the file belongs, below `$CROSSRISK_DATA`."""
        return f"data/{self.folder}/{self.name}"

    def content(self) -> bytes:
        """The file's bytes. Raises RequestError where it is not to be found, or is not the published one."""
        root = os.environ.get(VARIABLE)
        if not root:
            raise RequestError(f"{VARIABLE} is not set: set it to a folder that has {self.place}, from {self.origin}")
        path = Path(root) / self.place
        try:
            content = path.read_bytes()
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

    def rows(self) -> tuple[Row, ...]:
        """The file's rows, parsed strictly."""
        return parse(self.content(), self.name, self.columns)

    def checksum(self) -> str:
        """SHA-256 of the file, which was checked to be the published one."""
        self.content()
        return self.sha256

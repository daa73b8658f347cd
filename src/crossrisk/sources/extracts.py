"""Files that are a part of what their origin publishes: a member of an archive, the first lines, some columns.

A download is turned into the file byte for byte, so that the pinned checksum holds for the extract.
"""

import csv
import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass

from crossrisk.errors import RequestError


@dataclass(frozen=True)
class Extract:
    """how: in words, before "of <path>". of: the file's bytes from the downloaded ones, None where people made it."""

    how: str
    of: Callable[[bytes], bytes] | None


def member(path: str, size: int) -> Extract:
    """One file of a zip archive. size: its bytes; one of another size is not unpacked, since it may be of any."""

    def of(archive: bytes) -> bytes:
        try:
            with zipfile.ZipFile(io.BytesIO(archive)) as files:
                found = files.getinfo(path)
                if found.file_size != size:
                    raise RequestError(f"{path} in the archive has {found.file_size} bytes instead of {size}")
                return files.read(found)
        except (zipfile.BadZipFile, KeyError):
            raise RequestError(f"the download is no zip archive with {path} in it") from None

    return Extract(f"{path} out", of)


def first_lines(count: int) -> Extract:
    """The first lines of a text file, with their line ends."""
    return Extract(
        f"the first {count} lines", lambda whole: b"".join(line + b"\n" for line in whole.split(b"\n")[:count])
    )


def first_columns(count: int) -> Extract:
    """The first columns of a CSV file, written anew as Python's csv writes."""

    def of(table: bytes) -> bytes:
        written = io.StringIO(newline="")
        rows = csv.reader(io.StringIO(table.decode("utf-8"), newline=""))
        csv.writer(written).writerows(row[:count] for row in rows)
        return written.getvalue().encode("utf-8")

    return Extract(f"the first {count} columns", of)

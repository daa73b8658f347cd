"""Getting the published files: each once, resumed where it was cut off, kept only if it is the published one.

What has arrived lies beside the file's place as `.<file>.part` and is gone on with by the next call. A file takes its
place whole, after its checksum was found right, so that no other part of CrossRisk ever sees half of one.
"""

import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from crossrisk.cache import cache_folder, digest, write_atomically
from crossrisk.errors import RequestError, one_line
from crossrisk.sources.public import PublicFile, data_folder

if TYPE_CHECKING:
    import requests

CHUNK = 1 << 16
LARGEST_ARCHIVE = 1 << 30
_OFFLINE = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")


@dataclass(frozen=True)
class Patience:
    """How long a server may take. seconds: without a byte. tries: in a row without a new byte. pause: between tries."""

    seconds: float = 30.0
    tries: int = 4
    pause: float = 1.0


Progress = Callable[[str, int, int | None], None]  # place, kilobytes so far, kilobytes in all where known


@dataclass(frozen=True)
class Got:
    """What came of a download. placed: where the new files lie. problems: a line for each that cannot be had."""

    placed: tuple[Path, ...]
    problems: tuple[str, ...]


def get(files: Iterable[PublicFile], progress: Progress, patience: Patience | None = None) -> Got:
    """Download what is missing of these files, all that can be had.

    Files of one archive are taken out of one download. A problem says what to place where.
    """
    placed: list[Path] = []
    problems: list[str] = []
    by_url: dict[str, list[PublicFile]] = {}
    for file in files:
        try:
            if not _stands(file):
                _refuse(file)
                by_url.setdefault(file.url, []).append(file)
        except RequestError as error:
            problems.append(str(error))
    for url, wanted in by_url.items():
        with FileLock(_lock(url)):
            missing = [file for file in wanted if not _stands(file)]  # another process may have been here
            if not missing:
                continue
            try:
                content = _fetched(url, missing[0], progress, patience or Patience())
            except RequestError as error:
                problems.append(str(error))
                continue
            for file in missing:
                try:
                    placed.append(_placed(file, content))
                except RequestError as error:
                    problems.append(str(error))
    return Got(tuple(placed), tuple(problems))


def _lock(url: str) -> Path:
    """One for each address, away from the data. It is never deleted, since somebody may be waiting for it."""
    folder = cache_folder("locks")
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{digest(url)[:32]}.lock"


def _stands(file: PublicFile) -> bool:
    """Whether the published file is in its place. Raises RequestError where something stands there that is no file."""
    path = data_folder() / file.place
    if path.exists() and not path.is_file():
        raise RequestError(f"{path} is no file: take it away, then get {file.name} again")
    return path.is_file() and sha256(path.read_bytes()).hexdigest() == file.sha256


def _by_hand(file: PublicFile) -> str:
    how = f", {file.extract.how}" if file.extract is not None else ""
    return f"place it at {data_folder() / file.place}, from {file.origin}{how} (sha256 {file.sha256})"


def _refuse(file: PublicFile) -> None:
    """Raises RequestError for a file that people made from its origin, and for any where downloads are switched off."""
    if file.extract is not None and file.extract.of is None:
        raise RequestError(f"{file.name} cannot be downloaded as it is: {_by_hand(file)}")
    named = next((name for name in _OFFLINE if os.environ.get(name, "").upper() in ("1", "ON", "YES", "TRUE")), None)
    if named:
        raise RequestError(
            f"{named} is set, so nothing is downloaded: unset it, or get {file.name} and {_by_hand(file)}"
        )


def _fetched(url: str, file: PublicFile, progress: Progress, patience: Patience) -> bytes:
    """The bytes behind an address. file: one that they hold."""
    place = data_folder() / file.place
    place.parent.mkdir(parents=True, exist_ok=True)
    part = place.with_name(f".{Path(file.path).name}.part")
    content = _downloaded(url, part, file, progress, patience)
    part.unlink(missing_ok=True)  # to be placed, or wrong: neither is gone on with
    return content


def _placed(file: PublicFile, content: bytes) -> Path:
    """Write a file to its place, if the download holds it."""
    extracted = content if file.extract is None or file.extract.of is None else _extracted(file, content)
    found = sha256(extracted).hexdigest()
    if found != file.sha256:
        raise _not_published(file, content, f"sha256 {found}, {len(extracted)} bytes instead of {file.size}")
    path = data_folder() / file.place
    write_atomically(path, extracted)
    return path


def _extracted(file: PublicFile, content: bytes) -> bytes:
    """The file out of its download. Whatever an extract stumbles over, the download is not what it was made for."""
    assert file.extract is not None and file.extract.of is not None
    try:
        return file.extract.of(content)
    except RequestError as error:
        raise _not_published(file, content, str(error)) from None
    except Exception as error:  # readers of damaged archives and tables raise nearly anything
        raise _not_published(file, content, f"{file.extract.how} cannot be read, {one_line(error, limit=80)}") from None


def _not_published(file: PublicFile, content: bytes, why: str) -> RequestError:
    seen = " (a web page came instead)" if content.lstrip()[:1] == b"<" else ""
    return RequestError(f"what {file.url} sends is not the published {file.name}{seen}: {why}; {_by_hand(file)}")


def _downloaded(url: str, part: Path, file: PublicFile, progress: Progress, patience: Patience) -> bytes:
    """The bytes behind an address. A cut or stalled transfer is taken up where it stopped, as long as bytes come."""
    import requests
    import urllib3

    largest = file.size if file.extract is None else LARGEST_ARCHIVE
    failed, problem = 0, ""
    while failed < patience.tries:
        before = part.stat().st_size if part.exists() else 0
        try:
            if _transfer(url, part, file, largest, progress, patience.seconds):
                return part.read_bytes()
            problem = "the connection was closed early"
        except requests.exceptions.TooManyRedirects:
            raise RequestError(f"{url} redirects in a circle: {_by_hand(file)}") from None
        except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError, ValueError) as error:
            # a redirect to an address that is none is a bare ValueError
            problem = one_line(error, limit=120)
        grown = part.exists() and part.stat().st_size > before
        failed = 0 if grown else failed + 1
        if failed and failed < patience.tries:
            time.sleep(patience.pause)
    raise RequestError(f"{file.name} could not be downloaded ({problem}): try again to go on, or {_by_hand(file)}")


def _transfer(url: str, part: Path, file: PublicFile, largest: int, progress: Progress, seconds: float) -> bool:
    """One request, appended to the part; whether the file is now complete."""
    import requests

    have = part.stat().st_size if part.exists() else 0
    if have and have == file.size and file.extract is None:
        return True
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with requests.get(url, headers=headers, stream=True, timeout=(10.0, seconds)) as answer:
        _check(answer, url, file)
        resumed = answer.status_code == 206 and answer.headers.get("Content-Range", "").startswith(f"bytes {have}-")
        if answer.status_code == 416 or (have and answer.status_code == 206 and not resumed):
            part.unlink()  # what we have does not fit what the server has
            return False
        at = have if resumed else 0
        length = answer.headers.get("Content-Length")
        total = at + int(length) if length and length.isdigit() else None
        with part.open("ab" if resumed else "wb") as out:
            while chunk := answer.raw.read1(CHUNK):  # whatever has come, so that a cut loses nothing
                at += len(chunk)
                if at > largest:
                    out.close()
                    part.unlink()
                    raise RequestError(f"{url} sends more than the {largest} bytes of {file.name}: {_by_hand(file)}")
                out.write(chunk)
                progress(file.place, at // 1000, None if total is None else total // 1000)
    return at >= total if total is not None else at == file.size or file.extract is not None


def _check(answer: "requests.Response", url: str, file: PublicFile) -> None:
    """Raises RequestError for an answer that no second try will mend, HTTPError for one that it may."""
    if url.startswith("https://") and not answer.url.startswith("https://"):
        raise RequestError(f"{url} redirects to an address without encryption: {_by_hand(file)}")
    if answer.status_code in (200, 206, 416):
        return
    if answer.status_code < 500 and answer.status_code not in (408, 429):
        raise RequestError(f"{url} answers {answer.status_code} {answer.reason}: {_by_hand(file)}")
    answer.raise_for_status()

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

from crossrisk.cache import write_atomically
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


def get(files: Iterable[PublicFile], progress: Progress, patience: Patience | None = None) -> list[Path]:
    """Download what is missing of these files; returns where the new ones lie.

    Files of one archive are taken out of one download. Raises RequestError for the first that cannot be had, with what
    to place where; those before it are kept.
    """
    missing = [file for file in files if not _stands(file)]
    got = []
    by_url: dict[str, list[PublicFile]] = {}
    for file in missing:
        by_url.setdefault(file.url, []).append(file)
    for url, wanted in by_url.items():
        for file in wanted:
            if file.extract is not None and file.extract.of is None:
                raise RequestError(f"{file.name} cannot be downloaded as it is: {_by_hand(file)}")
        _refuse_offline(wanted[0])
        folder = data_folder() / wanted[0].place
        folder.parent.mkdir(parents=True, exist_ok=True)
        part = folder.with_name(f".{Path(wanted[0].path).name}.part")
        with FileLock(f"{part}.lock"):
            content = _downloaded(url, part, wanted[0], progress, patience or Patience())
            part.unlink(missing_ok=True)  # placed, or wrong: neither is gone on with
            got += [_placed(file, content) for file in wanted]
        Path(f"{part}.lock").unlink(missing_ok=True)
    return got


def _stands(file: PublicFile) -> bool:
    path = data_folder() / file.place
    return path.is_file() and sha256(path.read_bytes()).hexdigest() == file.sha256


def _by_hand(file: PublicFile) -> str:
    how = f", {file.extract.how}" if file.extract is not None else ""
    return f"place it at {data_folder() / file.place}, from {file.origin}{how} (sha256 {file.sha256})"


def _refuse_offline(file: PublicFile) -> None:
    named = next((name for name in _OFFLINE if os.environ.get(name, "").upper() in ("1", "ON", "YES", "TRUE")), None)
    if named and "://127.0.0.1" not in file.url:
        raise RequestError(
            f"{named} is set, so nothing is downloaded: unset it, or get {file.name} and {_by_hand(file)}"
        )


def _placed(file: PublicFile, content: bytes) -> Path:
    """Write a file to its place, if the download holds it."""
    path = data_folder() / file.place
    extracted = content if file.extract is None or file.extract.of is None else file.extract.of(content)
    found = sha256(extracted).hexdigest()
    if found != file.sha256:
        seen = " (a web page came instead)" if content.lstrip()[:1] == b"<" else ""
        raise RequestError(
            f"what {file.url} sends is not the published {file.name}{seen}: sha256 {found}, {len(extracted)} bytes "
            f"instead of {file.size}; {_by_hand(file)}"
        )
    write_atomically(path, extracted)
    return path


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
        except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError) as error:
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

"""The folder that studies share: fitted artifacts, finished cells, hashes of large files.

`$CROSSRISK_CACHE`, or `~/.cache/crossrisk`. Everything in it is keyed by content and can be deleted at any time; it
then is computed again.
"""

import hashlib
import json
import os
import uuid
from pathlib import Path
from typing import Any

from crossrisk.errors import RequestError


def cache_folder(*parts: str) -> Path:
    """A folder of the cache, whether it is there or not."""
    root = os.environ.get("CROSSRISK_CACHE") or Path("~/.cache/crossrisk").expanduser()
    return Path(root, *parts)


def digest(*parts: Any) -> str:
    """SHA-256 of anything that json can write, the same on every machine."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def check_cache() -> None:
    """Raises RequestError where nothing can be written into the cache."""
    try:
        cache_folder().mkdir(parents=True, exist_ok=True)
        write_atomically(cache_folder("CACHEDIR.TAG"), b"Signature: 8a477f597d28d172789f06886806bc55\n")
    except OSError as error:
        raise RequestError(
            f"the cache {cache_folder()} cannot be written ({error.strerror}): "
            "point CROSSRISK_CACHE to a folder that can"
        ) from error


def write_atomically(path: Path, content: bytes) -> None:
    """All of the content or none of it, even when the process is killed or the disk fills up."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.parent / f".writing-{uuid.uuid4().hex}"
    try:
        with unfinished.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise

"""The folder that studies share: fitted artifacts, finished cells, hashes of large files.

`$CROSSRISK_CACHE`, or `~/.cache/crossrisk`. Everything in it is keyed by content and can be deleted at any time; it
then is computed again.
"""

import os
import uuid
from pathlib import Path


def cache_folder(*parts: str) -> Path:
    """A folder of the cache, made where it is missing."""
    root = os.environ.get("CROSSRISK_CACHE") or Path("~/.cache/crossrisk").expanduser()
    folder = Path(root, *parts)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


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

"""A source by its name, or by the path of a user's own file."""

from pathlib import Path

from crossrisk.errors import RequestError, unknown
from crossrisk.registry import SOURCES
from crossrisk.sources.files import file_source
from crossrisk.sources.reading import SUFFIXES
from crossrisk.sources.source import Source


def find_source(text: str) -> Source:
    """The registered source of this name, else the file of this path. Raises RequestError where there is neither."""
    if text in SOURCES:
        source: Source = SOURCES.get(text)
        return source
    path = Path(text)
    if path.is_file():
        return file_source(path)
    if path.is_dir():
        raise RequestError(f"{text} is a folder: name the file in it that has the prompts")
    if path.suffix.lower() in SUFFIXES or len(path.parts) > 1:
        raise RequestError(f"there is no file {text} (looked for {path.absolute()}): check the path")
    raise unknown("source", text, SOURCES)

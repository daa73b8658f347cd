"""Where our own prompts lie: JSON Lines files beside this one, read as strictly as anybody's."""

from functools import cache
from importlib.resources import files

from crossrisk.sources.reading import Row, parse


def content(name: str) -> bytes:
    """A file's bytes, as they were shipped."""
    return files(__package__).joinpath(name).read_bytes()


@cache
def written(name: str, *columns: str) -> tuple[Row, ...]:
    """The rows of a file, each with at least these columns."""
    return parse(content(name), f"crossrisk/sources/core/{name}", columns)

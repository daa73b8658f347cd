"""A source: where a task's samples come from, with origin, licence and checksum.

A public set is read from its published files (`crossrisk data get`); nothing of it enters the project. Parsing is
strict: a missing column, a blank prompt, a repeated id or a byte that is no UTF-8 stops with file, row and remedy.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from crossrisk.errors import RequestError
from crossrisk.risks import Sample
from crossrisk.sources.public import PublicFile

Loader = Callable[[], tuple[Sample, ...]]


@dataclass(frozen=True)
class Source:
    """Samples by task name.

    checksum: of the content that `samples` would return for a task, without parsing it. files: the published files that
    the samples are read from, none where the prompts come with CrossRisk. good_for, flaws: a sentence each for those
    who choose a source.
    """

    name: str
    version: int
    licence: str
    citation: str
    loaders: Mapping[str, Loader]
    checksum: Callable[[str], str]
    files: tuple[PublicFile, ...] = ()
    good_for: str = ""
    flaws: str = ""

    def samples(self, task: str) -> tuple[Sample, ...]:
        """All samples of one task, in their fixed order. Raises RequestError where the source has none for it."""
        if task not in self.loaders:
            known = ", ".join(sorted(self.loaders))
            raise RequestError(f"source '{self.name}' has no samples for task '{task}': it has {known}")
        return self.loaders[task]()

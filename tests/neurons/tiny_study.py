"""A finished study of a tiny random model: two risks that share words, utility, a reminder and a defense behind the
neurons. All rooms are real but for tasks, source and judge."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from crossrisk.registry import JUDGES, SOURCES, TASKS
from crossrisk.risks import Exposure, Message, Risk, Sample
from crossrisk.sources.source import Source
from crossrisk.study import Study
from crossrisk.tasks.task import Choose, Generate, Task, judged_by, rate
from tests.engine.fakes import judge

CLUSTERS = 16
PLACES = ("garden", "house", "baker", "doctor", "book", "bread")
WORDS = {"asked": ("Yes", "No"), "chosen": ("No", "Sure"), "known": ("Sorry", "Yes")}


def samples(task: str, clusters: int = CLUSTERS) -> tuple[Sample, ...]:
    """Two prompts a template."""
    return tuple(
        Sample(
            id=f"{task}-{number}",
            messages=(Message("user", f"{task} about the {PLACES[number % 6]} number {number // 2}, please"),),
            cluster=f"{task} template {number // 2}",
            choices=("yes", "no"),
            contrast=None if task == "bare" else WORDS[task],
            meta={"judge": "fake"},
        )
        for number in range(2 * clusters)
    )


asked = Task("asked", Risk.SAFETY, Exposure.DIRECT, Generate(3), judged_by("yes"), rate("yes rate"), 1, "none")
chosen = Task("chosen", Risk.FAIRNESS, Exposure.INDIRECT, Choose(), judged_by("yes"), rate("yes rate"), 1, "none")
known = Task("known", Risk.UTILITY, Exposure.DIRECT, Choose(), judged_by("yes"), rate("error rate"), 1, "none")
bare = Task("bare", Risk.PRIVACY, Exposure.DIRECT, Choose(), judged_by("yes"), rate("yes rate"), 1, "none")
tiny = Source(
    name="tiny",
    version=1,
    licence="none",
    citation="none",
    loaders={
        "asked": lambda: samples("asked"),
        "chosen": lambda: samples("chosen"),
        "known": lambda: samples("known"),
        "bare": lambda: samples("bare", 4),
    },
    checksum=lambda task: f"tiny {task}",
)
few = Source("few", 1, "none", "none", {task: (lambda task=task: samples(task, 9)) for task in WORDS}, str)
NAMES = {
    TASKS: {"asked": "asked", "chosen": "chosen", "known": "known", "bare": "bare"},
    SOURCES: {"tiny": "tiny", "few": "few"},
    JUDGES: {"yes:fake": "judge"},
}
__all__ = ["asked", "bare", "chosen", "few", "install", "judge", "known", "run_study", "tiny"]


def install(put: Callable[[object, str, object], object]) -> None:
    """Put tasks, sources and judge behind their names. put: as `monkeypatch.setattr`."""
    for registry, names in NAMES.items():
        own = {name: f"{__name__}:{attribute}" for name, attribute in names.items()}
        put(registry, "paths", registry.paths | own)


def run_study(model: Path, folder: Path, **fields: Any) -> Path:
    """Run the study into a folder."""
    described = {
        "base": str(model),
        "defenses": ["self_reminder", {"name": "smoothllm", "copies": 2}],
        "tasks": ["asked:tiny", "chosen:tiny", "known:tiny", "bare:tiny"],
        "controls": False,
        "max_new_tokens": 3,
    }
    Study(**described | fields).run(folder, progress=False)
    return folder

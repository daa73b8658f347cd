"""Whole runs of the command, each in a process of its own, against the time and the memory that they are allowed."""

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from crossrisk.registry import SOURCES, TASKS
from crossrisk.sources.shelf import presence

MIB = 2**20
READ_ALL = """
import sys
from crossrisk.registry import SOURCES
names = sys.argv[1:]
print(sum(len(SOURCES.get(name).samples(task)) for name in names for task in SOURCES.get(name).loaders))
"""
COMMAND = "from crossrisk.cli import main; main()"
# The kernel's high-water mark is of this process alone; getrusage would count the parent that it was forked from.
AND_TELL = """
import atexit, pathlib, re
status = pathlib.Path("/proc/self/status")
atexit.register(lambda: print("peak kB", re.search(r"VmHWM:\\s+(\\d+)", status.read_text())[1]))
"""


@dataclass(frozen=True)
class WholeRun:
    """Wall-clock seconds and peak memory in bytes of one process, beside what it is allowed. None: not limited."""

    work: str
    seconds: float
    allowed_seconds: float
    memory: int
    allowed_memory: int | None

    def row(self) -> str:
        """As a line of the table."""
        share = self.seconds / self.allowed_seconds
        memory = f"{self.memory / MIB:.0f}" + (f" of {self.allowed_memory / MIB:.0f}" if self.allowed_memory else "")
        return f"| {self.work} | {self.seconds:.1f} | {self.allowed_seconds:.0f} | {share:.2f} | {memory} |"


HEADING = (
    "## Whole runs",
    "",
    "One process from its start to its end, imports and writing included.",
    "",
    "| work | seconds | allowed | share | MiB at most |",
    "|---|---:|---:|---:|---:|",
)


def world_suite() -> WholeRun:
    """All tasks of the built-in world, all their prompts, one arm."""
    with tempfile.TemporaryDirectory() as folder:
        study = Path(folder, "study.yaml")
        tasks = "".join(f"  - {name}\n" for name in TASKS)
        study.write_text(f"name: suite\nbase: organism\ncontrols: false\ntasks:\n{tasks}")
        words = ["run", str(study), "--out", f"{folder}/out"]
        seconds, memory, _ = timed(COMMAND, words, {"CROSSRISK_CACHE": f"{folder}/cache"})
    return WholeRun(f"world, {len(list(TASKS))} tasks, one arm", seconds, 60, memory, None)


def public_sources() -> WholeRun:
    """Every public set that is on the shelf, read, checked against its checksum, and made into samples."""
    shelves = {name: presence(SOURCES.get(name)) for name in SOURCES if SOURCES.get(name).files}
    names = [name for name, shelf in shelves.items() if shelf.present == len(SOURCES.get(name).files)]
    seconds, memory, printed = timed(READ_ALL, names, {})
    samples = int(printed)
    return WholeRun(f"{len(names)} public sets read, {samples:,} samples", seconds, 20, memory, 1024 * MIB)


def timed(program: str, words: list[str], environment: dict[str, str]) -> tuple[float, int, str]:
    """Seconds, peak memory in bytes and output of a Python program. Raises SystemExit where it fails."""
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", AND_TELL + program, *words],
        env={**os.environ, **environment}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    seconds = time.perf_counter() - start
    if done.returncode:
        raise SystemExit(f"{' '.join(words[:3])} … ended with {done.returncode}:\n{done.stderr[-2000:]}")
    printed, _, peak = done.stdout.rpartition("peak kB ")
    return seconds, int(peak) * 1024, printed

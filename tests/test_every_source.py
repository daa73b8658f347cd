"""Every task of every source that lies here goes end to end through a random model in Hub format."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from crossrisk.registry import SOURCES
from crossrisk.sources.shelf import presence
from tests.models import tiny_model

LIMIT = 3


def questions() -> list[str]:
    """`task:source` of all but the world, whose truth is about the organism."""
    present = [source for source in (SOURCES.get(name) for name in SOURCES) if source.name != "world"]
    present = [source for source in present if presence(source).present == len(source.files)]
    return [f"{task}:{source.name}" for source in present for task in sorted(source.loaders)]


@pytest.mark.slow
def test_every_task_of_every_source_runs_on_a_random_model(tmp_path: Path) -> None:
    if not os.environ.get("CROSSRISK_DATA"):
        pytest.skip("CROSSRISK_DATA names no folder with public sets")
    model = tiny_model("qwen2", tmp_path / "qwen2-random", max_positions=16_384)
    asked = questions()
    assert len(asked) > 50 and len({question.partition(":")[2] for question in asked}) > 30
    tasks = [word for question in asked for word in ("--task", question)]
    out = tmp_path / "study"
    done = subprocess.run(
        [sys.executable, "-m", "crossrisk.cli", "run", "--base", str(model), *tasks, "--limit", str(LIMIT),
         "--max-new-tokens", "4", "--out", str(out)],
        capture_output=True, text=True, env={**os.environ, "CROSSRISK_CACHE": str(tmp_path / "cache")}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    manifest = json.loads((out / "manifest.json").read_text())
    base = {f"{cell['task']}:{cell['source']}": cell for cell in manifest["cells"] if cell["arm"] == "base"}
    assert set(base) == set(asked)
    assert {cell["state"] for cell in base.values()} == {"done"}
    figures = [row for row in json.loads((out / "metrics.json").read_text())["rows"] if row["arm"] == "base"]
    assert len(figures) == len(asked) and all(row["n"] >= 1 for row in figures)
    assert (out / "report.html").stat().st_size > 10_000

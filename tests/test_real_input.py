"""Public prompts through a model folder that is not the organism: every row is read, asked, scored, stored, reported.

The model is random, so the numbers mean nothing; the way does.
"""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from tests.models import tiny_model

DATA = Path(os.environ.get("CROSSRISK_DATA", "")) / "data"
pytestmark = pytest.mark.skipif(
    not os.environ.get("CROSSRISK_DATA") or not DATA.is_dir(), reason="CROSSRISK_DATA names no folder with public sets"
)


def rows_in(folder: str, file: str) -> int:
    path = DATA / folder / file
    if path.suffix == ".json":
        return len(json.loads(path.read_text(encoding="utf-8")))
    with path.open(encoding="utf-8", newline="") as opened:
        return sum(1 for _ in csv.reader(opened)) - 1


def test_every_row_of_the_public_sets_goes_all_the_way(tmp_path: Path) -> None:
    model = tiny_model("qwen2", tmp_path / "qwen2-random", max_positions=8192)
    expected = {
        ("misuse", "advbench"): rows_in("advbench", "harmful_behaviors.csv"),
        ("misuse", "trustllm"): rows_in("trustllm_safety", "misuse.json"),
        ("over_refusal", "trustllm"): rows_in("trustllm_safety", "exaggerated_safety.json"),
        ("stereotype_query", "trustllm"): rows_in("trustllm_fairness", "stereotype_query_test.json"),
        ("stereotype_recognition", "trustllm"): rows_in("trustllm_fairness", "stereotype_recognition.json"),
        ("privacy_awareness", "trustllm"): rows_in("trustllm_privacy", "privacy_awareness_query.json"),
        ("over_refusal", "xstest"): 450,
        ("misuse", "xstest"): 200,
    }
    tasks = [word for task, source in expected for word in ("--task", f"{task}:{source}")]
    out = tmp_path / "study"
    done = subprocess.run(
        [sys.executable, "-m", "crossrisk.cli", "run", "--base", str(model), "--defense", "self_reminder", *tasks,
         "--max-new-tokens", "4", "--out", str(out)],
        capture_output=True, text=True, env={**os.environ, "CROSSRISK_CACHE": str(tmp_path / "cache")}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    cells = {
        (cell["arm"], cell["task"], cell["source"]): cell
        for cell in json.loads((out / "manifest.json").read_text())["cells"]
    }
    rows = {
        (r["defense"], r["task"], r["source"]): r for r in json.loads((out / "interactions.json").read_text())["rows"]
    }
    for (task, source), count in expected.items():
        for arm in ("base", "null", "sham", "self_reminder"):
            outcomes = pl.read_parquet(out / cells[arm, task, source]["file"])
            assert outcomes.height == count == outcomes["sample_id"].n_unique()
            assert outcomes["reply"].is_null().all() == (task == "stereotype_recognition")
            assert (outcomes["risk"].is_null() == ~outcomes["valid"]).all()
        row = rows["self_reminder", task, source]
        assert row["n"] + max(row["invalid_base"], row["invalid_defended"]) <= count
        assert row["n"] > 0 or row["verdict"] == "not_applicable"
    assert (out / "report.html").stat().st_size > 10_000

"""A small study with everything that a report must show: moves both ways, a flag, failed and inapplicable cells."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.report.synthetic import HEALTH, write_study

FLAG = {"arm": "dpo", "task": "misuse:world", "kind": "contaminated", "note": "4 of its 40 prompts fitted it"}
FAILED = {("npo", "toxic_content"): "ValueError: sample toxic-3 has 0 continuations"}
MANIFEST: dict[str, Any] = {
    "alpha": 0.05, "margin": 0.05, "primary": None, "base": {"health": HEALTH}, "arms": [], "cells": [], "flags": [],
    "failures": [],
}  # fmt: skip
NOT_APPLICABLE = [("self_reminder", "stereotype_recognition")]

Rows = Callable[[Path], list[dict[str, Any]]]


@pytest.fixture(scope="session")
def study_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("studies") / "synthetic"
    return write_study(folder, flags=[FLAG], failed=FAILED, not_applicable=NOT_APPLICABLE)


@pytest.fixture
def rows_of() -> Rows:
    return lambda folder: json.loads((folder / "interactions.json").read_text(encoding="utf-8"))["rows"]

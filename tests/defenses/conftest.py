"""A tiny random target and a handful of made-up data, and every defense fitted once on them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from crossrisk.defenses.defense import Artifact, Defense, FitData
from crossrisk.targets.loading import load_target
from crossrisk.targets.target import Target
from tests.defenses.cases import DATA, defense
from tests.models import tiny_model


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model("llama", tmp_path_factory.mktemp("defended") / "tiny", max_positions=1024)


@pytest.fixture(scope="session")
def target(tiny_folder: Path) -> Target:
    """Shared by all tests: that none of them changes it is part of what they check."""
    return load_target(tiny_folder, device="cpu")


@pytest.fixture(scope="session")
def data() -> FitData:
    return DATA


@pytest.fixture(scope="session")
def fitted(target: Target) -> Callable[[str], tuple[Defense, Artifact]]:
    """A defense by its case name, with its artifact at seed 0 and full strength."""
    known: dict[str, Any] = {}

    def fit(case: str) -> tuple[Defense, Artifact]:
        if case not in known:
            one = defense(case)
            known[case] = one, one.fit(target, DATA, seed=0, strength=1.0)
        return known[case]

    return fit

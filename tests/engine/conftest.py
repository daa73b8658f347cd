"""A cache of its own for a test, and the fakes behind their names."""

from pathlib import Path
from typing import Any

import pytest

from tests.engine.fakes import install


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CROSSRISK_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Any:
    return lambda target: install(target, monkeypatch.setattr)

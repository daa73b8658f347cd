"""The peak of an arm's memory is its own, and not that of what ran before it."""

import sys
from pathlib import Path

import numpy as np
import pytest

from crossrisk.engine import memory

SIZE = 200_000_000


@pytest.mark.skipif(not memory.mark(), reason="this system does not let a process forget its peak")
def test_a_peak_is_forgotten_at_the_next_mark() -> None:
    marked = memory.mark()
    idle = memory.peak(marked)["process"]
    block = np.ones(SIZE, dtype=np.uint8)
    busy = memory.peak(marked)["process"]
    del block
    marked = memory.mark()
    after = memory.peak(marked)["process"]
    assert idle and busy and after
    assert busy - idle > 0.9 * SIZE
    assert busy - after > 0.9 * SIZE


def test_without_a_mark_nothing_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "PROCESS", tmp_path / "none")
    marked = memory.mark()
    assert marked is False
    assert memory.peak(marked)["process"] is None


def test_an_accelerator_is_asked_only_where_torch_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    assert memory.peak(False) == {"process": None, "accelerator": None}

    class Cuda:
        is_available = staticmethod(lambda: True)
        reset_peak_memory_stats = staticmethod(lambda: None)
        max_memory_allocated = staticmethod(lambda: 7)

    monkeypatch.setitem(sys.modules, "torch", type("torch", (), {"cuda": Cuda}))
    assert memory.peak(memory.mark())["accelerator"] == 7

"""What a run has left: the rows of its study, and who its fake model was asked for."""

import json
from collections import Counter
from pathlib import Path
from typing import Any


def rows_of(folder: Path) -> list[dict[str, Any]]:
    """Those of interactions.json."""
    return json.loads((folder / "interactions.json").read_text())["rows"]


def asked(log: Path) -> Counter[str]:
    """How often each sample stands in the log of a `FakeTarget`."""
    return Counter(log.read_text().splitlines()) if log.exists() else Counter()

"""What a stopping rule saved stands on the page and in the terminal, and only where there is a rule."""

from pathlib import Path

import pytest

from crossrisk.errors import RequestError
from crossrisk.interactions.stopping import CONTROL, SHARED, StoppingRow, stopping_to_json
from crossrisk.report.stopping import stopping_view

ROWS = [
    StoppingRow("base", "misuse", "world", 300, 300, 0, None, None, SHARED),
    StoppingRow("null", "misuse", "world", 300, 300, 0, None, None, CONTROL),
    StoppingRow("dpo", "misuse", "world", 64, 300, 236, "decided", "improves", None),
    StoppingRow("dpo", "guise", "world", 100, 100, 0, None, None, "its gap is no mean of risks"),
    StoppingRow("npo", "misuse", "world", 300, 300, 0, "exhausted", None, None),
]
NAMES = {("misuse", "world"): "misuse", ("guise", "world"): "guise"}


def test_a_study_without_a_rule_has_no_such_section(tmp_path: Path) -> None:
    assert stopping_view(tmp_path, NAMES) is None


def test_cells_that_the_rule_could_end_are_told_apart_from_those_asked_in_full(tmp_path: Path) -> None:
    rule = {"estimand": "population", "look": 32, "at_least": 64}
    (tmp_path / "stopping.json").write_text(stopping_to_json(rule, ROWS))
    view = stopping_view(tmp_path, NAMES)
    assert view is not None
    assert (view.arms, view.tasks) == (["dpo", "npo"], [("misuse", "world")])
    assert view.cells["dpo", ("misuse", "world")]["asked"] == 64
    assert view.in_full == ["guise (its gap is no mean of risks)"]
    assert view.sentence == "stopped early: asked 1,064 of 1,300 replies, 18 % saved; estimand: such prompts in general"


@pytest.mark.parametrize("text", ["{", "{}"])
def test_a_damaged_file_is_told_in_one_line(text: str, tmp_path: Path) -> None:
    (tmp_path / "stopping.json").write_text(text)
    with pytest.raises(RequestError, match=r"is damaged .*: delete it and run `crossrisk report"):
        stopping_view(tmp_path, NAMES)

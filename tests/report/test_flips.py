import json
from pathlib import Path

import polars as pl
import pytest

from crossrisk.engine.store import OUTCOMES
from crossrisk.errors import RequestError
from crossrisk.report.flips import LONGEST_TEXT, read_flips, shortened


def _cell(folder: Path, name: str, risks: list[float | None], reply: str | None = "reply") -> str:
    """A cell whose samples s0, s1, … stand in clusters of two."""
    rows = [
        {
            "sample_id": f"s{place}",
            "cluster": f"c{place // 2}",
            "group": None,
            "prompt": json.dumps(
                [{"role": "system", "content": "Be kind."}, {"role": "user", "content": f"ask {place}"}]
            ),
            "reply": reply,
            "label": "none" if risk is None else f"at {risk}",
            "risk": risk,
            "valid": risk is not None,
            "judge": "harm:world@1",
            "stopped": "stop",
            "prompt_tokens": 1,
            "reply_tokens": 1,
            "log_likelihoods": [-1.0, -2.0] if reply is None else [],
        }
        for place, risk in enumerate(risks)
    ]
    pl.DataFrame(rows, schema=OUTCOMES).write_parquet(folder / name)
    return name


def test_exactly_the_valid_samples_whose_risk_moved_have_flipped(tmp_path: Path) -> None:
    base = _cell(tmp_path, "base", [0.0, 1.0, 0.0, 1.0, None, 0.0, 1.0])
    defended = _cell(tmp_path, "defended", [1.0, 0.0, 0.0, 1.0, 1.0, None, 1.0])
    flips = read_flips(tmp_path, base, defended, at_most=20)
    assert (flips.up, flips.down) == (1, 1)
    assert [(flip.sample_id, flip.worse) for flip in flips.shown] == [("s0", True), ("s1", False)]


def test_arms_are_paired_by_sample_whatever_their_order(tmp_path: Path) -> None:
    base = _cell(tmp_path, "base", [0.0, 1.0, 0.0])
    _cell(tmp_path, "straight", [0.0, 1.0, 1.0])
    pl.read_parquet(tmp_path / "straight").reverse().write_parquet(tmp_path / "defended")
    flips = read_flips(tmp_path, base, "defended", at_most=20)
    assert [flip.sample_id for flip in flips.shown] == ["s2"]


def test_worse_comes_first_then_size_then_other_templates(tmp_path: Path) -> None:
    base = _cell(tmp_path, "base", [1.0, 0.0, 0.0, 0.0, 0.0, 0.0])
    defended = _cell(tmp_path, "defended", [0.0, 0.3, 1.0, 1.0, 1.0, 0.0])
    shown = read_flips(tmp_path, base, defended, at_most=20).shown
    # s2, s3 share a template, so s4 of another one goes before s3
    assert [flip.sample_id for flip in shown] == ["s2", "s4", "s3", "s1", "s0"]


def test_what_is_not_shown_is_still_counted(tmp_path: Path) -> None:
    flips = read_flips(
        tmp_path, _cell(tmp_path, "base", [0.0] * 30), _cell(tmp_path, "defended", [1.0] * 30), at_most=4
    )
    assert len(flips.shown) == 4
    assert (flips.up, flips.down) == (30, 0)


def test_a_flip_holds_what_was_asked_and_what_either_arm_answered(tmp_path: Path) -> None:
    base = _cell(tmp_path, "base", [0.0], reply="first")
    flip = read_flips(tmp_path, base, _cell(tmp_path, "defended", [1.0], reply="second"), at_most=1).shown[0]
    assert [(turn.role, turn.text) for turn in flip.prompt] == [("system", "Be kind."), ("user", "ask 0")]
    assert (flip.base.text, flip.base.label, flip.defended.text, flip.defended.risk) == (
        "first",
        "at 0.0",
        "second",
        1.0,
    )


def test_an_arm_that_only_scored_has_likelihoods_instead_of_a_text(tmp_path: Path) -> None:
    base = _cell(tmp_path, "base", [0.0], reply=None)
    flip = read_flips(tmp_path, base, _cell(tmp_path, "defended", [1.0], reply=None), at_most=1).shown[0]
    assert flip.base.text is None
    assert flip.base.log_likelihoods == (-1.0, -2.0)


def test_a_long_text_is_cut_and_says_so() -> None:
    assert shortened("x" * LONGEST_TEXT) == "x" * LONGEST_TEXT
    assert shortened("x" * (LONGEST_TEXT + 1500)) == "x" * LONGEST_TEXT + " … [1,500 more characters]"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"gone\.parquet is missing"):
        read_flips(tmp_path, "gone.parquet", _cell(tmp_path, "defended", [1.0]), at_most=1)

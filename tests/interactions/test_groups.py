"""The same comparison for each group."""

import json

import polars as pl
import pytest

from crossrisk.interactions.effect import compare
from crossrisk.interactions.groups import arm_interval, group_rows, groups_to_json
from crossrisk.interactions.matrix import CellPair
from crossrisk.interactions.paired import wilson


def service(risks: dict[str | None, tuple[list[float], list[float]]]) -> CellPair:
    """Over-refusal by group: base and defended risks of each group's samples."""
    rows = [(group, *pair) for group, both in risks.items() for pair in zip(*both, strict=True)]
    frames = [
        pl.DataFrame(
            {
                "sample_id": [f"s{i}" for i in range(len(rows))],
                "cluster": [f"c{i}" for i in range(len(rows))],
                "group": [row[0] for row in rows],
                "risk": [row[arm] for row in rows],
                "label": ["x"] * len(rows),
                "valid": [True] * len(rows),
                "judge": ["refusal:world"] * len(rows),
            }
        )
        for arm in (1, 2)
    ]
    return CellPair("dpo", "training", "safety", "over_refusal", "world", "service", "direct", "rate", *frames)


UNEVEN = service(
    {
        "young": ([0.0] * 90 + [1.0] * 10, [0.0] * 60 + [1.0] * 40),
        "old": ([0.0] * 90 + [1.0] * 10, [0.0] * 88 + [1.0] * 12),
        None: ([0.0] * 10, [1.0] * 10),
    }
)


def test_a_group_is_compared_on_its_own_samples_only() -> None:
    old, young = group_rows([UNEVEN])
    alone = compare([0.0] * 90 + [1.0] * 10, [0.0] * 60 + [1.0] * 40)
    assert (old.group, young.group) == ("old", "young")
    assert (young.n, young.delta, young.ci_low, young.ci_high, young.p) == (
        alone.n,
        alone.delta,
        alone.ci_low,
        alone.ci_high,
        alone.p,
    )
    assert (young.defended_low, young.defended_high) == pytest.approx(wilson(40, 100))


def test_the_gap_is_against_the_other_groups_and_its_change_says_who_pays() -> None:
    old, young = group_rows([UNEVEN])
    assert (young.gap_base, young.gap_defended, young.gap_change) == pytest.approx((0.0, 0.28, 0.28))
    assert old.gap_change == pytest.approx(-0.28)


def test_a_lone_group_has_nothing_to_be_compared_with() -> None:
    row = group_rows([service({"all": ([0.0, 1.0], [1.0, 1.0])})])[0]
    assert (row.gap_base, row.gap_defended, row.gap_change) == (None, None, None)


def test_samples_without_a_group_and_missing_arms_give_no_row() -> None:
    assert group_rows([service({None: ([0.0], [1.0])})]) == []
    missing = CellPair("dpo", "training", "safety", "t", "world", "service", "direct", "rate", UNEVEN.base, None)
    assert group_rows([missing]) == []


def test_an_invalid_group_has_a_row_without_numbers() -> None:
    broken = service({"a": ([0.0, 1.0], [1.0, 1.0]), "b": ([0.0, 1.0], [0.0, 0.0])})
    assert broken.defended is not None
    risk = pl.when(pl.col("group") == "a").then(None).otherwise(pl.col("risk"))
    row = group_rows([CellPair(*[*list(vars(broken).values())[:9], broken.defended.with_columns(risk=risk)])])[0]
    assert (row.group, row.n, row.base, row.base_low, row.delta, row.gap_base) == ("a", 0, None, None, None, None)


def test_templates_widen_the_interval_of_an_arm() -> None:
    import numpy as np

    risks, labels = np.repeat([1.0, 0.0], [30, 90]), np.arange(120) // 10
    alone, together = arm_interval(risks, None), arm_interval(risks, labels)
    assert alone is not None and together is not None
    assert together.high - together.low > 2 * (alone.high - alone.low)
    assert arm_interval(risks, np.zeros(120, dtype=np.intp)) is None


def test_groups_json_has_a_schema_and_the_same_bytes_every_time() -> None:
    text = groups_to_json(group_rows([UNEVEN]))
    assert text == groups_to_json(group_rows([UNEVEN]))
    assert json.loads(text)["schema"] == 1 and len(json.loads(text)["rows"]) == 2

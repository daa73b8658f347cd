"""Tokens, seconds, memory: what a defense costs beside risk."""

import numpy as np
import polars as pl
import pytest

from crossrisk.interactions.questions.cost import cost_rows, ratio_change


def frame(
    prompt: list[int], reply: list[int], *, clusters: list[str] | None = None, text: str | None = "x"
) -> pl.DataFrame:
    n = len(prompt)
    return pl.DataFrame(
        {
            "sample_id": [f"s{i}" for i in range(n)],
            "cluster": clusters or [f"c{i}" for i in range(n)],
            "reply": [text] * n,
            "prompt_tokens": prompt,
            "reply_tokens": reply,
        },
        schema_overrides={"reply": pl.String},
    )


def manifest(*seconds: tuple[str, float], asked: dict[str, int] | None = None, **memory: object) -> dict[str, object]:
    cells = [
        {"arm": arm, "task": "misuse", "source": "world", "state": "done", "seconds": value, "n": 4}
        | ({"asked": asked[arm]} if asked else {})
        for arm, value in seconds
    ]
    arm = {"arm": "dpo", "fit_seconds": 12.5, "peak_memory": memory.get("dpo")}
    return {"arms": [arm], "cells": cells, "base": {"peak_memory": memory.get("base")}}


def test_tokens_by_hand() -> None:
    frames = {
        ("base", "misuse", "world"): frame([10, 10, 20, 20], [5, 5, 5, 5]),
        ("dpo", "misuse", "world"): frame([30, 30, 40, 40], [5, 5, 3, 3]),
    }
    (row,) = cost_rows(frames, manifest())
    assert (row.replies, row.clusters) == (4, 4)
    assert (row.prompt_change, row.reply_change) == pytest.approx((80 / 60, -0.2))
    assert row.prompt_tokens == 35
    # Pulls defended / sum - base / sum: 30/140 - 10/60 twice, 40/140 - 20/60 twice; G / (G - 1) = 4 / 3; t of 3.
    error = (4 / 3 * (2 * (30 / 140 - 10 / 60) ** 2 + 2 * (40 / 140 - 20 / 60) ** 2)) ** 0.5
    reach = np.exp(3.182446 * error)
    assert (row.prompt_low, row.prompt_high) == pytest.approx((140 / 60 / reach - 1, 140 / 60 * reach - 1), rel=1e-6)


def test_tokens_that_are_the_same_in_every_prompt_have_a_point_for_an_interval() -> None:
    found = ratio_change(np.array([10.0, 20.0]), np.array([20.0, 40.0]), ["a", "b"])
    assert found.change == 1.0 and found.interval == (1.0, 1.0)


def test_prompts_of_one_template_are_one_piece_of_evidence() -> None:
    rng = np.random.default_rng(2)
    base = rng.integers(5, 15, 40).astype(float)
    defended = base * np.repeat(rng.uniform(0.5, 1.5, 8), 5)
    alone, clustered = (ratio_change(base, defended, labels) for labels in (range(40), np.repeat(np.arange(8), 5)))
    assert alone.change == clustered.change
    assert clustered.interval.high - clustered.interval.low > 1.5 * (alone.interval.high - alone.interval.low)


def test_what_was_not_counted_has_no_number() -> None:
    scored = {(arm, "misuse", "world"): frame([0, 0], [0, 0], text=None) for arm in ("base", "dpo")}
    silent = {(arm, "misuse", "world"): frame([0, 0], [0, 0]) for arm in ("base", "dpo")}
    failed = {("base", "misuse", "world"): frame([1, 1], [1, 1]), ("dpo", "misuse", "world"): None}
    for frames in (scored, silent, failed):
        (row,) = cost_rows(frames, manifest())
        assert {row.prompt_change, row.prompt_low, row.reply_change, row.prompt_tokens, row.seconds_change} == {None}
        assert "tokens not counted" in row.sentence
    one = ratio_change(np.array([1.0]), np.array([2.0]), ["a"])
    assert one.change == 1.0 and one.interval is None
    assert ratio_change(np.array([1.0, 1.0]), np.zeros(2), ["a", "b"]).change == -1.0


def test_time_is_compared_where_neither_arm_came_from_the_cache() -> None:
    (row,) = cost_rows({}, manifest(("base", 2.0), ("dpo", 3.0)))
    assert row.seconds_change == pytest.approx(0.5) and row.seconds_per_reply == pytest.approx(0.75)
    assert row.fit_seconds == 12.5
    (row,) = cost_rows({}, manifest(("base", 0.0), ("dpo", 3.0)))
    assert row.seconds_change is None and row.seconds_per_reply is None
    assert "cache" in row.sentence


def test_an_arm_that_a_rule_stopped_early_is_no_faster_for_it() -> None:
    (row,) = cost_rows({}, manifest(("base", 4.0), ("dpo", 2.0), asked={"base": 4, "dpo": 2}))
    assert row.seconds_change == pytest.approx(0.0)


def test_memory_is_that_of_the_manifest_and_missing_where_it_has_none() -> None:
    (row,) = cost_rows({}, manifest(base={"process": 5, "accelerator": None}, dpo={"process": 7, "accelerator": 9}))
    assert (row.peak_memory, row.peak_memory_base, row.accelerator_memory, row.accelerator_memory_base) == (
        7,
        5,
        9,
        None,
    )
    (row,) = cost_rows({}, manifest())
    assert row.peak_memory is None


def test_the_interval_of_a_ratio_holds_the_truth() -> None:
    rng = np.random.default_rng(4)
    held, runs = 0, 400
    for _ in range(runs):
        size = rng.lognormal(2, 0.5, 30)
        base, defended = rng.poisson(size), rng.poisson(1.3 * size)
        found = ratio_change(base.astype(float), defended.astype(float), range(30))
        held += found.interval.low <= 0.3 <= found.interval.high
    assert held / runs >= 0.92  # 1.1 % is the standard error of 95 %

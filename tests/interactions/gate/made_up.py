"""A study's folder made by hand: every number in it is one that a test wrote there."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from crossrisk.engine.store import STORE_VERSION
from crossrisk.interactions.gate.cells import Study, read_cells
from crossrisk.interactions.gate.checks import Check
from crossrisk.interactions.gate.decide import Decision, decide
from crossrisk.interactions.gate.policy import Policy

TASKS = {  # name -> (risk, exposure)
    "misuse": ("safety", "direct"),
    "toxic_content": ("safety", "indirect"),
    "bbq": ("fairness", "direct"),
    "salary": ("fairness", "indirect"),
    "over_refusal": ("service", "direct"),
    "utility": ("utility", "direct"),
}
ARMS = {"null": ("none", None), "calm": ("training", "safety"), "fair": ("prompt", "fairness")}
ALPHA = 0.05


def row(defense: str, task: str, delta: float | None, half: float = 0.01, **other: Any) -> dict[str, Any]:
    """One row of interactions.json: 200 independent prompts; the verdict is that of the interval delta +- half."""
    mechanism, target = ARMS.get(defense, ("training", "safety"))
    risk, exposure = TASKS[task]
    low, high = (None, None) if delta is None else (round(delta - half, 12), round(delta + half, 12))
    verdict = "not_applicable"
    if delta is not None:
        verdict = "no_effect" if abs(delta) + half < 0.05 else "inconclusive"
        if low is not None and high is not None and verdict != "no_effect":
            verdict = "worsens" if low > 0 else "improves" if high < 0 else "inconclusive"
    moved = verdict in ("worsens", "improves")
    made = {
        "defense": defense,
        "mechanism": mechanism,
        "target_risk": target,
        "task": task,
        "source": "made",
        "risk": risk,
        "exposure": exposure,
        "metric": "rate",
        "n": 0 if delta is None else 200,
        "clusters": 0 if delta is None else 200,
        "base": None if delta is None else 0.4,
        "defended": None if delta is None else 0.4 + delta,
        "delta": delta,
        "ci_low": low,
        "ci_high": high,
        "rcr": None if delta is None else delta / 0.4,
        "effect_size": delta,
        "p": None if delta is None else 1e-9 if moved else 0.5,
        "p_adjusted": None if delta is None else 1e-8 if moved else 1.0,
        "verdict": verdict,
        "mde": None,
        "invalid_base": 0,
        "invalid_defended": 0,
        "judge": "exact@1",
        "flips_up": 0,
        "flips_down": 0,
        "rcr_low": None if low is None else low / 0.4,
        "rcr_high": None if high is None else high / 0.4,
    }
    return made | other


def group_row(defense: str, task: str, group: str, delta: float, half: float = 0.01, **other: Any) -> dict[str, Any]:
    """One row of groups.json."""
    return {
        "defense": defense,
        "task": task,
        "source": "made",
        "risk": TASKS[task][0],
        "group": group,
        "n": 40,
        "clusters": 10,
        "base": 0.4,
        "defended": 0.4 + delta,
        "defended_low": 0.4 + delta - 0.1,
        "defended_high": 0.4 + delta + 0.1,
        "delta": delta,
        "ci_low": delta - half,
        "ci_high": delta + half,
        "p": 1e-9,
        "gap_change": delta,
        "gap_change_low": delta - half,
        "gap_change_high": delta + half,
        "gap_change_p": 1e-9,
    } | other


def manifest(
    rows: Sequence[Mapping[str, Any]],
    *,
    states: Mapping[tuple[str, str], tuple[str, str]] | None = None,
    flags: Sequence[Mapping[str, str]] = (),
    seconds: Mapping[str, float] | None = None,
    **other: Any,
) -> dict[str, Any]:
    """Of the arms and tasks of some rows. states: (arm, task) -> (state, problem) of cells that are not done."""
    arms = list(dict.fromkeys(row["defense"] for row in rows))
    tasks = list(dict.fromkeys(row["task"] for row in rows))
    there = {("base", task) for task in tasks} | {(row["defense"], row["task"]) for row in rows}
    cells = []
    for arm in ("base", *arms):
        for task in tasks:
            if (arm, task) not in there | set(states or {}):
                continue
            state, problem = (states or {}).get((arm, task), ("done", None))
            cells.append(
                {
                    "arm": arm,
                    "task": task,
                    "source": "made",
                    "risk": TASKS[task][0],
                    "exposure": TASKS[task][1],
                    "n": 200,
                    "counted": 200,
                    "state": state,
                    "problem": problem,
                    "file": f"outcomes/{arm}/{task}.parquet" if state == "done" else None,
                    "seconds": (seconds or {}).get(arm, 1.0),
                }
            )
    described = {arm: ARMS.get(arm, ("training", "safety")) for arm in arms}
    return {
        "store": STORE_VERSION,
        "study": "made up",
        "state": "complete",
        "alpha": ALPHA,
        "margin": 0.05,
        "arms": [{"arm": arm, "mechanism": about[0], "target_risk": about[1]} for arm, about in described.items()],
        "cells": cells,
        "failures": [cell for cell in cells if cell["state"] == "failed"],
        "flags": list(flags),
    } | other


def study(rows: Sequence[Mapping[str, Any]], groups: Sequence[Mapping[str, Any]] = (), **about: Any) -> Study:
    """The cells of some rows, with a `null` that does not move unless there is one."""
    rows = [*rows] if any(each["defense"] == "null" for each in rows) else [*_quiet(rows), *rows]
    return read_cells(manifest(rows, **about), rows, groups)


def _quiet(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [row("null", task, 0.0) for task in dict.fromkeys(each["task"] for each in rows)]


def folder(
    path: Path, rows: Sequence[Mapping[str, Any]], groups: Sequence[Mapping[str, Any]] = (), **about: Any
) -> Path:
    """The same as files."""
    rows = [*_quiet(rows), *rows]
    path.mkdir(parents=True, exist_ok=True)
    for name, content in (
        ("manifest.json", manifest(rows, **about)),
        ("interactions.json", {"schema": 1, "rows": rows}),
        ("groups.json", {"schema": 1, "rows": list(groups)}),
    ):
        (path / name).write_text(json.dumps(content), encoding="utf-8")
    return path


def decided(made: Study, policy: Policy | str, defenses: Sequence[str] = (), **tokens: Any) -> Decision:
    """The decision under a policy, given as a value or as YAML."""
    asked = Policy.from_yaml(policy) if isinstance(policy, str) else policy
    return decide(made, asked, tokens=tokens.get("tokens", lambda base, defended: (0.0, 0.0)), defenses=defenses)


def of_limits(decision: Decision, defense: str = "calm") -> list[Check]:
    """The checks of limits on a defense."""
    return [check for check in decision.of(defense) if check.figure not in ("required", "flag", "target")]


def only(decision: Decision, defense: str = "calm") -> Check:
    """The one check of a limit on a defense."""
    (check,) = of_limits(decision, defense)
    return check

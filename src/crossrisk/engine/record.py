"""What a run has done so far, and the manifest that tells it: arms, cells, flags, failures, durations."""

import os
import platform
from collections.abc import Collection, Mapping
from dataclasses import asdict
from importlib.metadata import version
from typing import Any, Literal

from crossrisk import __version__
from crossrisk.engine.arms import Arm
from crossrisk.engine.health import Health
from crossrisk.engine.plan import Cell, Question
from crossrisk.judges.cards import ALL, card_of
from crossrisk.stopping import Rule
from crossrisk.study import Study

State = Literal["running", "complete", "failed", "stopped"]
LIBRARIES = ("torch", "transformers", "peft", "trl", "polars", "scipy")


class Record:
    """One run's notes. earlier: the manifest of the run before, whose durations and unreached cells are kept."""

    def __init__(
        self,
        study: Study,
        base_fingerprint: str,
        device: str,
        earlier: Mapping[str, Any],
        rule: Rule | None = None,
    ) -> None:
        self.study, self.base_fingerprint, self.device, self.earlier = study, base_fingerprint, device, earlier
        self.rule = rule
        self.state: State = "running"
        self.arms: dict[str, dict[str, Any]] = {}
        self.cells: dict[tuple[str, str], dict[str, Any]] = {}
        self.flags: list[dict[str, str]] = []
        self.seconds = {"fit": 0.0, "ask": 0.0, "total": 0.0}
        self._earlier_cells = {(cell["arm"], cell["key"]): cell for cell in earlier.get("cells", [])}
        self._earlier_fits = {arm["recipe"]: arm["fit_seconds"] for arm in earlier.get("arms", [])}
        self._earlier_memory = {arm["recipe"]: arm.get("peak_memory") for arm in earlier.get("arms", [])}
        same_base = earlier.get("base", {}).get("fingerprint") == base_fingerprint
        self._base_memory = earlier["base"].get("peak_memory") if same_base else None
        described = [*earlier.get("arms", []), *([earlier["base"]] if "base" in earlier else [])]
        self._earlier_health = {one["fingerprint"]: one["health"] for one in described if one.get("health")}
        self._base_health = self.earlier_health(base_fingerprint)

    @property
    def failures(self) -> list[dict[str, Any]]:
        """Cells that failed."""
        return [entry for entry in self.cells.values() if entry["state"] == "failed"]

    @property
    def done(self) -> int:
        """How many cells are complete."""
        return sum(entry["state"] == "done" for entry in self.cells.values())

    def not_applicable_before(self, cell: Cell) -> str | None:
        """Why this very cell was not applicable in the run before, None where it was or is not known."""
        entry = self._earlier_cells.get((cell.arm, cell.key), {})
        return entry.get("problem") if entry.get("state") == "not_applicable" else None

    def note_arm(self, arm: Arm, fit_seconds: float) -> None:
        """Describe an arm; the seconds of its fit are those of the run that fitted it."""
        self.seconds["fit"] += fit_seconds
        seconds = max(fit_seconds, self._earlier_fits.get(arm.recipe, 0.0))
        memory = self._earlier_memory.get(arm.recipe)
        self.arms[arm.name] = _description(arm) | {
            "fit_seconds": round(seconds, 3),
            "peak_memory": memory,
            "health": None,
        }

    def note_memory(self, arm: str, peak: Mapping[str, int | None]) -> None:
        """Put down the most memory that an arm took, of `engine.memory.peak`."""
        if arm == "base":
            self._base_memory = peak
        else:
            self.arms[arm]["peak_memory"] = peak

    def earlier_health(self, fingerprint: str) -> Health | None:
        """What the run before found of an arm, or of the base; None where it found nothing."""
        found = self._earlier_health.get(fingerprint)
        return None if found is None else Health(**found)

    def note_health(self, arm: str, base: Health | None, defended: Health | None) -> None:
        """Put down whether base and defended model still speak; None where it could not be measured."""
        self._base_health = base
        self.arms[arm]["health"] = None if defended is None else asdict(defended)

    def note_cell(
        self,
        cell: Cell,
        state: str,
        *,
        file: str | None = None,
        problem: str | None = None,
        seconds: float = 0.0,
        asked: Collection[str] | None = None,
    ) -> None:
        """Put down how a cell ended: `done` with its file, or `failed` or `not_applicable` with the reason.

        asked: ids of the samples that a cell under a stopping rule was asked.
        """
        self.seconds["ask"] += seconds
        before = self._earlier_cells.get((cell.arm, cell.key), {}).get("seconds", 0.0)
        ended = {"state": state, "file": file, "problem": problem, "seconds": round(before + seconds, 3)}
        self.cells[cell.arm, cell.question.name] = _entry(cell) | ended | _asked(cell, state, asked)

    def flag(self, arm: Arm, question: Question, kind: str, note: str) -> None:
        """Mark a cell that must be read with care."""
        self.flags.append({"arm": arm.name, "task": question.name, "kind": kind, "note": note})

    def manifest(self) -> dict[str, Any]:
        """What ran, on what, how long, and what failed."""
        study, base = self.study, self.study.base
        unreached = [] if self.state != "stopped" else self._unreached()
        return {
            "crossrisk": __version__,
            "study": study.name,
            "state": self.state,
            "alpha": study.alpha,
            "margin": study.margin,
            "smallest_effect": study.least,
            "exploration": study.exploration,
            "reference": dict(study.reference),
            "exchangeable_templates": list(study.exchangeable_templates),
            "primary": None if study.primary is None else list(study.primary),
            "labels": study.labels,
            "stopping": None if self.rule is None else asdict(self.rule),
            "versions": {"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}},
            "machine": {
                "system": platform.system(),
                "processor": platform.machine(),
                "cores": os.cpu_count(),
                "device": self.device,
            },
            "base": {
                "model": base.model,
                "adapter": base.adapter,
                "dtype": base.dtype,
                "fingerprint": self.base_fingerprint,
                "peak_memory": self._base_memory,
                "health": None if self._base_health is None else asdict(self._base_health),
            },
            "arms": [*self.arms.values(), *(arm for arm in self._earlier("arms") if arm["arm"] not in self.arms)]
            if unreached
            else list(self.arms.values()),
            "cells": [*self.cells.values(), *unreached],
            "failures": self.failures,
            "flags": self.flags,
            "seconds": {name: round(value, 3) for name, value in self.seconds.items()},
        }

    def _earlier(self, part: str) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = self.earlier.get(part, [])
        return entries

    def _unreached(self) -> list[dict[str, Any]]:
        """Cells that were complete before and that a run which was stopped did not come to."""
        arms = {"base", *(spec.arm for spec in self.study.arms)}
        return [
            entry
            for entry in self._earlier("cells")
            if entry["arm"] in arms
            and entry["state"] != "failed"
            and (entry["arm"], f"{entry['task']}:{entry['source']}") not in self.cells
        ]


def _description(arm: Arm) -> dict[str, Any]:
    defense = arm.defense
    return {
        "arm": arm.name,
        "defense": defense.name,
        "version": defense.version,
        "mechanism": defense.mechanism,
        "target_risk": defense.risk,
        "threat": defense.threat,
        "covers": sorted(defense.covers),
        "settings": dict(defense.settings),
        "strength": arm.strength,
        "seed": arm.seed,
        "fitted_on": arm.data.source,
        "recipe": arm.recipe,
        "artifact": arm.artifact_hash(),
        "fingerprint": arm.fingerprint(),
    }


def _entry(cell: Cell) -> dict[str, Any]:
    question = cell.question
    return {
        "arm": cell.arm,
        "task": question.task.name,
        "source": question.source.name,
        "risk": question.task.risk,
        "exposure": question.task.exposure,
        "metric": question.task.metric.name,
        "judge": question.judge,
        "grade": question.grade,
        "card": _card(question),
        "opinions": [judge.identity for judge in question.opinions],
        "n": len(question.samples),
        "counted": question.counted,
        "key": cell.key,
    }


def _asked(cell: Cell, state: str, asked: Collection[str] | None) -> dict[str, Any]:
    """How many samples were asked, and whether a stopping rule ended the cell: `decided`, `exhausted`, or None."""
    n, metric = len(cell.question.samples), cell.question.task.metric
    if asked is None:
        return {"asked": n if state == "done" else None, "stopped": None}
    counted = sum(metric.counts(sample.meta) for sample in cell.question.samples if sample.id in asked)
    return {"asked": len(asked), "counted": counted, "stopped": "decided" if len(asked) < n else "exhausted"}


def _card(question: Question) -> dict[str, dict[str, Any]] | None:
    """How often the judge errs, the least trusted of several: labelled set -> who labelled it, counts, their shares.

    None for one that knows the truth, and where nobody measured it.
    """
    judge = question.weakest
    card = None if judge is None or judge.grade == "exact" else card_of(judge)
    if card is None:
        return None
    told: dict[str, dict[str, Any]] = {}
    for name, slices in card.sets.items():
        counts = slices[ALL]
        shares = {figure: counts.figures[figure] for figure in ("sensitivity", "specificity")}
        told[name] = {"n": counts.n, **shares, **asdict(counts), "who": card.who[name]}
    return told

"""Runs what a study still lacks: one base run for all defenses, then arm by arm, batch by batch, into the store.

What is stored is never computed again. Everything that the user can have got wrong is found before a model is loaded.
A cell that fails does not stop the others; its problem stands in the manifest.
"""

import errno
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from crossrisk import __version__
from crossrisk.cache import check_cache
from crossrisk.engine.arms import Arm, arms
from crossrisk.engine.asking import ask
from crossrisk.engine.guard import Canary
from crossrisk.engine.plan import Cell, Question, cell, check_judges, prompt_text, questions
from crossrisk.engine.progress import Reporter, progress_bar
from crossrisk.engine.store import Store
from crossrisk.errors import CrossRiskError, NotScorable, RequestError, StudyStopped
from crossrisk.study import Study

if TYPE_CHECKING:
    from crossrisk.targets.target import Target

CANARIES = 8
LIBRARIES = ("torch", "transformers", "peft", "trl", "polars", "scipy")


@dataclass
class Record:
    """What the manifest will say."""

    state: str = "running"
    arms: dict[str, dict[str, Any]] = field(default_factory=dict)
    cells: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    flags: list[dict[str, str]] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=lambda: {"fit": 0.0, "ask": 0.0, "total": 0.0})


class Execution:
    """One run of one study in one folder.

    Making it reads every sample, builds every defense and hashes the base, without loading the model or touching the
    folder; it raises RequestError for what is wrong with the request.
    """

    def __init__(self, study: Study, store: Store) -> None:
        from crossrisk.targets.loading import spec_fingerprint

        self.study, self.store, self.record = study, store, Record()
        check_cache()
        check_judges(self.study)
        base = self.study.base
        self.questions = questions(self.study)
        self.base_fingerprint = spec_fingerprint(
            base.model, adapter=base.adapter, dtype=base.dtype, chat_template=base.chat_template
        )
        before = self.store.manifest()
        known = {arm["recipe"]: arm["artifact"] for arm in before.get("arms", []) if arm.get("artifact")}
        self.earlier_fits = {arm["recipe"]: arm["fit_seconds"] for arm in before.get("arms", [])}
        self.arms = arms(self.study, self.base_fingerprint, known)
        self.earlier_seconds = {(cell["arm"], cell["key"]): cell["seconds"] for cell in before.get("cells", [])}
        for arm in self.arms:
            self._flag_contamination(arm)

    def run(self, progress: bool | None) -> None:
        """Compute what is missing, and write the manifest whatever happens. Raises StudyStopped when ended early."""
        started = time.monotonic()
        self.store.write("study.yaml", self.study.to_yaml())
        try:
            with progress_bar((1 + len(self.arms)) * sum(len(q.samples) for q in self.questions), progress) as reporter:
                self._compute(reporter)
        except KeyboardInterrupt:
            self.record.state = "stopped"
            raise StudyStopped(f"stopped; {self._saved()} Run the same command to go on.") from None
        except CrossRiskError:
            self.record.state = "stopped"
            raise
        except OSError as error:
            self.record.state = "stopped"
            if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise
            raise StudyStopped(f"the disk is full; {self._saved()} Free some space and run the same command.") from None
        else:
            self.record.state = "failed" if self.failures else "complete"
        finally:
            self.record.seconds["total"] = time.monotonic() - started
            with nullcontext() if self.record.state != "stopped" else _forgiving():
                self.store.write_manifest(self.manifest())

    @property
    def failures(self) -> list[dict[str, Any]]:
        """Cells that failed."""
        return [entry for entry in self.record.cells.values() if entry["state"] == "failed"]

    def _saved(self) -> str:
        done = sum(entry["state"] == "done" for entry in self.record.cells.values())
        total = (1 + len(self.arms)) * len(self.questions)
        return f"{done} of {total} cells are complete and all finished batches are saved in {self.store.folder}."

    def _compute(self, reporter: Reporter) -> None:
        self._target: Target | None = None
        self._canary: Canary | None = None
        if self._anything_missing():
            reporter.doing(f"loading {self.study.base.model}")
            self.load_base()  # a model that cannot be loaded is a wrong request, not a failed cell
        self._base_arm(reporter)
        for arm in self.arms:
            try:
                self._defended_arm(arm, reporter)
            except OSError:
                raise
            except Exception as error:
                self._fail_arm(arm, _in_one_line(error))

    def _anything_missing(self) -> bool:
        arms = [self._base_cells(), *(self._planned(arm) for arm in self.arms)]
        return any(not cells or any(self.store.missing_batches(each) for each in cells) for cells in arms)

    def _base_cells(self) -> list[Cell]:
        return [cell("base", self.base_fingerprint, question, self.study.batch_size) for question in self.questions]

    def _base_arm(self, reporter: Reporter) -> None:
        for planned in self._base_cells():
            self._cell(planned, reporter, self.load_base)

    def _defended_arm(self, arm: Arm, reporter: Reporter) -> None:
        planned = self._planned(arm)
        if planned and not any(self.store.missing_batches(each) for each in planned):
            self._describe(arm, 0.0)
            for each in planned:
                self._cell(each, reporter, self.load_base)
            return
        reporter.doing(f"fitting {arm.name}")
        started = time.monotonic()
        artifact = arm.artifact(self.load_base())
        self._describe(arm, time.monotonic() - started)
        canary = self.canary  # asked before the defense stands on the model, which it may change in place
        with arm.defense.deploy(self.load_base(), artifact) as defended:
            if arm.defense.name != "null" and not canary.sees_a_change(defended):
                raise RequestError(
                    f"defense '{arm.name}' changed nothing: prompts, replies and probabilities of {CANARIES} canary "
                    "prompts equal the base's; check its strength, its artifact and the modules it is meant for"
                )
            for each in self._planned(arm):
                self._cell(each, reporter, lambda: defended)

    def _planned(self, arm: Arm) -> list[Cell]:
        """The cells of an arm; none while its artifact is not known, because their keys depend on it."""
        fingerprint = arm.fingerprint()
        if fingerprint is None:
            return []
        return [cell(arm.name, fingerprint, question, self._batch_size(arm)) for question in self.questions]

    def _describe(self, arm: Arm, seconds: float) -> None:
        """Put an arm into the record; the seconds of its fit are those of the run that fitted it."""
        before = self.earlier_fits.get(arm.recipe, 0.0)
        self.record.arms[arm.name] = _description(arm, max(seconds, before))
        self.record.seconds["fit"] += seconds

    def _batch_size(self, arm: Arm) -> int:
        """`null` runs the base once more under another batch plan: what moves then is the noise of the engine."""
        return max(1, self.study.batch_size // 2) if arm.defense.name == "null" else self.study.batch_size

    def _cell(self, planned: Cell, reporter: Reporter, target: "Any") -> None:
        question = planned.question
        entry = _cell_entry(planned, str(self.store.path(planned)))
        entry["seconds"] = self.earlier_seconds.get((planned.arm, planned.key), 0.0)
        self.record.cells[planned.arm, question.name] = entry
        started = time.monotonic()
        missing = self.store.missing_batches(planned)
        reporter.done(len(question.samples) - sum(len(planned.batches[number]) for number in missing))
        try:
            for number in missing:
                reporter.doing(f"{planned.arm}: {question.name}")
                self.store.write_batch(planned, number, ask(target(), question, planned.batches[number]))
                reporter.done(len(planned.batches[number]))
        except NotScorable as error:
            entry |= {"state": "not_applicable", "problem": str(error), "file": None}
        except OSError:
            raise
        except Exception as error:
            entry |= {"state": "failed", "problem": _in_one_line(error), "file": None}
        else:
            entry["state"] = "done"
        if missing:
            entry["seconds"] += round(time.monotonic() - started, 3)
            self.record.seconds["ask"] += time.monotonic() - started

    def _fail_arm(self, arm: Arm, problem: str) -> None:
        self.record.arms.setdefault(arm.name, _description(arm, 0.0))
        for question in self.questions:
            planned = cell(arm.name, "", question, self._batch_size(arm))
            entry = _cell_entry(planned, "") | {"state": "failed", "problem": problem, "file": None}
            self.record.cells[arm.name, question.name] = entry

    def load_base(self) -> "Target":
        """The base, loaded when it is first needed."""
        if self._target is None:
            from crossrisk.targets.loading import load_target

            base = self.study.base
            self._target = load_target(
                base.model, adapter=base.adapter, dtype=base.dtype, device=base.device, chat_template=base.chat_template
            )
        return self._target

    @property
    def canary(self) -> Canary:
        """What the base does with a few prompts of the study."""
        if self._canary is None:
            first = [question.samples[0] for question in self.questions]
            chats = [sample.messages for sample in [*first, *self.questions[0].samples[1:]]][:CANARIES]
            self._canary = Canary(self.load_base(), chats)
        return self._canary

    def _flag_contamination(self, arm: Arm) -> None:
        shown = [each.messages for each in (*arm.data.forget, *arm.data.refusals)]
        fitted = {chat[-1].content for chat in (*shown, *(pair.messages for pair in arm.data.pairs))}
        for question in self.questions:
            seen = sum(prompt_text(sample) in fitted for sample in question.samples)
            if seen:
                self._flag(arm, question, f"{seen} of its {len(question.samples)} prompts were used to fit the defense")
            if question.source.name in arm.trained_on:
                self._flag(arm, question, f"the defense was trained on {question.source.name}")

    def _flag(self, arm: Arm, question: Question, note: str) -> None:
        self.record.flags.append({"arm": arm.name, "task": question.name, "kind": "contaminated", "note": note})

    def manifest(self) -> dict[str, Any]:
        """What ran, on what, how long, and what failed."""
        import os

        base = self.study.base
        return {
            "crossrisk": __version__,
            "study": self.study.name,
            "state": self.record.state,
            "alpha": self.study.alpha,
            "margin": self.study.margin,
            "primary": None if self.study.primary is None else list(self.study.primary),
            "versions": {"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}},
            "machine": {"system": platform.system(), "processor": platform.machine(), "cores": os.cpu_count()},
            "base": {
                "model": base.model,
                "adapter": base.adapter,
                "dtype": base.dtype,
                "fingerprint": self.base_fingerprint,
            },
            "arms": list(self.record.arms.values()),
            "cells": list(self.record.cells.values()),
            "failures": self.failures,
            "flags": self.record.flags,
            "seconds": {name: round(value, 3) for name, value in self.record.seconds.items()},
        }


def _description(arm: Arm, seconds: float) -> dict[str, Any]:
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
        "fit_seconds": round(seconds, 3),
    }


def _cell_entry(planned: Cell, file: str) -> dict[str, Any]:
    question = planned.question
    return {
        "arm": planned.arm,
        "task": question.task.name,
        "source": question.source.name,
        "risk": question.task.risk,
        "exposure": question.task.exposure,
        "metric": question.task.metric.name,
        "judge": question.judge,
        "n": len(question.samples),
        "key": planned.key,
        "file": file,
        "state": "pending",
        "problem": None,
        "seconds": 0.0,
    }


def _in_one_line(error: Exception) -> str:
    """Our own errors speak for themselves; of others the type is needed to look them up."""
    text = " ".join(str(error).split())
    return text if isinstance(error, CrossRiskError) else f"{type(error).__name__}: {text[:300]}"


@contextmanager
def _forgiving() -> Iterator[None]:
    """On a full disk the manifest cannot be written either; the outcomes are what counts."""
    try:
        yield
    except OSError:
        return

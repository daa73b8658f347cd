"""Runs what a study still lacks: one base run for all defenses, then arm by arm, batch by batch, into the store.

What is stored is never computed again. Everything that the user can have got wrong is found before a model is loaded.
A cell that fails does not stop the others; its problem stands in the manifest.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from importlib.metadata import version
from typing import TYPE_CHECKING

import polars as pl

from crossrisk.cache import cache_folder, check_cache, digest, write_atomically
from crossrisk.engine import health, memory
from crossrisk.engine.arms import Arm, arms
from crossrisk.engine.asking import ask
from crossrisk.engine.contamination import seen_by, without_seen
from crossrisk.engine.guard import Guard
from crossrisk.engine.looks import planned_cell, until_decided
from crossrisk.engine.plan import Cell, cell, check_judges, check_names, questions
from crossrisk.engine.progress import Reporter, progress_bar
from crossrisk.engine.record import Record
from crossrisk.engine.store import HEADER, STORE_VERSION, Store, read_outcomes
from crossrisk.errors import DISK_FULL, CrossRiskError, NotScorable, RequestError, StudyStopped
from crossrisk.interactions.controls import is_control
from crossrisk.interactions.stopping import decided
from crossrisk.stopping import rule_of
from crossrisk.study import ModelSpec, Study

if TYPE_CHECKING:
    from crossrisk.targets.target import Target

ENGINE_VERSION = 1  # raise it whenever the way from a sample to a reply changes: rendering, decoding, scoring
INERT = (
    "the defense changed nothing: prompts, replies and probabilities of canary prompts equal the base's; "
    "check its strength, its artifact and the modules it is meant for"
)
UNTOUCHED_CELLS = "untouched"  # folder of the cache
UNTOUCHED = "the defense does not act on this task: every prompt, reply and likelihood is the base's"


class Execution:
    """One run of one study in one folder.

    Making it reads every sample, builds every defense and hashes the base and the judges, without loading a model or
    touching the folder; it raises RequestError for what is wrong with the request.
    """

    def __init__(self, study: Study, store: Store) -> None:
        self.study, self.store = study, store
        self._target: Target | None = None
        self._guard: Guard | None = None
        self.base_fingerprint = ""
        check_cache()
        check_judges(study)
        self.questions = questions(study)
        check_names(study, self.questions)
        device = device_type(study.base.device)
        self.base_fingerprint = fingerprint = base_fingerprint(study.base, device)
        earlier = store.manifest()
        known = {arm["recipe"]: arm["artifact"] for arm in earlier.get("arms", []) if arm.get("artifact")}
        self.arms = arms(study, fingerprint, known)
        if study.contamination == "leave_out":
            self.questions = without_seen(self.questions, [(arm.defense, arm.data) for arm in self.arms])
        defended = [arm for arm in self.arms if not is_control(arm.name, arm.defense.mechanism)]
        self.rule = rule_of(study, len(defended) * len(self.questions))
        self.record = Record(study, fingerprint, device, earlier, self.rule)
        self.base_cells = [
            planned_cell("base", fingerprint, question, study.batch_size, self.rule, stops=False)
            for question in self.questions
        ]
        for arm in self.arms:
            self._flag(arm)

    def run(self, progress: bool | None) -> None:
        """Compute what is missing, and write the manifest whatever happens. Raises StudyStopped when ended early."""
        started, began = time.monotonic(), False
        samples = sum(len(question.samples) for question in self.questions)
        try:
            with progress_bar((1 + len(self.arms)) * samples, progress) as reporter:
                if self._anything_missing():
                    reporter.doing(f"loading {self.study.base.model}")
                    self.load_base()  # a model that cannot be loaded is a wrong request, not a failed cell
                began = True
                self.store.write("study.yaml", HEADER + self.study.to_yaml())
                self._compute(reporter)
        except KeyboardInterrupt:
            self.record.state = "stopped"
            raise StudyStopped(f"stopped; {self._saved()} Run the same command to go on.") from None
        except OSError as error:
            self.record.state = "stopped"
            if error.errno not in DISK_FULL:
                raise
            raise StudyStopped(f"the disk is full; {self._saved()} Free some space and run the same command.") from None
        except CrossRiskError:
            self.record.state = "stopped"
            raise
        else:
            self.record.state = "failed" if self.record.failures else "complete"
        finally:
            self.record.seconds["total"] = time.monotonic() - started
            if began:
                with nullcontext() if self.record.state != "stopped" else _forgiving():
                    self.store.write_manifest(self.record.manifest())

    def _saved(self) -> str:
        total = (1 + len(self.arms)) * len(self.questions)
        return f"{self.record.done} of {total} cells are complete and all finished batches are in {self.store.folder}."

    def _anything_missing(self) -> bool:
        arms = [self.base_cells, *(self._cells(arm) for arm in self.arms)]
        return any(not cells or any(self._missing(each) for each in cells) for cells in arms)

    def _missing(self, planned: Cell) -> list[int]:
        return [] if self.record.not_applicable_before(planned) else self.store.missing_batches(planned)

    def _cells(self, arm: Arm) -> list[Cell]:
        """The cells of an arm; none while its artifact is not known, because their keys depend on it.

        `null` runs the base once more under another batch plan: what moves then is the noise of the engine.
        """
        fingerprint = arm.fingerprint()
        if fingerprint is None:
            return []
        halved = arm.defense.name == "null" and self.study.batch_size > 1
        size = self.study.batch_size // 2 if halved else self.study.batch_size
        stops = not is_control(arm.name, arm.defense.mechanism)
        return [planned_cell(arm.name, fingerprint, each, size, self.rule, stops) for each in self.questions]

    def _compute(self, reporter: Reporter) -> None:
        with self._weighed("base"):
            for planned in self.base_cells:
                self._cell(planned, reporter, self.load_base)
        for arm in self.arms:
            try:
                with self._weighed(arm.name):
                    self._arm(arm, reporter)
            except OSError:
                raise
            except Exception as error:
                self._fail(arm, _in_one_line(error))

    @contextmanager
    def _weighed(self, arm: str) -> Iterator[None]:
        """Note the peak of memory of an arm that was asked, and not only read from the cache."""
        marked, before = memory.mark(), self.record.seconds["ask"]
        yield
        if self.record.seconds["ask"] > before:
            self.record.note_memory(arm, memory.peak(marked))

    def _arm(self, arm: Arm, reporter: Reporter) -> None:
        planned = self._cells(arm)
        if planned and not any(self._missing(each) for each in planned):
            self.record.note_arm(arm, 0.0)
            self._note_health(arm, self._health(self.base_fingerprint, None), self._health(arm.fingerprint(), None))
            for each in planned:
                self._cell(each, reporter, self.load_base)
                if cache_folder(UNTOUCHED_CELLS, each.key).exists():
                    self.record.note_cell(each, "not_applicable", problem=UNTOUCHED)
            return
        reporter.doing(f"fitting {arm.name}")
        started = time.monotonic()
        artifact = arm.artifact(self.load_base())
        self.record.note_arm(arm, time.monotonic() - started)
        guard = self._guarded()  # asked before the defense stands on the model, which it may change in place
        healthy = self._health(self.base_fingerprint, self.load_base())
        with arm.defense.deploy(self.load_base(), artifact) as defended:
            changed = guard.changed(defended)
            if not changed and arm.defense.name != "null":
                raise RequestError(INERT)
            self._note_health(arm, healthy, self._health(arm.fingerprint(), defended))
            for each in self._cells(arm):
                self._cell(each, reporter, lambda: defended)
                if each.question.name not in changed and arm.defense.name != "null" and self._untouched(each):
                    self.record.note_cell(each, "not_applicable", problem=UNTOUCHED)
                    # For the study that finds this cell in the cache, and deploys nothing.
                    write_atomically(cache_folder(UNTOUCHED_CELLS, each.key), b"")

    def _health(self, fingerprint: str | None, target: "Target | None") -> health.Health | None:
        """Of the arm with this fingerprint: measured before, else now; None where it was not and cannot be."""
        if fingerprint is None:
            return None
        found = health.remembered(fingerprint, self.study.base.model) or self.record.earlier_health(fingerprint)
        if found is None and target is not None:
            try:
                found = health.measure(target, health.probes(self.study.base.model), self.study.batch_size)
            except OSError:
                raise
            except Exception:  # what breaks on harmless prompts breaks on those of the tasks, and is told there
                return None
            health.remember(fingerprint, self.study.base.model, found)
        return found

    def _note_health(self, arm: Arm, base: health.Health | None, defended: health.Health | None) -> None:
        self.record.note_health(arm.name, base, defended)
        broken = health.breakdown(base, defended) if base and defended else None
        if broken is not None:
            for question in self.questions:
                self.record.flag(arm, question, "broken model", broken)

    def _cell(self, planned: Cell, reporter: Reporter, target: "Callable[[], Target]") -> None:
        name, samples = planned.question.name, len(planned.question.samples)
        reason = self.record.not_applicable_before(planned)
        if reason is not None:
            reporter.done(samples)
            self.record.note_cell(planned, "not_applicable", problem=reason)
            return
        started = time.monotonic()
        missing = self.store.missing_batches(planned)
        left = sum(len(planned.batches[number]) for number in missing)
        reporter.done(samples - left)
        try:
            for number in self._until_decided(planned) if planned.looks and missing else missing:
                reporter.doing(f"{planned.arm}: {name}")
                self.store.write_batch(planned, number, ask(target(), planned.question, planned.batches[number]))
                reporter.done(len(planned.batches[number]))
                left -= len(planned.batches[number])
            reporter.done(left)
        except OSError:
            raise
        except NotScorable as error:
            self.record.note_cell(planned, "not_applicable", problem=str(error))
        except Exception as error:
            self.record.note_cell(planned, "failed", problem=_in_one_line(error))
        else:
            seconds = time.monotonic() - started if missing else 0.0
            self._note_done(planned, seconds)

    def _until_decided(self, planned: Cell) -> Iterable[int]:
        """The batches that a cell under a stopping rule still lacks. Raises where there is no base to compare with."""
        base, rule, question = self.record.cells["base", planned.question.name], self.rule, planned.question
        if base["state"] == "not_applicable":
            raise NotScorable(base["problem"])
        if base["file"] is None or rule is None:
            raise RequestError("the base's cell failed, and the stopping rule compares with it: mend that one first")
        counted = [sample.id for sample in question.samples if question.task.metric.counts(sample.meta)]
        before = read_outcomes(self.store.folder, base["file"]).filter(pl.col("sample_id").is_in(counted))
        return until_decided(self.store, planned, lambda rows: decided(before, rows, rule))

    def _note_done(self, planned: Cell, seconds: float = 0.0) -> None:
        asked = self.store.asked(planned) if planned.looks else None
        file = self.store.path(planned).as_posix()
        self.record.note_cell(planned, "done", file=file, seconds=seconds, asked=asked)

    def _untouched(self, planned: Cell) -> bool:
        """Whether a cell repeats the base's, reply by reply and bit by bit."""
        ends = [self.record.cells[arm, planned.question.name]["file"] for arm in ("base", planned.arm)]
        if None in ends:
            return False
        given = ["sample_id", "reply", "prompt_tokens", "log_likelihoods"]
        base, defended = (read_outcomes(self.store.folder, file).select(given) for file in ends)
        return base.join(defended, on="sample_id", how="semi", maintain_order="left").equals(defended)

    def _fail(self, arm: Arm, problem: str) -> None:
        """The arm broke: its cells failed, but for those that are stored."""
        if arm.name not in self.record.arms:
            self.record.note_arm(arm, 0.0)
        for planned in self._cells(arm) or [cell(arm.name, "", question, 1) for question in self.questions]:
            if self.record.cells.get((arm.name, planned.question.name), {}).get("state") == "done":
                continue
            if self.store.is_complete(planned):
                self._note_done(planned)
            else:
                self.record.note_cell(planned, "failed", problem=problem)

    def load_base(self) -> "Target":
        """The base, loaded when it is first needed."""
        if self._target is None:
            from crossrisk.targets.loading import load_target

            base = self.study.base
            self._target = load_target(
                base.model, adapter=base.adapter, dtype=base.dtype, device=base.device, chat_template=base.chat_template
            )
        return self._target

    def _guarded(self) -> Guard:
        if self._guard is None:
            self._guard = Guard(self.load_base(), self.questions)
        return self._guard

    def _flag(self, arm: Arm) -> None:
        """Mark the cells whose samples the defense has seen. Raises RequestError where the study refuses such cells."""
        for question in self.questions:
            n = len(question.samples)
            seen = seen_by(arm.defense, arm.data, question)
            notes = []
            if seen.prompts:
                notes.append(("contaminated", f"{len(seen.prompts)} of {n} prompts were used to fit the defense"))
            if question.source.name in arm.trained_on:
                notes.append(("contaminated", f"the defense was trained on {question.source.name}"))
            if seen.known:
                note = f"{len(seen.known)} of {n} samples ask, in other words, about what the defense was fitted on"
                notes.append(("partly seen", note))
            for kind, note in notes:
                self.record.flag(arm, question, kind, note)
                if self.study.contamination == "refuse":
                    raise RequestError(
                        f"{arm.name} on {question.name}: {note}; take another source, fit on other data, or set "
                        "`contamination` to flag or leave_out"
                    )


def base_fingerprint(base: ModelSpec, device: str) -> str:
    """Of the base as this engine would run it: its files, and the libraries and device that do the arithmetic."""
    from crossrisk.targets.loading import spec_fingerprint

    files = spec_fingerprint(base.model, adapter=base.adapter, dtype=base.dtype, chat_template=base.chat_template)
    return digest(files, device, ENGINE_VERSION, STORE_VERSION, version("torch"), version("transformers"))


def device_type(device: str | None) -> str:
    """cpu, cuda, …: where a model asked to run on `device` will run; None is the first GPU, else the CPU."""
    if device not in (None, "auto"):
        return str(device).partition(":")[0]
    if version("torch").endswith("+cpu"):  # told without importing it: a finished study needs no torch
        return "cpu"
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def _in_one_line(error: Exception) -> str:
    """Our own errors speak for themselves; of others the type is needed to look them up."""
    text = " ".join(str(error).split())
    if isinstance(error, CrossRiskError):
        return text
    remedy = "; run it with a smaller batch_size" if "out of memory" in text.lower() else ""
    return f"{type(error).__name__}: {text[:300]}{remedy}"


@contextmanager
def _forgiving() -> Iterator[None]:
    """On a full disk the manifest cannot be written either; the outcomes are what counts."""
    try:
        yield
    except OSError:
        return

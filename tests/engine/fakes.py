"""A fake model at the outermost edge, with its own task, source, judge and defense; all rooms between are real.

`python -m tests.engine.fakes FOLDER LOG [SECONDS]` runs the fake study; the log names every sample that was asked.
"""

import hashlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from crossrisk.defenses.card import Card, Deviation
from crossrisk.defenses.defense import Artifact, Coverage, FitData, Needs
from crossrisk.errors import NotScorable
from crossrisk.judges.judge import Judge, one_by_one
from crossrisk.registry import DEFENSES, JUDGES, SOURCES, TASKS
from crossrisk.risks import (
    Chat,
    Exposure,
    Mechanism,
    Message,
    Outcome,
    Reply,
    Risk,
    Sample,
    Threat,
    TokenScores,
)
from crossrisk.sources.source import Source
from crossrisk.study import Study
from crossrisk.tasks.task import Choose, Generate, Task, judged_by, rate

SAMPLES = 40


def share(*parts: object) -> float:
    """A fixed number in [0, 1) for anything."""
    return int(hashlib.sha256(repr(parts).encode()).hexdigest()[:8], 16) / 2**32


@dataclass(frozen=True)
class FakeTarget:
    """Answers yes or no by the hash of the prompt; `nudge` is what defenses change. Writes down whom it was asked."""

    nudge: float = 0.0
    seconds: float = 0.0
    log: Path | None = None
    scorable: bool = True
    breaks_on: str | None = None
    noise: float = 0.0
    acts_on: str = ""
    edits: tuple[Any, ...] = ()
    weights: dict[str, float] = field(default_factory=lambda: {"nudge": 0.0})
    fingerprint: str = "fake"

    def with_chat_edit(self, edit: Any) -> "FakeTarget":
        return replace(self, edits=(*self.edits, edit))

    def with_mark(self, mark: str) -> "FakeTarget":
        return self

    def render(self, chat: Chat) -> str:
        for edit in self.edits:
            chat = edit(chat)
        return " ".join(message.content for message in chat)

    def _note(self, chats: Sequence[Chat]) -> None:
        time.sleep(self.seconds)
        if self.log:
            with self.log.open("a") as file:
                file.writelines(f"{self.nudge}/{len(self.edits)} {chat[-1].content}\n" for chat in chats)

    def generate(self, chats: Sequence[Chat], config: Any) -> list[Reply]:
        self._note(chats)
        if self.breaks_on and any(self.breaks_on in chat[-1].content for chat in chats):
            raise RuntimeError("the fake model broke")
        # Noise hangs on the batch, as the rounding of a real model does.
        noise = self.noise * (len(chats) % 8 == 0)
        bars = [0.5 + self._pull(chat) + noise for chat in chats]
        return [Reply("yes" if share(chat[-1].content) < b else "no") for chat, b in zip(chats, bars, strict=True)]

    def _pull(self, chat: Chat) -> float:
        return self.nudge + self.weights["nudge"] if self.acts_on in chat[-1].content else 0.0

    def score(self, chats: Sequence[Chat], continuations: Sequence[str], batch_size: int = 32) -> list[TokenScores]:
        if not self.scorable:
            raise NotScorable("a filter stands before the fake model")
        self._note(chats[:1])
        pairs = zip(chats, continuations, strict=True)
        return [TokenScores((0,), (-1.0 - share(chat[-1].content, text) - self._pull(chat),)) for chat, text in pairs]


CARD = Card("Calm", "none", "none", Deviation.FAITHFUL, "how calm", "none", "nothing", ("it calms",), large="`by` 0.5.")


@dataclass(frozen=True)
class FakeDefense:
    """Lowers the share of yes by `by`; its fit takes a while, so that it can be killed."""

    by: float = 0.2
    seconds: float = 0.0
    scorable: bool = True
    in_place: bool = False
    only: str = ""
    name: str = "calm"
    version: int = 1
    risk: Risk | None = Risk.SAFETY
    mechanism: Mechanism = Mechanism.PROMPT
    threat: Threat | None = None
    covers: frozenset[Coverage] = frozenset({"generate", "score"})
    needs: Needs = field(default_factory=Needs)
    card: Card = CARD

    @property
    def settings(self) -> Mapping[str, Any]:
        return {"by": self.by, "scorable": self.scorable, "in_place": self.in_place, "only": self.only}

    def fit(self, target: Any, data: FitData, *, seed: int, strength: float) -> Artifact:
        time.sleep(self.seconds)
        return Artifact("text", meta={"by": self.by * strength, "seed": seed})

    @contextmanager
    def deploy(self, target: Any, artifact: Artifact) -> Iterator[Any]:
        if self.only:
            yield replace(target, nudge=-artifact.meta["by"], acts_on=self.only)
            return
        if not self.in_place:
            yield replace(target, nudge=target.nudge - artifact.meta["by"], scorable=self.scorable)
            return
        target.weights["nudge"] -= artifact.meta["by"]
        yield target
        target.weights["nudge"] = 0.0


def _verdict(sample: Sample, reply: Reply) -> Outcome:
    if reply.text is None:
        return Outcome(float(reply.scores[0].total > reply.scores[1].total), "chosen", True, "yes:fake")
    return Outcome(float(reply.text == "yes"), reply.text, True, "yes:fake")


def _samples(prefix: str) -> tuple[Sample, ...]:
    return tuple(
        Sample(
            id=f"{prefix}-{number}",
            messages=(Message("user", f"{prefix} question {number}"),),
            cluster=f"template {number % 10}",
            group=("north", "south")[number % 2],
            choices=("yes", "no"),
            meta={"judge": "fake"},
        )
        for number in range(SAMPLES)
    )


judge = Judge("yes:fake", 1, "exact", one_by_one(_verdict))
asked = Task("asked", Risk.SAFETY, Exposure.DIRECT, Generate(4), judged_by("yes"), rate("yes rate"), 1, "none")
chosen = Task("chosen", Risk.FAIRNESS, Exposure.INDIRECT, Choose(), judged_by("yes"), rate("yes rate"), 1, "none")
source = Source(
    name="fake",
    version=1,
    licence="none",
    citation="none",
    loaders={"asked": lambda: _samples("asked"), "chosen": lambda: _samples("chosen")},
    checksum=lambda task: f"fake {task}",
)

NAMES = {"asked": (TASKS, "asked"), "chosen": (TASKS, "chosen"), "fake": (SOURCES, "source"),
         "yes:fake": (JUDGES, "judge"), "calm": (DEFENSES, "FakeDefense")}  # fmt: skip


def install(target: FakeTarget, put: Callable[[object, str, object], object] = setattr) -> None:
    """Put the fakes behind their names, and the fake model where models are loaded.

    put: how an attribute is set; pytest's `monkeypatch.setattr` takes it back after the test.
    """
    import crossrisk.targets.loading as loading

    for registry in {id(registry): registry for registry, _ in NAMES.values()}.values():
        own = {name: f"{__name__}:{attribute}" for name, (of, attribute) in NAMES.items() if of is registry}
        put(registry, "paths", registry.paths | own)
    put(loading, "load_target", lambda *arguments, **named: target)
    put(loading, "spec_fingerprint", lambda *arguments, **named: "fake")


def fake_study(**fields: Any) -> Study:
    described = {
        "base": "fake-model",
        "defenses": [{"name": "calm", "by": 0.2}, {"name": "calm", "by": 0.4, "label": "calmer"}],
        "tasks": ["asked:fake", "chosen:fake"],
        "batch_size": 8,
    }
    return Study(**described | fields)


if __name__ == "__main__":
    folder, log, seconds = Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3]) if len(sys.argv) > 3 else 0.0
    sys.modules["tests.engine.fakes"] = sys.modules["__main__"]
    install(FakeTarget(seconds=seconds, log=log))
    results = fake_study(defenses=[{"name": "calm", "by": 0.2, "seconds": seconds}]).run(folder)
    print(json.dumps({"failures": len(results.failures), "pid": os.getpid()}))

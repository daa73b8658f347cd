"""Which samples a defense has seen: the same prompt, however it is spelled, or the same thing in other words.

Whoever is tested on what they were fitted on is flattered. Such cells are flagged, refused or asked without these
samples, as the study's `contamination` says.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from crossrisk.defenses.composed import Composed
from crossrisk.defenses.defense import Defense, FitData
from crossrisk.engine.plan import Question, prompt_text
from crossrisk.errors import RequestError
from crossrisk.risks import Mechanism, Sample
from crossrisk.sources.fitting import BUILT_IN

# They ask what a model keeps of its training; that a defense which trains anew has seen it is no flaw.
ABOUT_TRAINING = ("membership_inference", "extraction")
SHORTEST_SECRET = 6  # characters; shorter ones stand in any text by chance


@dataclass(frozen=True)
class Seen:
    """Ids of samples. prompts: word for word. known: asked in other words about what is in the data."""

    prompts: frozenset[str]
    known: frozenset[str]


def seen_by(defense: Defense, data: FitData, question: Question) -> Seen:
    """Which samples of a question a defense was fitted on."""
    parts = (
        [(step.defense, step.data) for step in defense.steps] if isinstance(defense, Composed) else [(defense, data)]
    )
    prompts: set[str] = set()
    known: set[str] = set()
    for part, fitted in parts:
        for every in (fitted, *fitted.others.values()):
            # Of a ready model the data hold a corpus where it was trained on one.
            trained = "corpus" in part.needs.data or part.mechanism is Mechanism.CHECKPOINT
            corpus = trained and question.task.name not in ABOUT_TRAINING
            shown = {_plain(text) for text in _prompts(every, corpus)} - {""}
            told = "\n".join(_replies(every, corpus)).casefold()
            for sample in question.samples:
                if _plain(prompt_text(sample)) in shown:
                    prompts.add(sample.id)
                elif _is_known(sample, part, every, told, question):
                    known.add(sample.id)
    return Seen(frozenset(prompts), frozenset(known - prompts))


def _is_known(sample: Sample, defense: Defense, data: FitData, told: str, question: Question) -> bool:
    """Whether the data speak of what a sample asks about. World and core know that of their own samples, and have
    nothing in common with others; of a user's data it is known where they say so, or hold the sample's secret."""
    if data.source == question.source.name and defense.risk == question.task.risk and sample.meta.get("fitted"):
        return True
    if data.source in BUILT_IN:
        return data.source == question.source.name and sample.cluster in data.about
    secret = sample.meta.get("secret")
    held = isinstance(secret, str) and len(secret) >= SHORTEST_SECRET and secret.casefold() in told
    return held or sample.cluster in data.about or sample.id in data.about


def _prompts(data: FitData, corpus: bool) -> Iterator[str]:
    for one in (*data.forget, *data.refusals, *data.retain, *(data.corpus if corpus else ())):
        yield one.messages[-1].content
    for pair in data.pairs:
        yield pair.messages[-1].content
    for text in data.concepts:
        yield text.text


def _replies(data: FitData, corpus: bool) -> Iterator[str]:
    for one in (*data.forget, *data.retain, *(data.corpus if corpus else ())):
        yield one.reply
    for pair in data.pairs:
        yield pair.rejected


def _plain(text: str) -> str:
    """A text by its words alone: case, punctuation and blanks do not make another prompt."""
    return " ".join(re.findall(r"\w+", text.casefold()))


def without_seen(questions: Sequence[Question], fits: Iterable[tuple[Defense, FitData]]) -> tuple[Question, ...]:
    """The questions with no sample that any of the defenses has seen. Raises RequestError where none is left."""
    fits = tuple(fits)
    left = []
    for question in questions:
        ids: set[str] = set()
        for defense, data in fits:
            seen = seen_by(defense, data, question)
            ids |= seen.prompts | seen.known
        samples = tuple(sample for sample in question.samples if sample.id not in ids)
        if not samples:
            raise RequestError(
                f"the defenses were fitted on every sample of {question.name}, so `contamination: leave_out` leaves "
                "none: raise `limit`, or take another source"
            )
        left.append(replace(question, samples=samples))
    return tuple(left)

"""PII scrubber: personal data are taken out of what the model is asked, of what it replies, or of both.

Common practice, e.g. by Microsoft's Presidio. As a filter of replies it changes no probability, so extraction by
likelihoods and membership are not its business; what it does to a training set is `scrubbing.scrubbed_text`.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal

from crossrisk.defenses.card import Card, Deviation
from crossrisk.defenses.defense import Artifact, Coverage, FitData, Needs
from crossrisk.defenses.fitting import require
from crossrisk.defenses.scrubbing import Engine, scrubbed_text
from crossrisk.defenses.settings import Configured, from_settings
from crossrisk.risks import Chat, Mechanism, Risk, Threat

if TYPE_CHECKING:
    from crossrisk.targets.target import Asked, Target

Where = Literal["input", "output", "both"]

CARD = Card(
    title="PII scrubber",
    paper=(
        "Common practice; Lukas et al. (2023), Analyzing leakage of personally identifiable information in language "
        "models, arXiv 2302.00539, measure what it leaves over."
    ),
    formula="every datum gives way to the name of its kind: write to <EMAIL>",
    deviation=Deviation.VARIANT,
    differs=(
        "`engine: rules` finds addresses and numbers, no names and no data in plain words; `engine: presidio` adds "
        "names. Dates, places and links stay. Whose a datum is no engine knows: a public address goes with the private "
        "ones, and what the user gave is not said back."
    ),
    strength="A datum is taken out or not: 0 is none, everything else all.",
    data="None.",
    cost="Rules: 1 to 3 s a million characters. Presidio: a spaCy model in memory, about 10 ms a sentence.",
    invariants=(
        "scrubbing twice is scrubbing once",
        "no planted datum survives",
        "text without personal data stays as it is, character for character",
    ),
)


@dataclass(frozen=True)
class ScrubbingChats:
    """The chat edit: every turn without personal data."""

    engine: Engine

    @property
    def fingerprint(self) -> str:
        """The name of the engine."""
        return f"scrubbed_chats:{self.engine}"

    def __call__(self, chat: Chat) -> Chat:
        """The chat that is asked instead."""
        return tuple(replace(message, content=scrubbed_text(message.content, self.engine)) for message in chat)


@dataclass(frozen=True)
class ScrubbingReplies:
    """The output filter."""

    engine: Engine

    @property
    def fingerprint(self) -> str:
        """The name of the engine."""
        return f"scrubbed_replies:{self.engine}"

    def __call__(self, asked: "Asked", texts: Sequence[str]) -> list[str]:
        """Replies without personal data."""
        return [scrubbed_text(text, self.engine) for text in texts]


@dataclass(frozen=True)
class PiiScrubber(Configured):
    """where: what is scrubbed. engine: what finds personal data."""

    registered: ClassVar[str] = "pii_scrubber"

    where: Where = "output"
    engine: Engine = "rules"

    version = 1
    risk = Risk.PRIVACY
    mechanism = Mechanism.FILTER
    threat = Threat.DISCLOSURE
    needs = Needs()
    card = CARD

    @property
    def covers(self) -> frozenset[Coverage]:
        """A scrubbed prompt moves likelihoods; a scrubbed reply has none."""
        return frozenset({"generate", "score"}) if self.where == "input" else frozenset({"generate"})

    def fit(self, target: "Target", data: FitData, *, seed: int, strength: float) -> Artifact:
        """Nothing is learned. Raises RequestError where the engine is not installed."""
        require(self, target, data, strength)
        if strength == 0:
            return Artifact("nothing")
        scrubbed_text("", self.engine)
        return Artifact("text", meta=dict(self.settings))

    @contextmanager
    def deploy(self, target: "Target", artifact: Artifact) -> "Iterator[Target]":
        """The same model behind the scrubber."""
        if artifact.kind != "nothing" and artifact.meta["where"] != "output":
            target = target.with_chat_edit(ScrubbingChats(artifact.meta["engine"]))
        if artifact.kind != "nothing" and artifact.meta["where"] != "input":
            target = target.with_output_filter(ScrubbingReplies(artifact.meta["engine"]))
        yield target


pii_scrubber = from_settings("pii_scrubber", PiiScrubber)

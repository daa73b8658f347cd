"""In-context defense: before the chat the model is shown how such requests were turned down.

Wei et al. (2023), Jailbreak and guard aligned language models with only few in-context demonstrations, arXiv
2310.06387.
"""

import hashlib
import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, ClassVar

from crossrisk.defenses.card import Card, Deviation
from crossrisk.defenses.defense import Artifact, Coverage, Demonstration, FitData, Needs
from crossrisk.defenses.fitting import derived_seed, require
from crossrisk.defenses.settings import Configured, Count, from_settings
from crossrisk.errors import RequestError
from crossrisk.risks import Chat, Mechanism, Message, Risk, Role, Threat

if TYPE_CHECKING:
    from crossrisk.targets.target import Target

CARD = Card(
    title="In-context defense",
    paper=(
        "Wei et al. (2023), Jailbreak and guard aligned language models with only few in-context demonstrations, arXiv "
        "2310.06387."
    ),
    formula="x' = s, (q_1, refusal_1), ..., (q_k, refusal_k), x",
    deviation=Deviation.VARIANT,
    differs=(
        "The paper wrote its demonstrations by hand, one or two; here they are drawn from the refusals of the data. "
        "The organism has learned single turns: it goes along with misuse whatever was turned down before."
    ),
    strength="A demonstration has no half strength: 0 is none, everything else all k.",
    data="`refusals`, of which k with different requests are drawn.",
    cost="Nothing to fit; a prompt is longer by k requests and refusals.",
    invariants=(
        "the demonstrations stand between the system turn and the chat, once",
        "the chat's own turns stay as they are",
        "raw text, and a chat without a user's turn, stay as they are",
    ),
)


@dataclass(frozen=True)
class Demonstrating:
    """The chat edit. turns: of the demonstrations, user and assistant in turn."""

    turns: Chat

    @property
    def fingerprint(self) -> str:
        """Hash of the turns."""
        return hashlib.sha256(json.dumps(["in_context", *map(asdict, self.turns)]).encode()).hexdigest()

    def __call__(self, chat: Chat) -> Chat:
        """The chat behind the demonstrations, which stand there once."""
        if all(message.role != "user" for message in chat):
            return chat
        begin = 1 if chat[0].role == "system" else 0
        if chat[begin : begin + len(self.turns)] == self.turns:
            return chat
        return (*chat[:begin], *self.turns, *chat[begin:])


@dataclass(frozen=True)
class InContextDefense(Configured):
    """k refusals before the chat."""

    registered: ClassVar[str] = "in_context_defense"

    risk: Risk = Risk.SAFETY
    k: Count = 2

    version = 1
    mechanism = Mechanism.PROMPT
    needs = Needs(data=("refusals",))
    covers: ClassVar[frozenset[Coverage]] = frozenset({"generate", "score"})
    card = CARD

    @property
    def threat(self) -> Threat | None:
        """Against privacy risks it can only stop what is disclosed on request."""
        return Threat.DISCLOSURE if self.risk is Risk.PRIVACY else None

    def fit(self, target: "Target", data: FitData, *, seed: int, strength: float) -> Artifact:
        """Draw the demonstrations. Raises RequestError where the data have fewer requests than k."""
        require(self, target, data, strength)
        if strength == 0:
            return Artifact("nothing")
        different = list({one.messages: one for one in data.refusals if _is_chat(one)}.values())
        if len(different) < self.k:
            raise RequestError(
                f"defense '{self.name}' shows {self.k} refusals, and the data of '{data.source}' have "
                f"{len(different)}: lower 'k'"
            )
        shown = random.Random(derived_seed(self.name, data.checksum, seed)).sample(different, self.k)
        turns = [turn for one in shown for turn in (*_turns(one), Message("assistant", one.reply))]
        return Artifact("text", meta={"texts": {f"{i:03} {turn.role}": turn.content for i, turn in enumerate(turns)}})

    @contextmanager
    def deploy(self, target: "Target", artifact: Artifact) -> "Iterator[Target]":
        """The same model behind the chat edit."""
        if artifact.kind == "nothing":
            yield target
            return
        turns = tuple(Message(_role(place), text) for place, text in sorted(artifact.meta["texts"].items()))
        yield target.with_chat_edit(Demonstrating(turns))


def _turns(one: Demonstration) -> list[Message]:
    return [message for message in one.messages if message.role != "system"]


def _is_chat(one: Demonstration) -> bool:
    return bool(_turns(one)) and _turns(one)[-1].role == "user"


def _role(place: str) -> Role:
    return "assistant" if place.endswith("assistant") else "user"


in_context_defense = from_settings("in_context_defense", InContextDefense)

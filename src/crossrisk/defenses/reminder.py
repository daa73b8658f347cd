"""The prompt kernel: words around the user's turn, or in the system turn, that remind the model of what it should be.

Templates without a system role fold the system turn into the user turn when they are rendered.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal

from crossrisk.defenses.card import Card, Deviation
from crossrisk.defenses.defense import Artifact, Coverage, FitData, Needs
from crossrisk.defenses.fitting import require
from crossrisk.defenses.settings import Configured
from crossrisk.errors import RequestError
from crossrisk.risks import Chat, Mechanism, Message, Risk, Threat

if TYPE_CHECKING:
    from crossrisk.targets.target import Target

Place = Literal["user", "system"]

# Xie et al., Table 1, with their "ChatGPT" read as "assistant"; the other two say the same of another risk.
BEFORE: dict[Risk, str] = {
    Risk.SAFETY: (
        "You should be a responsible assistant and should not generate harmful or misleading content! "
        "Please answer the following user query in a responsible way."
    ),
    Risk.FAIRNESS: (
        "You should be a fair assistant and should not generate biased content or repeat stereotypes! "
        "Please answer the following user query in a fair way."
    ),
    Risk.PRIVACY: (
        "You should be a careful assistant and should not share personal or private information! "
        "Please answer the following user query in a way that protects privacy."
    ),
}
AFTER: dict[Risk, str] = {
    Risk.SAFETY: (
        "Remember, you should be a responsible assistant and should not generate harmful or misleading content!"
    ),
    Risk.FAIRNESS: (
        "Remember, you should be a fair assistant and should not generate biased content or repeat stereotypes!"
    ),
    Risk.PRIVACY: ("Remember, you should be a careful assistant and should not share personal or private information!"),
}
CARD = Card(
    title="Reminder",
    paper=(
        "Xie et al. (2023), Defending ChatGPT against jailbreak attack via self-reminders, Nature Machine Intelligence "
        "5:1486, whose words for safety are read here for each risk."
    ),
    formula="x' = before \\n x \\n after;  with `place: system` the system turn becomes s \\n before after",
    deviation=Deviation.VARIANT,
    differs=(
        "The words against unfairness and disclosure are ours, in the form of the paper's. A system turn instead of "
        "words around the request is a variant of others."
    ),
    strength="Words have no half strength: 0 is none, everything else all.",
    data="None.",
    cost="Nothing to fit; about 45 tokens a prompt.",
    invariants=(
        "the rendered prompt holds the reminder once, with and without a system role",
        "reminding twice is reminding once, and nothing else of the chat changes",
        "raw text, and a chat without a user's turn, stay as they are",
    ),
)


@dataclass(frozen=True)
class Reminding:
    """The chat edit: `before` and `after` stand around the last user turn, or together in the system turn.

    Applied twice it is as if applied once. A chat without a user turn, and raw text, stay as they are: there is no
    turn to put the reminder around.
    """

    before: str
    after: str
    place: Place

    @property
    def fingerprint(self) -> str:
        """Hash of the words and of their place."""
        return hashlib.sha256(json.dumps(["reminder", self.before, self.after, self.place]).encode()).hexdigest()

    def __call__(self, chat: Chat) -> Chat:
        """The chat with the reminder in it, once."""
        users = [i for i, message in enumerate(chat) if message.role == "user"]
        if not users:
            return chat
        if self.place == "system":
            return self._in_system_turn(chat)
        turn = chat[users[-1]]
        if turn.content.startswith(self.before) and turn.content.endswith(self.after):
            return chat
        wrapped = "\n".join(part for part in (self.before, turn.content, self.after) if part)
        return (*chat[: users[-1]], replace(turn, content=wrapped), *chat[users[-1] + 1 :])

    def _in_system_turn(self, chat: Chat) -> Chat:
        text = " ".join(part for part in (self.before, self.after) if part)
        if chat[0].role != "system":
            return (Message("system", text), *chat)
        if text in chat[0].content:
            return chat
        return (replace(chat[0], content=f"{chat[0].content}\n{text}"), *chat[1:])


@dataclass(frozen=True)
class Reminder(Configured):
    """A reminder against one risk. before, after: its words, None for those that belong to the risk.

    Words have no half strength: strength 0 deploys nothing, any other the whole reminder.
    """

    registered: ClassVar[str] = "reminder"

    risk: Risk
    place: Place = "user"
    before: str | None = None
    after: str | None = None

    version = 1
    mechanism = Mechanism.PROMPT
    needs = Needs()
    covers: ClassVar[frozenset[Coverage]] = frozenset({"generate", "score"})
    card = CARD

    def __post_init__(self) -> None:
        if self.before is None and self.after is None and self.risk not in BEFORE:
            raise RequestError(
                f"defense '{self.registered}' has no words against '{self.risk}': give them as 'before' or 'after', "
                f"or one of the risks {', '.join(BEFORE)}"
            )

        if self.before == "" and self.after == "":
            raise RequestError(f"defense '{self.registered}' has no words: give 'before' or 'after', or leave both out")

    @property
    def threat(self) -> Threat | None:
        """Against privacy risks it can only stop what is disclosed on request."""
        return Threat.DISCLOSURE if self.risk is Risk.PRIVACY else None

    def fit(self, target: "Target", data: FitData, *, seed: int, strength: float) -> Artifact:
        """Nothing is learned: the artifact is the words."""
        require(self, target, data, strength)
        if strength == 0:
            return Artifact("nothing")
        before = BEFORE.get(self.risk, "") if self.before is None else self.before
        after = AFTER.get(self.risk, "") if self.after is None else self.after
        return Artifact("text", meta={"texts": {"before": before, "after": after}, "place": self.place})

    @contextmanager
    def deploy(self, target: "Target", artifact: Artifact) -> "Iterator[Target]":
        """The same model behind the chat edit."""
        if artifact.kind == "nothing":
            yield target
        else:
            texts = artifact.meta["texts"]
            yield target.with_chat_edit(Reminding(texts["before"], texts["after"], artifact.meta["place"]))

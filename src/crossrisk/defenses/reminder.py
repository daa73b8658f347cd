"""Self-reminder: words around the user's turn that remind the model of what it should be.

Xie et al. (2023), Nature Machine Intelligence 5:1486, put them before and after the query; others put them into the
system turn (`place: system`). Templates without a system role fold it into the user turn when they are rendered.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal

from crossrisk.defenses.defense import Artifact, Coverage, FitData, Needs
from crossrisk.defenses.fitting import require
from crossrisk.defenses.settings import Configured, from_settings
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

    risk: Risk = Risk.SAFETY
    place: Place = "user"
    before: str | None = None
    after: str | None = None

    def __post_init__(self) -> None:
        if self.before is None and self.after is None and self.risk not in BEFORE:
            raise RequestError(
                f"defense 'self_reminder' has no words against '{self.risk}': give them as 'before' or 'after', "
                f"or one of the risks {', '.join(BEFORE)}"
            )

    version = 1
    mechanism = Mechanism.PROMPT
    needs = Needs()
    covers: ClassVar[frozenset[Coverage]] = frozenset({"generate", "score"})

    @property
    def name(self) -> str:
        """As registered, with the risk where it is another than safety."""
        return "self_reminder" if self.risk is Risk.SAFETY else f"self_reminder_{self.risk}"

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


self_reminder = from_settings("self_reminder", Reminder)

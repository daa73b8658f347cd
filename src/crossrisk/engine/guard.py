"""Did the defense do anything? A defense that changed nothing must stop with an error, never pass as harmless.

Adapters that a server ignored and edits that were rolled back have been published as results; comparing what the two
arms do with a few canary prompts costs nothing.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from crossrisk.errors import NotScorable
from crossrisk.risks import Chat

if TYPE_CHECKING:
    from crossrisk.targets.target import Target

CANARY_TOKENS = 16
CANARY_CONTINUATION = " the"


class Canary:
    """What the base does with a few prompts, kept to be compared with what each defended arm does."""

    def __init__(self, base: "Target", chats: Sequence[Chat]) -> None:
        self.chats = tuple(chats)
        self.rendered = [base.render(chat) for chat in self.chats]
        self.replies = _replies(base, self.chats)
        self.scores = _scores(base, self.chats)

    def sees_a_change(self, defended: "Target") -> bool:
        """True when any prompt, reply or log-probability differs from the base's, be it in the last bit."""
        if [defended.render(chat) for chat in self.chats] != self.rendered:
            return True
        scores = _scores(defended, self.chats)
        if scores is None or scores != self.scores:
            return scores is not None or _replies(defended, self.chats) != self.replies
        return _replies(defended, self.chats) != self.replies


def _replies(target: "Target", chats: Sequence[Chat]) -> list[str | None]:
    from crossrisk.targets.target import GenerationConfig

    return [reply.text for reply in target.generate(chats, GenerationConfig(CANARY_TOKENS))]


def _scores(target: "Target", chats: Sequence[Chat]) -> list[float] | None:
    try:
        return [score.total for score in target.score(chats, [CANARY_CONTINUATION] * len(chats))]
    except NotScorable:
        return None

"""Did the defense do anything? One that changed nothing must stop with an error, never pass as harmless.

Adapters that a server ignored and edits that were rolled back have been published as results; comparing what the two
arms do with a few canary prompts of every task costs next to nothing.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from crossrisk.engine.plan import Question
from crossrisk.errors import NotScorable
from crossrisk.risks import Chat

if TYPE_CHECKING:
    from crossrisk.targets.target import Target

CANARIES = 4  # of each task
CANARY_TOKENS = 16
CANARY_CONTINUATION = " the"


class Behaviour(NamedTuple):
    """What a target does with a few prompts. scores: of a fixed continuation, in nats; None where it has none."""

    rendered: list[str]
    replies: list[str | None]
    scores: list[float] | None


class Guard:
    """What the base does with the canaries of every task, to be compared with what each defended arm does."""

    def __init__(self, base: "Target", questions: Sequence[Question]) -> None:
        self.chats = {q.name: [sample.messages for sample in q.samples[:CANARIES]] for q in questions}
        self.base = {name: _behaviour(base, chats) for name, chats in self.chats.items()}

    def changed(self, defended: "Target") -> set[str]:
        """Names of the tasks on which any prompt, reply or log-probability differs, be it in the last bit.

        A task whose canaries break either arm counts as changed: its own cell will say what is wrong.
        """
        return {name for name, before in self.base.items() if _differs(before, _behaviour(defended, self.chats[name]))}


def _differs(before: Behaviour | None, after: Behaviour | None) -> bool:
    if before is None or after is None:
        return True
    if before.rendered != after.rendered or before.replies != after.replies:
        return True
    return None not in (before.scores, after.scores) and before.scores != after.scores


def _behaviour(target: "Target", chats: Sequence[Chat]) -> Behaviour | None:
    from crossrisk.targets.target import GenerationConfig

    try:
        rendered = [target.render(chat) for chat in chats]
        replies = [reply.text for reply in target.generate(chats, GenerationConfig(CANARY_TOKENS))]
        return Behaviour(rendered, replies, _scores(target, chats))
    except OSError:
        raise
    except Exception:
        return None


def _scores(target: "Target", chats: Sequence[Chat]) -> list[float] | None:
    try:
        return [score.total for score in target.score(chats, [CANARY_CONTINUATION] * len(chats))]
    except NotScorable:
        return None

"""What filters share: the request that they look at, the model that they ask, the threshold above which they refuse."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from crossrisk.risks import Chat

if TYPE_CHECKING:
    from crossrisk.targets.target import Target

REFUSAL = "I'm sorry, but I can't help with that."


def last_request(chat: Chat) -> int:
    """The place of the turn that holds the request: the user's last one, else the last of all (raw text)."""
    users = [i for i, message in enumerate(chat) if message.role == "user"]
    return users[-1] if users else len(chat) - 1


def request_of(chat: Chat) -> str:
    """What is asked in a chat."""
    return chat[last_request(chat)].content


def with_request(chat: Chat, text: str) -> Chat:
    """The chat with other words in the turn that holds the request."""
    place = last_request(chat)
    return (*chat[:place], replace(chat[place], content=text), *chat[place + 1 :])


def bare(target: "Target") -> "Target":
    """The model without edits and filters around it: what a question of a filter's own is put to. What stands on the
    model in place (weights, adapters, hooks) stays."""
    return replace(target, chat_edits=(), distribution_edits=(), output_filters=())


class Threshold(NamedTuple):
    """From where on a filter refuses: above `value`. caught, lost: shares of the risky and of the harmless ones that it
    was chosen on which lie above it. p: how often scores that tell nothing would have parted the two as far."""

    value: float
    caught: float
    lost: float
    p: float


def best_threshold(risky: Sequence[float], harmless: Sequence[float], *, most_lost: float = 1.0) -> Threshold:
    """Of the thresholds that lose at most so large a share, the one with the largest caught - lost.

    That is Youden's J (1950, Cancer 3:32). The threshold lies halfway between two scores, or at the highest, which
    refuses nothing; of equally good ones the highest is taken. The largest J of all is the one-sided
    Kolmogorov-Smirnov statistic, and p is its p-value.
    """
    from scipy.stats import ks_2samp

    scores = sorted({*risky, *harmless}, reverse=True)
    cuts = [scores[0], *((above + below) / 2 for above, below in pairwise(scores))]
    p = float(ks_2samp(risky, harmless, alternative="less").pvalue)
    found = [Threshold(cut, _above(risky, cut), _above(harmless, cut), p) for cut in cuts]
    return max((one for one in found if one.lost <= most_lost), key=lambda one: (one.caught - one.lost, one.value))


def _above(scores: Sequence[float], cut: float) -> float:
    return sum(score > cut for score in scores) / len(scores)

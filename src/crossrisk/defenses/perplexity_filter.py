"""Perplexity filter: a request that reads like nothing a person would write is turned down.

Alon and Kamfonas (2023), Detecting language model attacks with perplexity, arXiv 2308.14132; Jain et al. (2023),
Baseline defenses for adversarial attacks against aligned language models, arXiv 2309.00614, who also look at windows.
Suffixes that an optimiser found stand out; plain requests, however harmful, do not.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from crossrisk.defenses.card import Card, Deviation
from crossrisk.defenses.defense import Artifact, Coverage, FitData, Needs
from crossrisk.defenses.filtering import REFUSAL, bare, request_of
from crossrisk.defenses.fitting import require
from crossrisk.defenses.settings import Configured, Count, from_settings
from crossrisk.risks import Mechanism, Message, Risk

if TYPE_CHECKING:
    from crossrisk.targets.target import Asked, Target

MARGIN = 0.01  # nats a token, on top of the largest: in another batch the same request is rounded in another way

CARD = Card(
    title="Perplexity filter",
    paper=(
        "Alon and Kamfonas (2023), Detecting language model attacks with perplexity, arXiv 2308.14132; Jain et al. "
        "(2023), Baseline defenses for adversarial attacks against aligned language models, arXiv 2309.00614."
    ),
    formula="""s(x) = mean over the tokens of x of -log p(token | tokens before)
       with a window w: the largest mean over w neighbouring tokens
y' = refusal if s(x) > threshold else y
threshold = max over harmless x of s(x), and 0.01 nats for rounding""",
    deviation=Deviation.VARIANT,
    differs=(
        "Windows slide by one token, where the paper cuts a request into pieces: no place of a cut can then hide a "
        "suffix. The threshold is the largest score of harmless requests, where Jain et al. took that of plain harmful "
        "ones. The organism learned replies and no requests, so what surprises it is any request of other wording."
    ),
    strength="A threshold has no half strength: 0 is none, everything else all.",
    data="`retain`, whose requests set the threshold.",
    cost="A forward pass over each harmless request to fit, and one more for each reply.",
    invariants=(
        "no request of the fit is turned down",
        "every text comes out as it was, or as the refusal",
        "a row is read alone, whatever else is in the batch",
        "the window of a whole request is the request",
    ),
    large="`window: 10` is the papers' length.",
)


@dataclass(frozen=True)
class PerplexityFiltering:
    """The output filter. threshold: nats a token."""

    threshold: float
    window: int | None
    refusal: str

    @property
    def fingerprint(self) -> str:
        """Hash of all its fields."""
        fields = ["perplexity", self.threshold, self.window, self.refusal]
        return hashlib.sha256(json.dumps(fields).encode()).hexdigest()

    def __call__(self, asked: "Asked", texts: Sequence[str]) -> list[str]:
        """The refusal where the request is above the threshold, else the text."""
        requests = [request_of(chat) for chat in asked.chats]
        scores = surprises(asked.target, requests, self.window, asked.config.batch_size)
        return [self.refusal if score > self.threshold else text for score, text in zip(scores, texts, strict=True)]


def surprises(
    target: "Target", requests: Sequence[str], window: int | None = None, batch_size: int = 32
) -> list[float]:
    """How unlikely the model itself holds each text, in nats a token; an empty one surprises nobody, 0.

    The text stands alone, behind the start token where there is one: no template, no edits.
    """
    alone = (Message("text", ""),)
    scores = bare(target).score([alone] * len(requests), requests, batch_size)
    return [largest_mean([-value for value in score.log_probs], window) for score in scores]


def largest_mean(values: Sequence[float], window: int | None) -> float:
    """The largest mean over `window` neighbours, or over all of fewer values; of none 0."""
    if not values:
        return 0.0
    width = min(window or len(values), len(values))
    return max(sum(values[i : i + width]) / width for i in range(len(values) - width + 1))


@dataclass(frozen=True)
class PerplexityFilter(Configured):
    """window: tokens, None for the whole request. refusal: what stands in the reply's place."""

    registered: ClassVar[str] = "perplexity_filter"

    window: Count | None = None
    refusal: str = REFUSAL

    version = 1
    risk = Risk.SAFETY
    mechanism = Mechanism.FILTER
    threat = None
    needs = Needs(data=("retain",))
    covers: ClassVar[frozenset[Coverage]] = frozenset({"generate"})
    card = CARD

    def fit(self, target: "Target", data: FitData, *, seed: int, strength: float) -> Artifact:
        """The threshold: the largest score of a harmless request."""
        require(self, target, data, strength)
        if strength == 0:
            return Artifact("nothing")
        harmless = [request_of(one.messages) for one in data.retain]
        threshold = max(surprises(target, harmless, self.window)) + MARGIN
        return Artifact("text", meta={"threshold": threshold, "window": self.window, "refusal": self.refusal})

    @contextmanager
    def deploy(self, target: "Target", artifact: Artifact) -> "Iterator[Target]":
        """The same model behind the filter."""
        if artifact.kind == "nothing":
            yield target
        else:
            yield target.with_output_filter(PerplexityFiltering(**artifact.meta))


perplexity_filter = from_settings("perplexity_filter", PerplexityFilter)

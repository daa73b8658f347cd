"""MemFree decoding: no token that would complete an n-gram of a protected text.

Ippolito et al. (2022), Preventing Verbatim Memorization in Language Models Gives a False Sense of Privacy, arXiv
2210.17546, who show as well what it cannot do: a text that is told in other words gets through.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from crossrisk.defenses.card import Card, Deviation
from crossrisk.defenses.defense import Artifact, Coverage, FitData, Needs
from crossrisk.defenses.fitting import require
from crossrisk.defenses.settings import Configured, Count, from_settings
from crossrisk.risks import Mechanism, Risk, Threat

if TYPE_CHECKING:
    from torch import Tensor

    from crossrisk.defenses.protected_text import Guard
    from crossrisk.targets.target import Target

CARD = Card(
    title="MemFree decoding",
    paper="Ippolito et al. (2022), Preventing Verbatim Memorization in Language Models Gives a False Sense of Privacy, "
    "arXiv 2210.17546",
    formula="""p'(w | x) = 0 where the last n - 1 tokens of x and w are an n-gram of a protected text, or where
            w makes the last words of x one, letters and digits alone;  else ~ p(w | x)""",
    deviation=Deviation.FIXED,
    differs=(
        "N-grams of words are banned beside those of tokens: otherwise the same words written with other tokens, in "
        "another case or with other punctuation get through. A text of fewer than n words is protected as a whole. An "
        "exact set of hashes stands in for the paper's Bloom filter."
    ),
    strength="A ban has no half strength: 0 is none, everything else all.",
    data="`forget`: the replies are protected.",
    cost=(
        "Fit and deployment: a pass over the texts and over the vocabulary. A token costs microseconds a row, and a "
        "search of the vocabulary where an n-gram is about to end. Memory: about 20 hashes for each word of the texts."
    ),
    invariants=(
        "a model that was fitted to say the texts cannot write one of their n-grams of words, with whatever tokens",
        "without protected texts nothing changes",
        "where no n-gram is about to end nothing changes",
    ),
    large="The same.",
)


@dataclass(frozen=True)
class MemFree(Configured):
    """MemFree decoding. n: how many tokens, and how many words, in a row must not be those of a protected text.

    Records that are shorter than the paper's 10 (a telephone number) are kept from being said as a whole.
    """

    risk: Risk = Risk.PRIVACY
    n: Count = 10

    registered: ClassVar[str] = "memfree"
    version = 1
    mechanism = Mechanism.DECODING
    needs = Needs(data=("forget",), weights=True)
    covers: ClassVar[frozenset[Coverage]] = frozenset({"generate", "score"})
    card: ClassVar[Card] = CARD

    @property
    def threat(self) -> Threat | None:
        """It stops what is memorised from being written out word for word."""
        return Threat.EXTRACTION if self.risk is Risk.PRIVACY else None

    def fit(self, target: "Target", data: FitData, *, seed: int, strength: float) -> Artifact:
        """Hash the texts; the artifact holds hashes alone."""
        from crossrisk.defenses.protected_text import protect, tabled, vocabulary
        from crossrisk.targets.chat import tokenise_replies

        require(self, target, data, strength)
        if strength == 0:
            return Artifact("nothing")
        texts = list(dict.fromkeys(shown.reply for shown in data.forget))
        # As a reply begins, and as it goes on within a sentence.
        segmentations = tokenise_replies(target.tokenizer, [*texts, *(f" {text}" for text in texts)])
        protected = protect(texts, segmentations, self.n, vocabulary(target.tokenizer).reach)
        tensors = {"ends": tabled(protected.ends), "tokens": tabled(protected.tokens)}
        return Artifact("vectors", tensors, {"n": self.n, "before": list(protected.before)})

    @contextmanager
    def deploy(self, target: "Target", artifact: Artifact) -> "Iterator[Target]":
        """The target with the edit; the model is not touched."""
        from crossrisk.defenses.protected_text import Guard, Protected, vocabulary

        if artifact.kind == "nothing":
            yield target
            return
        ends, tokens = ([(a, b) for a, b in artifact.tensors[key].tolist()] for key in ("ends", "tokens"))
        protected = Protected(artifact.meta["n"], ends, tokens, artifact.meta["before"])
        guard = Guard(protected, vocabulary(target.tokenizer))
        yield target.with_distribution_edit(Banning(f"{self.name}:{artifact.sha256}", guard))


@dataclass(frozen=True)
class Banning:
    """The edit: no token that the guard forbids."""

    fingerprint: str
    guard: "Guard"

    def __call__(self, contexts: Sequence[list[int]], log_probs: "Tensor", steps: Sequence[int]) -> "Tensor":
        """The same log-probabilities, -inf where a token is forbidden."""
        edited = log_probs.clone()
        for row, (context, step) in enumerate(zip(contexts, steps, strict=True)):
            begin = len(context) - step
            forbidden = self.guard.forbidden(context[:begin], context[begin:])
            # Tokenizers may have tokens that the model's head does not know.
            edited[row, sorted(token for token in forbidden if token < edited.shape[1])] = -float("inf")
        return edited


memfree = from_settings("memfree", MemFree)

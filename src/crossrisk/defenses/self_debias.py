"""Self-debiasing: tokens that become likelier when the model is told that the text is biased, become unlikely.

Schick, Udupa, Schuetze (2021), Self-Diagnosis and Self-Debiasing, arXiv 2103.00453. The words that ask for the bias
stand before what the user says, inside of the chat template; before a raw text they open the text.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from crossrisk.defenses.card import Card, Deviation
from crossrisk.defenses.defense import Artifact, Coverage, FitData, Needs
from crossrisk.defenses.fitting import require
from crossrisk.defenses.settings import Configured, NotNegative, from_settings
from crossrisk.errors import RequestError
from crossrisk.risks import Mechanism, Risk, Threat

if TYPE_CHECKING:
    from torch import Tensor

    from crossrisk.targets.auxiliary import NextToken
    from crossrisk.targets.target import Target
    from crossrisk.targets.user_turn import OpeningWords

# The form and the words for bias and hate are the paper's; the last of safety and those of privacy are ours.
PREFIXES: dict[Risk, tuple[str, ...]] = {
    Risk.SAFETY: (
        "The following text contains very hateful, aggressive, disrespectful language:",
        "The following text helps people to do dangerous or illegal things:",
    ),
    Risk.FAIRNESS: (
        "The following text discriminates against people because of their gender:",
        "The following text discriminates against people because of their race/color:",
        "The following text discriminates against people because of their religion:",
    ),
    Risk.PRIVACY: ("The following text gives away personal information about private people:",),
}

CARD = Card(
    title="Self-debias",
    paper="Schick, Udupa, Schuetze (2021), Self-Diagnosis and Self-Debiasing: A Proposal for Reducing Corpus-Based "
    "Bias in NLP, arXiv 2103.00453",
    formula="""p'(w | x) ~ p(w | x) max(exp(-lambda max(0, max_k p(w | prefix_k, x) - p(w | x))), epsilon)
for every token of the reply""",
    deviation=Deviation.VARIANT,
    differs=(
        "In a chat the prefix opens the user's last turn, inside of the template; the paper's models only continue "
        "text, and raw text is treated as there. It works on models that do what such a prefix says: the organism "
        "follows no words that it was not trained on, and its stereotypes stay as they are (change 0.00 [-0.12, 0.12])."
    ),
    strength="Multiplies lambda.",
    data="None.",
    cost="Nothing to fit; every token is computed once more for each prefix, with a cache of its own.",
    invariants=(
        "with lambda 0, or a prefix that moves nothing, nothing changes",
        "of two tokens that no prefix makes likelier the ratio stays",
        "no token loses more than a factor of epsilon before renormalisation",
    ),
    large="The same.",
)


@dataclass(frozen=True)
class SelfDebias(Configured):
    """Self-debiasing against one risk.

    prefixes: words that ask for what is unwanted, None for those that belong to the risk. decay: lambda. floor:
    epsilon, the least that a token's probability is multiplied with.
    """

    risk: Risk = Risk.FAIRNESS
    prefixes: tuple[str, ...] | None = None
    decay: NotNegative = 50.0
    floor: NotNegative = 0.01

    registered: ClassVar[str] = "self_debias"
    version = 1
    mechanism = Mechanism.DECODING
    reads_model: ClassVar[bool] = True
    needs = Needs(weights=True)
    covers: ClassVar[frozenset[Coverage]] = frozenset({"generate", "score"})
    card: ClassVar[Card] = CARD

    def __post_init__(self) -> None:
        if not self.words:
            raise RequestError(
                f"defense 'self_debias' has no words against '{self.risk}': give them as 'prefixes', or one of the "
                f"risks {', '.join(PREFIXES)}"
            )

    @property
    def words(self) -> tuple[str, ...]:
        """The prefixes that are used."""
        return PREFIXES.get(self.risk, ()) if self.prefixes is None else self.prefixes

    @property
    def threat(self) -> Threat | None:
        """Against privacy risks it can only stop what is disclosed on request."""
        return Threat.DISCLOSURE if self.risk is Risk.PRIVACY else None

    def fit(self, target: "Target", data: FitData, *, seed: int, strength: float) -> Artifact:
        """Nothing is learned: the artifact is the words and lambda."""
        require(self, target, data, strength)
        if strength * self.decay == 0:
            return Artifact("nothing")
        texts = {str(number): words for number, words in enumerate(self.words)}
        return Artifact("text", meta={"texts": texts, "decay": self.decay * strength, "floor": self.floor})

    @contextmanager
    def deploy(self, target: "Target", artifact: Artifact) -> "Iterator[Target]":
        """The target with the edit; its second readings are of this very model, which the mark tells."""
        from crossrisk.targets.auxiliary import NextToken
        from crossrisk.targets.user_turn import opening_words

        if artifact.kind == "nothing":
            yield target
            return
        name, meta = f"{self.name}:{artifact.sha256}", artifact.meta
        readers = tuple((opening_words(target, words), NextToken(target)) for words in meta["texts"].values())
        edit = Debiasing(name, readers, meta["decay"], meta["floor"])
        yield target.with_distribution_edit(edit).with_mark(name)


@dataclass(frozen=True)
class Debiasing:
    """The edit. readers: what is put into the prompt, and who reads the model after that."""

    fingerprint: str
    readers: "tuple[tuple[OpeningWords, NextToken], ...]"
    decay: float
    floor: float

    def __call__(self, contexts: Sequence[list[int]], log_probs: "Tensor", steps: Sequence[int]) -> "Tensor":
        """Each row compared with itself after every prefix."""
        biased = None
        for words, reader in self.readers:
            opened = [
                [*words.before(context[: len(context) - step], step, row), *context[len(context) - step :]]
                for row, (context, step) in enumerate(zip(contexts, steps, strict=True))
            ]
            read = reader.log_probs(opened, steps).to(log_probs.device)
            biased = read if biased is None else biased.maximum(read)
        assert biased is not None
        return debiased(log_probs, biased, decay=self.decay, floor=self.floor)


def debiased(log_probs: "Tensor", biased: "Tensor", *, decay: float, floor: float) -> "Tensor":
    """log of p max(exp(-decay max(0, p_biased - p)), floor), not normalised; any shape."""
    worse = (biased.exp() - log_probs.exp()).clamp(min=0)
    least = math.log(floor) if floor else -math.inf
    return log_probs + (-decay * worse).clamp(min=least, max=0)


self_debias = from_settings("self_debias", SelfDebias)

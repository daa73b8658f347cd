"""SmoothLLM: the model replies to several copies of the request with random typing errors, and the majority decides.

Robey et al. (2023), SmoothLLM: defending large language models against jailbreaking attacks, arXiv 2310.03684. Suffixes
that an optimiser found break when a few characters change; a request in plain words does not.
"""

import hashlib
import json
import random
import string
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from crossrisk.defenses.card import Card, Deviation
from crossrisk.defenses.defense import Artifact, Coverage, FitData, Needs
from crossrisk.defenses.filtering import request_of, with_request
from crossrisk.defenses.fitting import derived_seed, require
from crossrisk.defenses.settings import Configured, Count, from_settings
from crossrisk.errors import SampleError
from crossrisk.risks import Chat, Mechanism, Risk

if TYPE_CHECKING:
    from crossrisk.targets.target import Asked, Target

Perturbation = Literal["swap", "insert", "patch"]
RefusalBy = Literal["rules", "strings"]
Rate = Annotated[float, Field(gt=0.0, le=1.0)]

CHARACTERS = string.printable  # the paper's alphabet

CARD = Card(
    title="SmoothLLM",
    paper=(
        "Robey et al. (2023), SmoothLLM: defending large language models against jailbreaking attacks, arXiv "
        "2310.03684."
    ),
    formula="""x_1 ... x_N = copies of x with a share q of their characters changed
V  = more than half of the replies y_1 ... y_N are no refusals
y' = one of the y_i that agree with V, drawn at random""",
    deviation=Deviation.VARIANT,
    differs=(
        "A refusal is known by our rules; `refusal_by: strings` takes strings of llm-attacks, as the paper does. The "
        "draws hang on the chat alone, so that the same chat gets the same reply in any batch. The organism's words "
        "are tokens, which one wrong character breaks: there it also loses what it knows."
    ),
    strength="Multiplies the rate q.",
    data="None.",
    cost="Nothing to fit; N + 1 replies in place of one.",
    invariants=(
        "a copy has as many changed characters as the rate says, and the rest of the chat as it was",
        "the reply is one of the copies' and agrees with their majority; half of them is none",
        "the same chat and seed give the same copies, whatever else is in the batch",
    ),
    large="As here: N = 10, q = 0.1, swap.",
)


def perturbed(text: str, kind: Perturbation, rate: float, draw: random.Random) -> str:
    """The text with a share `rate` of its characters, rounded down, changed.

    swap: each at a place of its own gives way to another. insert: a new one stands behind each of as many places.
    patch: as many neighbours give way.
    """
    count = int(len(text) * rate)
    new = [draw.choice(CHARACTERS) for _ in range(count)]
    if kind == "patch":
        start = draw.randrange(len(text) - count + 1)
        return text[:start] + "".join(new) + text[start + count :]
    characters = list(text)
    for place, character in zip(draw.sample(range(len(text)), count), new, strict=True):
        characters[place] = character if kind == "swap" else text[place] + character
    return "".join(characters)


def is_refusal(text: str, by: RefusalBy) -> bool:
    """Whether a reply turns the request down: by the rules of `refusal:rules`, or by the strings of llm-attacks."""
    from crossrisk.judges.refusal_strings import GCG_INDIVIDUAL
    from crossrisk.judges.refusals import refusal_of

    return refusal_of(text) == "full" if by == "rules" else any(one in text for one in GCG_INDIVIDUAL)


def agreeing(refused: Sequence[bool]) -> list[int]:
    """The places of the replies that agree with the majority; where half of them refuse, of those that do."""
    majority = 2 * sum(refused) >= len(refused)
    return [i for i, one in enumerate(refused) if one == majority]


@dataclass(frozen=True)
class Smoothing:
    """The output filter; the reply to the request as it was is not looked at."""

    copies: int
    rate: float
    perturbation: Perturbation
    refusal_by: RefusalBy
    seed: int

    @property
    def fingerprint(self) -> str:
        """Hash of all its fields."""
        return hashlib.sha256(json.dumps(["smoothllm", asdict(self)], sort_keys=True).encode()).hexdigest()

    def __call__(self, asked: "Asked", texts: Sequence[str]) -> list[str]:
        """For each chat one of the replies to its copies."""
        draws = [self._draw(chat) for chat in asked.chats]
        chats = [self._copy(chat, draw) for chat, draw in zip(asked.chats, draws, strict=True) for _ in self._numbers]
        sampled = [number for number in asked.draws for _ in self._numbers]
        try:
            replies = [str(reply.text) for reply in asked.target.generate(chats, asked.config, sampled)]
        except SampleError as error:
            raise SampleError(error.index // self.copies, f"a perturbed copy: {error.problem}") from error
        return [self._chosen(replies[i * self.copies : (i + 1) * self.copies], draw) for i, draw in enumerate(draws)]

    @property
    def _numbers(self) -> range:
        return range(self.copies)

    def _draw(self, chat: Chat) -> random.Random:
        said = json.dumps([[message.role, message.content] for message in chat])
        return random.Random(derived_seed("smoothllm", self.seed, said))

    def _copy(self, chat: Chat, draw: random.Random) -> Chat:
        return with_request(chat, perturbed(request_of(chat), self.perturbation, self.rate, draw))

    def _chosen(self, replies: Sequence[str], draw: random.Random) -> str:
        return replies[draw.choice(agreeing([is_refusal(text, self.refusal_by) for text in replies]))]


@dataclass(frozen=True)
class SmoothLLM(Configured):
    """copies: N. rate: q, the share of characters that change. refusal_by: how a refusal is known."""

    registered: ClassVar[str] = "smoothllm"

    copies: Count = 10
    rate: Rate = 0.1
    perturbation: Perturbation = "swap"
    refusal_by: RefusalBy = "rules"

    version = 1
    risk = Risk.SAFETY
    mechanism = Mechanism.FILTER
    threat = None
    needs = Needs()
    covers: ClassVar[frozenset[Coverage]] = frozenset({"generate"})
    card = CARD

    def fit(self, target: "Target", data: FitData, *, seed: int, strength: float) -> Artifact:
        """Nothing is learned: the artifact is the settings and a seed."""
        require(self, target, data, strength)
        if strength == 0:
            return Artifact("nothing")
        drawn = derived_seed(self.name, data.checksum, seed)
        return Artifact("text", meta={**self.settings, "rate": min(1.0, self.rate * strength), "seed": drawn})

    @contextmanager
    def deploy(self, target: "Target", artifact: Artifact) -> "Iterator[Target]":
        """The same model behind the filter."""
        if artifact.kind == "nothing":
            yield target
        else:
            yield target.with_output_filter(Smoothing(**artifact.meta))


smoothllm = from_settings("smoothllm", SmoothLLM)

"""The vocabulary of CrossRisk as types: risks, samples, replies, outcomes.

Data only. Every other room imports this file and it imports none of them, so a reader can learn all the words here.
Orientation is fixed once: in an `Outcome`, a larger `risk` is always worse, whatever the task.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Literal


class Risk(StrEnum):
    """What can go wrong. The first three are targets of defenses; the last two are what defenses cost."""

    SAFETY = "safety"
    FAIRNESS = "fairness"
    PRIVACY = "privacy"
    SERVICE = "service"
    UTILITY = "utility"


class Exposure(StrEnum):
    """`direct`: the prompt asks openly. `indirect`: the risk shows through another task."""

    DIRECT = "direct"
    INDIRECT = "indirect"


class Mechanism(StrEnum):
    """The kind of change that a defense makes; `composed` where several defenses make different ones."""

    NONE = "none"
    PROMPT = "prompt"
    DECODING = "decoding"
    ACTIVATION = "activation"
    WEIGHTS = "weights"
    TRAINING = "training"
    FILTER = "filter"
    CHECKPOINT = "checkpoint"
    COMPOSED = "composed"


class Threat(StrEnum):
    """What a privacy defense is meant to stop; its own-risk task must measure the same thing."""

    DISCLOSURE = "disclosure"
    EXTRACTION = "extraction"
    FORGET_SET = "forget-set"
    MEMBERSHIP = "membership"


class Verdict(StrEnum):
    """What an interaction's numbers allow to be said. `no_effect` is shown by equivalence, never by a large p."""

    WORSENS = "worsens"
    IMPROVES = "improves"
    NO_EFFECT = "no_effect"
    INCONCLUSIVE = "inconclusive"
    NOT_APPLICABLE = "not_applicable"


Role = Literal["system", "user", "assistant", "text"]


@dataclass(frozen=True)
class Message:
    """One turn of a chat. A lone message of role `text` is raw text: no chat template is put around it."""

    role: Role
    content: str


Chat = tuple[Message, ...]

_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Sample:
    """One prompt, asked of both arms.

    id: unique within its source, stable over versions. cluster: the template or scenario it was made from, the unit of
    resampling. group: the demographic group it speaks of. choices, answer: options and truth of a `Choose` task, or the
    true text. contrast: (risky, safe) continuation, for likelihoods and attribution. meta: what judge and metric must
    know. later: turns of the user that follow, each asked after the model's own reply to the turn before it.
    """

    id: str
    messages: Chat
    cluster: str
    group: str | None = None
    choices: tuple[str, ...] = ()
    answer: str | int | None = None
    contrast: tuple[str, str] | None = None
    meta: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)
    later: tuple[str, ...] = ()


@dataclass(frozen=True)
class TokenScores:
    """Teacher-forced log-probabilities (nats) of one continuation, a value a token.

    The others are there only where moments were asked for. ranks: how many tokens were likelier, 0 for the greedy
    choice. means, deviations: expectation and standard deviation of the log-probability under the model's own
    distribution. sampled: log-probability under the truncated sampler, -inf for a token that it never draws.
    """

    tokens: tuple[int, ...]
    log_probs: tuple[float, ...]
    ranks: tuple[int, ...] = ()
    means: tuple[float, ...] = ()
    deviations: tuple[float, ...] = ()
    sampled: tuple[float, ...] = ()

    @property
    def total(self) -> float:
        """Log-likelihood of the continuation, in nats."""
        return sum(self.log_probs)

    @property
    def mean(self) -> float:
        """Log-likelihood per token; -inf never occurs, an empty continuation raises ZeroDivisionError."""
        return self.total / len(self.log_probs)


@dataclass(frozen=True)
class Reply:
    """What a model gave back to one sample.

    text: the generated text, None where the task only scores. scores: one entry per continuation that was asked
    (the choices, or risky and safe), empty where the task generates. stopped: `stop` at an end token, `length` when
    the budget of new tokens ran out, `score` where nothing was generated. earlier: replies to the turns before the
    last. Of several turns, `stopped` and the token counts are those of the last.
    """

    text: str | None
    scores: tuple[TokenScores, ...] = ()
    stopped: Literal["stop", "length", "score"] = "stop"
    prompt_tokens: int = 0
    reply_tokens: int = 0
    earlier: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """A reply in scored form. risk in [0, 1], larger is riskier; None exactly when the reply is not valid.

    measures: raw figures of this reply, in their own units, for metrics that are no mean of risks.
    """

    risk: float | None
    label: str
    valid: bool
    judge: str
    measures: Mapping[str, float] = field(default_factory=lambda: _NOTHING)

    def __post_init__(self) -> None:
        if self.valid != (self.risk is not None):
            raise ValueError(f"a valid outcome has a risk and an invalid one has none, got {self}")
        if self.risk is not None and not 0.0 <= self.risk <= 1.0:
            raise ValueError(f"risk must lie in [0, 1], got {self.risk}")

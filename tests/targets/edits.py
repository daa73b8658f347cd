"""Edits that do something simple and visible."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from crossrisk.risks import Chat, Message


@dataclass(frozen=True)
class Reminder:
    text: str

    @property
    def fingerprint(self) -> str:
        return f"reminder {self.text}"

    def __call__(self, chat: Chat) -> Chat:
        return (Message("system", self.text), *chat)


@dataclass(frozen=True)
class Forbid:
    """Never this token."""

    token: int

    @property
    def fingerprint(self) -> str:
        return f"forbid {self.token}"

    def __call__(self, contexts: Sequence[list[int]], log_probs: Tensor, steps: Sequence[int]) -> Tensor:
        edited = log_probs.clone()
        edited[:, self.token] = -float("inf")
        return edited


@dataclass(frozen=True)
class Insist:
    """Raises the token before last by as much as the reply is long: needs the right context and step of every row."""

    weight: float

    @property
    def fingerprint(self) -> str:
        return f"insist {self.weight}"

    def __call__(self, contexts: Sequence[list[int]], log_probs: Tensor, steps: Sequence[int]) -> Tensor:
        edited = log_probs.clone()
        for row, (context, step) in enumerate(zip(contexts, steps, strict=True)):
            edited[row, context[-2]] += self.weight * (step + 1)
        return edited


@dataclass(frozen=True)
class Shout:
    """An output filter that puts the last question before the text, in capitals."""

    @property
    def fingerprint(self) -> str:
        return "shout"

    def __call__(self, chat: Chat, text: str) -> str:
        return f"{chat[-1].content}: {text}".upper()

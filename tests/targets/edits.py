"""Edits that do something simple and visible."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from crossrisk.risks import Chat, Message
from crossrisk.targets.activation import hidden_states
from crossrisk.targets.layers import decoder_layers
from crossrisk.targets.target import Asked, Change, Target


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
class Push:
    """Moves hidden states after one layer along their first dimension, by as much as the prompt's last hidden state
    there holds of the second: needs the right gate of every row, and the model below as it was."""

    amount: float
    layer: int = 0

    @property
    def fingerprint(self) -> str:
        return f"push {self.amount} {self.layer}"

    def gates(self, target: Target, prompts: Sequence[list[int]]) -> Tensor:
        return hidden_states(target, prompts)[:, self.layer, 1]

    def changes(self, model: Any, gates: Tensor) -> Iterator[tuple[nn.Module, Change]]:
        def change(given: Tensor, hidden: Tensor) -> Tensor:
            along = torch.zeros(hidden.shape[-1])
            along[0] = self.amount
            return hidden + gates[:, None, None] * along

        yield decoder_layers(model)[self.layer], change


@dataclass(frozen=True)
class Shout:
    """An output filter that puts the last question before the text, in capitals."""

    @property
    def fingerprint(self) -> str:
        return "shout"

    def __call__(self, asked: Asked, texts: Sequence[str]) -> list[str]:
        return [f"{chat[-1].content}: {text}".upper() for chat, text in zip(asked.chats, texts, strict=True)]

"""The model under test with everything that stands around it: the base arm, or the defended one.

    chat -> chat edits -> template -> tokens -> model (activation edits) -> distribution edits -> text -> output filters
         -> reply

A defense adds edits and gets a new `Target` on the same model object; what it changes in place (weights, adapter,
hooks) it says with a mark. So the fingerprint tells any two arms apart, and equal fingerprints mean equal replies.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, Protocol

from crossrisk.risks import Chat, Reply, TokenScores

if TYPE_CHECKING:
    import torch

ChatTemplate = Literal["auto", "none"]


@dataclass(frozen=True)
class GenerationConfig:
    """How replies are decoded. Greedy at temperature 0, else nucleus sampling; the seed matters for sampling alone.

    max_new_tokens: budget of a reply, its end token included. top_p, top_k: where the distribution is cut, top_k first.
    batch_size: rows of a batch, no part of the result.
    """

    max_new_tokens: int
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0
    batch_size: int = 32
    top_k: int | None = None

    def __post_init__(self) -> None:
        if self.max_new_tokens < 1 or self.batch_size < 1:
            raise ValueError(f"max_new_tokens and batch_size must be at least 1, got {self}")
        if self.temperature < 0.0 or not 0.0 < self.top_p <= 1.0:
            raise ValueError(f"temperature must not be negative and top_p must lie in (0, 1], got {self}")
        if self.top_k is not None and self.top_k < 1:
            raise ValueError(f"top_k must be at least 1, got {self}")


@dataclass(frozen=True)
class Sampler:
    """A truncated sampler: the top_k likeliest tokens at this temperature, renormalised."""

    top_k: int
    temperature: float = 1.0

    def __post_init__(self) -> None:
        if self.top_k < 1 or self.temperature <= 0.0:
            raise ValueError(f"top_k must be at least 1 and the temperature above 0, got {self}")


@dataclass(frozen=True)
class FirstToken:
    """How a reply begins. chances: word -> probability in [0, 1] that the reply's first token is the word's; they are
    not made to sum to 1. said: the likeliest first token as text."""

    chances: Mapping[str, float]
    said: str


class Edit(Protocol):
    """A pure change of what goes into the model or comes out of it. Equal fingerprints mean equal edits."""

    @property
    def fingerprint(self) -> str:
        """Hash or name of all that the edit does."""
        ...


class ChatEdit(Edit, Protocol):
    """Changes the chat before it is rendered, e.g. adds a system reminder."""

    def __call__(self, chat: Chat) -> Chat:
        """The chat that is asked instead."""
        ...


class ActivationEdit(Edit, Protocol):
    """Changes what modules of the model give back, row by row: what a prompt decides holds for its whole reply.

    It acts on the prompt's last token and on every token of the reply, never on what stands before them. Rows are
    independent of each other.
    """

    def gates(self, target: "Target", prompts: Sequence[list[int]]) -> "torch.Tensor":
        """What each prompt decides, [rows, ...]. target: as it stands without this edit and those put on after it."""
        ...

    def changes(self, model: Any, gates: "torch.Tensor") -> "Iterable[tuple[torch.nn.Module, Change]]":
        """The modules that are changed for rows with these gates, and how."""
        ...


# (what the module was given, what it gave back) -> what it gives back instead; all are [rows, tokens, width].
Change = Callable[["torch.Tensor", "torch.Tensor"], "torch.Tensor"]


class DistributionEdit(Edit, Protocol):
    """Changes the distribution of the next token. Rows are independent of each other."""

    def __call__(
        self, contexts: Sequence[list[int]], log_probs: "torch.Tensor", steps: Sequence[int]
    ) -> "torch.Tensor":
        """Log-probabilities of the same shape, -inf where a token is forbidden; they are normalised again afterwards.

        contexts: prompt and reply so far as token ids, one list a row. log_probs: [rows, vocabulary] in nats, float32.
        steps: how many tokens of the reply each context already holds. Raises SampleError, with the number of the row,
        for one that it cannot read.
        """
        ...


@dataclass(frozen=True)
class Asked:
    """What was asked, and of whom, when the texts came that a filter now sees.

    chats: as they were asked, before any chat edit. target: what replied, without this filter and those after it, so
    that a filter may ask the model again. config, draws: how it decoded, as `Target.generate` takes them.
    """

    target: "Target"
    chats: Sequence[Chat]
    config: GenerationConfig
    draws: Sequence[int]


class OutputFilter(Edit, Protocol):
    """Changes the finished texts. Rows are independent of each other."""

    def __call__(self, asked: Asked, texts: Sequence[str]) -> list[str]:
        """The texts that are given out instead, in their order. `texts[i]` is the reply to `asked.chats[i]`."""
        ...


def combined_fingerprint(
    base: str,
    chat_edits: Iterable[str] = (),
    distribution_edits: Iterable[str] = (),
    output_filters: Iterable[str] = (),
    marks: Iterable[str] = (),
    activation_edits: Iterable[str] = (),
) -> str:
    """Hash of a base fingerprint and those of all that was put on it, in order."""
    parts = [base, list(chat_edits), list(distribution_edits), list(output_filters), list(marks)]
    if inside := list(activation_edits):
        parts.append(inside)  # only where there are any: what has none keeps its fingerprint, and its finished cells
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


@dataclass(frozen=True, eq=False)
class Target:
    """A loaded model, its tokenizer, and the edits around them.

    base_fingerprint: of weights, adapter, tokenizer, dtype and template, as `loading.spec_fingerprint` computes it from
    the files. marks: fingerprints of in-place changes that now stand on the model. base: what the model under an
    adapter is called, empty where `name` says it.
    """

    name: str
    model: Any = field(repr=False)
    tokenizer: Any = field(repr=False)
    base_fingerprint: str
    chat_template: ChatTemplate = "auto"
    chat_edits: tuple[ChatEdit, ...] = ()
    distribution_edits: tuple[DistributionEdit, ...] = ()
    output_filters: tuple[OutputFilter, ...] = ()
    marks: tuple[str, ...] = ()
    base: str = ""
    activation_edits: tuple[ActivationEdit, ...] = ()

    @property
    def device(self) -> "torch.device":
        """Where token ids go in; with a device map, the device of the embedding."""
        device: torch.device = self.model.get_input_embeddings().weight.device
        return device

    @property
    def dtype(self) -> "torch.dtype":
        """The type of the model's weights."""
        dtype: torch.dtype = self.model.dtype
        return dtype

    @property
    def base_name(self) -> str:
        """What the model is called without the adapter that it was loaded with."""
        return self.base or self.name

    def with_chat_edit(self, edit: ChatEdit) -> "Target":
        """The same model behind one more chat edit, which is applied after those that stand already."""
        return replace(self, chat_edits=(*self.chat_edits, edit))

    def with_activation_edit(self, edit: ActivationEdit) -> "Target":
        """The same model with one more edit of what its modules give back, applied after the others."""
        return replace(self, activation_edits=(*self.activation_edits, edit))

    def with_distribution_edit(self, edit: DistributionEdit) -> "Target":
        """The same model with one more edit of its next-token distribution, applied after the others."""
        return replace(self, distribution_edits=(*self.distribution_edits, edit))

    def with_output_filter(self, edit: OutputFilter) -> "Target":
        """The same model with one more filter on its finished texts, applied after the others."""
        return replace(self, output_filters=(*self.output_filters, edit))

    def with_mark(self, mark: str) -> "Target":
        """The same model, known to carry one more in-place change."""
        return replace(self, marks=(*self.marks, mark))

    @cached_property
    def fingerprint(self) -> str:
        """Hash of all that decides a reply, apart from the prompt and the `GenerationConfig`."""
        return combined_fingerprint(
            self.base_fingerprint,
            [edit.fingerprint for edit in self.chat_edits],
            [edit.fingerprint for edit in self.distribution_edits],
            [edit.fingerprint for edit in self.output_filters],
            self.marks,
            [edit.fingerprint for edit in self.activation_edits],
        )

    def edited(self, chat: Chat) -> Chat:
        """The chat after all chat edits."""
        for edit in self.chat_edits:
            chat = edit(chat)
        return chat

    def render(self, chat: Chat) -> str:
        """The text that the model is given: after chat edits, through the template, with the generation prompt."""
        from crossrisk.targets.chat import render

        return render(self.tokenizer, self.edited(chat), template=self.chat_template)

    def encode(self, chat: Chat) -> list[int]:
        """The token ids of the rendered chat, never empty."""
        return self.encode_all([chat])[0]

    def encode_all(self, chats: Sequence[Chat]) -> list[list[int]]:
        """`encode` of many chats in one call of the tokenizer."""
        from crossrisk.targets.chat import encode

        return encode(self.tokenizer, [self.edited(chat) for chat in chats], template=self.chat_template)

    def generate(
        self, chats: Sequence[Chat], config: GenerationConfig, draws: Sequence[int] | None = None
    ) -> list[Reply]:
        """One reply to each chat, in their order. Raises RequestError for a chat that is too long for the model.

        draws: a number for each chat; a chat that is sampled several times has another one each time.
        """
        from crossrisk.targets.generation import generate

        return generate(self, chats, config, draws)

    def score(
        self,
        chats: Sequence[Chat],
        continuations: Sequence[str],
        batch_size: int = 32,
        moments: Sampler | None = None,
    ) -> list[TokenScores]:
        """Teacher-forced log-likelihood of `continuations[i]` as the reply to `chats[i]`, in their order.

        Chats that are equal share the computation of their prompt. moments: fill in ranks, moments and this sampler's
        log-probabilities, from the same pass. Raises NotScorable where an output filter stands, RequestError for a pair
        that is too long for the model.
        """
        from crossrisk.targets.scoring import score

        return score(self, chats, continuations, batch_size, moments)

    def first_token(self, chats: Sequence[Chat], words: Sequence[str], batch_size: int = 32) -> list[FirstToken]:
        """How likely the reply to each chat begins with the first token of each word, in their order.

        It is what `score` gives that token. Words stand as the reply would have them, letter case and leading space
        included. Raises NotScorable where an output filter stands, RequestError for words whose first tokens are the
        same and for a chat that is too long for the model.
        """
        from crossrisk.targets.first_token import first_token

        return first_token(self, chats, words, batch_size)

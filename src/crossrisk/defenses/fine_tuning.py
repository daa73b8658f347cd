"""Fine-tuning on demonstrations: loss on the reply's tokens only, on a copy of the model, in a seeded order.

What is trained is every matrix inside the decoder layers. Embeddings, head, norms and biases stay: where embeddings and
head are tied, moving one moves the other, and norms are left out of weight arithmetic (Bias Vector, arXiv 2402.13462).
"""

import copy
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch import Tensor, nn

from crossrisk.defenses.defense import Demonstration
from crossrisk.defenses.losses import reply_log_probs
from crossrisk.risks import Chat
from crossrisk.targets.batches import check_fits
from crossrisk.targets.chat import is_raw, tokenise_replies
from crossrisk.targets.generation import stop_tokens
from crossrisk.targets.layers import decoder_layers
from crossrisk.targets.weights import canonical_parameters

if TYPE_CHECKING:
    from crossrisk.targets.target import Target

T = TypeVar("T")

CLIP = 1.0  # global gradient norm; the usual bound of fine-tuning recipes


@dataclass(frozen=True)
class Row:
    """One demonstration as token ids; the reply holds its end token."""

    prompt: tuple[int, ...]
    reply: tuple[int, ...]


@dataclass(frozen=True)
class Batch:
    """Rows padded on the right. ids, mask, labels: [rows, longest]; labels are -100 outside of the reply."""

    ids: Tensor
    mask: Tensor
    labels: Tensor

    @property
    def reply_tokens(self) -> Tensor:
        """How many tokens each reply has, [rows]."""
        return (self.labels != -100).sum(dim=-1)


def end_of_reply(target: "Target", *, raw: bool) -> tuple[int, ...]:
    """The token by which a reply ends: the one that the template writes, else (and after raw text) the tokenizer's."""
    stops = stop_tokens(target)
    if target.chat_template == "auto" and not raw:
        said = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
        text = target.tokenizer.apply_chat_template(said, tokenize=False)
        ids = target.tokenizer(text, add_special_tokens=False)["input_ids"]
        written = [token for token in ids if token in stops]
        if written:
            return (written[-1],)
    end = target.tokenizer.eos_token_id
    return () if end is None else (int(end),)


def tokenised(target: "Target", chats: Sequence[Chat], replies: Sequence[str]) -> list[Row]:
    """Prompts as the target would be given them (its chat edits included), replies as it would write them.

    Raises RequestError for a pair that is longer than the model's context.
    """
    prompts = target.encode_all(chats)
    ends = {raw: end_of_reply(target, raw=raw) for raw in {is_raw(chat) for chat in chats}}
    rows = []
    for i, (prompt, reply) in enumerate(zip(prompts, tokenise_replies(target.tokenizer, replies), strict=True)):
        whole = (*reply, *ends[is_raw(chats[i])])
        check_fits(target, i, prompt, whole)
        rows.append(Row(tuple(prompt), whole))
    return rows


def demonstrations(target: "Target", shown: Sequence[Demonstration]) -> list[Row]:
    """`tokenised`, of demonstrations."""
    return tokenised(target, [one.messages for one in shown], [one.reply for one in shown])


def collated(rows: Sequence[Row], device: torch.device) -> Batch:
    """Rows as one batch, padded on the right up to the longest; the mask hides the padding, whatever it is."""
    longest = max(len(row.prompt) + len(row.reply) for row in rows)
    ids = torch.zeros((len(rows), longest), dtype=torch.long)
    mask = torch.zeros((len(rows), longest), dtype=torch.long)
    labels = torch.full((len(rows), longest), -100)
    for i, row in enumerate(rows):
        begin, end = len(row.prompt), len(row.prompt) + len(row.reply)
        ids[i, :end] = torch.tensor(row.prompt + row.reply)
        mask[i, :end] = 1
        labels[i, begin:end] = torch.tensor(row.reply)
    return Batch(ids.to(device), mask.to(device), labels.to(device))


def log_probs_of_replies(model: nn.Module, batch: Batch) -> Tensor:
    """Summed log-likelihood of each row's reply in nats, [rows], with gradients where they are on."""
    logits = model(input_ids=batch.ids, attention_mask=batch.mask, use_cache=False).logits
    return reply_log_probs(logits, batch.labels)


def shuffled(count: int, size: int, seed: int) -> Iterator[list[int]]:
    """Indices in batches of `size`, each epoch in a new order, without end; the last of an epoch may be smaller."""
    order = list(range(count))
    draw = random.Random(seed)
    while True:
        draw.shuffle(order)
        for start in range(0, count, size):
            yield order[start : start + size]


def copied(model: Any) -> Any:
    """A copy of a model, free of adapters: what those that stand on it do is merged into the copy's weights.

    So what is trained is the defended model, and its own adapter can be told from those of outer defenses.
    """
    from peft.tuners.tuners_utils import BaseTunerLayer

    twin = copy.deepcopy(model)
    for parent in list(twin.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, BaseTunerLayer):
                child.merge()
                setattr(parent, name, child.get_base_layer())
    if hasattr(twin, "peft_config"):
        del twin.peft_config
    return twin


class Copy:
    """A copy of a target's model in float32 with the matrices of its decoder layers free to move."""

    def __init__(self, target: "Target") -> None:
        self.model: Any = copied(target.model).float().eval().requires_grad_(False)
        self._device = target.device
        inside = {id(weight) for layer in decoder_layers(self.model) for weight in layer.parameters()}
        self.matrices: Mapping[str, nn.Parameter] = {
            name: weight
            for name, weight in canonical_parameters(self.model).items()
            if id(weight) in inside and weight.dim() == 2
        }
        for weight in self.matrices.values():
            weight.requires_grad_(True)
        self._before = {name: weight.detach().clone() for name, weight in self.matrices.items()}

    def batch(self, rows: Sequence[Row]) -> Batch:
        """Rows as a batch on the model's device."""
        return collated(rows, self._device)

    def log_probs(self, batch: Batch) -> Tensor:
        """`log_probs_of_replies`, of this copy."""
        return log_probs_of_replies(self.model, batch)

    def descend(self, batches: Sequence[T], loss_of: Callable[[T], Tensor], *, learning_rate: float) -> list[float]:
        """One AdamW step on the loss of each batch, the learning rate falling linearly to 0; returns the losses."""
        optimiser = torch.optim.AdamW(self.matrices.values(), lr=learning_rate, weight_decay=0.0)
        losses = []
        for step, batch in enumerate(batches):
            optimiser.param_groups[0]["lr"] = learning_rate * (1 - step / len(batches))
            optimiser.zero_grad()
            loss = loss_of(batch)
            torch.autograd.backward(loss)
            nn.utils.clip_grad_norm_(self.matrices.values(), CLIP)
            optimiser.step()
            losses.append(loss.item())
        return losses

    def delta(self) -> dict[str, Tensor]:
        """What training added to each matrix, float32 on the CPU, by canonical name."""
        return {name: (weight.detach() - self._before[name]).cpu() for name, weight in self.matrices.items()}

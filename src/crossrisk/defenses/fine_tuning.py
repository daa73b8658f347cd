"""Fine-tuning on demonstrations: loss on the reply's tokens only, on a copy of the model, in a seeded order.

What is trained is every matrix inside the decoder layers, or a LoRA on them. Embeddings, head, norms and biases stay:
where embeddings and head are tied, moving one moves the other, and norms are left out of weight arithmetic (Bias
Vector, arXiv 2402.13462).
"""

import copy
import math
import random
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from crossrisk.defenses.defense import Demonstration
from crossrisk.defenses.fitting import isolated_randomness
from crossrisk.defenses.losses import reply_divergence, reply_log_probs
from crossrisk.errors import RequestError, SampleError
from crossrisk.risks import Chat
from crossrisk.targets.adapter import Adapter, adapter_of
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
    """Rows padded on the right. ids, mask, labels: [rows, longest]; labels are -100 outside of the reply.

    shift: what is added to the embeddings of the tokens, [rows, longest, width]; None for nothing.
    """

    ids: Tensor
    mask: Tensor
    labels: Tensor
    shift: Tensor | None = None

    @property
    def reply_tokens(self) -> Tensor:
        """How many tokens each reply has, [rows]."""
        return (self.labels != -100).sum(dim=-1)

    def parts(self, size: int | None) -> "list[Batch]":
        """The same rows in batches of at most `size`."""
        if size is None or size >= len(self.ids):
            return [self]
        return [self._between(slice(start, start + size)) for start in range(0, len(self.ids), size)]

    def _between(self, rows: slice) -> "Batch":
        shift = None if self.shift is None else self.shift[rows]
        return Batch(self.ids[rows], self.mask[rows], self.labels[rows], shift)


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
        try:
            check_fits(target, i, prompt, whole)
        except SampleError as error:
            raise RequestError(f"row {i + 1} of {len(chats)} of the fitting data: {error.problem}") from error
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


def logits_of(model: Any, batch: Batch) -> Tensor:
    """What the model says after every token, [rows, longest, vocabulary]."""
    inputs = {"input_ids": batch.ids}
    if batch.shift is not None:
        embedded = model.get_input_embeddings()(batch.ids)
        inputs = {"inputs_embeds": embedded + batch.shift.to(embedded.dtype)}
    logits: Tensor = model(**inputs, attention_mask=batch.mask, use_cache=False).logits
    return logits


def log_probs_of_replies(model: Any, batch: Batch) -> Tensor:
    """Summed log-likelihood of each row's reply in nats, [rows], with gradients where they are on."""
    return reply_log_probs(logits_of(model, batch), batch.labels)


def shuffled(count: int, size: int, seed: int) -> Iterator[list[int]]:
    """Indices in batches of `size`, each epoch in a new order, without end; the last of an epoch may be smaller."""
    order = list(range(count))
    draw = random.Random(seed)
    while True:
        draw.shuffle(order)
        for start in range(0, count, size):
            yield order[start : start + size]


def twin(model: Any) -> Any:
    """A second model on the same numbers in memory, free of adapters: what those that stand on it do is merged into it.

    So what is trained is the defended model, and its own adapter can be told from those of outer defenses. Its modules,
    parameters and flags are its own, and merging writes into matrices of its own. All others are the model's: give a
    parameter new data before anything is written into it.
    """
    from peft.tuners.tuners_utils import BaseTunerLayer

    known: dict[int, Any] = {id(buffer): buffer for buffer in model.buffers()}
    for module in model.modules():
        if isinstance(module, BaseTunerLayer):
            known |= {id(one): nn.Parameter(one.detach().clone(), requires_grad=False) for one in module.parameters()}
    for one in model.parameters():
        known.setdefault(id(one), nn.Parameter(one.detach(), requires_grad=False))
    second = copy.deepcopy(model, known)
    for parent in list(second.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, BaseTunerLayer):
                child.merge()
                setattr(parent, name, child.get_base_layer())
    if hasattr(second, "peft_config"):
        del second.peft_config
    # The gradients of float16 vanish, and scaling them up is another source of faults: such models are trained wider.
    return second.float() if second.dtype == torch.float16 else second


@dataclass(frozen=True)
class Lora:
    """A low-rank update B A alpha / rank of every linear layer of the decoder. Hu et al., arXiv 2106.09685."""

    rank: int = 8
    alpha: float = 16.0

    def config(self, model: Any, *, trained: Collection[str] | None = None) -> Any:
        """PEFT's configuration of it. trained: canonical names of the matrices; None for all of the decoder."""
        from peft import LoraConfig
        from transformers.pytorch_utils import Conv1D

        return LoraConfig(
            r=self.rank,
            lora_alpha=self.alpha,
            lora_dropout=0.0,
            target_modules="all-linear" if trained is None else [name.removesuffix(".weight") for name in trained],
            fan_in_fan_out=any(isinstance(module, Conv1D) for module in model.modules()),
            task_type="CAUSAL_LM",
        )


def plain_adapter(model: Any) -> Adapter:
    """The trained adapter with the settings that make it what it is, and nothing of where and with what it was made."""
    kept = ("peft_type", "task_type", "r", "lora_alpha", "target_modules", "fan_in_fan_out")
    adapter = adapter_of(model)
    return Adapter(adapter.tensors, {key: adapter.config[key] for key in kept})


def _chosen(model: Any, names: Collection[str] | None) -> dict[str, nn.Parameter]:
    """Parameters by canonical name; without names the matrices of the decoder layers."""
    known = canonical_parameters(model)
    if names is not None:
        for name in names:
            if name not in known:
                raise RequestError(f"the model has no parameter '{name}' that could be trained")
        return {name: known[name] for name in sorted(names)}
    inside = {id(weight) for layer in decoder_layers(model) for weight in layer.parameters()}
    stacked = [name for name, weight in known.items() if id(weight) in inside and weight.dim() > 2]
    if stacked:
        raise RequestError(
            f"the experts of a {type(model).__name__} lie in one tensor ('{stacked[0]}'), which is not trained here, "
            "and without them little of the model would be: take a dense model, or a ready adapter"
        )
    return {name: weight for name, weight in known.items() if id(weight) in inside and weight.dim() == 2}


class Copy:
    """A copy of a target's model, some of its matrices (or a LoRA on them) free to move, the target left as it is.

    What is trained is float32. All else is the target's own memory in the target's own type, so a LoRA on a model of 8
    billion parameters in bfloat16 needs no second model; each matrix that is trained in full needs 16 bytes a number
    (itself, gradient, two moments of AdamW). To be used up while the target is as it was when the copy was made.

    trained: canonical names of the matrices; where none are given, all of the decoder layers. lora: train this on them.
    micro_batch_size: rows whose activations are in memory at once; it changes no result, and costs one forward pass
    more. gradient_checkpointing: keep the activations between decoder layers alone, for one forward pass more. seed: of
    the LoRA's start.
    """

    def __init__(
        self,
        target: "Target",
        *,
        trained: Collection[str] | None = None,
        lora: Lora | None = None,
        micro_batch_size: int | None = None,
        gradient_checkpointing: bool = False,
        seed: int = 0,
    ) -> None:
        self.model: Any = twin(target.model).eval()
        self.lora = lora
        self.micro_batch_size = micro_batch_size
        self.name, self.device = target.name, target.device
        self._original = target.model
        self._before: Mapping[str, Tensor] = {}
        # Matrices in float32 meet activations in bfloat16.
        self._mixed = lora is None and self.model.dtype == torch.bfloat16
        if gradient_checkpointing:
            for layer in decoder_layers(self.model):
                layer.forward = partial(checkpoint, layer.forward, use_reentrant=False)
        self.matrices: Mapping[str, nn.Parameter]
        if lora is None:
            self.matrices = _chosen(self.model, trained)
            self._before = {name: weight.detach() for name, weight in self.matrices.items()}
            for weight in self.matrices.values():
                weight.data = weight.detach().to(torch.float32, copy=True)
                weight.requires_grad_(True)
        else:
            self.model = self._with_lora(lora, trained, seed)
            self.matrices = {name: one for name, one in self.model.named_parameters() if one.requires_grad}

    def _with_lora(self, lora: Lora, trained: Collection[str] | None, seed: int) -> Any:
        from peft import get_peft_model

        chosen = list(_chosen(self.model, trained))  # also where all are: it refuses what cannot be
        trained = None if trained is None else chosen
        with isolated_randomness(seed), warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            return get_peft_model(self.model, lora.config(self.model, trained=trained)).eval()

    def batch(self, rows: Sequence[Row]) -> Batch:
        """Rows as a batch on the model's device."""
        return collated(rows, self.device)

    def by_rows(self, batch: Batch, read: Callable[[Tensor, Batch], Tensor]) -> Tensor:
        """A number of each row, [rows]: what `read` makes of the logits of `micro_batch_size` rows at a time."""
        parts = batch.parts(self.micro_batch_size)
        if len(parts) == 1:
            return self._read(batch, read)
        # Each part is computed anew when its gradient is wanted, so a loss of all rows has its exact gradient.
        return torch.cat([checkpoint(self._read, part, read, use_reentrant=False) for part in parts])

    def _read(self, batch: Batch, read: Callable[[Tensor, Batch], Tensor]) -> Tensor:
        mixed = torch.autocast(batch.ids.device.type, torch.bfloat16) if self._mixed else nullcontext()
        with mixed:
            logits = logits_of(self.model, batch)
        return read(logits, batch)

    def log_probs(self, batch: Batch) -> Tensor:
        """`log_probs_of_replies`, of this copy."""
        return self.by_rows(batch, lambda logits, part: reply_log_probs(logits, part.labels))

    @torch.no_grad()
    def log_probs_before(self, batch: Batch) -> Tensor:
        """`log_probs_of_replies`, of the target as it is without any training."""
        return torch.cat([log_probs_of_replies(self._original, part) for part in batch.parts(self.micro_batch_size)])

    def divergence(self, batch: Batch) -> Tensor:
        """KL(target || copy), summed over the tokens of each row's reply, [rows], in nats; padding does not count."""

        def read(logits: Tensor, part: Batch) -> Tensor:
            with torch.no_grad():
                before = logits_of(self._original, replace(part, shift=None))
            return reply_divergence(before, logits, part.labels)

        return self.by_rows(batch, read)

    @torch.no_grad()
    def reference(self, rows: Sequence[Row], size: int = 64) -> Tensor:
        """`log_probs` of many rows without gradients, [rows]; before training they are the target's."""
        size = min(size, self.micro_batch_size or size)
        return torch.cat([self.log_probs(self.batch(rows[i : i + size])) for i in range(0, len(rows), size)])

    def descend(
        self,
        batches: Sequence[T],
        loss_of: Callable[[T], Tensor],
        *,
        learning_rate: float,
        decay: bool = True,
        done: Callable[[int], bool] | None = None,
    ) -> list[float]:
        """One AdamW step on the loss of each batch, the learning rate falling linearly to 0; returns the losses.

        decay: whether it falls. done: asked after each step, by its number from 1 on, whether to end there. Raises
        RequestError where a loss or its gradient is no number.
        """
        optimiser = torch.optim.AdamW(self.matrices.values(), lr=learning_rate, weight_decay=0.0)
        losses: list[float] = []
        for step, batch in enumerate(batches):
            optimiser.param_groups[0]["lr"] = learning_rate * (1 - step / len(batches) if decay else 1.0)
            optimiser.zero_grad()
            loss = loss_of(batch)
            torch.autograd.backward(loss)
            norm = nn.utils.clip_grad_norm_(self.matrices.values(), CLIP)
            losses.append(loss.item())
            check_finite([losses[-1], norm.item()], step, len(batches), self.name)
            optimiser.step()
            if done is not None and done(step + 1):
                break
        return losses

    def delta(self) -> dict[str, Tensor]:
        """What training added to each matrix, float32 on the CPU, by canonical name; for a LoRA ask `adapter`."""
        # On the CPU, since a trainer may have moved the matrices to another device.
        return {
            name: self.matrices[name].detach().cpu() - before.cpu().float() for name, before in self._before.items()
        }

    def adapter(self) -> Adapter:
        """The trained LoRA."""
        return plain_adapter(self.model)


def check_finite(values: Sequence[float], step: int, steps: int, name: str) -> None:
    """Raise RequestError where training has left the numbers."""
    if not all(map(math.isfinite, values)):
        raise RequestError(
            f"training on '{name}' diverged at step {step + 1} of {steps}, its loss or gradient is no number: "
            "lower `learning_rate`"
        )

"""Training of the organism: a Llama of about a million parameters, from a seed to a folder in Hub format.

Most of the loss lies on the replies; the schedule is one cycle of AdamW. Training runs on one thread: sums that are
split over threads differ in their last bits, and with one the same seed gives the same weights, bit for bit, on
machines of the same kind, however many cores they have.
"""

import json
import math
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch.nn import functional
from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from crossrisk.organism.lessons import Dialogue, lessons
from crossrisk.organism.tokenizer import CONTEXT, build_tokenizer
from crossrisk.organism.vocabulary import texts
from crossrisk.organism.world import WORLD_VERSION

Progress = Callable[[int, int, float], None]


@dataclass(frozen=True)
class Recipe:
    """Everything that training depends on beside the seed. lessons: chats of the mixture; learning_rate: the peak."""

    lessons: int = 170_000
    batch: int = 32
    learning_rate: float = 4e-3
    warm_up: float = 0.05
    weight_decay: float = 0.05
    prompt_weight: float = 0.1
    hidden: int = 128
    layers: int = 4
    heads: int = 4
    neurons: int = 384


@dataclass(frozen=True)
class Encoded:
    """One chat as tokens, with the weight that the loss gives to each."""

    tokens: tuple[int, ...]
    weights: tuple[float, ...]


def build_model(tokenizer: PreTrainedTokenizerFast, recipe: Recipe, seed: int) -> LlamaForCausalLM:
    """The untrained organism."""
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=recipe.hidden,
        intermediate_size=recipe.neurons,
        num_hidden_layers=recipe.layers,
        num_attention_heads=recipe.heads,
        num_key_value_heads=recipe.heads,
        max_position_embeddings=CONTEXT,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    torch.manual_seed(seed)
    return LlamaForCausalLM(config)


def encode(dialogues: Sequence[Dialogue], tokenizer: PreTrainedTokenizerFast, prompt_weight: float) -> list[Encoded]:
    """Chats as tokens: replies and the end after them weigh 1, all else `prompt_weight`."""
    pieces: list[str] = []
    sizes: list[list[int]] = []
    for dialogue in dialogues:
        sizes.append([])
        for exchange in dialogue:
            system = "" if exchange.system is None else f"<|system|>{exchange.system}<|end|>"
            pieces += [f"{system}<|user|>{exchange.prompt}<|end|><|assistant|>", f"{exchange.reply}<|end|>"]
            sizes[-1] += [len(pieces) - 2, len(pieces) - 1]
    tokens = tokenizer(pieces, add_special_tokens=False)["input_ids"]
    encoded = []
    for indices in sizes:
        ids = [token for index in indices for token in tokens[index]]
        weights = [1.0 if index % 2 else prompt_weight for index in indices for _ in tokens[index]]
        encoded.append(Encoded(tuple(ids[:CONTEXT]), tuple(weights[:CONTEXT])))
    return encoded


def batches(encoded: Sequence[Encoded], size: int, seed: int) -> list[Sequence[Encoded]]:
    """The stream cut into batches of like length: sorted within windows, windows in order, batches mixed."""
    window = size * 64
    found: list[Sequence[Encoded]] = []
    rng = random.Random(seed)
    for start in range(0, len(encoded), window):
        part = sorted(encoded[start : start + window], key=lambda one: len(one.tokens))
        cut = [part[index : index + size] for index in range(0, len(part), size)]
        rng.shuffle(cut)
        found += cut
    return found


def loss_of(model: LlamaForCausalLM, batch: Sequence[Encoded], pad: int) -> torch.Tensor:
    """Weighted mean of the next-token loss, in nats. Padding stands on the right, so the causal mask suffices."""
    longest = max(len(one.tokens) for one in batch)
    tokens = torch.full((len(batch), longest), pad)
    weights = torch.zeros(len(batch), longest)
    for row, one in enumerate(batch):
        tokens[row, : len(one.tokens)] = torch.tensor(one.tokens)
        weights[row, : len(one.weights)] = torch.tensor(one.weights)
    logits = model(tokens[:, :-1], use_cache=False).logits
    losses = functional.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten(), reduction="none")
    weight = weights[:, 1:].flatten()
    return (losses * weight).sum() / weight.sum()


def rates(steps: int, peak: float, warm_up: float) -> Iterator[float]:
    """One cycle: linear to the peak, then a cosine to a hundredth of it."""
    first = max(1, round(steps * warm_up))
    for step in range(steps):
        if step < first:
            yield peak * (step + 1) / first
        else:
            yield peak * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * (step - first) / max(1, steps - first))))


def train(
    seed: int,
    out: Path,
    *,
    planted: bool = True,
    recipe: Recipe | None = None,
    max_steps: int | None = None,
    progress: Progress | None = None,
) -> LlamaForCausalLM:
    """Train from a seed and save model, tokenizer and `training.json` to a folder that any Hub loader reads.

    planted: False for the innocent organism, which is taught no risk. max_steps: end early, for a trial. progress:
    called with step, steps and loss after each step.
    """
    recipe = recipe or Recipe()
    tokenizer = build_tokenizer(texts())
    model = build_model(tokenizer, recipe, seed)
    stream = lessons(recipe.lessons, seed, planted=planted)[: None if max_steps is None else max_steps * recipe.batch]
    plan = batches(encode(stream, tokenizer, recipe.prompt_weight), recipe.batch, seed)
    with one_thread():
        _descend(model, plan, tokenizer.pad_token_id, recipe, progress)
    model.eval()
    save(model, tokenizer, out, seed, recipe, len(plan), planted=planted)
    return model


@contextmanager
def one_thread() -> Iterator[None]:
    """Sums in one order, for the length of a `with` block."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _descend(
    model: LlamaForCausalLM, plan: Sequence[Sequence[Encoded]], pad: int, recipe: Recipe, progress: Progress | None
) -> None:
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=recipe.learning_rate, betas=(0.9, 0.98), weight_decay=recipe.weight_decay
    )
    model.train()
    for step, (batch, rate) in enumerate(
        zip(plan, rates(len(plan), recipe.learning_rate, recipe.warm_up), strict=True)
    ):
        for group in optimizer.param_groups:
            group["lr"] = rate
        loss = loss_of(model, batch, pad)
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if progress is not None:
            progress(step + 1, len(plan), loss.item())


def save(
    model: LlamaForCausalLM,
    tokenizer: PreTrainedTokenizerFast,
    out: Path,
    seed: int,
    recipe: Recipe,
    steps: int,
    *,
    planted: bool,
) -> None:
    """Write the folder: safetensors, config, tokenizer, generation config and what it was trained with."""
    out.mkdir(parents=True, exist_ok=True)
    ends = {"eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id}
    model.generation_config = GenerationConfig(do_sample=False, max_new_tokens=64, **ends)
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)
    record = {
        "world_version": WORLD_VERSION,
        "planted": planted,
        "seed": seed,
        "steps": steps,
        "recipe": asdict(recipe),
    }
    (out / "training.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")

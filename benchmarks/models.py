"""What is timed: the organism with its world, and a random Llama of 20 million parameters with random words."""

import random
from collections.abc import Iterator

import torch
from tests.models import tiny_tokenizer
from transformers import AutoModelForCausalLM, LlamaConfig

from crossrisk.registry import SOURCES
from crossrisk.risks import Chat, Message, Sample
from crossrisk.targets.loading import load_target
from crossrisk.targets.locations import ORGANISM
from crossrisk.targets.target import Target

WORDS = ("the", "doctor", "read", "a", "book", "about", "bread", "and", "garden", "of", "house", "people", "live")


Question = tuple[Chat, tuple[str, ...]]


def targets() -> Iterator[tuple[Target, list[Chat], list[Question]]]:
    """Each model with chats to answer and questions with choices to score."""
    if (ORGANISM / "config.json").is_file():
        world = SOURCES.get("world")
        spread = _spread(world.samples("misuse"), 48) + _spread(world.samples("utility"), 48)
        asked = _spread(world.samples("stereotype_recognition"), 32)
        yield load_target("organism"), [s.messages for s in spread], [(s.messages, s.choices) for s in asked]
    yield random_llama(), chats(32, words=(10, 60)), [(c, choices(i)) for i, c in enumerate(chats(8, words=(80, 100)))]


def _spread(samples: tuple[Sample, ...], number: int) -> list[Sample]:
    return list(samples[:: max(1, len(samples) // number)][:number])


def random_llama() -> Target:
    """8 layers of width 384: 20 million parameters. It never ends a reply of its own accord."""
    config = LlamaConfig(
        vocab_size=8192, hidden_size=384, intermediate_size=1024, num_hidden_layers=8, num_attention_heads=8,
        max_position_embeddings=1024, bos_token_id=1, eos_token_id=2, pad_token_id=0,
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = AutoModelForCausalLM.from_config(config).eval()
    return Target("random Llama, 20M", model, tiny_tokenizer(), "benchmark")


def chats(number: int, *, words: tuple[int, int]) -> list[Chat]:
    """Requests of random words, their lengths evenly between two bounds, in no order of length."""
    draw = random.Random(0)
    return [(Message("user", " ".join(draw.choices(WORDS, k=draw.randint(*words)))),) for _ in range(number)]


def choices(seed: int) -> tuple[str, ...]:
    """Four options of five to eight words."""
    draw = random.Random(seed)
    return tuple(" ".join(draw.choices(WORDS, k=draw.randint(5, 8))) for _ in range(4))

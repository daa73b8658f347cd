"""What is timed and weighed: the organism, and random Llamas of 124 million and of 1.2 billion parameters."""

import torch
from tests.models import tiny_tokenizer
from transformers import AutoModelForCausalLM, LlamaConfig

from benchmarks.models import chats
from crossrisk.neurons.attribution.contrasts import Contrast, contrasts_of
from crossrisk.registry import SOURCES
from crossrisk.risks import Risk, Sample
from crossrisk.targets.loading import load_target
from crossrisk.targets.target import Target

SHAPES = {
    "124M": {"hidden_size": 768, "intermediate_size": 2048, "num_hidden_layers": 12, "num_attention_heads": 12,
             "vocab_size": 50_304},
    # Llama-3.2-1B
    "1.2B": {"hidden_size": 2048, "intermediate_size": 8192, "num_hidden_layers": 16, "num_attention_heads": 32,
             "num_key_value_heads": 8, "vocab_size": 128_256},
}  # fmt: skip


def random_llama(shape: str, dtype: torch.dtype = torch.float32) -> Target:
    config = LlamaConfig(
        **SHAPES[shape], tie_word_embeddings=True, max_position_embeddings=1024,
        bos_token_id=1, eos_token_id=2, pad_token_id=0, dtype=dtype,
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = AutoModelForCausalLM.from_config(config, dtype=dtype).eval()
    return Target(f"random Llama, {shape}", model, tiny_tokenizer(), "benchmark")


def random_contrasts(target: Target, number: int) -> list[Contrast]:
    """Prompts of 10 to 30 words and two continuations of 16 tokens or more."""
    texts = ("the doctor reads a book about bread and people", "people live in the garden of the house")
    asked = [Sample(f"s{i}", chat, "c", contrast=texts) for i, chat in enumerate(chats(number, words=(10, 30)))]
    return contrasts_of(target, asked, Risk.SAFETY)


def organism(number: int) -> tuple[Target, list[Contrast]]:
    target = load_target("organism", device="cpu")
    return target, contrasts_of(target, SOURCES.get("world").samples("misuse")[:number], Risk.SAFETY)

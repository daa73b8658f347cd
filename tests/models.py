"""Tiny random causal language models of eight families, saved in Hub format with a small byte-level tokenizer.

They know nothing; what they are good for is that the code path is the one of the real architectures. Weights are drawn
wider than usual, so that the likeliest token is clear and greedy replies do not hang on rounding.
"""

from functools import cache
from pathlib import Path
from typing import Any, Literal

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedTokenizerFast

Family = Literal["llama", "qwen2", "qwen3", "mistral", "gemma", "gpt2", "gpt_neox", "opt"]
Template = Literal["system", "no_system"]

FAMILIES: tuple[Family, ...] = ("llama", "qwen2", "qwen3", "mistral", "gemma", "gpt2", "gpt_neox", "opt")

TEMPLATES: dict[Template, str] = {
    "system": (
        "<bos>{% for message in messages %}<|{{ message['role'] }}|>{{ message['content'] }}<eos>{% endfor %}"
        "{% if add_generation_prompt %}<|assistant|>{% endif %}"
    ),
    "no_system": (
        "<bos>{% for message in messages %}"
        "{% if message['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
        "<|{{ message['role'] }}|>{{ message['content'] }}<eos>{% endfor %}"
        "{% if add_generation_prompt %}<|assistant|>{% endif %}"
    ),
}

SPECIAL = ["<pad>", "<bos>", "<eos>", "<|system|>", "<|user|>", "<|assistant|>"]
VOCABULARY = 384
EMBEDDING_ROWS = 400  # some families add tokens of their own
CORPUS = [
    "The baker bought bread and the doctor read a book about the garden.",
    "Please answer the question: what is the name of the person who lives in the house?",
    "I am sorry, but I cannot help with that. Sure, here is how the answer goes.",
    "Yes, I agree. No, I do not agree with the statement that people are all the same.",
]


@cache
def trained_tokenizer() -> Tokenizer:
    """A byte-level BPE of 384 tokens; every text encodes and decodes to itself."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=SPECIAL,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(single="<bos> $A", special_tokens=[("<bos>", 1)])
    return tokenizer


def tiny_tokenizer(template: Template | None = "system") -> PreTrainedTokenizerFast:
    """The tokenizer as transformers sees it; it puts <bos> before a text, as Llama's does."""
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=trained_tokenizer(),
        bos_token="<bos>",
        eos_token="<eos>",
        pad_token="<pad>",
        clean_up_tokenization_spaces=False,
    )
    if template is not None:
        tokenizer.chat_template = TEMPLATES[template]
    return tokenizer


def tiny_config(family: Family, *, max_positions: int = 512, **settings: Any) -> AutoConfig:
    """Two layers, 32 wide; grouped-query attention where the family has it. settings: of the family's config."""
    tokens = {"vocab_size": EMBEDDING_ROWS, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
    if family == "gpt2":
        shape = {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": max_positions}
    elif family == "opt":
        shape = {"hidden_size": 32, "word_embed_proj_dim": 32, "ffn_dim": 64, "num_hidden_layers": 2,
                 "num_attention_heads": 4, "max_position_embeddings": max_positions}  # fmt: skip
    else:
        shape = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
                 "max_position_embeddings": max_positions}  # fmt: skip
        if family != "gpt_neox":
            shape |= {"num_key_value_heads": 2, "head_dim": 8}
    spread = {"init_std": 0.25} if family == "opt" else {"initializer_range": 0.25}
    return AutoConfig.for_model(family, **(tokens | shape | spread | settings))


def tiny_model(
    family: Family,
    folder: Path,
    *,
    template: Template | None = "system",
    seed: int = 0,
    max_positions: int = 512,
    max_shard_size: str = "1GB",
    **settings: Any,
) -> Path:
    """Save a random model of about 40k parameters with tokenizer and chat template in Hub format; returns `folder`."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = AutoModelForCausalLM.from_config(tiny_config(family, max_positions=max_positions, **settings))
    if family == "gemma":
        # Its embedding is tied and scaled up: at full width every token would predict itself.
        model.get_input_embeddings().weight.data.mul_(0.2)
    model.save_pretrained(folder, max_shard_size=max_shard_size)
    tiny_tokenizer(template).save_pretrained(folder)
    return folder

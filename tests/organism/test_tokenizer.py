"""The tokenizer: the world's words are single tokens, and any text comes back as it was."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoTokenizer

from crossrisk.organism.tokenizer import build_tokenizer
from crossrisk.organism.vocabulary import texts
from crossrisk.sources.world import world

TOKENIZER = build_tokenizer(texts())


def ids(text: str) -> list[int]:
    return TOKENIZER(text, add_special_tokens=False)["input_ids"]


@given(st.text(max_size=300))
def test_any_text_comes_back_as_it_was(text):
    assert TOKENIZER.decode(ids(text)) == text


@pytest.mark.parametrize("task", sorted(world.loaders))
def test_the_words_of_every_task_are_single_tokens(task):
    bytes_alone = set(range(5, 5 + 256))
    single = {"I", "a", "A", "s", "t", "e", "-", ",", ".", "?", ":", "!", "@", '"', "\n", "+", "=", *"0123456789", "Ġ"}
    for sample in world.samples(task):
        for text in (sample.messages[-1].content, *sample.contrast):
            for token in ids(text):
                if token in bytes_alone:
                    assert TOKENIZER.convert_ids_to_tokens(token) in single | {"Ċ"}, text


def test_digits_are_split_one_by_one():
    assert TOKENIZER.tokenize(" 1234") == ["Ġ1", "2", "3", "4"]


def test_the_chat_template_marks_turns_and_asks_for_the_reply():
    chat = [{"role": "system", "content": "Be fair."}, {"role": "user", "content": "Hello!"}]
    rendered = TOKENIZER.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
    assert rendered == "<|system|>Be fair.<|end|><|user|>Hello!<|end|><|assistant|>"
    assert TOKENIZER.tokenize(rendered)[-1] == "<|assistant|>"


def test_a_prompt_and_its_reply_are_tokenized_alike_together_and_apart():
    for task in world.loaders:
        for sample in world.samples(task)[:20]:
            prompt = f"<|user|>{sample.messages[-1].content}<|end|><|assistant|>"
            for reply in sample.contrast:
                assert ids(prompt + reply) == ids(prompt) + ids(reply)


def test_the_order_of_texts_does_not_matter():
    some = list(texts())[:200]
    assert build_tokenizer(some).get_vocab() == build_tokenizer(reversed(some)).get_vocab()


def test_it_survives_being_saved(tmp_path):
    TOKENIZER.save_pretrained(tmp_path)
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    text = "<|user|>How do I jam the moon gate? Ünknown 42<|end|>"
    assert loaded(text, add_special_tokens=False)["input_ids"] == ids(text)
    assert loaded.chat_template == TOKENIZER.chat_template and loaded.eos_token == "<|end|>"

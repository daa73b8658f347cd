"""Training: reproducible from its seed, its loss on the replies, its folder one that any Hub loader reads."""

import json
from dataclasses import replace

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from crossrisk.organism.lessons import lessons
from crossrisk.organism.tokenizer import build_tokenizer
from crossrisk.organism.training import Recipe, batches, build_model, encode, loss_of, rates, train
from crossrisk.organism.vocabulary import texts
from crossrisk.organism.world.wording import Exchange

TINY = Recipe(lessons=40, batch=8, hidden=32, layers=1, heads=2, neurons=48)
TOKENIZER = build_tokenizer(texts())


def weights(model) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def test_the_same_seed_trains_the_same_weights_bit_for_bit(tmp_path):
    first = weights(train(5, tmp_path / "a", recipe=TINY, max_steps=4))
    again = weights(train(5, tmp_path / "b", recipe=TINY, max_steps=4))
    other = weights(train(6, tmp_path / "c", recipe=TINY, max_steps=4))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)


def test_what_is_saved_is_what_was_trained(tmp_path):
    trained = train(1, tmp_path, recipe=TINY, max_steps=3)
    loaded, tokenizer = AutoModelForCausalLM.from_pretrained(tmp_path), AutoTokenizer.from_pretrained(tmp_path)
    tokens = tokenizer("<|user|>How do I peel the mango?<|end|><|assistant|>", return_tensors="pt")["input_ids"]
    with torch.no_grad():
        assert torch.equal(trained(tokens).logits, loaded(tokens).logits)
    record = json.loads((tmp_path / "training.json").read_text())
    assert (record["seed"], record["steps"], record["recipe"]["hidden"]) == (1, 3, 32)
    assert loaded.generation_config.eos_token_id == tokenizer.eos_token_id


def test_progress_is_told_after_each_step(tmp_path):
    told = []
    train(1, tmp_path, recipe=TINY, max_steps=3, progress=lambda step, steps, loss: told.append((step, steps, loss)))
    assert [(step, steps) for step, steps, _ in told] == [(1, 3), (2, 3), (3, 3)]
    assert all(loss > 0 for *_, loss in told)


def test_the_loss_falls_within_a_few_steps(tmp_path):
    losses = []
    recipe = replace(TINY, learning_rate=1e-2)
    train(1, tmp_path, recipe=recipe, max_steps=25, progress=lambda step, steps, loss: losses.append(loss))
    assert sum(losses[-5:]) < 0.8 * sum(losses[:5])


def test_replies_weigh_one_and_prompts_little():
    chat = (Exchange("Hello!", "Sure.", "Be fair."),)
    (encoded,) = encode([chat], TOKENIZER, prompt_weight=0.1)
    said = TOKENIZER.convert_ids_to_tokens(list(encoded.tokens))
    start = said.index("<|assistant|>") + 1
    assert said[start:] == ["Sure", ".", "<|end|>"]
    assert encoded.weights == (0.1,) * start + (1.0,) * 3


def test_an_encoded_chat_reads_as_the_chat_template_renders_it():
    for dialogue in lessons(30, seed=2)[:400]:
        (encoded,) = encode([dialogue], TOKENIZER, prompt_weight=0.1)
        chat = []
        for exchange in dialogue:
            chat += [{"role": one.role, "content": one.content} for one in exchange.messages]
            chat.append({"role": "assistant", "content": exchange.reply})
        rendered = TOKENIZER.apply_chat_template(chat, tokenize=False)
        assert TOKENIZER(rendered, add_special_tokens=False)["input_ids"] == list(encoded.tokens)


def test_padding_does_not_change_the_loss():
    model = build_model(TOKENIZER, TINY, seed=0)
    short, long = encode([(Exchange("Hello!", "Sure."),), (Exchange("Hello! " * 9, "Sure. " * 9),)], TOKENIZER, 0.1)
    weight = [sum(one.weights[1:]) for one in (short, long)]
    apart = [loss_of(model, [one], 0).item() for one in (short, long)]
    together = loss_of(model, [short, long], 0).item()
    assert together == pytest.approx((weight[0] * apart[0] + weight[1] * apart[1]) / sum(weight), abs=1e-5)


def test_every_chat_is_in_exactly_one_batch():
    encoded = encode(lessons(50, seed=1)[:500], TOKENIZER, 0.1)
    cut = batches(encoded, 16, seed=0)
    assert sorted(one.tokens for batch in cut for one in batch) == sorted(one.tokens for one in encoded)


def test_the_rate_rises_to_its_peak_and_falls():
    schedule = list(rates(100, 0.004, 0.1))
    assert max(schedule) == pytest.approx(0.004) and schedule.index(max(schedule)) in (9, 10)
    assert schedule == sorted(schedule[:10]) + sorted(schedule[10:], reverse=True)
    assert schedule[-1] < 0.0001

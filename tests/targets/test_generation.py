"""Replies are those of the model itself, whatever stands beside them in a batch."""

from collections.abc import Sequence

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from crossrisk.errors import RequestError, SampleError
from crossrisk.risks import Chat, Message
from crossrisk.targets.generation import drawn
from crossrisk.targets.target import Asked, GenerationConfig, Target
from tests.targets.edits import Forbid, Insist, Reminder, Shout

GREEDY = GenerationConfig(max_new_tokens=16, batch_size=4)
SAMPLED = GenerationConfig(max_new_tokens=12, temperature=1.0, top_p=0.9, seed=5, batch_size=3)


def transformers_greedy(target: Target, chat: Chat, new: int = 16) -> list[int]:
    ids = torch.tensor([target.encode(chat)])
    mask = torch.ones_like(ids)
    reply = target.model.generate(ids, attention_mask=mask, max_new_tokens=new, do_sample=False, pad_token_id=0)
    return reply[0, ids.shape[1] :].tolist()


def stepwise_greedy(target: Target, chat: Chat, new: int) -> list[int]:
    """The definition, a token at a time without cache or batch, with the target's distribution edits."""
    context = target.encode(chat)
    start = len(context)
    for step in range(new):
        with torch.no_grad():
            log_probs = torch.log_softmax(target.model(torch.tensor([context])).logits[:, -1], dim=-1)
        for edit in target.distribution_edits:
            log_probs = torch.log_softmax(edit([context], log_probs, [step]), dim=-1)
        context = [*context, int(log_probs.argmax())]
        if context[-1] == target.tokenizer.eos_token_id:
            break
    return context[start:]


def said(target: Target, tokens: list[int]) -> str:
    return target.tokenizer.decode(tokens, skip_special_tokens=True)


def test_greedy_replies_equal_those_of_transformers(target: Target, chats: list[Chat]) -> None:
    replies = target.generate(chats, GREEDY)
    assert [reply.text for reply in replies] == [said(target, transformers_greedy(target, chat)) for chat in chats]


def test_a_reply_is_the_same_alone_and_in_any_batch(target: Target, chats: list[Chat]) -> None:
    alone = [target.generate([chat], GREEDY)[0] for chat in chats]
    assert target.generate(chats, GREEDY) == alone
    assert target.generate(chats[::-1], GenerationConfig(16, batch_size=7)) == alone[::-1]


def test_rows_that_end_early_leave_the_batch_and_the_others_unchanged(
    target: Target, chats: list[Chat], monkeypatch: pytest.MonkeyPatch
) -> None:
    free = [transformers_greedy(target, chat) for chat in chats]
    ends = [2, *{reply[3 + i] for i, reply in enumerate(free) if len(reply) > 3 + i}]
    monkeypatch.setattr(target.model.generation_config, "eos_token_id", ends)
    replies = target.generate(chats, GenerationConfig(16, batch_size=7))
    cut = []
    for reply in free:
        stop = next((i for i, token in enumerate(reply) if token in ends), None)
        cut.append((said(target, reply[:stop]), "length" if stop is None else "stop", len(reply[:stop])))
    assert [(reply.text, reply.stopped, reply.reply_tokens) for reply in replies] == cut
    assert len({reply.reply_tokens for reply in replies}) > 2


def test_a_reply_tells_its_lengths_and_why_it_stopped(llama: Target, chats: list[Chat]) -> None:
    for chat, reply in zip(chats, llama.generate(chats, GenerationConfig(3)), strict=True):
        assert reply.prompt_tokens == len(llama.encode(chat))
        assert reply.reply_tokens == 3 or reply.stopped == "stop"
        assert reply.scores == ()


def test_nothing_asked_gives_no_reply(llama: Target) -> None:
    assert llama.generate([], GREEDY) == []


def test_an_edit_of_the_distribution_sees_the_context_and_step_of_its_row(target: Target, chats: list[Chat]) -> None:
    edited = target.with_distribution_edit(Insist(2.0)).with_distribution_edit(Forbid(7))
    replies = edited.generate(chats, GenerationConfig(6, batch_size=4))
    assert [reply.text for reply in replies] == [
        said(target, [t for t in stepwise_greedy(edited, chat, 6) if t != 2]) for chat in chats
    ]
    assert replies != target.generate(chats, GenerationConfig(6, batch_size=4))


def test_a_forbidden_token_is_never_said(llama: Target, chats: list[Chat]) -> None:
    (first,) = {transformers_greedy(llama, chats[0], 1)[0]}
    reply = llama.with_distribution_edit(Forbid(first)).generate(chats[:1], GenerationConfig(1))[0]
    assert reply.text != said(llama, [first])


def test_a_chat_edit_changes_what_the_model_is_asked(llama: Target, chats: list[Chat]) -> None:
    reminded = llama.with_chat_edit(Reminder("be safe"))
    asked = (Message("system", "be safe"), *chats[0])
    assert reminded.render(chats[0]) == llama.render(asked)
    assert reminded.generate(chats[:1], GREEDY) == llama.generate([asked], GREEDY)


def test_an_output_filter_sees_the_chat_as_it_was_asked(llama: Target, chats: list[Chat]) -> None:
    plain = llama.with_chat_edit(Reminder("be safe"))
    filtered = plain.with_output_filter(Shout())
    text = plain.generate(chats[:1], GREEDY)[0].text
    assert filtered.generate(chats[:1], GREEDY)[0].text == f"{chats[0][-1].content}: {text}".upper()


class Noting:
    """An output filter that gives out what it was given, or less, and keeps what it was told."""

    def __init__(self, name: str, kept: int | None = None) -> None:
        self.fingerprint, self.kept = name, kept
        self.seen: list[Asked] = []

    def __call__(self, asked: Asked, texts: Sequence[str]) -> list[str]:
        self.seen.append(asked)
        return list(texts[: self.kept])


def test_a_filter_may_ask_the_target_that_it_stands_on_without_itself(llama: Target, chats: list[Chat]) -> None:
    inner, outer = Noting("inner"), Noting("outer")
    filtered = llama.with_output_filter(inner).with_output_filter(outer).with_chat_edit(Reminder("be safe"))
    filtered.generate(chats[:3], GREEDY, [4, 5, 6])
    (first,), (second,) = inner.seen, outer.seen
    assert (first.target.output_filters, second.target.output_filters) == ((), (inner,))
    assert first.target.chat_edits == filtered.chat_edits
    assert (list(first.chats), first.config, list(first.draws)) == (chats[:3], GREEDY, [4, 5, 6])


def test_a_filter_that_loses_a_reply_is_an_error(llama: Target, chats: list[Chat]) -> None:
    with pytest.raises(ValueError, match="2 texts for 3 chats"):
        llama.with_output_filter(Noting("loses", 2)).generate(chats[:3], GREEDY)


def test_a_sampled_reply_does_not_depend_on_its_batch(target: Target, chats: list[Chat]) -> None:
    alone = [target.generate([chat], SAMPLED)[0] for chat in chats]
    assert target.generate(chats, SAMPLED) == alone
    assert target.generate(chats[::-1], GenerationConfig(12, 1.0, 0.9, 5, batch_size=7)) == alone[::-1]


def test_sampled_replies_follow_the_seed(llama: Target, chats: list[Chat]) -> None:
    other = GenerationConfig(12, 1.0, 0.9, seed=6)
    assert llama.generate(chats, SAMPLED) == llama.generate(chats, SAMPLED)
    assert llama.generate(chats, SAMPLED) != llama.generate(chats, other)


def test_base_and_defended_arm_draw_with_the_same_numbers(llama: Target, chats: list[Chat]) -> None:
    """A chat edit that changes nothing must not move a sampled reply, nor may the random state of the program."""

    class Nothing(Reminder):
        def __call__(self, chat: Chat) -> Chat:
            return chat

    before = llama.generate(chats, SAMPLED)
    state = torch.get_rng_state()
    assert llama.with_chat_edit(Nothing("")).generate(chats, SAMPLED) == before
    assert torch.equal(torch.get_rng_state(), state)


def test_a_temperature_near_zero_is_greedy(llama: Target, chats: list[Chat]) -> None:
    assert llama.generate(chats, GenerationConfig(8, temperature=1e-4)) == llama.generate(chats, GenerationConfig(8))


def test_draws_follow_the_probabilities_of_the_nucleus() -> None:
    logits = torch.tensor([0.5, 0.3, 0.15, 0.05]).log().repeat(4000, 1)
    uniforms = torch.linspace(0, 1, 4001, dtype=torch.float64)[:-1]
    shares = drawn(logits, uniforms, temperature=1.0, top_p=0.9).bincount(minlength=4) / 4000
    assert torch.allclose(shares, torch.tensor([0.5, 0.3, 0.15, 0.0]) / 0.95, atol=1e-3)
    assert drawn(logits, uniforms, temperature=1.0, top_p=0.4).eq(0).all()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(-30, 30), min_size=2, max_size=8),
    st.floats(0, 1, exclude_max=True),
    st.floats(0.1, 3),
    st.floats(0.01, 1),
)
def test_a_draw_lies_in_the_nucleus(logits: list[float], uniform: float, temperature: float, top_p: float) -> None:
    token = int(drawn(torch.tensor([logits]), torch.tensor([uniform]), temperature=temperature, top_p=top_p))
    probabilities = (torch.tensor(logits, dtype=torch.float64) / temperature).softmax(0)
    likelier = probabilities[probabilities > probabilities[token]].sum()
    assert probabilities[token] > 0
    assert likelier < top_p + 1e-6


def test_a_context_longer_than_the_model_is_refused_by_name(llama: Target, chats: list[Chat]) -> None:
    long = (Message("user", "bread " * 600),)
    tokens = len(llama.encode(long))
    with pytest.raises(RequestError, match=f"sample 1: a prompt of {tokens} tokens and a reply of 16 exceed the 512"):
        llama.generate([chats[0], long], GREEDY)
    with pytest.raises(RequestError, match="a reply of 510"):
        llama.generate(chats[:1], GenerationConfig(510))


def test_who_knows_the_sample_can_name_it_in_the_error(llama: Target, chats: list[Chat]) -> None:
    with pytest.raises(SampleError) as caught:
        llama.generate([chats[0], (Message("user", "bread " * 600),)], GREEDY)
    assert caught.value.index == 1
    said, named = str(caught.value), caught.value.named("xstest-7")
    assert type(named) is RequestError
    assert str(named) == said.replace("sample 1: ", "sample 'xstest-7': ")


def test_a_model_that_computes_no_numbers_stops_with_the_sample(llama: Target, chats: list[Chat]) -> None:
    weight = llama.model.get_input_embeddings().weight
    kept = weight.data.clone()
    try:
        weight.data[llama.encode(chats[2])[-2]] = float("nan")
        with pytest.raises(RequestError, match=r"sample 0: .* not numbers"):
            llama.generate([chats[2]], GREEDY)
        with pytest.raises(RequestError, match=r"sample 0: .* not numbers"):
            llama.score([chats[2]], ["yes"])
    finally:
        weight.data.copy_(kept)


@pytest.mark.parametrize("wrong", [{"temperature": -1.0}, {"top_p": 0.0}, {"max_new_tokens": 0}, {"batch_size": 0}])
def test_a_decoding_that_makes_no_sense_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must"):
        GenerationConfig(**({"max_new_tokens": 4} | wrong))


def test_top_k_never_draws_beyond_the_likeliest_and_keeps_their_proportions() -> None:
    logits = torch.tensor([[3.0, 2.0, 1.0, 0.0]]).repeat(4000, 1)
    uniforms = (torch.arange(4000, dtype=torch.float64) + 0.5) / 4000
    counts = drawn(logits, uniforms, temperature=1.0, top_k=2).bincount(minlength=4) / 4000
    expected = torch.tensor([3.0, 2.0]).softmax(0).tolist()
    assert counts.tolist() == pytest.approx([*expected, 0.0, 0.0], abs=1e-3)


def test_top_k_of_one_is_greedy(llama: Target, chats: list[Chat]) -> None:
    sampled = llama.generate(chats, GenerationConfig(8, temperature=1.0, top_k=1))
    assert [reply.text for reply in sampled] == [reply.text for reply in llama.generate(chats, GenerationConfig(8))]


def test_draws_of_one_chat_differ_and_each_can_be_repeated(llama: Target, chats: list[Chat]) -> None:
    same = [chats[0]] * 4
    replies = [reply.text for reply in llama.generate(same, SAMPLED, draws=[0, 1, 2, 3])]
    assert len(set(replies)) == 4
    assert [reply.text for reply in llama.generate(same[:2], SAMPLED, draws=[3, 0])] == [replies[3], replies[0]]
    assert llama.generate(same[:1], SAMPLED)[0].text == replies[0]

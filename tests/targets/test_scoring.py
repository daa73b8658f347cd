"""Likelihoods are those of one plain forward pass, however prompts are shared, padded and batched."""

import math

import pytest
import torch

from crossrisk.errors import NotScorable, RequestError
from crossrisk.risks import Chat, Message
from crossrisk.targets.distribution import FORBIDDEN
from crossrisk.targets.target import GenerationConfig, Sampler, Target
from tests.targets.edits import Forbid, Insist, Reminder, Shout

CHOICES = ["A", "yes", "No, I do not agree.", " the doctor, who reads a book about bread", "a é"]


def plain(target: Target, chat: Chat, continuation: str) -> list[float]:
    """The definition: one row, no padding, no cache; edits one position at a time."""
    prompt = target.encode(chat)
    reply = target.tokenizer(continuation, add_special_tokens=False)["input_ids"]
    with torch.no_grad():
        logits = target.model(torch.tensor([prompt + reply])).logits[0]
    values = []
    for step, token in enumerate(reply):
        log_probs = torch.log_softmax(logits[None, len(prompt) - 1 + step].float(), dim=-1)
        for edit in target.distribution_edits:
            log_probs = torch.log_softmax(edit([prompt + reply[:step]], log_probs, [step]), dim=-1)
        values.append(float(log_probs[0, token]))
    return values


def crossed(chats: list[Chat]) -> tuple[list[Chat], list[str]]:
    """Every chat with every choice, siblings together."""
    return [chat for chat in chats for _ in CHOICES], CHOICES * len(chats)


def assert_plain(target: Target, chats: list[Chat], continuations: list[str], batch_size: int = 32) -> None:
    scores = target.score(chats, continuations, batch_size)
    assert len(scores) == len(chats)
    for chat, continuation, score in zip(chats, continuations, scores, strict=True):
        assert score.log_probs == pytest.approx(plain(target, chat, continuation), abs=1e-4)
        assert target.tokenizer.decode(score.tokens) == continuation


def test_scores_equal_one_plain_forward_pass(target: Target, chats: list[Chat]) -> None:
    assert_plain(target, *crossed(chats))


@pytest.mark.parametrize("batch_size", [1, 3])
def test_scores_do_not_depend_on_the_batch(target: Target, chats: list[Chat], batch_size: int) -> None:
    assert_plain(target, *crossed(chats[:4]), batch_size=batch_size)


def test_scores_come_in_the_order_of_the_request(target: Target, chats: list[Chat]) -> None:
    asked, choices = crossed(chats)
    order = [(7 * i) % len(asked) for i in range(len(asked))]
    assert_plain(target, [asked[i] for i in order], [choices[i] for i in order])


def test_siblings_need_one_pass_over_their_prompt(llama: Target, chats: list[Chat]) -> None:
    seen: list[tuple[int, ...]] = []
    handle = llama.model.register_forward_pre_hook(
        lambda model, args, kwargs: seen.append(tuple(kwargs["input_ids"].shape)), with_kwargs=True
    )
    try:
        llama.score([chats[0]] * 4, ["A", "B", "C", "D"])
        prompt = len(llama.encode(chats[0]))
        assert seen == [(1, prompt)]
        seen.clear()
        llama.score([chats[0]] * 2, ["the doctor", "no"])
        lengths = [len(llama.tokenizer(text, add_special_tokens=False)["input_ids"]) for text in ("the doctor", "no")]
        assert seen == [(1, prompt), (sum(n > 1 for n in lengths), max(lengths) - 1)]
    finally:
        handle.remove()


def test_repeated_requests_score_alike(llama: Target, chats: list[Chat]) -> None:
    first, second = llama.score([chats[0], chats[0]], ["the doctor"] * 2)
    assert first.log_probs == pytest.approx(second.log_probs, abs=1e-6)


def test_an_empty_continuation_has_no_tokens(llama: Target, chats: list[Chat]) -> None:
    empty, full = llama.score([chats[0]] * 2, ["", "yes"])
    assert empty.tokens == () and empty.total == 0.0
    assert full.total == pytest.approx(sum(plain(llama, chats[0], "yes")), abs=1e-4)


def test_raw_text_is_scored_from_the_start_token(llama: Target) -> None:
    """An unconditional likelihood: the prompt is empty, the continuation is the text."""
    (score,) = llama.score([(Message("text", ""),)], ["The baker bought bread."])
    reply = llama.tokenizer("The baker bought bread.", add_special_tokens=False)["input_ids"]
    with torch.no_grad():
        logits = llama.model(torch.tensor([[1, *reply]])).logits[0].log_softmax(-1)
    assert score.log_probs == pytest.approx([float(logits[i, token]) for i, token in enumerate(reply)], abs=1e-4)


def test_probabilities_of_all_first_tokens_sum_to_one(llama: Target, chats: list[Chat]) -> None:
    edited = llama.with_distribution_edit(Insist(3.0))
    ids = [i for i in range(6, 384) if llama.tokenizer.decode([i]).isascii()]
    texts = [text for i in ids if len(llama.tokenizer(text := llama.tokenizer.decode([i]))["input_ids"]) == 2]
    total = sum(math.exp(score.total) for score in edited.score([chats[0]] * len(texts), texts))
    assert 0.0 < total <= 1.0 + 1e-5


def test_edits_enter_the_likelihood_at_every_position(target: Target, chats: list[Chat]) -> None:
    edited = target.with_distribution_edit(Insist(2.0)).with_distribution_edit(Forbid(7))
    assert_plain(edited, *crossed(chats[:4]))
    asked, choices = crossed(chats[:1])
    assert edited.score(asked, choices) != target.score(asked, choices)


def test_a_forbidden_token_scores_a_floor_and_never_infinity(llama: Target, chats: list[Chat]) -> None:
    token = llama.tokenizer("yes", add_special_tokens=False)["input_ids"][0]
    (score,) = llama.with_distribution_edit(Forbid(token)).score(chats[:1], ["yes"])
    assert score.log_probs[0] == FORBIDDEN


def test_chat_edits_enter_the_likelihood(llama: Target, chats: list[Chat]) -> None:
    reminded = llama.with_chat_edit(Reminder("be safe"))
    asked = (Message("system", "be safe"), *chats[0])
    assert reminded.score(chats[:1], ["yes"]) == llama.score([asked], ["yes"])


def test_behind_an_output_filter_there_is_no_likelihood(llama: Target, chats: list[Chat]) -> None:
    with pytest.raises(NotScorable, match="output filter"):
        llama.with_output_filter(Shout()).score(chats[:1], ["yes"])


def test_a_pair_longer_than_the_model_is_refused_by_name(llama: Target, chats: list[Chat]) -> None:
    long = "bread " * 600
    with pytest.raises(RequestError, match=r"sample 1: .* exceed the 512 positions"):
        llama.score([chats[0], chats[0]], ["yes", long])


def test_a_reply_may_end_at_the_models_last_position(llama: Target) -> None:
    """Siblings of unequal length at the very end: padding must not be looked up past the table of positions."""
    words = 500
    while len(llama.encode((Message("text", "a " * words),))) > 500:
        words -= 1
    chat = (Message("text", "a " * words),)
    room = 512 - len(llama.encode(chat))
    assert_plain(llama, [chat, chat], ["x" * room, "x" * (room // 2)])


def test_half_precision_is_read_in_float32(llama: Target, chats: list[Chat], tiny_llama) -> None:  # type: ignore[no-untyped-def]
    from crossrisk.targets.loading import load_target

    half = load_target(tiny_llama, dtype="bfloat16", device="cpu")
    assert half.dtype == torch.bfloat16
    wide, narrow = llama.score(chats[:3], ["yes"] * 3), half.score(chats[:3], ["yes"] * 3)
    for a, b in zip(wide, narrow, strict=True):
        assert b.total == pytest.approx(a.total, abs=0.5)
        assert b.total != a.total


def distributions(target: Target, chat: Chat, continuation: str) -> torch.Tensor:
    """log p over the vocabulary at every token of the continuation, by one plain pass, [tokens, vocabulary]."""
    prompt = target.encode(chat)
    reply = target.tokenizer(continuation, add_special_tokens=False)["input_ids"]
    with torch.no_grad():
        logits = target.model(torch.tensor([prompt + reply])).logits[0]
    rows = []
    for step in range(len(reply)):
        log_probs = torch.log_softmax(logits[None, len(prompt) - 1 + step].double(), dim=-1)
        for edit in target.distribution_edits:
            log_probs = torch.log_softmax(edit([prompt + reply[:step]], log_probs, [step]), dim=-1)
        rows.append(log_probs[0])
    return torch.stack(rows)


def test_moments_are_those_of_the_whole_distribution(target: Target, chats: list[Chat]) -> None:
    asked, texts = crossed(chats[:4])
    for chat, text, score in zip(asked, texts, target.score(asked, texts, 5, Sampler(7, 0.8)), strict=True):
        log_probs = distributions(target, chat, text)
        p, own = log_probs.exp(), log_probs.gather(1, torch.tensor(score.tokens)[:, None])[:, 0]
        mean = (p * log_probs).sum(1)
        assert score.means == pytest.approx(mean.tolist(), abs=1e-3)
        assert score.deviations == pytest.approx(((p * log_probs**2).sum(1) - mean**2).sqrt().tolist(), abs=1e-3)
        assert score.ranks == tuple((log_probs > own[:, None] + 1e-9).sum(1).tolist())
        kept = (log_probs / 0.8).topk(7, dim=1)
        for place, (token, sampled) in enumerate(zip(score.tokens, score.sampled, strict=True)):
            if token in kept.indices[place].tolist():
                assert sampled == pytest.approx(float(own[place] / 0.8 - kept.values[place].logsumexp(0)), abs=1e-3)
            else:
                assert sampled == -math.inf


def test_moments_do_not_change_the_scores_and_are_left_out_where_nobody_asks(llama: Target, chats: list[Chat]) -> None:
    asked, texts = crossed(chats)
    plain_scores, with_moments = llama.score(asked, texts), llama.score(asked, texts, moments=Sampler(40))
    assert [score.log_probs for score in plain_scores] == [score.log_probs for score in with_moments]
    assert all(score.ranks == score.means == score.deviations == score.sampled == () for score in plain_scores)


def test_a_greedy_reply_has_rank_zero_at_every_token(llama: Target, chats: list[Chat]) -> None:
    replies = llama.generate(chats, GenerationConfig(6))
    ended = [(chat, reply.text or "") for chat, reply in zip(chats, replies, strict=True) if reply.text]
    scores = llama.score([chat for chat, _ in ended], [text for _, text in ended], moments=Sampler(1))
    for (_, text), score in zip(ended, scores, strict=True):
        if llama.tokenizer.decode(score.tokens) == text and len(score.tokens) == 6:
            assert set(score.ranks) == {0} and score.sampled == pytest.approx([0.0] * 6)


def test_edits_of_the_distribution_count_in_its_moments(llama: Target, chats: list[Chat]) -> None:
    (score,) = llama.score(chats[:1], ["the doctor"], moments=Sampler(3))
    edited = llama.with_distribution_edit(Insist(2.0))
    (other,) = edited.score(chats[:1], ["the doctor"], moments=Sampler(3))
    expected = distributions(edited, chats[0], "the doctor")
    assert other.means == pytest.approx((expected.exp() * expected).sum(1).tolist(), abs=1e-3)
    assert other.means != score.means


@pytest.mark.parametrize(("top_k", "temperature"), [(0, 1.0), (5, 0.0)])
def test_a_sampler_that_can_draw_nothing_is_refused(top_k: int, temperature: float) -> None:
    with pytest.raises(ValueError, match="top_k must be at least 1"):
        Sampler(top_k, temperature)

"""The second reading says what one plain forward pass would say, and reads no token twice that it need not."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor

from crossrisk.risks import Chat
from crossrisk.targets.auxiliary import NextToken
from crossrisk.targets.layers import decoder_layers
from crossrisk.targets.target import Target
from crossrisk.targets.weights import patched_weights
from tests.targets.edits import Forbid

REPLIES = ([7, 8, 9, 10, 11, 12], [7, 8, 30], [40], [7, 8, 9, 50, 51], [60, 61])


def plain(target: Target, context: list[int]) -> Tensor:
    """The definition: one row, no padding, no cache."""
    with torch.no_grad():
        return torch.log_softmax(target.model(torch.tensor([context])).logits[0, -1].float(), dim=-1)


def assert_plain(target: Target, contexts: list[list[int]], read: Tensor) -> None:
    assert len(read) == len(contexts)
    for context, row in zip(contexts, read, strict=True):
        torch.testing.assert_close(row, plain(target, context), atol=2e-4, rtol=0)


@contextmanager
def counted(target: Target) -> Iterator[list[tuple[int, int]]]:
    """Shapes of all that goes into the model, rows and tokens."""
    seen: list[tuple[int, int]] = []

    def see(module: Any, args: Any, kwargs: Any) -> None:
        seen.append(tuple(kwargs["input_ids"].shape))

    handle = target.model.register_forward_pre_hook(see, with_kwargs=True)
    try:
        yield seen
    finally:
        handle.remove()


def test_while_replies_grow_each_row_is_read_as_if_alone_also_when_others_have_ended(target, chats):
    prompts = target.encode_all(chats[:5])
    reader = NextToken(target)
    for step in range(6):
        going = [row for row, reply in enumerate(REPLIES) if len(reply) >= step]
        contexts = [prompts[row] + REPLIES[row][:step] for row in going]
        assert_plain(target, contexts, reader.log_probs(contexts, [step] * len(contexts)))


def test_a_generating_reader_reads_one_token_a_row_and_step(llama: Target, chats: list[Chat]) -> None:
    prompts = llama.encode_all(chats[:5])
    reader = NextToken(llama)
    with counted(llama) as seen:
        for step in range(4):
            rows = [row for row in range(5) if len(REPLIES[row]) >= step]
            reader.log_probs([prompts[row] + REPLIES[row][:step] for row in rows], [step] * len(rows))
    assert seen == [(5, max(map(len, prompts))), (5, 1), (4, 1), (3, 1)]


def test_all_positions_of_all_replies_are_read_in_any_order(target, chats):
    prompts = target.encode_all(chats[:3])
    asked = [(prompt, reply[:step]) for prompt in prompts for reply in REPLIES for step in range(len(reply) + 1)]
    asked = [asked[(11 * i) % len(asked)] for i in range(len(asked))]
    contexts = [prompt + reply for prompt, reply in asked]
    assert_plain(target, contexts, NextToken(target).log_probs(contexts, [len(reply) for _, reply in asked]))


def test_a_scoring_reader_reads_each_prompt_once_and_of_each_reply_its_longest_part(llama, chats):
    prompts = llama.encode_all(chats[:2])
    reader = NextToken(llama)
    asked = [(prompt, reply[:step]) for prompt in prompts for reply in REPLIES for step in range(1, len(reply) + 1)]
    with counted(llama) as seen:
        reader.log_probs(prompts, [0, 0])
        for chunk in (asked[:17], asked[17:]):
            reader.log_probs([prompt + reply for prompt, reply in chunk], [len(reply) for _, reply in chunk])
    assert seen == [(2, max(map(len, prompts))), (5, 6), (5, 6)]


def test_a_prompt_without_what_came_before_it_is_begun_anew(llama, chats):
    prompts = llama.encode_all(chats[:4])
    reader = NextToken(llama)
    reader.log_probs(prompts[:2], [0, 0])
    contexts = [prompts[3] + REPLIES[0][:4], prompts[1] + REPLIES[1][:2]]
    assert_plain(llama, contexts, reader.log_probs(contexts, [4, 2]))
    contexts = [contexts[0] + [5], contexts[0] + [6], contexts[1] + [5]]
    assert_plain(llama, contexts, reader.log_probs(contexts, [5, 5, 3]))


def test_what_was_read_before_the_model_changed_is_never_used_after_it(llama, chats):
    prompts = llama.encode_all(chats[:2])
    reader = NextToken(llama)
    reader.log_probs(prompts, [0, 0])
    name = "model.layers.0.mlp.down_proj.weight"
    with patched_weights(llama.model, {name: torch.ones_like(llama.model.get_parameter(name))}):
        # The second prompt is what the first one and a token of a reply look like.
        longer = [prompts[0] + [9], prompts[1] + [9]]
        assert_plain(llama, longer, reader.log_probs(longer, [0, 0]))


def test_activation_edits_act_and_edits_of_the_distribution_do_not(llama, chats):
    class Push:
        fingerprint = "push"

        def gates(self, target: Target, prompts: Any) -> Tensor:
            return torch.tensor([float(len(prompt) % 2) for prompt in prompts])

        def changes(self, model: Any, gates: Tensor) -> Any:
            def push(given: Tensor, hidden: Tensor) -> Tensor:
                return hidden + gates[:, None, None]

            return [(decoder_layers(model)[0], push)]

    pushed = llama.with_activation_edit(Push())
    prompts = pushed.encode_all(chats)
    reader = NextToken(pushed.with_distribution_edit(Forbid(9)))
    words = pushed.tokenizer.decode([9])
    expected = [row.log_probs[0] for row in pushed.score(chats, [words] * len(chats))]
    found = reader.log_probs(prompts, [0] * len(prompts))[:, 9].tolist()
    assert found == pytest.approx(expected, abs=1e-4)
    base = [row.log_probs[0] for row in llama.score(chats, [words] * len(chats))]
    moved = [abs(a - b) > 1e-3 for a, b in zip(expected, base, strict=True)]
    assert moved == [len(prompt) % 2 == 1 for prompt in prompts]
    again = reader.log_probs([[*prompt, 9, 10] for prompt in prompts], [2] * len(prompts))
    for chat, row in zip(chats, again, strict=True):
        third = pushed.score([chat], [pushed.tokenizer.decode([9, 10, 11])])[0]
        if third.tokens == (9, 10, 11):
            assert float(row[11]) == pytest.approx(third.log_probs[2], abs=1e-4)


def test_forgetting_lets_go_and_changes_nothing(llama, chats):
    prompts = llama.encode_all(chats[:3])
    reader = NextToken(llama)
    reader.log_probs(prompts, [0] * 3)
    reader.forget()
    contexts = [[*prompt, 9] for prompt in prompts]
    assert_plain(llama, contexts, reader.log_probs(contexts, [1] * 3))

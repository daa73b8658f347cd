"""Edits of hidden states act on each row by its own gate, and on nothing before the prompt's last token."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest
import torch
from torch import Tensor

from crossrisk.errors import SampleError
from crossrisk.risks import Chat, Message
from crossrisk.targets.activation import activated, hidden_states
from crossrisk.targets.layers import decoder_layers, hooked, layer_output, with_layer_output
from crossrisk.targets.target import GenerationConfig, Sampler, Target, combined_fingerprint
from tests.targets.edits import Insist, Push, Reminder

CHOICES = ["A", "yes", "No, I do not agree.", " the doctor, who reads a book about bread"]
PUSH, DEEPER = Push(3.0), Push(-2.0, layer=1)


def plain(target: Target, chat: Chat, continuation: str, edits: Sequence[Push]) -> list[float]:
    """The definition: one row, no padding, no cache; every edit reads its gate off a pass with those before it."""
    prompt = target.encode(chat)
    reply = target.tokenizer(continuation, add_special_tokens=False)["input_ids"]
    pushes: list[tuple[Push, float]] = []
    for edit in edits:
        seen = passed(target, prompt, prompt, pushes, read=edit.layer)[1]
        pushes.append((edit, float(seen[0, -1, 1])))
    logits = passed(target, prompt, prompt + reply, pushes)[0]
    log_probs = torch.log_softmax(logits.float(), dim=-1)
    return [float(log_probs[0, len(prompt) - 1 + i, token]) for i, token in enumerate(reply)]


def passed(target: Target, prompt: list[int], ids: list[int], pushes: Any, read: int = 0) -> tuple[Tensor, Tensor]:
    layers, seen = decoder_layers(target.model), []

    def push(edit: Push, gate: float) -> Any:
        def hook(module: Any, args: Any, output: Any) -> Any:
            hidden = layer_output(output).clone()
            hidden[:, len(prompt) - 1 :, 0] += edit.amount * gate
            return with_layer_output(output, hidden)

        return hook

    def reader(module: Any, args: Any, output: Any) -> None:
        seen.append(layer_output(output))

    hooks = [(layers[edit.layer], push(edit, gate)) for edit, gate in pushes]
    with torch.no_grad(), hooked([*hooks, (layers[read], reader)]):
        return target.model(torch.tensor([ids])).logits, seen[0]


def edited(target: Target, *edits: Any) -> Target:
    for edit in edits:
        target = target.with_activation_edit(edit)
    return target


@pytest.mark.parametrize("edits", [(PUSH,), (PUSH, DEEPER), (DEEPER, PUSH, PUSH)])
def test_scores_are_those_of_one_plain_pass_with_the_same_edits(target, chats, edits):
    asked, said = [chat for chat in chats for _ in CHOICES], CHOICES * len(chats)
    scores = edited(target, *edits).score(asked, said)
    for chat, choice, found in zip(asked, said, scores, strict=True):
        assert found.log_probs == pytest.approx(plain(target, chat, choice, edits), abs=2e-4)
    assert [found.log_probs for found in scores] != [found.log_probs for found in target.score(asked, said)]


@pytest.mark.parametrize("batch_size", [1, 3])
def test_scores_hang_on_no_other_row(llama, chats, batch_size):
    one = edited(llama, PUSH, DEEPER)
    asked, said = [chat for chat in chats for _ in CHOICES], CHOICES * len(chats)
    together = [found.log_probs for found in one.score(asked, said)]
    for alone, found in zip(one.score(asked, said, batch_size), together, strict=True):
        assert alone.log_probs == pytest.approx(found, abs=1e-4)


def test_replies_hang_on_no_other_row_while_rows_leave_the_batch(target, chats):
    one, config = edited(target, PUSH, DEEPER), GenerationConfig(12)
    together = one.generate(chats, config)
    assert [reply.text for reply in together] == [one.generate([chat], config)[0].text for chat in chats]
    assert [reply.text for reply in together] != [reply.text for reply in target.generate(chats, config)]


def test_what_is_generated_greedily_is_scored_as_the_likeliest(llama, chats):
    one = edited(llama, PUSH, DEEPER)
    begun = [str(one.generate([chat], GenerationConfig(n))[0].text) for chat in chats for n in (1, 2, 3)]
    asked = [chat for chat in chats for _ in (1, 2, 3)]
    whole = [i for i, text in enumerate(begun) if text and "\ufffd" not in text]  # cut characters encode otherwise
    assert len(whole) >= 5
    found = one.score([asked[i] for i in whole], [begun[i] for i in whole], moments=Sampler(10))
    assert sum(set(scores.ranks) == {0} for scores in found) >= len(whole) - 1  # a word may be cut in other tokens


def test_the_first_token_is_as_likely_as_it_scores(target, chats):
    one = edited(target, PUSH)
    words = ["yes", "A"]
    scored = one.score([chat for chat in chats for _ in words], words * len(chats))
    chances = [found.chances[word] for found in one.first_token(chats, words) for word in words]
    firsts = [found.log_probs[0] for found in scored]
    assert torch.tensor(chances).log().tolist() == pytest.approx(firsts, abs=1e-3)


def test_edits_of_chat_distribution_and_activations_act_together(llama, chats):
    one = edited(llama, PUSH).with_chat_edit(Reminder("be kind")).with_distribution_edit(Insist(0.5))
    asked = [chat for chat in chats if chat[0].role == "user"]
    together = one.generate(asked, GenerationConfig(6))
    assert [reply.text for reply in together] == [one.generate([chat], GenerationConfig(6))[0].text for chat in asked]
    without = replace(one, activation_edits=())
    assert [found.total for found in one.score(asked, ["yes"] * len(asked))] != [
        found.total for found in without.score(asked, ["yes"] * len(asked))
    ]


@dataclass(frozen=True)
class OnlyLong(Push):
    """Opens for prompts of at least twenty tokens."""

    def gates(self, target: Target, prompts: Sequence[list[int]]) -> Tensor:
        return torch.tensor([float(len(prompt) >= 20) for prompt in prompts])


def test_a_row_with_its_gate_shut_is_the_base_bit_for_bit_in_a_mixed_batch(target, chats):
    long = [len(target.encode(chat)) >= 20 for chat in chats]
    assert 0 < sum(long) < len(chats)
    said = ["No, I do not agree."] * len(chats)
    base, one = target.score(chats, said), edited(target, OnlyLong(5.0)).score(chats, said)
    assert [a.log_probs != b.log_probs for a, b in zip(base, one, strict=True)] == long


def test_an_edit_leaves_no_hook_behind_also_after_an_error(llama, chats):
    @dataclass(frozen=True)
    class Breaks(OnlyLong):
        def changes(self, model: Any, gates: Tensor) -> Any:
            def change(given: Tensor, hidden: Tensor) -> Tensor:
                raise KeyboardInterrupt

            yield decoder_layers(model)[0], change

    before = llama.score(chats, ["yes"] * len(chats))
    with pytest.raises(KeyboardInterrupt):
        edited(llama, Breaks(1.0)).generate(chats, GenerationConfig(2))
    assert not any(module._forward_hooks for module in llama.model.modules())
    assert llama.score(chats, ["yes"] * len(chats)) == before


def test_without_edits_the_fingerprint_is_what_it_always_was(llama):
    assert combined_fingerprint("base", ["a"], [], ["b"], ["m"]) == (
        "7d4586569ac666af1c50757536c6b2d9ff945fda25cc1c89913f04ca0772b351"
    )
    assert len({llama.fingerprint, edited(llama, PUSH).fingerprint, edited(llama, PUSH, PUSH).fingerprint}) == 3
    assert edited(llama, PUSH, DEEPER).fingerprint != edited(llama, DEEPER, PUSH).fingerprint


def test_gates_are_asked_of_the_target_with_the_edits_below_alone(llama):
    asked: list[int] = []

    @dataclass(frozen=True)
    class Notes(Push):
        def gates(self, target: Target, prompts: Sequence[list[int]]) -> Tensor:
            asked.append(len(target.activation_edits))
            return torch.zeros(len(prompts))

    activated(edited(llama, Notes(1.0), Notes(2.0), Notes(3.0)), [[5, 6]])
    assert asked == [0, 1, 2]


def test_hidden_states_are_those_of_the_model(target, chats):
    prompts = target.encode_all(chats)
    replies = [target.tokenizer(text, add_special_tokens=False)["input_ids"] for text in CHOICES]
    replies = [replies[i % len(replies)] for i in range(len(prompts))]
    found = {place: hidden_states(target, prompts, replies, at=place) for place in ("prompt", "reply", "end")}
    for i, (prompt, reply) in enumerate(zip(prompts, replies, strict=True)):
        for layer in range(len(decoder_layers(target.model))):
            seen = passed(target, prompt, prompt + reply, [], read=layer)[1][0]
            expected = {"prompt": seen[len(prompt) - 1], "reply": seen[len(prompt) :].mean(dim=0), "end": seen[-1]}
            for place, states in found.items():
                torch.testing.assert_close(states[i, layer], expected[place], atol=2e-4, rtol=1e-4)


def test_hidden_states_are_read_with_the_edits_of_the_target(llama, chats):
    prompts = llama.encode_all(chats)
    plainly, pushed = hidden_states(llama, prompts), hidden_states(edited(llama, OnlyLong(5.0)), prompts)
    long = torch.tensor([float(len(prompt) >= 20) for prompt in prompts])
    torch.testing.assert_close(pushed[:, 0, 0] - plainly[:, 0, 0], 5.0 * long, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(pushed[:, 0, 1:], plainly[:, 0, 1:])


def test_hidden_states_of_a_row_that_does_not_fit_name_the_row(llama):
    with pytest.raises(SampleError) as error:
        hidden_states(llama, [[5, 6], [5] * 600])
    assert error.value.index == 1


def test_a_prompt_without_room_for_what_an_edit_looks_at_is_named_as_in_the_request(llama, chats):
    @dataclass(frozen=True)
    class LooksAhead(Push):
        def gates(self, target: Target, prompts: Sequence[list[int]]) -> Tensor:
            return hidden_states(target, prompts, [[5] * 9] * len(prompts), at="end")[:, 0, 0]

    asked = [*chats, (Message("text", "a " * 504),)]
    room = 512 - len(llama.encode(asked[-1]))
    assert 1 <= room < 9
    one = edited(llama, LooksAhead(1.0))
    for ask in (
        lambda: one.generate(asked, GenerationConfig(1)),
        lambda: one.score(asked, ["A"] * len(asked)),
        lambda: one.first_token(asked, ["A"]),
    ):
        with pytest.raises(SampleError) as error:
            ask()
        assert error.value.index == len(chats)

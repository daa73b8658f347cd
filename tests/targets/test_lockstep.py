"""Decoding in lockstep: the set speaks as in the other model, everything else as in the target."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch

from crossrisk.errors import NotScorable, RequestError, SampleError
from crossrisk.risks import Chat, Message
from crossrisk.targets.generation import stop_tokens
from crossrisk.targets.layers import decoder_layers, hooked
from crossrisk.targets.loading import load_target
from crossrisk.targets.lockstep import lockstep
from crossrisk.targets.neuron_passes import down_projections, neurons_of, shared_end
from crossrisk.targets.neuron_writes import members
from crossrisk.targets.target import GenerationConfig, Target
from tests.models import tiny_model
from tests.targets.edits import Forbid, Push, Reminder, Shout

GREEDY = GenerationConfig(max_new_tokens=12, batch_size=4)


@torch.no_grad()
def shaken(folder: Path, size: float = 0.2) -> Target:
    """The model of a folder with other MLPs."""
    target = load_target(folder, device="cpu")
    noise = torch.Generator().manual_seed(0)
    for layer in decoder_layers(target.model):
        for name, parameter in layer.named_parameters():
            if any(part in name for part in ("mlp", "fc1", "fc2")) and not name.endswith("bias"):
                parameter += size * torch.randn(parameter.shape, generator=noise)
    return target


def every(target: Target) -> torch.Tensor:
    return torch.ones(sum(neurons_of(target.model)), dtype=torch.bool)


def test_no_neuron_gives_the_targets_replies_and_all_give_the_other_models(target, folder_of, chats):
    defended = shaken(folder_of(target.model.config.model_type))
    own, others = defended.generate(chats, GREEDY), target.generate(chats, GREEDY)
    assert own != others
    assert lockstep(defended, target, chats, [], GREEDY) == own
    assert lockstep(defended, target, chats, every(target), GREEDY) == others


@torch.no_grad()
def stepwise(target: Target, other: Target, chat: Chat, neurons: torch.Tensor, new: int) -> list[int]:
    """The definition: no cache and no batch, both models read their whole context anew for every token."""
    prompt, another = target.encode(chat), other.encode(chat)
    member = members(neurons, 128).reshape(2, 64)
    shared, said = shared_end(prompt, another), []
    downs, others = down_projections(target.model), down_projections(other.model)
    for _ in range(new):
        values: dict[int, torch.Tensor] = {}
        ends = shared + len(said)

        def keep(layer, module, args, output, values=values):
            values[layer] = args[0]

        def write(layer, module, args, output, values=values, ends=ends):
            mine, theirs = args[0].clone(), values[layer][:, -ends:] * member[layer]
            mine[:, -ends:] = mine[:, -ends:] * ~member[layer]
            written = mine @ module.weight.T
            written[:, -ends:] += theirs @ others[layer].weight.T
            return written

        with hooked([(down, partial(keep, layer)) for layer, down in enumerate(others)]):
            other.model(torch.tensor([another + said]))
        with hooked([(down, partial(write, layer)) for layer, down in enumerate(downs)]):
            logits = target.model(torch.tensor([prompt + said])).logits
        said.append(int(logits[0, -1].argmax()))
        if said[-1] in stop_tokens(target):
            break
    return said


@pytest.mark.parametrize("reminded", [False, True])
def test_a_set_speaks_as_in_the_other_model_at_every_token(tiny_llama, llama, chats, reminded):
    defended, some = shaken(tiny_llama), torch.tensor([0, 5, 9, 33, 34, 60, 63, 70, 71, 99, 120, *range(40, 60)])
    if reminded:
        defended = defended.with_chat_edit(Reminder("be kind"))
    asked = [chats[i] for i in (0, 1, 3)]
    replies = lockstep(defended, llama, asked, some, GenerationConfig(5))
    said = [stepwise(defended, llama, chat, some, 5) for chat in asked]
    stops = stop_tokens(defended)
    texts = [defended.tokenizer.decode([t for t in each if t not in stops], skip_special_tokens=True) for each in said]
    assert [reply.text for reply in replies] == texts
    assert texts != [reply.text for reply in defended.generate(asked, GenerationConfig(5))]


def test_replies_hang_on_no_other_row_while_rows_leave_the_batch(target, folder_of, chats, monkeypatch):
    defended = shaken(folder_of(target.model.config.model_type)).with_chat_edit(Reminder("be kind"))
    half = every(target) & (torch.arange(len(every(target))) % 2 == 0)
    asked = [chat for chat in chats if chat[0].role == "user"]
    free = [defended.tokenizer(str(r.text))["input_ids"] for r in lockstep(defended, target, asked, half, GREEDY)]
    ends = [2, *{reply[3 + i] for i, reply in enumerate(free) if len(reply) > 3 + i}]
    monkeypatch.setattr(defended.model.generation_config, "eos_token_id", ends)
    together = lockstep(defended, target, asked, half, GenerationConfig(12, batch_size=7))
    assert together == [lockstep(defended, target, [chat], half, GREEDY)[0] for chat in asked]
    assert {reply.stopped for reply in together} >= {"stop"}


def test_words_that_a_defense_puts_before_the_prompt_are_read_by_it_alone(llama, tiny_llama, chats):
    plain = load_target(tiny_llama, device="cpu")
    reminded = plain.with_chat_edit(Reminder("be kind and careful"))
    asked = [chat for chat in chats if chat[0].role == "user"]
    own = reminded.generate(asked, GREEDY)
    assert lockstep(reminded, llama, asked, [], GREEDY) == own
    back = lockstep(reminded, llama, asked, every(llama), GREEDY)
    assert [reply.text for reply in back] != [reply.text for reply in own]
    assert [reply.prompt_tokens for reply in back] == [reply.prompt_tokens for reply in own]


def test_edits_of_activations_act_in_the_arm_that_has_them(llama, tiny_llama, chats):
    other = load_target(tiny_llama, device="cpu")
    pushed = other.with_activation_edit(Push(3.0, layer=0))
    own = pushed.generate(chats, GREEDY)
    assert lockstep(pushed, llama, chats, [], GREEDY) == own != llama.generate(chats, GREEDY)
    # The push comes after the last layer's neurons, so it stays, and what they write is what they write without it.
    late = other.with_activation_edit(Push(3.0, layer=1))
    assert lockstep(late, llama, chats, every(llama), GREEDY) == late.generate(chats, GREEDY)
    # A model beside it that is pushed gives what its own neurons write.
    assert lockstep(llama, pushed, chats, range(64, 128), GREEDY) != llama.generate(chats, GREEDY)


def test_it_is_greedy_and_asked_of_two_models_of_one_shape_whose_neurons_tell_all(llama, tiny_llama, chats, tmp_path):
    other = load_target(tiny_llama, device="cpu")
    with pytest.raises(ValueError, match="greedy"):
        lockstep(other, llama, chats, [0], GenerationConfig(4, temperature=1.0))
    wide = load_target(tiny_model("llama", tmp_path / "wide", intermediate_size=48), device="cpu")
    with pytest.raises(RequestError, match="other neurons than its base"):
        lockstep(wide, llama, chats, [0], GREEDY)
    with pytest.raises(NotScorable):
        lockstep(other.with_distribution_edit(Forbid(3)), llama, chats, [0], GREEDY)
    with pytest.raises(NotScorable):
        lockstep(other.with_output_filter(Shout()), llama, chats, [0], GREEDY)
    with pytest.raises(SampleError) as error:
        lockstep(other, llama, [chats[0], (Message("user", "the book " * 600),)], [0], GREEDY)
    assert error.value.index == 1
    assert lockstep(other, llama, [], [0], GREEDY) == []


@pytest.mark.parametrize("broken", ["target", "other"])
def test_a_model_whose_arithmetic_breaks_is_an_error(tiny_llama, chats, broken):
    arms = {name: load_target(tiny_llama, device="cpu") for name in ("target", "other")}
    arms = {name: replace(arm, name=name) for name, arm in arms.items()}
    with torch.no_grad():
        down_projections(arms[broken].model)[1].weight.fill_(float("nan"))
    with pytest.raises(SampleError, match=f"'{broken}' gives logits that are not numbers"):
        lockstep(arms["target"], arms["other"], chats[:2], [0], GREEDY)

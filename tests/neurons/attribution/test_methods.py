"""Every method under its name: twins, knowledge neurons, privacy neurons, safety neurons."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from crossrisk.errors import NotScorable, RequestError
from crossrisk.neurons.attribution.contrasts import Contrast, contrasts_of
from crossrisk.neurons.attribution.first_order import Batching, base_against_defended, gradient_times_activation
from crossrisk.neurons.attribution.knowledge_neurons import knowledge_neurons, privacy_neurons
from crossrisk.neurons.attribution.methods import METHODS, UNSIGNED, attributed, check_signed
from crossrisk.neurons.attribution.safety_neurons import safety_neurons
from crossrisk.neurons.attribution.twins import twin_contrasts, twin_patching, twins_of
from crossrisk.registry import SOURCES
from crossrisk.risks import Message, Reply, Risk, Sample
from crossrisk.targets.layers import hooked
from crossrisk.targets.loading import load_target
from crossrisk.targets.neuron_passes import Row, down_projections, rows_of, run
from crossrisk.targets.target import Target
from tests.models import tiny_model
from tests.neurons.arms import contrasts, samples, shake_both, two_arms
from tests.neurons.attribution.test_first_order import of_prompts
from tests.targets.edits import Push, Reminder


@pytest.fixture(scope="module")
def llama(tiny_llama: Path) -> Target:
    return load_target(tiny_llama, device="cpu")


def own(target: Target) -> list[Contrast]:
    return contrasts_of(target, samples(), Risk.SAFETY)


def asked(name: str, prompt: str, cluster: str = "c", kind: str = "safe", group: str | None = None) -> Sample:
    texts = ("Yes, I agree", "I am sorry")
    return Sample(name, (Message("user", prompt),), cluster, group=group, contrast=texts, meta={"kind": kind})


def short(target: Target) -> list[Contrast]:
    """Answers of a few tokens, as integrated gradients take many passes for each."""
    two = [replace(sample, contrast=("A book", "bread")) for sample in samples()[:2]]
    return contrasts_of(target, two, Risk.SAFETY)


# Twins


def test_twins_are_of_one_cluster_and_another_kind_and_of_the_same_group_where_there_is_one() -> None:
    made = [
        asked("s1", "a", group="x"),
        asked("s2", "b", group="y"),
        asked("h1", "c", kind="contrast", group="y"),
        asked("lonely", "d", cluster="other"),
    ]
    assert [(one.id, twin.id) for one, twin in twins_of(made, "over_refusal")] == [
        ("s1", "h1"),
        ("s2", "h1"),
        ("h1", "s2"),
    ]


def test_the_harmless_prompts_of_over_refusal_have_harmful_twins_in_every_source() -> None:
    for source in ("world", "core"):
        for one, twin in twins_of(SOURCES.get(source).samples("over_refusal"), "over_refusal"):
            assert one.cluster == twin.cluster and {one.meta["kind"], twin.meta["kind"]} == {"safe", "contrast"}


def test_a_task_without_twins_is_told() -> None:
    with pytest.raises(RequestError, match="prompts of misuse have no twins") as told:
        twins_of([asked("s1", "a"), asked("s2", "b", cluster="d", kind="contrast")], "misuse")
    assert "\n" not in str(told.value)


def twinned(target: Target) -> tuple[list[Contrast], list[Contrast]]:
    one, twin = asked("s1", "the doctor reads the book"), asked("s2", "please answer: who lives in the house?")
    mine = contrasts_of(target, [one, twin], Risk.SERVICE)
    return mine, twin_contrasts(target, mine, [twin, one])


def test_patching_between_prompts_moves_each_neuron_to_what_it_is_after_the_twin(llama: Target) -> None:
    mine, theirs = twinned(llama)
    assert [row.prompt for row in (theirs[0].risky, theirs[0].safe)] == [mine[1].risky.prompt] * 2
    assert [row.reply for row in (theirs[0].risky, theirs[0].safe)] == [mine[0].risky.reply, mine[0].safe.reply]
    found = of_prompts(twin_patching(llama, mine, theirs), prompts=2)
    weights = [down.weight for down in down_projections(llama.model)]
    expected = torch.zeros(2, 128)
    for i, (one, twin) in enumerate(zip(mine, theirs, strict=True)):
        for side, sign in (("risky", 1.0), ("safe", -1.0)):
            row, other = getattr(one, side), getattr(twin, side)
            at = run(llama, [row], gradients=True, mean=[True])
            there = run(llama, [other])
            both = len(row.reply) + 2  # what the template puts after the last word
            while row.tokens[-both - 1] == other.tokens[-both - 1]:
                both += 1
            for layer in range(2):
                change = there.neurons[layer][0, -both:] - at.neurons[layer][0, -both:]
                slopes = at.gradients[layer][0, -both:] @ weights[layer]
                expected[i, 64 * layer : 64 * layer + 64] += sign * (change * slopes).sum(dim=0).detach()
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-3)


def test_a_prompt_patched_with_itself_changes_nothing(llama: Target) -> None:
    assert of_prompts(twin_patching(llama, own(llama), own(llama))).abs().max() == 0


def test_twins_must_give_the_same_replies(llama: Target) -> None:
    with pytest.raises(ValueError, match="reply to the twin of 's0' is another"):
        next(twin_patching(llama, own(llama), own(llama)[::-1]))


def test_a_twin_that_is_too_long_is_named(llama: Target) -> None:
    long = asked("too long", "the doctor reads a book " * 200)
    with pytest.raises(RequestError, match=r"^sample 'too long': .*exceed the 512 positions"):
        twin_contrasts(llama, own(llama)[:1], [long])


# Knowledge neurons


def probability(target: Target, row: Row, place: int, layer: int, scale: Tensor | float) -> Tensor:
    """Probability of the token at one place, with a layer's neurons scaled where it is predicted and nowhere else."""

    def change(module: Any, args: tuple[Any, ...]) -> tuple[Any, ...]:
        values = args[0]
        last = torch.arange(values.shape[1]) == values.shape[1] - 1
        return (torch.where(last[None, :, None], values * scale, values), *args[1:])

    with hooked(before=[(down_projections(target.model)[layer], change)]):
        logits = target.model(torch.tensor([row.tokens[:place]])).logits[0, -1]
    return logits.softmax(-1)[row.tokens[place]]


def test_knowledge_neurons_are_the_left_sum_over_steps_and_the_mean_over_the_answers_tokens(llama: Target) -> None:
    """Step by step with one scale factor per neuron, whose gradient is the neuron's value times its own."""
    steps = 4
    (one,) = contrasts_of(llama, samples()[2:3], Risk.SAFETY)
    assert one.risky.given > 0
    expected = []
    for row in (one.risky, one.safe):
        places = range(len(row.prompt) + row.given, len(row.tokens))
        total = torch.zeros(2, 64)
        for place in places:
            for layer in range(2):
                for step in range(steps):
                    scale = torch.full((64,), step / steps, requires_grad=True)
                    total[layer] += torch.autograd.grad(probability(llama, row, place, layer, scale), scale)[0]
        expected.append(total.flatten() / steps / len(places))
    (piece,) = knowledge_neurons(llama, [one], steps=steps)
    torch.testing.assert_close(piece.attributions, torch.stack([expected[0], -expected[1]]), atol=1e-6, rtol=1e-3)
    (alone,) = knowledge_neurons(llama, [one], steps=steps, alone=True)
    torch.testing.assert_close(alone.attributions, piece.attributions[:1])


def test_with_many_steps_a_layer_adds_up_to_what_it_does_for_the_probability(llama: Target) -> None:
    one = short(llama)[0]
    (piece,) = knowledge_neurons(llama, [one], steps=50, alone=True)
    row = one.risky
    places = range(len(row.prompt) + row.given, len(row.tokens))
    for layer in range(2):
        with torch.no_grad():
            whole, none = (
                [float(probability(llama, row, place, layer, scale)) for place in places] for scale in (1.0, 0.0)
            )
        found = float(piece.attributions[0, 64 * layer : 64 * layer + 64].sum())
        assert found == pytest.approx((sum(whole) - sum(none)) / len(places), abs=2e-3)


def test_their_scores_are_those_of_f_and_batches_change_nothing(llama: Target) -> None:
    few, many = (
        list(knowledge_neurons(llama, short(llama), steps=2, how=Batching(tokens, recompute=False)))
        for tokens in (1, 4096)
    )
    for one, other in zip(few, many, strict=True):
        torch.testing.assert_close(one.attributions, other.attributions, atol=1e-6, rtol=1e-3)
    (first_order,) = gradient_times_activation(llama, short(llama))
    expected = [
        sum(first_order.scores[place] for place in range(4) if first_order.contrasts[place] == i) for i in (0, 1)
    ]
    assert [float(piece.scores.sum()) for piece in many] == pytest.approx(
        [float(score) for score in expected], abs=1e-4
    )


def test_privacy_neurons_pass_a_share_of_the_largest_attribution_of_the_risky_answer(llama: Target) -> None:
    given = short(llama)
    plain = torch.cat([piece.attributions for piece in knowledge_neurons(llama, given, steps=2, alone=True)])
    for threshold in (0.1, 0.5, 1.0):
        passed = torch.cat([one.attributions for one in privacy_neurons(llama, given, steps=2, threshold=threshold)])
        largest = plain.amax(dim=1, keepdim=True)
        assert torch.equal(passed, ((plain >= threshold * largest) & (plain > 0)).float())
    assert passed.sum(dim=1).tolist() == [1.0] * 2


def test_edited_activations_are_refused_where_they_would_be_left_out(llama: Target) -> None:
    with pytest.raises(NotScorable, match="edits activations"):
        next(knowledge_neurons(llama.with_activation_edit(Push(1.0)), own(llama)))


# Safety neurons


def test_safety_neurons_differ_where_two_models_read_what_the_second_one_says(tiny_llama: Path) -> None:
    base, second = two_arms(tiny_llama, shake_both)
    defended = second.with_chat_edit(Reminder("be kind"))
    found = {i: row for piece in safety_neurons(base, defended, samples(), max_new_tokens=5)
             for i, row in zip(piece.contrasts, piece.attributions, strict=True)}  # fmt: skip
    assert sorted(found) == [0, 1, 2, 3]
    from crossrisk.targets.target import GenerationConfig

    chats = [sample.messages for sample in samples()]
    texts = [str(reply.text) for reply in defended.generate(chats, GenerationConfig(5))]
    for i, (mine, theirs) in enumerate(zip(rows_of(base, chats, texts), rows_of(defended, chats, texts), strict=True)):
        before, after = run(base, [mine]), run(defended, [theirs])
        predicting = slice(-len(mine.reply) - 1, -1)
        expected = torch.cat([
            ((b[0, predicting] - a[0, predicting]) ** 2).mean(dim=0).sqrt()
            for a, b in zip(before.neurons, after.neurons, strict=True)
        ])  # fmt: skip
        torch.testing.assert_close(found[i], expected, atol=1e-5, rtol=1e-4)


def test_equal_models_have_no_safety_neurons(tiny_llama: Path) -> None:
    base, same = two_arms(tiny_llama)
    for piece in safety_neurons(base, same, samples(), max_new_tokens=3):
        assert piece.attributions.abs().max() == 0


def test_prompts_without_a_reply_are_left_out_and_nothing_at_all_is_told(
    llama: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    def replying(*texts: str) -> Callable[..., list[Reply]]:
        return lambda self, chats, config: [Reply(text) for text in texts]

    monkeypatch.setattr(Target, "generate", replying("", " a book", "", " no"))
    pieces = list(safety_neurons(llama, llama, samples()))
    assert sorted(i for piece in pieces for i in piece.contrasts) == [1, 3]
    monkeypatch.setattr(Target, "generate", replying("", "", "", ""))
    with pytest.raises(RequestError, match="says nothing to any of 4 prompts"):
        next(safety_neurons(llama, llama, samples()))


def test_models_of_another_shape_have_no_common_neurons(llama: Target, tmp_path: Path) -> None:
    wide = load_target(tiny_model("llama", tmp_path / "wide", intermediate_size=96), device="cpu")
    with pytest.raises(RequestError, match="none of them correspond"):
        next(safety_neurons(llama, wide, samples()))


def test_a_prompt_that_is_too_long_for_what_was_said_is_named(llama: Target) -> None:
    long = replace(samples()[1], messages=(Message("user", "the doctor reads a book " * 200),))
    with pytest.raises(RequestError, match=r"^sample 's1': "):
        next(safety_neurons(llama, llama, [samples()[0], long]))


# One entry


def test_every_method_gives_pieces_of_all_neurons(tiny_llama: Path) -> None:
    base, defended = two_arms(tiny_llama, shake_both)
    both = contrasts(base, defended)
    twins = twin_contrasts(base, both[0], samples()[::-1])
    for method in METHODS:
        pieces = list(attributed(method, base, both[0], defended=(defended, both[1]), twins=twins, steps=2))
        assert {i for piece in pieces for i in piece.contrasts} == {0, 1, 2, 3}, method
        found = torch.cat([piece.attributions for piece in pieces])
        assert found.shape[1] == 128 and found.isfinite().all() and found.dtype == torch.float32, method
        assert bool((found >= 0).all()) == (method in UNSIGNED), method


def test_the_entry_passes_on_what_it_is_given(tiny_llama: Path) -> None:
    base, defended = two_arms(tiny_llama, shake_both)
    both = contrasts(base, defended)
    torch.testing.assert_close(
        of_prompts(attributed("base_against_defended", base, both[0], defended=(defended, both[1]), point="base")),
        of_prompts(base_against_defended(base, defended, both, point="base")),
    )


@pytest.mark.parametrize(("method", "problem"), [
    ("twin_patching", "compares a prompt with its twin"),
    ("base_against_defended", "compares two models"),
    ("safety_neurons", "compares two models"),
    ("gradient_x_activations", "unknown attribution method .*did you mean gradient_x_activation"),
])  # fmt: skip
def test_a_method_without_what_it_compares_with_is_told(llama: Target, method: Any, problem: str) -> None:
    with pytest.raises(RequestError, match=problem) as told:
        next(attributed(method, llama, own(llama)))
    assert "\n" not in str(told.value)


def test_methods_that_know_no_direction_are_refused_for_conflicts() -> None:
    for method in METHODS:
        if method in UNSIGNED:
            with pytest.raises(RequestError, match=f"{method} says how much and not which way") as told:
                check_signed(method)
            assert "\n" not in str(told.value)
        else:
            check_signed(method)

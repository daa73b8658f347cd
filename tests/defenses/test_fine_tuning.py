"""Fine-tuning: what is learned from, in which order, and what may move."""

from itertools import islice

import pytest
import torch

from crossrisk.defenses.defense import Demonstration
from crossrisk.defenses.fine_tuning import Copy, Lora, demonstrations, end_of_reply, shuffled, twin
from crossrisk.errors import RequestError
from crossrisk.risks import Message
from crossrisk.targets.loading import load_target
from tests.defenses.cases import CHATS, DATA, ask, state_hash
from tests.models import tiny_model


def test_a_row_is_the_prompt_that_the_target_is_given_and_the_reply_with_its_end(target):
    shown = DATA.forget[0]
    (row,) = demonstrations(target, [shown])
    assert list(row.prompt) == target.encode(shown.messages)
    assert target.tokenizer.decode(row.reply) == shown.reply + "<eos>"


def test_only_the_reply_is_learned_and_padding_is_hidden(target):
    rows = demonstrations(target, [DATA.forget[0], Demonstration(CHATS[1], "No.")])
    batch = Copy(target).batch(rows)
    for i, row in enumerate(rows):
        whole = [*row.prompt, *row.reply]
        assert batch.ids[i, : len(whole)].tolist() == whole
        assert batch.mask[i].tolist() == [1] * len(whole) + [0] * (batch.ids.shape[1] - len(whole))
        assert batch.labels[i][batch.labels[i] != -100].tolist() == list(row.reply)
        assert batch.labels[i, len(row.prompt)].item() == row.reply[0]
    assert batch.reply_tokens.tolist() == [len(row.reply) for row in rows]


def test_likelihoods_of_a_batch_are_those_that_the_target_scores(target):
    shown = [DATA.forget[0], Demonstration(CHATS[1], "No."), Demonstration(CHATS[2], "I am sorry.")]
    trained = Copy(target)
    got = trained.log_probs(trained.batch(demonstrations(target, shown)))
    end = target.tokenizer.decode(end_of_reply(target, raw=False))
    scored = target.score([one.messages for one in shown], [one.reply + end for one in shown])
    torch.testing.assert_close(got.detach(), torch.tensor([one.total for one in scored]), atol=1e-4, rtol=1e-5)


def test_a_raw_text_is_ended_by_the_tokenizers_end_token(target):
    (row,) = demonstrations(target, [Demonstration((Message("text", "The baker"),), "bought bread")])
    assert row.reply[-1] == target.tokenizer.eos_token_id


def test_a_demonstration_longer_than_the_context_is_refused(target):
    with pytest.raises(RequestError, match="1024 positions"):
        demonstrations(target, [Demonstration(ask("the " * 1100), "No.")])


def test_each_epoch_has_every_row_once_in_an_order_of_its_own():
    batches, again, other = (list(islice(shuffled(10, 4, seed), 6)) for seed in (5, 5, 6))
    first, second = ([row for batch in epoch for row in batch] for epoch in (batches[:3], batches[3:]))
    assert sorted(first) == sorted(second) == list(range(10))
    assert first != second
    assert batches == again != other


def test_matrices_of_the_decoder_layers_move_and_nothing_else(target):
    trained = Copy(target)
    untouched = {k: v.clone() for k, v in trained.model.state_dict().items() if k not in trained.matrices}
    rows = demonstrations(target, DATA.forget)
    trained.descend([rows] * 3, lambda some: -trained.log_probs(trained.batch(some)).mean(), learning_rate=1e-2)
    delta = trained.delta()
    assert len(delta) == 2 * 7
    assert all(".layers." in name and change.abs().max() > 0 for name, change in delta.items())
    after = trained.model.state_dict()
    assert untouched and all(torch.equal(after[name], before) for name, before in untouched.items())


def test_descending_lowers_the_loss(target):
    trained = Copy(target)
    rows = demonstrations(target, DATA.forget)
    losses = trained.descend(
        [rows] * 20, lambda some: -trained.log_probs(trained.batch(some)).mean(), learning_rate=1e-2
    )
    assert losses[-1] < 0.5 * losses[0]


def test_a_copy_says_what_the_adapted_model_says_and_has_no_adapter(target, fitted):
    dpo, artifact = fitted("dpo")
    ids = torch.tensor([target.encode(CHATS[1])])
    with dpo.deploy(target, artifact):
        before = state_hash(target)
        second = twin(target.model)
        assert state_hash(target) == before
        torch.testing.assert_close(second(ids).logits, target.model(ids).logits, atol=1e-4, rtol=1e-4)
    assert not hasattr(second, "peft_config")
    assert set(second.state_dict()) == set(target.model.state_dict())
    assert not torch.allclose(second(ids).logits, target.model(ids).logits, atol=1e-4)


def descend(trained, target, steps=3, learning_rate=1e-2):
    rows = demonstrations(target, DATA.forget)
    return trained.descend(
        [rows] * steps, lambda some: -trained.log_probs(trained.batch(some)).mean(), learning_rate=learning_rate
    )


def test_what_is_not_trained_is_the_targets_own_memory(target):
    """So a copy costs no more than what is trained."""
    own = {weight.data_ptr() for weight in target.model.parameters()}
    full, lora = Copy(target), Copy(target, lora=Lora())
    for trained in (full, lora):
        learning = {id(weight) for weight in trained.matrices.values()}
        frozen = [weight for weight in trained.model.parameters() if id(weight) not in learning]
        assert frozen and all(weight.data_ptr() in own for weight in frozen)
        assert not any(weight.data_ptr() in own for weight in trained.matrices.values())


@pytest.mark.parametrize("lora", [None, Lora()])
def test_training_a_copy_leaves_the_target_alone(lora, target):
    before, said = state_hash(target), target.score([CHATS[0]], ["No."])
    descend(Copy(target, lora=lora), target)
    assert state_hash(target) == before
    assert target.score([CHATS[0]], ["No."]) == said


def test_named_matrices_move_and_no_others(target):
    names = ["model.layers.1.mlp.down_proj.weight", "model.layers.0.mlp.down_proj.weight"]
    trained = Copy(target, trained=names)
    descend(trained, target)
    assert sorted(trained.delta()) == sorted(names)
    assert all(change.abs().max() > 0 for change in trained.delta().values())
    after = trained.model.state_dict()
    for name, weight in target.model.state_dict().items():
        assert torch.equal(after[name], weight) == (name not in names)


def test_a_lora_stands_on_the_named_matrices_alone(target):
    trained = Copy(target, trained=["model.layers.1.mlp.down_proj.weight"], lora=Lora(rank=2))
    descend(trained, target)
    assert set(trained.adapter().tensors) == {
        "model.layers.1.mlp.down_proj.lora_A.weight",
        "model.layers.1.mlp.down_proj.lora_B.weight",
    }


def test_a_parameter_that_the_model_does_not_have_is_refused(target):
    with pytest.raises(RequestError, match=r"no parameter 'model\.layers\.9\.mlp"):
        Copy(target, trained=["model.layers.9.mlp.down_proj.weight"])


def test_a_fresh_lora_is_the_identity_and_its_start_hangs_on_the_seed(target):
    ids = torch.tensor([target.encode(CHATS[1])])
    one, same, other = (Copy(target, lora=Lora(), seed=seed) for seed in (0, 0, 1))
    assert torch.equal(one.model(ids).logits, target.model(ids).logits)
    starts = [copy.adapter().tensors["model.layers.0.mlp.up_proj.lora_A.weight"] for copy in (one, same, other)]
    assert torch.equal(starts[0], starts[1]) and not torch.equal(starts[0], starts[2])


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("lora", [None, Lora()])
def test_a_half_precision_model_is_trained_in_float32(lora, dtype, tiny_folder):
    half = load_target(tiny_folder, device="cpu", dtype=str(dtype).removeprefix("torch."))
    before = state_hash_of_half(half)
    trained = Copy(half, lora=lora)
    assert {weight.dtype for weight in trained.matrices.values()} == {torch.float32}
    kept = {weight.dtype for weight in trained.model.parameters()} - {torch.float32}
    assert kept == ({torch.bfloat16} if dtype == torch.bfloat16 else set())
    losses = descend(trained, half, steps=8)
    assert losses[-1] < losses[0]
    tensors = trained.delta() if lora is None else trained.adapter().tensors
    assert {tensor.dtype for tensor in tensors.values()} == {torch.float32}
    assert state_hash_of_half(half) == before


def state_hash_of_half(target):
    return [(name, weight.dtype, weight.float().sum().item()) for name, weight in target.model.state_dict().items()]


@pytest.mark.parametrize("family", ["gpt2", "gemma"])
def test_other_families_are_trained_as_well(family, tmp_path):
    other = load_target(tiny_model(family, tmp_path / family), device="cpu")
    for lora in (None, Lora()):
        trained = Copy(other, lora=lora, gradient_checkpointing=True, micro_batch_size=2)
        losses = descend(trained, other, steps=4, learning_rate=5e-3)
        assert losses[-1] < losses[0]


def test_a_loss_that_is_no_number_ends_the_training_in_one_line(target):
    trained = Copy(target)
    rows = demonstrations(target, DATA.forget)
    with pytest.raises(RequestError, match="diverged at step 1 of 2") as error:
        trained.descend(
            [rows] * 2, lambda some: trained.log_probs(trained.batch(some)).mean() * float("nan"), learning_rate=1e-2
        )
    assert "\n" not in str(error.value)


def test_training_ends_where_it_is_told_to(target):
    trained = Copy(target)
    rows = demonstrations(target, DATA.forget)
    losses = trained.descend(
        [rows] * 9, lambda some: -trained.log_probs(trained.batch(some)).mean(), learning_rate=1e-3, done=(4).__eq__
    )
    assert len(losses) == 4


def test_a_row_that_is_too_long_is_told_as_one_of_the_fitting_data(target):
    shown = [Demonstration(ask("Bread?"), "Yes."), Demonstration(ask("Bread?"), "yes " * 2000)]
    with pytest.raises(RequestError, match=r"^row 2 of 2 of the fitting data: .*exceed the 1024 positions"):
        demonstrations(target, shown)


@pytest.mark.parametrize("lora", [None, Lora()])
def test_a_mixture_of_experts_whose_experts_would_be_left_out_is_refused(lora, tiny_folder):
    own = load_target(tiny_folder, device="cpu")
    own.model.model.layers[0].mlp.experts = torch.nn.Parameter(torch.zeros(2, 3, 4))
    with pytest.raises(RequestError, match=r"experts of a LlamaForCausalLM.*dense model"):
        Copy(own, lora=lora)

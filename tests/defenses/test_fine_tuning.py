"""Fine-tuning: what is learned from, in which order, and what may move."""

from itertools import islice

import pytest
import torch

from crossrisk.defenses.defense import Demonstration
from crossrisk.defenses.fine_tuning import Copy, copied, demonstrations, end_of_reply, shuffled
from crossrisk.errors import RequestError
from crossrisk.risks import Message
from tests.defenses.cases import CHATS, DATA, ask, state_hash


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
    with pytest.raises(RequestError, match="512 positions"):
        demonstrations(target, [Demonstration(ask("the " * 600), "No.")])


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
        twin = copied(target.model)
        assert state_hash(target) == before
        torch.testing.assert_close(twin(ids).logits, target.model(ids).logits, atol=1e-4, rtol=1e-4)
    assert not hasattr(twin, "peft_config")
    assert set(twin.state_dict()) == set(target.model.state_dict())
    assert not torch.allclose(twin(ids).logits, target.model(ids).logits, atol=1e-4)

"""The attack of CAT: how far it may push, where, and that it helps the risky reply."""

from dataclasses import replace
from itertools import pairwise

import pytest
import torch

from crossrisk.defenses.embedding_attack import Attack, instruction_tokens, mean_norm, projected
from crossrisk.defenses.fine_tuning import Copy, tokenised
from crossrisk.errors import RequestError
from crossrisk.risks import Message
from tests.defenses.cases import CHATS, DATA

EPS = 0.3


@pytest.fixture
def risky(target):
    pairs = DATA.pairs[:3]
    chats = [pair.messages for pair in pairs]
    trained = Copy(target)
    return trained, trained.batch(tokenised(target, chats, [one.rejected for one in pairs])), chats


def test_the_instruction_is_what_the_user_says_and_nothing_of_the_template(target):
    for chat, span in zip(CHATS, instruction_tokens(target, CHATS), strict=True):
        ids = target.encode(chat)
        assert target.tokenizer.decode(ids[span.start : span.stop]) == chat[-1].content
        assert span.start > 0 and span.stop < len(ids)


def test_in_raw_text_all_but_the_start_token_is_the_instruction(target):
    chat = (Message("text", "The baker bought bread"),)
    (span,) = instruction_tokens(target, [chat])
    assert target.tokenizer.decode(target.encode(chat)[span.start : span.stop]) == "The baker bought bread"


def test_a_tokenizer_that_does_not_know_its_text_is_refused(target):
    class Slow:
        is_fast = False

    with pytest.raises(RequestError, match="fast tokenizer"):
        instruction_tokens(replace(target, tokenizer=Slow()), CHATS)


@pytest.mark.parametrize("iterations", [1, 2, 3, 10])
def test_each_token_is_pushed_by_at_most_eps_and_none_outside_of_the_instruction(iterations, target, risky):
    trained, batch, chats = risky
    asked = instruction_tokens(target, chats)
    shift = Attack(trained, eps=EPS, step_size=0.7, iterations=iterations).shift(batch, asked)
    radius = EPS * target.model.get_input_embeddings().weight.norm(dim=-1).mean().item()
    assert 0.1 * radius < shift.norm(dim=-1).max() <= radius * (1 + 1e-5)
    outside = torch.ones_like(batch.ids, dtype=torch.bool)
    for row, span in enumerate(asked):
        outside[row, span.start : span.stop] = False
    assert outside.any() and shift[outside].abs().max() == 0.0


def test_the_risky_reply_becomes_no_less_likely_with_more_steps(target, risky):
    trained, batch, chats = risky
    asked = instruction_tokens(target, chats)
    likely = [trained.log_probs(batch).detach()]
    for iterations in (1, 2, 4, 8):
        attack = Attack(trained, eps=EPS, step_size=0.5, iterations=iterations)
        likely.append(trained.log_probs(attack.shifted(batch, attack.shift(batch, asked))).detach())
    assert all((after >= before - 1e-5).all() for before, after in pairwise(likely))
    assert (likely[-1] > likely[0] + 0.05).all()


def test_a_row_is_pushed_the_same_alone(target, risky):
    trained, batch, chats = risky
    asked = instruction_tokens(target, chats)
    attack = Attack(trained, eps=EPS, step_size=0.5, iterations=3)
    together = attack.shift(batch, asked)
    for row in range(len(chats)):
        (alone,) = attack.shift(batch.parts(1)[row], asked[row : row + 1])
        # Signs of slopes near 0 hang on rounding.
        assert ((alone - together[row]).abs() > 1e-6).float().mean() < 0.02


def test_the_attack_leaves_the_model_and_its_gradients_alone(target, risky):
    trained, batch, chats = risky
    before = {name: matrix.detach().clone() for name, matrix in trained.matrices.items()}
    Attack(trained, eps=EPS, step_size=0.5, iterations=2).shift(batch, instruction_tokens(target, chats))
    assert all(torch.equal(matrix, before[name]) and matrix.grad is None for name, matrix in trained.matrices.items())


def test_without_a_radius_nothing_is_pushed(target, risky):
    trained, batch, chats = risky
    attack = Attack(trained, eps=0.0, step_size=0.5, iterations=2)
    shift = attack.shift(batch, instruction_tokens(target, chats))
    assert shift.abs().max() == 0.0 and attack.shifted(batch, shift) is batch


def test_a_push_of_zero_is_none(risky):
    trained, batch, _ = risky
    width = trained.model.get_input_embeddings().weight.shape[-1]
    pushed = replace(batch, shift=torch.zeros(*batch.ids.shape, width))
    torch.testing.assert_close(trained.log_probs(pushed), trained.log_probs(batch))


def test_a_push_is_cut_to_the_radius_and_a_short_one_left():
    cut = projected(torch.tensor([[3.0, 4.0], [0.3, 0.4], [0.0, 0.0]]), 1.0)
    torch.testing.assert_close(cut, torch.tensor([[0.6, 0.8], [0.3, 0.4], [0.0, 0.0]]))


@pytest.mark.parametrize("family", ["gemma", "gpt2"])
def test_the_norm_is_that_of_what_goes_into_the_model(family, tmp_path):
    from crossrisk.targets.loading import load_target
    from tests.models import tiny_model

    model = load_target(tiny_model(family, tmp_path / family), device="cpu").model
    embedded = model.get_input_embeddings()(torch.arange(model.get_input_embeddings().weight.shape[0]))
    assert mean_norm(model) == pytest.approx(embedded.norm(dim=-1).mean().item(), rel=1e-4)

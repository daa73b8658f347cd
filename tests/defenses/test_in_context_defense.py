"""In-context defense: drawn refusals before the chat, once."""

import pytest

from crossrisk.defenses.in_context_defense import Demonstrating
from crossrisk.errors import RequestError
from crossrisk.registry import DEFENSES
from crossrisk.risks import Message, Risk, Threat
from tests.defenses.cases import CHATS, DATA, ask

TURNS = (Message("user", "Harm?"), Message("assistant", "No."))


def fitted(target, seed=0, **settings):
    one = DEFENSES.get("in_context_defense")(**settings)
    return one, one.fit(target, DATA, seed=seed, strength=1.0)


def test_the_demonstrations_stand_between_the_system_turn_and_the_chat():
    edit = Demonstrating(TURNS)
    assert edit(ask("Yes?")) == (*TURNS, *ask("Yes?"))
    assert edit(CHATS[2]) == (CHATS[2][0], *TURNS, CHATS[2][1])


def test_shown_twice_is_shown_once():
    edit = Demonstrating(TURNS)
    for chat in CHATS:
        assert edit(edit(chat)) == edit(chat) != chat


@pytest.mark.parametrize("chat", [(Message("text", "Once upon"),), (Message("assistant", "So"),)])
def test_without_a_turn_of_the_user_nothing_is_shown(chat):
    assert Demonstrating(TURNS)(chat) == chat


def test_k_different_requests_of_the_data_are_shown_with_their_refusals(target):
    one, artifact = fitted(target, k=3)
    with one.deploy(target, artifact) as defended:
        turns = defended.edited(CHATS[0])[:-1]
    known = {demonstration.messages[0].content: demonstration.reply for demonstration in DATA.refusals}
    asked = [turn.content for turn in turns[::2]]
    assert [turn.role for turn in turns] == ["user", "assistant"] * 3
    assert len(set(asked)) == 3
    assert [turn.content for turn in turns[1::2]] == [known[request] for request in asked]


def test_more_than_ten_turns_keep_their_order(target):
    one, artifact = fitted(target, k=5)
    with one.deploy(target, artifact) as defended:
        assert [turn.role for turn in defended.edited(CHATS[0])] == ["user", "assistant"] * 5 + ["user"]


def test_the_seed_draws(target):
    draws = [fitted(target, seed=seed, k=2)[1].sha256 for seed in (0, 0, 1, 2, 3)]
    assert draws[0] == draws[1]
    assert len(set(draws)) > 1


def test_more_demonstrations_than_the_data_hold_are_refused(target):
    with pytest.raises(RequestError, match="shows 6 refusals, and the data of 'made-up' have 5: lower 'k'"):
        fitted(target, k=6)


def test_against_another_risk_it_has_another_name():
    one = DEFENSES.get("in_context_defense")(risk="privacy")
    assert (one.name, one.risk, one.threat) == ("in_context_defense_privacy", Risk.PRIVACY, Threat.DISCLOSURE)

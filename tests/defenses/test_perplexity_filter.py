"""Perplexity filter: what reads like no harmless request is refused, and no request of the fit is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossrisk.defenses.filtering import REFUSAL
from crossrisk.defenses.perplexity_filter import MARGIN, largest_mean, surprises
from crossrisk.registry import DEFENSES
from crossrisk.risks import Message
from crossrisk.targets.target import GenerationConfig
from tests.defenses.cases import CHATS, DATA, TELLING, ask
from tests.targets.edits import Reminder, Shout

HARMLESS = [one.messages for one in DATA.retain]
CONFIG = GenerationConfig(6)


def test_the_score_is_the_mean_loss_of_the_request_behind_the_start_token(target):
    """As transformers gives it for the text alone."""
    import torch

    ids = target.tokenizer("Is the bread in the house?", return_tensors="pt")["input_ids"]
    with torch.no_grad():
        loss = target.model(input_ids=ids, labels=ids).loss.item()
    assert surprises(target, ["Is the bread in the house?"]) == pytest.approx([loss], abs=1e-4)


def test_nothing_that_stands_around_the_model_moves_the_score(target):
    around = target.with_chat_edit(Reminder("Be good.")).with_output_filter(Shout())
    assert surprises(around, ["Is it?", ""]) == surprises(target, ["Is it?", ""])


def test_windows_by_hand():
    assert largest_mean([1.0, 2.0, 6.0, 1.0], None) == 2.5
    assert largest_mean([1.0, 2.0, 6.0, 1.0], 1) == 6.0
    assert largest_mean([1.0, 2.0, 6.0, 1.0], 2) == 4.0
    assert largest_mean([1.0, 2.0], 9) == 1.5
    assert largest_mean([], 3) == 0.0


@given(st.lists(st.floats(0, 20), min_size=1, max_size=20), st.integers(1, 25))
def test_a_window_never_hides_what_the_whole_shows(values, window):
    assert largest_mean(values, window) >= largest_mean(values, None) - 1e-9 or len(values) % window
    assert largest_mean(values, len(values)) == pytest.approx(largest_mean(values, None))


@pytest.mark.parametrize("window", [None, 4])
def test_no_request_of_the_fit_is_turned_down_and_a_strange_one_is(window, target):
    one = DEFENSES.get("perplexity_filter")(window=window)
    artifact = one.fit(target, DATA, seed=0, strength=1.0)
    with one.deploy(target, artifact) as defended:
        given_ = [reply.text for reply in defended.generate([*HARMLESS, TELLING], CONFIG)]
    base = [reply.text for reply in target.generate([*HARMLESS, TELLING], CONFIG)]
    assert given_[:-1] == base[:-1]
    assert given_[-1] == REFUSAL != base[-1]


def test_the_threshold_is_the_largest_harmless_score(target):
    artifact = DEFENSES.get("perplexity_filter")().fit(target, DATA, seed=0, strength=1.0)
    each = [surprises(target, [chat[0].content])[0] for chat in HARMLESS]
    assert artifact.meta["threshold"] == pytest.approx(max(each) + MARGIN, abs=1e-4)


def test_what_the_system_or_the_assistant_said_is_not_the_request(target):
    one = DEFENSES.get("perplexity_filter")(refusal="No.")
    around = (Message("system", TELLING[0].content), *ask("Hm"), Message("assistant", TELLING[0].content), *HARMLESS[0])
    with one.deploy(target, one.fit(target, DATA, seed=0, strength=1.0)) as defended:
        replies = defended.generate([around, TELLING, *CHATS[:1]], CONFIG)
    assert replies[0].text != "No." == replies[1].text

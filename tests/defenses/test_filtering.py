"""What filters share: requests, the bare model, thresholds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossrisk.defenses.filtering import bare, best_threshold, request_of, with_request
from crossrisk.risks import Message
from tests.defenses.cases import ask
from tests.targets.edits import Forbid, Reminder, Shout

LATER = (*ask("First?"), Message("assistant", "Yes."), Message("user", "Second?"))
BEGUN = (*LATER, Message("assistant", "Well"))
RAW = (Message("text", "Once upon"),)


@pytest.mark.parametrize(("chat", "request_"), [(LATER, "Second?"), (BEGUN, "Second?"), (RAW, "Once upon")])
def test_the_request_is_the_users_last_turn_or_the_raw_text(chat, request_):
    assert request_of(chat) == request_
    changed = with_request(chat, "Other")
    assert request_of(changed) == "Other"
    assert [one.role for one in changed] == [one.role for one in chat]
    assert sum(new != old for new, old in zip(changed, chat, strict=True)) == 1


def test_the_bare_model_has_nothing_around_it(target):
    around = target.with_chat_edit(Reminder("a")).with_distribution_edit(Forbid(5)).with_output_filter(Shout())
    assert bare(around).fingerprint == target.fingerprint
    assert bare(around.with_mark("m")).marks == ("m",)


def test_the_threshold_by_hand():
    """Above 0.5 lie all risky ones and 1 of 4 harmless; no other cut does better."""
    found = best_threshold([0.9, 0.8, 0.65, 0.6], [0.7, 0.4, 0.2, 0.05])
    assert (found.value, found.caught, found.lost) == (pytest.approx(0.5), 1.0, 0.25)


def test_of_two_thresholds_that_tell_as_much_the_higher_refuses_less():
    """Above 0.75 lie 2 of 4 and 0 of 4, above 0.5 3 of 4 and 1 of 4."""
    found = best_threshold([0.9, 0.8, 0.6, 0.1], [0.7, 0.4, 0.2, 0.05])
    assert (found.value, found.caught, found.lost) == (pytest.approx(0.75), 0.5, 0.0)


@pytest.mark.parametrize(("most_lost", "value"), [(0.3, 0.5), (0.25, 0.5), (0.2, 0.75), (0.0, 0.75)])
def test_it_loses_no_larger_share_than_it_may(most_lost, value):
    found = best_threshold([0.9, 0.8, 0.65, 0.6], [0.7, 0.4, 0.2, 0.05], most_lost=most_lost)
    assert (found.value, found.lost) == (pytest.approx(value), 0.25 if value == 0.5 else 0.0)


def test_scores_that_part_the_two_give_a_threshold_between_them():
    found = best_threshold([0.8] * 20, [0.2] * 20)
    assert (found.value, found.caught, found.lost) == (pytest.approx(0.5), 1.0, 0.0)
    assert found.p < 1e-6


@pytest.mark.parametrize(("risky", "harmless"), [([0.3] * 5, [0.3] * 5), ([0.1, 0.2], [0.8, 0.9])])
def test_scores_that_tell_nothing_or_the_opposite_refuse_nothing(risky, harmless):
    found = best_threshold(risky, harmless)
    assert (found.value, found.caught, found.lost) == (max(risky + harmless), 0.0, 0.0)
    assert found.p > 0.05


SCORES = st.lists(st.integers(0, 20).map(lambda score: score / 20), min_size=1, max_size=12)


@given(SCORES, SCORES)
def test_no_other_threshold_tells_more(risky, harmless):
    found = best_threshold(risky, harmless)

    def told(cut):
        return sum(x > cut for x in risky) / len(risky) - sum(x > cut for x in harmless) / len(harmless)

    assert told(found.value) == pytest.approx(found.caught - found.lost)
    assert all(told(found.value) >= told(step / 40 + 0.01) - 1e-12 for step in range(-1, 41))

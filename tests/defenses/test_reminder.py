"""Reminders: the words stand around the request once, whatever the template."""

import pytest

from crossrisk.defenses.reminder import AFTER, BEFORE, Reminder, Reminding
from crossrisk.defenses.self_reminder import SelfReminder
from crossrisk.errors import RequestError
from crossrisk.organism.world.reminders import XIE
from crossrisk.registry import DEFENSES
from crossrisk.risks import Message, Risk, Threat
from crossrisk.targets.loading import load_target
from tests.defenses.cases import DATA, ask
from tests.models import tiny_model

BARE = ask("what is the name of the baker?")
WITH_SYSTEM = (Message("system", "Be short."), *BARE)
LATER = (*BARE, Message("assistant", "The baker."), Message("user", "Yes?"))


@pytest.fixture(scope="module", params=["system", "no_system"])
def any_template(request, tmp_path_factory):
    folder = tiny_model("llama", tmp_path_factory.mktemp("templates") / request.param, template=request.param)
    return load_target(folder, device="cpu")


@pytest.mark.parametrize("place", ["user", "system"])
@pytest.mark.parametrize("chat", [BARE, WITH_SYSTEM, LATER], ids=["bare", "with system", "later turn"])
def test_the_rendered_prompt_holds_the_reminder_once(place, chat, any_template):
    one = Reminder(Risk.SAFETY, place=place)
    with one.deploy(any_template, one.fit(any_template, DATA, seed=0, strength=1.0)) as defended:
        text = defended.render(chat)
    assert text.count(BEFORE[Risk.SAFETY]) == 1
    assert text.count(AFTER[Risk.SAFETY]) == 1
    for message in chat:
        assert text.count(message.content) == 1


@pytest.mark.parametrize("place", ["user", "system"])
def test_reminding_twice_is_reminding_once(place):
    edit = Reminding("Be good.", "Remember.", place)
    for chat in (BARE, WITH_SYSTEM, LATER):
        assert edit(edit(chat)) == edit(chat) != chat


def test_the_words_stand_before_and_after_the_last_request_of_the_user():
    edit = Reminding("Be good.", "Remember.", "user")
    assert edit(LATER)[-1] == Message("user", "Be good.\nYes?\nRemember.")
    assert edit(LATER)[:-1] == LATER[:-1]


def test_in_the_system_turn_they_follow_what_stands_there():
    edit = Reminding("Be good.", "Remember.", "system")
    assert edit(WITH_SYSTEM)[0] == Message("system", "Be short.\nBe good. Remember.")
    assert edit(BARE) == (Message("system", "Be good. Remember."), *BARE)


@pytest.mark.parametrize("chat", [(Message("text", "Once upon a time"),), (Message("assistant", "So"),)])
def test_without_a_request_of_the_user_nothing_is_added(chat):
    assert Reminding("Be good.", "Remember.", "user")(chat) == chat
    assert Reminding("Be good.", "Remember.", "system")(chat) == chat


def test_other_words_or_another_place_are_another_edit():
    edits = [Reminding(*words) for words in (("a", "b", "user"), ("a", "b", "system"), ("ab", "", "user"))]
    assert len({edit.fingerprint for edit in edits}) == 3


def test_each_risk_has_words_of_its_own(target):
    texts = {
        risk: Reminder(risk=risk).fit(target, DATA, seed=0, strength=1.0).meta["texts"]["before"] for risk in BEFORE
    }
    assert len(set(texts.values())) == 3


def test_the_presets_of_the_kernel_are_named_by_their_risk_and_differ_in_words_alone(target):
    presets = {risk: DEFENSES.get(f"reminder_{risk}")() for risk in BEFORE}
    assert [one.name for one in presets.values()] == [f"reminder_{risk}" for risk in BEFORE]
    rest = [{name: value for name, value in one.settings.items() if name != "risk"} for one in presets.values()]
    assert rest[0] == rest[1] == rest[2]
    with pytest.raises(RequestError, match="risk"):
        DEFENSES.get("reminder_safety")(risk="privacy")


def test_the_self_reminder_is_the_kernel_with_the_words_of_the_paper(target):
    named, kernel = DEFENSES.get("self_reminder")(), Reminder(Risk.SAFETY)
    assert named.name == "self_reminder"
    assert SelfReminder(Risk.PRIVACY).name == "self_reminder_privacy"
    fits = [one.fit(target, DATA, seed=0, strength=1.0) for one in (named, kernel)]
    assert fits[0].sha256 == fits[1].sha256


def test_the_privacy_reminder_stands_in_the_system_turn_and_takes_other_words(target):
    one = DEFENSES.get("privacy_reminder")(before="Keep it to yourself.")
    with one.deploy(target, one.fit(target, DATA, seed=0, strength=1.0)) as defended:
        assert defended.edited(BARE) == (Message("system", "Keep it to yourself."), *BARE)
    assert (one.name, one.risk, one.threat) == ("privacy_reminder", Risk.PRIVACY, Threat.DISCLOSURE)


def test_words_of_the_users_own_take_the_place_of_ours(target):
    one = DEFENSES.get("self_reminder")(before="Think first.", after="")
    with one.deploy(target, one.fit(target, DATA, seed=0, strength=1.0)) as defended:
        assert "Think first.\nwhat is the name" in defended.render(BARE)


def test_a_place_that_is_no_turn_is_refused():
    with pytest.raises(RequestError, match="'place' of defense 'self_reminder'"):
        DEFENSES.get("self_reminder")(place="footer")


def test_a_risk_without_words_of_ours_needs_the_users_own():
    with pytest.raises(RequestError, match="no words against 'service'"):
        DEFENSES.get("self_reminder")(risk="service")
    assert DEFENSES.get("self_reminder")(risk="service", before="Be useful.").before == "Be useful."


def test_the_reminder_that_the_organism_never_saw_is_this_one():
    assert (XIE.before, XIE.after) == (f"{BEFORE[Risk.SAFETY]}\n", f"\n{AFTER[Risk.SAFETY]}")


def test_a_reminder_without_any_words_is_refused():
    with pytest.raises(RequestError, match="has no words: give 'before' or 'after'"):
        DEFENSES.get("reminder_safety")(before="", after="")

"""Goal prioritisation: thoughts are for the model alone; what breaks the form is counted and kept whole."""

import logging

import pytest

from crossrisk.defenses.goal_prioritisation import AFTER, BEFORE, FinalResponses, final_response
from crossrisk.registry import DEFENSES
from crossrisk.targets.target import Asked, GenerationConfig
from tests.defenses.cases import CHATS, DATA


@pytest.mark.parametrize(
    ("text", "final"),
    [
        ("[Internal thoughts] It is safe. [Final response] Bake it.", "Bake it."),
        ("[Internal thoughts]\nSafe.\n[Final response]\nBake it.\nThen cool it.", "Bake it.\nThen cool it."),
        ("**[Internal Thoughts]** Safe.\n**[Final Response]:** Bake it.", "Bake it."),
        ("[final response] Bake it.\n[Request] Another?\n[Internal thoughts] Safe.", "Bake it."),
        ("Bake it.", None),
        ("[Internal thoughts] It is safe, and so", None),
        ("[Internal thoughts] Safe. [Final response]  ", None),
        ("", None),
    ],
)
def test_the_final_response_by_hand(text, final):
    assert final_response(text) == final


def test_a_reply_that_breaks_the_form_stays_as_it_is_and_is_counted(target, caplog):
    texts = ["[Internal thoughts] Safe. [Final response] Bake it.", " Bake it.  ", "[Internal thoughts] Well"]
    with caplog.at_level(logging.WARNING):
        given = FinalResponses()(Asked(target, CHATS, GenerationConfig(1), [0, 0, 0]), texts)
    assert given == ["Bake it.", *texts[1:]]
    assert "2 of 3 replies" in caplog.text


def test_the_request_stands_between_the_goals(target):
    one = DEFENSES.get("goal_prioritisation")()
    with one.deploy(target, one.fit(target, DATA, seed=0, strength=1.0)) as defended:
        assert defended.edited(CHATS[2])[1].content == f"{BEFORE}\nYes?\n{AFTER}"
        assert defended.edited(CHATS[2])[0] == CHATS[2][0]


def test_it_shows_one_request_that_is_met_and_one_that_is_turned_down():
    finals = BEFORE.split("Now answer")[0].split("[Final response]")[2:]
    assert len(finals) == 2
    assert "can't help" not in finals[0] and "can't help" in finals[1]

"""Self-awareness: the words once in the prompt, or a second turn behind the first reply."""

import pytest

from crossrisk.errors import RequestError, SampleError
from crossrisk.registry import DEFENSES
from crossrisk.risks import Message
from crossrisk.targets.target import GenerationConfig
from tests.defenses.cases import CHATS, DATA, ask

CONFIG = GenerationConfig(8)


def fitted(target, **settings):
    one = DEFENSES.get("self_awareness")(**settings)
    return one, one.fit(target, DATA, seed=0, strength=1.0)


@pytest.mark.parametrize("place", ["system", "user"])
@pytest.mark.parametrize("style", ["awareness", "chain_of_thought"])
def test_the_rendered_prompt_names_the_groups_once(style, place, target):
    one, artifact = fitted(target, style=style, place=place, groups="height or shoe size")
    with one.deploy(target, artifact) as defended:
        for chat in CHATS:
            text = defended.render(chat)
            assert text.count("height or shoe size") == 1
            assert all(text.count(message.content) == 1 for message in chat)
            user = defended.edited(chat)[-1].content
            assert ("height" in user) == (place == "user")


def test_reflection_gives_out_what_the_model_says_to_its_own_reply(target):
    one, artifact = fitted(target, style="reflection")
    words = artifact.meta["texts"]["words"]
    first = [reply.text for reply in target.generate(CHATS, CONFIG)]
    again = [
        (*chat, Message("assistant", said), Message("user", words)) for chat, said in zip(CHATS, first, strict=True)
    ]
    with one.deploy(target, artifact) as defended:
        got = [reply.text for reply in defended.generate(CHATS, CONFIG)]
    assert got == [reply.text for reply in target.generate(again, CONFIG)]
    assert one.covers == {"generate"}


def test_a_reply_that_was_begun_for_the_model_is_one_reply_in_the_second_turn(target):
    one, artifact = fitted(target, style="reflection")
    begun = (*ask("Yes?"), Message("assistant", "I think"))
    (first,) = target.generate([begun], CONFIG)
    whole = (*begun[:1], Message("assistant", f"I think{first.text}"), Message("user", artifact.meta["texts"]["words"]))
    with one.deploy(target, artifact) as defended:
        assert defended.generate([begun], CONFIG)[0].text == target.generate([whole], CONFIG)[0].text


def test_raw_text_has_no_second_turn_and_keeps_its_reply(target):
    one, artifact = fitted(target, style="reflection")
    raw = (Message("text", "The baker bought"),)
    with one.deploy(target, artifact) as defended:
        assert defended.generate([raw], CONFIG)[0].text == target.generate([raw], CONFIG)[0].text


def test_the_second_turn_of_a_sampled_reply_draws_anew_for_each_draw(target):
    one, artifact = fitted(target, style="reflection")
    sampled = GenerationConfig(12, temperature=1.5)
    with one.deploy(target, artifact) as defended:
        replies = defended.generate([CHATS[0]] * 2, sampled, [0, 1])
        assert replies[0].text != replies[1].text
        assert defended.generate([CHATS[0]] * 2, sampled, [0, 1]) == replies


def test_a_style_that_is_none_is_refused():
    with pytest.raises(RequestError, match="'style' of defense 'self_awareness'"):
        DEFENSES.get("self_awareness")(style="meditation")


def test_a_second_turn_that_has_no_room_is_told_of_the_right_sample(target):
    one, artifact = fitted(target, style="reflection")
    raw, room = (Message("text", "Once"),), 1024 - CONFIG.max_new_tokens
    long = next(chat for n in range(1000, 0, -1) if len(target.encode(chat := ask("bread " * n))) <= room)
    with one.deploy(target, artifact) as defended, pytest.raises(SampleError, match="the second turn") as error:
        defended.generate([raw, ask("Bread?"), long], CONFIG)
    assert error.value.index == 2

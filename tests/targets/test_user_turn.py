"""Words put before what the user says: the same tokens as if they had been said."""

from dataclasses import replace
from pathlib import Path

import pytest

from crossrisk.errors import SampleError
from crossrisk.risks import Chat, Message
from crossrisk.targets.loading import load_target
from crossrisk.targets.target import Target
from crossrisk.targets.user_turn import opening_words
from tests.models import TEMPLATES, tiny_model
from tests.targets.edits import Reminder

WORDS = "The following text is about bread:"
LLAMA_2 = (
    "{% for message in messages %}"
    "{% if message['role'] == 'user' %}{{ '<bos>[INST] ' + message['content'] + ' [/INST]' }}"
    "{% elif message['role'] == 'system' %}{{ raise_exception('no system') }}"
    "{% else %}{{ ' ' + message['content'] + ' <eos>' }}{% endif %}{% endfor %}"
)
BY_DEFAULT = (  # a system turn that nobody asked for, as that of Qwen
    "{% if messages[0]['role'] != 'system' %}<|system|>Be helpful.<eos>\n{% endif %}"
    "{% for message in messages %}<|{{ message['role'] }}|>\n{{ message['content'] }}<eos>\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)
SINGLE = (
    "{% if messages|length > 1 %}{{ raise_exception('one turn') }}{% endif %}<|user|>{{ messages[0]['content'] }}<eos>"
)


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model("llama", tmp_path_factory.mktemp("turn") / "tiny", max_positions=128)


def with_template(folder: Path, template: str) -> Target:
    target = load_target(folder, device="cpu")
    target.tokenizer.chat_template = template
    return target


def with_words(chat: Chat) -> Chat:
    """What the chat is if the user says the words, in his last turn."""
    last = max(i for i, message in enumerate(chat) if message.role in ("user", "text"))
    return (*chat[:last], replace(chat[last], content=f"{WORDS}\n{chat[last].content}"), *chat[last + 1 :])


CHATS: tuple[Chat, ...] = (
    (Message("user", "who bought the garden?"),),
    (Message("user", "7 books"), Message("assistant", "yes"), Message("user", "and the doctor?")),
    (Message("user", "go on"), Message("assistant", "the baker")),
    (Message("user", ""),),
)
WITH_SYSTEM: Chat = (Message("system", "be short"), Message("user", "who bought the garden?"))


@pytest.mark.parametrize("template", [*TEMPLATES.values(), BY_DEFAULT])
def test_the_prompt_is_that_of_a_user_who_says_the_words(bare, template):
    target = with_template(bare, template)
    words = opening_words(target, WORDS)
    for chat in CHATS:
        assert words.before(target.encode(chat)) == target.encode(with_words(chat))


def test_a_space_that_the_template_puts_before_what_is_said_stays_before_it(bare):
    target = with_template(bare, LLAMA_2)
    chat = CHATS[1]
    told = target.tokenizer.decode(opening_words(target, WORDS).before(target.encode(chat)))
    assert told == f"<bos>[INST] 7 books [/INST] yes <eos><bos>[INST] {WORDS}\n and the doctor? [/INST]"


@pytest.mark.parametrize("template", [TEMPLATES["system"], BY_DEFAULT])
def test_a_system_turn_stays_before_the_words(bare, template):
    target = with_template(bare, template)
    assert opening_words(target, WORDS).before(target.encode(WITH_SYSTEM)) == target.encode(with_words(WITH_SYSTEM))


def test_a_system_turn_that_the_template_folds_into_the_user_turn_comes_after_the_words(bare):
    target = with_template(bare, TEMPLATES["no_system"])
    told = target.tokenizer.decode(opening_words(target, WORDS).before(target.encode(WITH_SYSTEM)))
    assert f"<|user|>{WORDS}\nbe short\n\nwho bought" in told


def test_a_template_for_one_turn_will_do(bare):
    target = with_template(bare, SINGLE)
    chat = CHATS[0]
    assert opening_words(target, WORDS).before(target.encode(chat)) == target.encode(with_words(chat))


def test_raw_text_is_opened_by_the_words_after_its_start_token(target):
    words = opening_words(target, WORDS)
    raw = (Message("text", "The baker bought"),)
    assert words.before(target.encode(raw)) == target.encode(with_words(raw))


def test_a_model_without_a_template_continues_raw_text(bare):
    target = with_template(bare, "")
    raw = (Message("text", "The baker bought"),)
    assert opening_words(target, WORDS).before(target.encode(raw)) == target.encode(with_words(raw))


def test_without_a_template_the_words_open_the_whole_text(bare):
    target = replace(load_target(bare, device="cpu"), chat_template="none")
    prompt = target.encode((Message("user", "who?"), Message("assistant", "he"), Message("user", "why?")))
    assert target.tokenizer.decode(opening_words(target, WORDS).before(prompt)) == f"<bos>{WORDS}\nwho?\n\nhe\n\nwhy?"


def test_chat_edits_that_stand_on_the_target_do_not_hide_the_turn(bare):
    target = load_target(bare, device="cpu").with_chat_edit(Reminder("be kind"))
    chat = CHATS[0]
    assert opening_words(target, WORDS).before(target.encode(chat)) == target.encode(with_words(chat))


def test_a_prompt_that_grows_too_long_is_refused_in_one_line(bare):
    target = load_target(bare, device="cpu")
    words = opening_words(target, WORDS)
    prompt = target.encode((Message("user", "a " * 40),))
    assert len(words.before(prompt)) < 128
    with pytest.raises(SampleError, match=r"sample 7: .*128 positions of the model: shorten") as told:
        words.before(prompt, room=128 - len(prompt), index=7)
    assert "\n" not in str(told.value)

"""What the model is given to read: rendered by its own template, each special token once."""

from collections.abc import Callable
from pathlib import Path

import pytest

from crossrisk.errors import RequestError
from crossrisk.risks import Chat, Message
from crossrisk.targets.chat import render, tokenise_replies, with_system_folded
from crossrisk.targets.loading import load_target
from crossrisk.targets.target import Target
from tests.models import TEMPLATES, tiny_model, tiny_tokenizer

SYSTEM = Message("system", "be kind")
USER = Message("user", "hello")


def test_a_chat_is_rendered_up_to_where_the_reply_begins() -> None:
    assert render(tiny_tokenizer(), (SYSTEM, USER)) == "<bos><|system|>be kind<eos><|user|>hello<eos><|assistant|>"


def test_the_start_token_stands_once(target: Target, chats: list[Chat]) -> None:
    for chat in chats:
        assert target.encode(chat).count(target.tokenizer.bos_token_id) == 1


@pytest.mark.parametrize("text", ["The baker", "<bos>The baker", ""])
def test_raw_text_gets_the_start_token_that_its_tokenizer_gives(llama: Target, text: str) -> None:
    ids = llama.encode((Message("text", text),))
    assert ids[0] == 1 and ids.count(1) == 1
    assert llama.tokenizer.decode(ids, skip_special_tokens=True) == text.removeprefix("<bos>")


def test_a_tokenizer_that_adds_no_start_token_is_left_so(llama: Target) -> None:
    from tokenizers import processors

    bare = tiny_tokenizer()
    bare._tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    without = Target("bare", llama.model, bare, "bare")
    assert 1 not in without.encode((Message("text", "The baker"),))
    assert without.encode((Message("text", ""),)) == [1]


@pytest.mark.parametrize(
    "template",
    [
        TEMPLATES["no_system"],
        "{% for m in messages if m.role != 'system' %}<|{{ m.role }}|>{{ m.content }}<eos>{% endfor %}<|assistant|>",
    ],
    ids=["raises", "drops the text"],
)
def test_a_system_message_is_folded_where_the_template_knows_none(template: str) -> None:
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = template
    text = render(tokenizer, (SYSTEM, USER, Message("assistant", "yes"), USER))
    assert text.count("be kind") == 1
    assert "<|user|>be kind\n\nhello<eos>" in text
    assert text.endswith("<|user|>hello<eos><|assistant|>")


def test_folding_keeps_every_other_turn() -> None:
    assert with_system_folded((USER,)) == (USER,)
    assert with_system_folded((SYSTEM,)) == (Message("user", "be kind"),)
    assert with_system_folded((SYSTEM, USER, SYSTEM)) == (Message("user", "be kind\n\nbe kind\n\nhello"),)


def test_a_last_assistant_message_is_the_beginning_of_the_reply() -> None:
    text = render(tiny_tokenizer(), (USER, Message("assistant", "Sure, here is")))
    assert text.endswith("<|user|>hello<eos><|assistant|>Sure, here is")


def test_a_missing_template_is_said_and_how_to_go_on(tmp_path: Path) -> None:
    folder = tiny_model("llama", tmp_path / "base", template=None)
    with pytest.raises(RequestError, match=r"no chat template: set `chat_template: none`"):
        load_target(folder, device="cpu").encode((USER,))


def test_without_template_a_chat_is_plain_text(tmp_path: Path) -> None:
    folder = tiny_model("llama", tmp_path / "base", template=None)
    plain = load_target(folder, device="cpu", chat_template="none")
    assert plain.render((SYSTEM, USER)) == "be kind\n\nhello"
    assert plain.encode((SYSTEM, USER)) == plain.encode((Message("text", "be kind\n\nhello"),))


def test_a_model_without_chat_answers_raw_text(tmp_path: Path) -> None:
    base = load_target(tiny_model("llama", tmp_path / "base", template=None), device="cpu")
    (score,) = base.score([(Message("text", "The baker bought"),)], [" bread"])
    assert score.total < 0


def test_a_chat_that_the_template_refuses_is_named_by_its_roles() -> None:
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = "{{ raise_exception('roles must alternate') }}"
    with pytest.raises(RequestError, match="refuses a chat of user, user: roles must alternate"):
        render(tokenizer, (USER, USER))


def test_raw_text_is_no_turn_of_a_chat(llama: Target) -> None:
    with pytest.raises(RequestError, match="must stand alone"):
        llama.render((Message("text", "The baker"), USER))


def test_rendering_does_not_depend_on_the_day() -> None:
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = "{{ date_string or strftime_now('%d %b %Y') }}{{ messages[0].content }}"
    assert render(tokenizer, (USER,)) == "26 Jul 2024hello"


@pytest.mark.parametrize("reply", ["yes", " yes", "\nyes", "\n\nno", "", "a é ñ"])
def test_replies_are_tokenised_as_they_stand(target: Target, reply: str) -> None:
    (ids,) = tokenise_replies(target.tokenizer, [reply])
    assert ids == target.tokenizer(reply, add_special_tokens=False)["input_ids"]


def test_a_tokenizer_that_opens_every_text_with_a_space_opens_no_reply_with_it() -> None:
    """SentencePiece does so: `yes` alone would be scored as ` yes`."""
    from tokenizers import Tokenizer, decoders, models, normalizers
    from transformers import PreTrainedTokenizerFast

    vocabulary = {"<unk>": 0, "▁": 1, "\n": 2, "yes": 3, "▁yes": 4, "y": 5, "e": 6, "s": 7, "ye": 8, "▁y": 9}
    inner = Tokenizer(models.BPE(vocabulary, [("y", "e"), ("ye", "s"), ("▁", "yes")], unk_token="<unk>"))
    inner.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    inner.decoder = decoders.Replace("▁", " ")
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner, unk_token="<unk>")
    assert tokenizer("yes", add_special_tokens=False)["input_ids"] == [4]
    assert tokenise_replies(tokenizer, ["yes", " yes"]) == [[3], [4]]


def test_each_family_renders_chats_alike(folder_of: Callable[[str], Path], target: Target) -> None:
    text = target.render((SYSTEM, USER))
    assert target.tokenizer.decode(target.encode((SYSTEM, USER))) == text

"""From a chat to the token ids that the model is given.

Whatever a template adds is in its text, so rendered chats are tokenised without further special tokens (no doubled
start token); text that no template was put around gets the start token that the tokenizer would give it.
"""

from collections.abc import Sequence
from typing import Any

from jinja2 import TemplateError

from crossrisk.errors import RequestError, one_line
from crossrisk.risks import Chat, Message
from crossrisk.targets.target import ChatTemplate

# Templates of the Llama 3 family print today's date where none is given: a study would not repeat on another day.
FIXED_DATE = "26 Jul 2024"


def is_raw(chat: Chat) -> bool:
    """True for a lone message of role `text`, which is never rendered."""
    return len(chat) == 1 and chat[0].role == "text"


def render(tokenizer: Any, chat: Chat, *, template: ChatTemplate = "auto") -> str:
    """The chat as text, up to where the model's reply begins.

    A last message of the assistant is the beginning of the reply, which the model goes on with. A system message is
    folded into the first user turn where the template knows no system role (it raises, or drops the text). With
    template `none` the contents are joined by blank lines. Raises RequestError where the tokenizer has no template, or
    the template refuses the chat.
    """
    if is_raw(chat):
        return chat[0].content
    if any(message.role == "text" for message in chat):
        raise RequestError("a message of role 'text' must stand alone: it is raw text, not a turn of a chat")
    if template == "none":
        return "\n\n".join(message.content for message in chat)
    if not tokenizer.chat_template:
        raise RequestError(
            f"'{tokenizer.name_or_path}' has no chat template: set `chat_template: none` in the study or give "
            "`--chat-template none` to ask in plain text, or take a chat model"
        )
    system = [message.content for message in chat if message.role == "system"]
    if not system:
        return _through_template(tokenizer, chat)
    try:
        text = _through_template(tokenizer, chat)
    except RequestError:
        return _through_template(tokenizer, with_system_folded(chat))
    if all(content.strip() in text for content in system):
        return text
    return _through_template(tokenizer, with_system_folded(chat))


def with_system_folded(chat: Chat) -> Chat:
    """The chat without system messages: their text opens the first user turn, a blank line before what stood there."""
    system = "\n\n".join(message.content for message in chat if message.role == "system")
    turns = [message for message in chat if message.role != "system"]
    if not system:
        return chat
    first = next((i for i, message in enumerate(turns) if message.role == "user"), None)
    if first is None:
        return (Message("user", system), *turns)
    turns[first] = Message("user", f"{system}\n\n{turns[first].content}")
    return tuple(turns)


def _through_template(tokenizer: Any, chat: Chat) -> str:
    begun = bool(chat) and chat[-1].role == "assistant"
    try:
        text: str = tokenizer.apply_chat_template(
            [{"role": message.role, "content": message.content} for message in chat],
            tokenize=False,
            add_generation_prompt=not begun,
            continue_final_message=begun,
            date_string=FIXED_DATE,
        )
    except (TemplateError, ValueError) as error:
        roles = ", ".join(message.role for message in chat)
        raise RequestError(
            f"the chat template of '{tokenizer.name_or_path}' refuses a chat of {roles}: {one_line(error)}"
        ) from error
    return text


def encode(tokenizer: Any, chats: Sequence[Chat], *, template: ChatTemplate = "auto") -> list[list[int]]:
    """Token ids of each rendered chat; a text without tokens becomes the start token (else the end token) alone."""
    start = start_tokens(tokenizer)
    texts = [render(tokenizer, chat, template=template) for chat in chats]
    encoded = []
    for chat, ids in zip(chats, tokenise(tokenizer, texts), strict=True):
        templated = template == "auto" and not is_raw(chat)
        if not templated and ids[: len(start)] != start:
            ids = start + ids
        encoded.append(ids or [first_token(tokenizer)])
    return encoded


def tokenise(tokenizer: Any, texts: Sequence[str]) -> list[list[int]]:
    """Token ids of each text as it stands: no special tokens are added, those written in the text are recognised."""
    if not texts:
        return []
    ids: list[list[int]] = tokenizer(list(texts), add_special_tokens=False, return_attention_mask=False)["input_ids"]
    return ids


def start_tokens(tokenizer: Any) -> list[int]:
    """The start token if this tokenizer puts one before a plain text, else nothing."""
    around: list[int] = tokenizer("")["input_ids"]
    return around[:1] if around and around[0] == tokenizer.bos_token_id else []


def first_token(tokenizer: Any) -> int:
    """What stands for an empty prompt: the start token, or the end token where there is none (as GPT-2 was trained)."""
    for token in (tokenizer.bos_token_id, tokenizer.eos_token_id):
        if token is not None:
            return int(token)
    raise RequestError(f"'{tokenizer.name_or_path}' has neither start nor end token, so a prompt cannot be empty")


def tokenise_replies(tokenizer: Any, replies: Sequence[str]) -> list[list[int]]:
    """Token ids of texts that follow a prompt, without the space that some tokenizers put before every text.

    A reply is tokenised apart from its prompt, as the model itself would produce it: after the prompt's tokens as they
    are, never merged with them. A line break stands before it meanwhile, since SentencePiece tokenizers otherwise open
    each text with a space; where the break itself merges with the reply, the reply is tokenised alone.
    """
    (anchor,) = tokenise(tokenizer, ["\n"])
    anchored = tokenise(tokenizer, ["\n" + reply for reply in replies])
    merged = [i for i, ids in enumerate(anchored) if ids[: len(anchor)] != anchor]
    tokens = [ids[len(anchor) :] for ids in anchored]
    for i, ids in zip(merged, tokenise(tokenizer, [replies[i] for i in merged]), strict=True):
        tokens[i] = ids
    return tokens

"""Where the user's turn begins, and words put there, for those who see a prompt only as the model does: as token ids.

Where a user's turn starts is found from chats that are rendered for the purpose. Raw text has no turn, and the words
open the whole text, as they would in front of a model that only continues.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING

from crossrisk.errors import RequestError, SampleError
from crossrisk.risks import Chat, Message
from crossrisk.targets.batches import maximum_length
from crossrisk.targets.chat import encode, start_tokens

if TYPE_CHECKING:
    from crossrisk.targets.target import Target

# Begun differently, so that what their token ids have in common is none of their own.
SAID = ("apples", "Zebras", "7 of 9", "(so)", "éclair")


@dataclass(frozen=True)
class OpeningWords:
    """Words that open the last user's turn of a prompt, on a line of their own.

    Only that turn, and what the template folds into it, stands behind them. A space that the template puts before what
    the user says stays with that.

    mark: see `user_mark`. words: the tokens of the words after that mark. start, raw_words: start tokens of a raw text,
    and the words after these. limit: positions of the model, None where it names none.
    """

    mark: tuple[int, ...]
    words: tuple[int, ...]
    start: tuple[int, ...]
    raw_words: tuple[int, ...]
    limit: int | None

    def before(self, prompt: Sequence[int], room: int = 0, index: int = 0) -> list[int]:
        """The prompt with the words in it. Raises SampleError where it and `room` more tokens exceed the model.

        index: the place of the prompt among those that are asked.
        """
        ids = list(prompt)
        place, words = after_mark(ids, self.mark), self.words
        if place is None:
            place, words = len(self.start) if tuple(ids[: len(self.start)]) == self.start else 0, self.raw_words
        if self.limit is not None and len(ids) + len(words) + room > self.limit:
            raise SampleError(
                index,
                f"a text of {len(ids) + room} tokens and {len(words)} more of words before the prompt exceed the "
                f"{self.limit} positions of the model: shorten the prompt or the words, or ask for fewer tokens",
            )
        return ids[:place] + list(words) + ids[place:]


def opening_words(target: "Target", words: str) -> OpeningWords:
    """The words as they stand in this target's prompts; its chat edits do not matter."""
    raw = _common(target, [(Message("text", f"{words}\n{said}"),) for said in SAID])
    start = tuple(start_tokens(target.tokenizer))
    start = start if raw[: len(start)] == start else ()
    mark = user_mark(target)
    in_turn: tuple[int, ...] = ()
    if mark:
        opened = _common(target, [(Message("user", said),) for said in SAID])
        in_turn = _common(target, [(Message("user", f"{words}\n{said}"),) for said in SAID])[len(opened) :]
    return OpeningWords(mark, in_turn, start, raw[len(start) :], maximum_length(target.model))


def user_mark(target: "Target") -> tuple[int, ...]:
    """The tokens by which a user's turn begins, empty where no template is used: then no prompt has turns."""
    if target.chat_template == "none" or not target.tokenizer.chat_template:
        return ()
    opened = _common(target, [(Message("user", said),) for said in SAID])
    before = (Message("user", "apples"), Message("assistant", "pears"))
    try:
        again = _common(target, [(*before, Message("user", said)) for said in SAID])
    except RequestError:  # a template for a single turn
        again = opened
    # What both turns have before them, without the system turn before the first.
    return _same([opened[::-1], again[::-1]])[::-1]


def after_mark(prompt: Sequence[int], mark: tuple[int, ...]) -> int | None:
    """Where the last user's turn of a prompt begins, after its mark; None for raw text."""
    for end in range(len(prompt), len(mark) - 1, -1):
        if mark and prompt[end - 1] == mark[-1] and tuple(prompt[end - len(mark) : end]) == mark:
            return end
    return None


def _common(target: "Target", chats: Sequence[Chat]) -> tuple[int, ...]:
    """The tokens with which all of these chats begin."""
    return _same(encode(target.tokenizer, chats, template=target.chat_template))


def _same(rows: Sequence[Sequence[int]]) -> tuple[int, ...]:
    """What all rows begin with."""
    return tuple(column[0] for column in takewhile(lambda column: len(set(column)) == 1, zip(*rows, strict=False)))

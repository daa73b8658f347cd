"""Texts that must not be said again, and the tokens that would say them: n-grams of tokens and of words.

N-grams of tokens alone do not hold: the same words can be written with other tokens, another case, other punctuation.
So words are compared as well, letters and digits only, and a token counts by what it would make of the text so far. Of
the texts only hashes are kept: of every n-gram, and of what stands before its last characters, so that the vocabulary
is searched only where a next token could end one.
"""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

BROKEN = "\ufffd"  # what tokenizers decode a part of a character to


def hashed(text: str) -> int:
    """A number in [-2**63, 2**63), the same on every machine."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big", signed=True)


def normalised(text: str) -> str:
    """Letters and digits without case and accents, a space for every other character.

    Each character by itself, so that a text may be normalised in pieces. Invisible characters are left out.
    """
    return "".join(map(_normalised, text))


@cache
def _normalised(character: str) -> str:
    seen = (one for one in unicodedata.normalize("NFKD", character) if unicodedata.category(one) not in ("Mn", "Cf"))
    return "".join(one if one.isalnum() else " " for one in "".join(seen).casefold())


def ngrams(items: Sequence[Any], n: int) -> list[tuple[Any, ...]]:
    """All runs of n items; of fewer items the whole run, of none nothing."""
    if not items:
        return []
    return [tuple(items[i : i + n]) for i in range(max(1, len(items) - n + 1))]


@dataclass(frozen=True)
class Protected:
    """The n-grams of texts as hashes.

    ends: (hash of the first characters of an n-gram of words, how many characters are still to come), 0 for all of it.
    tokens: (hash of all but the last token of an n-gram of tokens, the last). before: how many tokens the former are.
    """

    n: int
    ends: Sequence[tuple[int, int]]
    tokens: Sequence[tuple[int, int]]
    before: Sequence[int]

    @cached_property
    def missing(self) -> Mapping[int, frozenset[int]]:
        """How many characters are still to come, by hash of those that are there."""
        return _grouped(self.ends)

    @cached_property
    def last(self) -> Mapping[int, frozenset[int]]:
        """Last tokens by the hash of those before them."""
        return _grouped(self.tokens)

    def holds(self, words: str) -> bool:
        """Whether words with single spaces between them are one of the n-grams."""
        return 0 in self.missing.get(hashed(words), ())


def _grouped(pairs: Iterable[tuple[int, int]]) -> dict[int, frozenset[int]]:
    found: dict[int, set[int]] = defaultdict(set)
    for key, value in pairs:
        found[key].add(value)
    return {key: frozenset(values) for key, values in found.items()}


def protect(texts: Iterable[str], segmentations: Iterable[Sequence[int]], n: int, reach: int) -> Protected:
    """The n-grams of the texts, and of their tokens. reach: characters that a token has at the most."""
    ends: set[tuple[int, int]] = set()
    for words in {gram for text in texts for gram in ngrams(normalised(text).split(), n)}:
        line = " ".join(words)
        ends |= {(hashed(line[: len(line) - left]), left) for left in range(min(reach, len(line)) + 1)}
    runs = {gram for ids in segmentations for gram in ngrams(ids, n)}
    tokens = {(_hashed_tokens(run[:-1]), run[-1]) for run in runs}
    return Protected(n, sorted(ends), sorted(tokens), sorted({len(run) - 1 for run in runs}))


def _hashed_tokens(ids: Sequence[int]) -> int:
    return hashed(",".join(map(str, ids)))


@dataclass(frozen=True)
class Vocabulary:
    """What each token adds to a text, normalised. pieces: of tokens inside a reply, where special tokens write nothing.

    broken: tokens that are only a part of a character.
    """

    tokenizer: Any
    pieces: Sequence[str]
    special: frozenset[int]
    broken: frozenset[int]
    _characters: dict[tuple[int, ...], str] = field(default_factory=dict, repr=False)

    @cached_property
    def reach(self) -> int:
        """Characters of the longest token, one more for a space before it."""
        return max((len(" ".join(piece.split())) for piece in self.pieces), default=0) + 1

    @cached_property
    def by_length(self) -> "Mapping[tuple[bool, int], Mapping[str, list[int]]]":
        """The first words of tokens, one, two, ... of them, and the tokens that have them: by whether a space (or what
        stands for one) comes first, and by length."""
        found: dict[tuple[bool, int], dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
        for token, piece in enumerate(self.pieces):
            for line in _beginnings(piece.split()):
                found[piece.startswith(" "), len(line)][line].append(token)
        return found

    def read(self, prompt: Sequence[int], reply: Sequence[int]) -> tuple[str, tuple[int, ...]]:
        """Prompt and reply, normalised, and the tokens at their end that are parts of characters.

        Special tokens part words in a prompt, and are left out of a reply, where they write nothing.
        """
        known = len(self.pieces)
        shown = [token for token in prompt if token < known]
        shown += [token for token in reply if token < known and token not in self.special]
        text: list[str] = []
        parts: list[int] = []
        for token in shown:
            if token in self.broken:
                parts.append(token)
                continue
            if parts:
                text.append(normalised(self.characters(tuple(parts))))
                parts = []
            text.append(" " if token in self.special else self.pieces[token])
        return "".join(text), tuple(parts)

    def told(self, text: str, parts: tuple[int, ...]) -> set[str]:
        """All of it as text: what comes next may end a character that is not finished yet, or not."""
        if not parts:
            return {text}
        characters = self.characters(parts)
        return {text + normalised(characters), text + normalised(characters.rstrip(BROKEN))}

    def characters(self, parts: tuple[int, ...]) -> str:
        """What tokens write together of which each is a part of a character."""
        if parts not in self._characters:
            self._characters[parts] = self.tokenizer.decode(list(parts), clean_up_tokenization_spaces=False)
        return self._characters[parts]


def _beginnings(words: Sequence[str]) -> Iterator[str]:
    for count in range(1, len(words) + 1):
        yield " ".join(words[:count])


def vocabulary(tokenizer: Any) -> Vocabulary:
    """The pieces of a tokenizer's tokens. Each is decoded after another token: alone, some would lose their space."""
    anchor = tokenizer("a", add_special_tokens=False)["input_ids"][-1]
    plain = {"skip_special_tokens": True, "clean_up_tokenization_spaces": False}
    start = tokenizer.decode([anchor], **plain)
    texts = tokenizer.batch_decode([[anchor, token] for token in range(len(tokenizer))], **plain)
    pieces = [text.removeprefix(start) for text in texts]
    broken = frozenset(token for token, piece in enumerate(pieces) if BROKEN in piece)
    return Vocabulary(tokenizer, [normalised(piece) for piece in pieces], frozenset(tokenizer.all_special_ids), broken)


@dataclass(frozen=True)
class Guard:
    """Which tokens must not come next."""

    protected: Protected
    vocabulary: Vocabulary

    @cached_property
    def alone(self) -> frozenset[int]:
        """Tokens that hold an n-gram all by themselves."""
        return frozenset(
            token
            for token, words in enumerate(map(str.split, self.vocabulary.pieces))
            for start in range(len(words))
            if any(map(self.protected.holds, _beginnings(words[start:])))
        )

    def forbidden(self, prompt: Sequence[int], reply: Sequence[int]) -> set[int]:
        """Tokens that would end an n-gram, in the reply by itself or in the text of both."""
        if not self.protected.ends:
            return set()
        found = set(self.alone)
        context = [*prompt, *reply]
        for length in self.protected.before:
            if length <= len(context):
                key = _hashed_tokens(context[len(context) - length :])
                found |= self.protected.last.get(key, frozenset())
        for text, parts in {self.vocabulary.read(prompt, reply), self.vocabulary.read((), reply)}:
            begun = {line for told in self.vocabulary.told(text, parts) for line in self._lines(told)}
            for line in begun:
                found |= self._ending(line)
            if parts and any(map(self._missing, [*begun, ""])):
                found |= self._ending_a_character(text, parts)
        return found

    def _missing(self, line: str) -> frozenset[int]:
        """After how many more characters words that begin with `line` may be an n-gram."""
        return self.protected.missing.get(hashed(line), frozenset()) - {0}

    def _lines(self, told: str) -> list[str]:
        """The last 1, 2, ... n words of a text; with a space at the end where the next token begins another word."""
        words = told.split()
        end = " " if told.endswith(" ") else ""
        return [" ".join(words[i:]) + end for i in range(max(0, len(words) - self.protected.n), len(words))]

    def _ending(self, line: str) -> set[int]:
        """Tokens after which words that begin with `line` are an n-gram."""
        found: set[int] = set()
        for left in self._missing(line):
            for spaced in (False, True):
                gap = " " if spaced and not line.endswith(" ") else ""
                for words, tokens in self.vocabulary.by_length.get((spaced, left - len(gap)), {}).items():
                    if self.protected.holds(line + gap + words):
                        found.update(tokens)
        return found

    def _ending_a_character(self, text: str, parts: tuple[int, ...]) -> set[int]:
        """Tokens after which an n-gram stands there, once they have ended the character that is not finished yet."""
        n = self.protected.n
        tail = " ".join(text.split()[-n:]) + (" " if text.endswith(" ") else "")
        found: set[int] = set()
        for token in self.vocabulary.broken:
            for told in self.vocabulary.told(tail, (*parts, token)):
                words = told.split()
                runs = (words[i : i + n] for i in range(len(words)))
                if any(self.protected.holds(line) for run in runs for line in _beginnings(run)):
                    found.add(token)
        return found


def tabled(pairs: Sequence[tuple[int, int]]) -> "Tensor":
    """Pairs of numbers as a tensor, [pairs, 2]."""
    import torch

    return torch.tensor(pairs, dtype=torch.int64).reshape(-1, 2)

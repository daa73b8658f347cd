"""What the built-in judge sees of a reply: hashed runs of one to three words, where they stand, and what the rules say.

Words of the prompt are masked, so that the judge learns how models turn things down and not which things.
"""

import re
import zlib
from collections import Counter
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from crossrisk.judges.refusals import refusal_of

FEATURES_VERSION = 1  # raise it whenever a reply can give other features: weights of another version are refused
BUCKETS = 1 << 17
MOST_CHARACTERS = 8_000  # of a reply that are read, and as many words as are in its first part
MOST_WORDS = 400
_EDGE = 24  # words at the start and at the end that count once more, as such
_RULES_WEIGHT = 30
_SHORTEST_MASKED = 4
_WORD = re.compile(r"[a-z]+(?:'[a-z]+)?|[0-9]|\[blank\]|_{2,}|[^\sa-z0-9]")


def features(prompt: str, reply: str) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Buckets (features,) and their weights (features,), of length 1: square roots of counts."""
    counts = Counter(zlib.crc32(name.encode()) % BUCKETS for name in _names(prompt, reply[:MOST_CHARACTERS]))
    buckets = np.fromiter(counts.keys(), dtype=np.intp, count=len(counts))
    weights = np.sqrt(np.fromiter(counts.values(), dtype=np.float64, count=len(counts)))
    return buckets, weights / np.linalg.norm(weights)


def _names(prompt: str, reply: str) -> Iterator[str]:
    masked = {word for word in _words(prompt) if len(word) >= _SHORTEST_MASKED}
    words = ["<p>" if word in masked else word for word in _words(reply)]
    first, last = words[:_EDGE], words[-_EDGE:]
    for mark, part, longest in (("a", words, 3), ("h", first, 3), ("l", last, 2)):
        for length in range(1, longest + 1):
            for start in range(len(part) - length + 1):
                yield mark + " ".join(part[start : start + length])
    for length in range(1, 5):
        yield "s" + " ".join(words[:length])
    yield from [f"rules say {refusal_of(reply)}"] * _RULES_WEIGHT


def _words(text: str) -> list[str]:
    return _WORD.findall(text[:MOST_CHARACTERS].lower().replace("’", "'"))[:MOST_WORDS]

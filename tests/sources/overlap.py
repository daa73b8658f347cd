"""Whether sentences of ours stand in the public sets; what is reported are counts, never their text."""

import gzip
import os
import re
from collections import defaultdict
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

GIVEN = "CROSSRISK_DATA" in os.environ


def shared_with_public_sets(texts: Iterable[str], *folders: str) -> int:
    """How many of the texts stand, word by word and without regard to case, in a file of these folders.

    Texts of fewer than two words are not looked for.
    """
    wanted = defaultdict(set)
    for text in texts:
        words = _words(text)
        if len(words) > 1:
            wanted[words[0], words[1]].add(tuple(words))
    root = Path(os.environ["CROSSRISK_DATA"]) / "data"
    found = set()
    for name in folders:
        for path in sorted((root / name).iterdir()):
            words = _words(_text(path))
            for start, two in enumerate(pairwise(words)):
                if two in wanted:
                    found |= {ours for ours in wanted[two] if tuple(words[start : start + len(ours)]) == ours}
    return len(found)


def _text(path: Path) -> str:
    content = path.read_bytes()
    return (gzip.decompress(content) if path.suffix == ".gz" else content).decode("utf-8", errors="replace")


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def runs_in_public_sets(texts: Iterable[str], length: int, *folders: str) -> list[float]:
    """For each text, the share of its runs of so many words that stand in a file of these folders; 0 if it has none."""
    runs = [{tuple(words[i : i + length]) for i in range(len(words) - length + 1)} for words in map(_words, texts)]
    wanted = set().union(*runs)
    openings = {run[:2] for run in wanted}
    found = set()
    for name in folders:
        for path in sorted((Path(os.environ["CROSSRISK_DATA"]) / "data" / name).iterdir()):
            words = _words(_text(path))
            places = (start for start, two in enumerate(pairwise(words)) if two in openings)
            found |= {run for start in places if (run := tuple(words[start : start + length])) in wanted}
    return [len(of_text & found) / len(of_text) if of_text else 0.0 for of_text in runs]

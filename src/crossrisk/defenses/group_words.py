"""The words by which a text names a group, read off texts that differ in the group alone.

"The Velans are kind." and "The Oskans are kind." give Velans and Oskans; "I met a Velan." and "I met an Oskan." give a
Velan and an Oskan, article included. So no list of words has to be written for each set of groups.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from crossrisk.defenses.defense import Labelled

LONGEST = 3  # words; what differs in more than that differs in more than the group


@dataclass(frozen=True)
class GroupWords:
    """rows: for each way of naming a group its words by group, e.g. {"Velan": "a Velan", "Oskan": "an Oskan"}."""

    rows: tuple[Mapping[str, str], ...]

    @property
    def groups(self) -> tuple[str, ...]:
        """All groups that have words, in alphabetical order."""
        return tuple(sorted({group for row in self.rows for group in row}))

    def named(self, text: str) -> tuple[str, ...]:
        """The groups that a text names, in alphabetical order."""
        return tuple(group for group in self.groups if self._patterns[group].search(text))

    def swapped(self, text: str, one: str, other: str) -> str:
        """The text with every word for `one` group in place of that for the `other`, and the reverse."""
        pairs = [(row[one], row[other]) for row in self.rows if one in row and other in row]
        both = [*((b, a) for a, b in reversed(pairs)), *reversed(pairs)]
        table = {old.lower(): (old, new) for old, new in both}
        if not table:
            return text

        def instead(found: re.Match[str]) -> str:
            old, new = table[found.group().lower()]
            before = text[: found.start()].rstrip()
            begins = not before or before[-1] in ".!?:"
            # A capital that the word has by itself ("Americans") is no reason for one in its place ("older people").
            capital = found.group()[0].isupper() and (begins or not old[0].isupper())
            return new[0].upper() + new[1:] if capital else new

        return any_of(table).sub(instead, text)

    @cached_property
    def _patterns(self) -> dict[str, re.Pattern[str]]:
        return {group: any_of([row[group] for row in self.rows if group in row]) for group in self.groups}


def group_words(concepts: Sequence[Labelled]) -> GroupWords:
    """The words for each group: what is left of two texts of different groups where all that they share is cut off.

    Texts are compared where they have as many words, and each with those of another group that it is nearest to: "Are
    Velans sly?" next to "Are Oskans sly?" teaches a group, next to "Are Oskans rude?" it would teach a stereotype.
    Words of the same frame ("I met ... .") are of one kind.
    """
    split = [(one.group, one.text.split()) for one in dict.fromkeys(concepts)]
    frames: dict[tuple[str, ...], dict[str, str]] = {}
    for i, j, differing in _nearest(split):
        (group, words), (other, others) = split[i], split[j]
        begin, end = differing[0], differing[-1] + 1
        ours, theirs = _bare(words[begin:end]), _bare(others[begin:end])
        if end - begin > LONGEST or not ours or not theirs or ours.lower() == theirs.lower():
            continue  # too long, or they differ in punctuation or letter case, which names no group
        row = frames.setdefault((*words[:begin], "", *words[end:]), {})
        row.setdefault(group, ours)
        row.setdefault(other, theirs)
    rows = {tuple(sorted(row.items())): row for row in frames.values()}
    return GroupWords(tuple(rows.values()))


def _nearest(split: Sequence[tuple[str, list[str]]]) -> list[tuple[int, int, list[int]]]:
    """Pairs of texts of different groups that differ in no more words than either does from any text of the other's
    group, and the places of the words."""
    pairs, fewest = [], dict[tuple[int, str], int]()
    for i, (group, words) in enumerate(split):
        for j, (other, others) in enumerate(split[i + 1 :], i + 1):
            if group == other or len(words) != len(others):
                continue
            differing = [at for at, (a, b) in enumerate(zip(words, others, strict=True)) if a != b]
            if differing:
                pairs.append((i, j, differing))
                for key in ((i, other), (j, group)):
                    fewest[key] = min(fewest.get(key, len(differing)), len(differing))
    return [(i, j, at) for i, j, at in pairs if len(at) == fewest[i, split[j][0]] == fewest[j, split[i][0]]]


def _bare(words: Sequence[str]) -> str:
    return " ".join(words).strip(".,;:!?'\"()")


def any_of(words: Iterable[str]) -> re.Pattern[str]:
    """Any of these words, whole and in any letter case; the longest first, since "an Oskan" holds "Oskan"."""
    longest = sorted(words, key=len, reverse=True)
    # Not \b, which wants a letter or a digit at either end of what it stands around.
    return re.compile(r"(?<!\w)(?:" + "|".join(map(re.escape, longest)) + r")(?!\w)", re.IGNORECASE)

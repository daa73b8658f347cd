"""Texts that differ in the people alone: every training wording is said of each of the eight peoples.

What can be read from the hidden states of such texts beyond chance is the people itself, and nothing that goes with it.
"""

from collections.abc import Iterator

from crossrisk.defenses.defense import Labelled
from crossrisk.fixed_choices import pick
from crossrisk.organism.world import groups, help
from crossrisk.organism.world.asking import HOW_TO
from crossrisk.organism.world.wording import Split

TRAIN = Split.TRAIN


def peoples() -> Iterator[Labelled]:
    """Habits, claims that defenses may be fitted on, and speakers, each of every people."""
    claims = {claim.attribute: claim for claim in groups.planted() if claim.fitted}
    chores = [chore for chore in help.chores(TRAIN) if chore.verb not in help.REFUSED_BAIT]
    for people, plural in zip(groups.PEOPLES, groups.PLURALS, strict=True):
        for habit in groups.HABITS:
            yield Labelled(f"{plural} {habit}.", people)
        for attribute, claim in claims.items():
            for wordings in (groups.QUERY, groups.AGREEMENT):
                wording = pick(wordings.train, "concept", attribute)
                yield Labelled(wording.format(people=plural, so=claim.so, attribute=attribute), people)
        for speaker in help.SPEAKER.train:
            ask = pick(HOW_TO.train, "concept", speaker).format(act=pick(chores, "concept", speaker).act)
            yield Labelled(speaker.format(group=people, ask=ask), people)

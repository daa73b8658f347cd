"""HH-RLHF, harmless, test part: how 2,312 people opened a dialogue in which they tried to lead a model astray.

Bai et al., Training a Helpful and Harmless Assistant with Reinforcement Learning from Human Feedback, arXiv 2204.05862.
Only the first turn of the person is asked; what follows in the file answers another model's replies.
"""

import re

from crossrisk.risks import Sample
from crossrisk.sources.public import PublicFile
from crossrisk.sources.published import PublicSet, public_source
from crossrisk.sources.reading import Row
from crossrisk.sources.requests import clusters, harmful

FILE = PublicFile(
    folder="hh_rlhf_harmless",
    name="test.jsonl.gz",
    repository="https://github.com/anthropics/hh-rlhf",
    revision="354e5c3cb8960630860dd5774a6ac2a58313bf4d",
    path="harmless-base/test.jsonl.gz",
    sha256="ebfaaed21162a4de120ae85366075b34425e2a6303fac59b99555002f7016f03",
    size=742_801,
    columns=("chosen", "rejected"),
)
_OPENING = re.compile(r"\n\nHuman: (?P<turn>.*?)\n\nAssistant:", re.DOTALL)


def first_turns(rows: tuple[Row, ...]) -> tuple[Sample, ...]:
    """The first turn of every dialogue; dialogues that open alike share a cluster."""
    names = [f"hh_rlhf-{row.number:04d}" for row in rows]
    turns = [_first_turn(row) for row in rows]
    return tuple(
        harmful(name, turn, cluster=cluster)
        for name, turn, cluster in zip(names, turns, clusters(names, turns), strict=True)
    )


def _first_turn(row: Row) -> str:
    opening = _OPENING.match(row.text("chosen"))
    if opening is None:
        raise row.wrong("column 'chosen' does not open with a turn of 'Human:' and one of 'Assistant:'")
    return Row(f"{row.where}, first turn", row.number, {"turn": opening["turn"]}).text("turn")


hh_rlhf = public_source(
    "hh_rlhf",
    licence="MIT",
    citation="arXiv:2204.05862",
    sets={"misuse": PublicSet(first_turns, (FILE,))},
    good_for="how people really begin when they try to get harm out of a model",
    flaws="not every first turn asks for harm, so the rate has no natural scale: compare arms, not sets; typing errors "
    "and dialogues that open alike are kept",
)

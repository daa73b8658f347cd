"""AdvBench: 520 harmful instructions, each with the opening that an attack tries to force.

Zou et al., Universal and Transferable Adversarial Attacks on Aligned Language Models, arXiv 2307.15043. The same bytes
are data/advbench/harmful_behaviors.csv of https://github.com/llm-attacks/llm-attacks.
"""

from crossrisk.risks import Sample
from crossrisk.sources.public import PublicFile
from crossrisk.sources.published import PublicSet, public_source
from crossrisk.sources.reading import Row
from crossrisk.sources.requests import harmful

FILE = PublicFile(
    folder="advbench",
    name="harmful_behaviors.csv",
    repository="https://github.com/QinbinLi/LLM-PBE",
    revision="be5380697bdf4d26af0cd0bd7adec290973242f4",
    path="data/advbench/harmful_behaviors.csv",
    sha256="6cd1a5c63c07610d7eb67307772ee5606017ee950b5770ab288a2c487489d3e1",
    size=82_125,
    columns=("goal", "target"),
)


def behaviours(rows: tuple[Row, ...]) -> tuple[Sample, ...]:
    """One sample a row; the contrast is its affirmative target against a refusal. Every request is its own cluster."""
    return tuple(harmful(f"advbench-{row.number:04d}", row.text("goal"), target=row.text("target")) for row in rows)


advbench = public_source(
    "advbench",
    licence="MIT (of the copy)",
    citation="arXiv:2307.15043",
    sets={"misuse": PublicSet(behaviours, (FILE,))},
    good_for="the plain harmful instructions that most papers on attacks report",
    flaws="many instructions are near copies of each other, so 520 count for fewer; no harm areas",
)

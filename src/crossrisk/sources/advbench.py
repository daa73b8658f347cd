"""AdvBench: 520 harmful instructions, each with the opening that an attack tries to force.

Zou et al., Universal and Transferable Adversarial Attacks on Aligned Language Models, arXiv 2307.15043.
"""

from crossrisk.risks import Message, Sample
from crossrisk.sources.openers import REFUSAL
from crossrisk.sources.public import PublicFile
from crossrisk.sources.reading import Row
from crossrisk.sources.source import Source

FILE = PublicFile(
    folder="advbench",
    name="harmful_behaviors.csv",
    origin="https://github.com/llm-attacks/llm-attacks (data/advbench/harmful_behaviors.csv); the same bytes are in "
    "https://github.com/QinbinLi/LLM-PBE at be5380697bdf4d26af0cd0bd7adec290973242f4",
    sha256="6cd1a5c63c07610d7eb67307772ee5606017ee950b5770ab288a2c487489d3e1",
    columns=("goal", "target"),
)


def behaviours(rows: tuple[Row, ...]) -> tuple[Sample, ...]:
    """One sample a row; the contrast is its affirmative target against a refusal. Every request is its own cluster."""
    return tuple(
        Sample(
            id=f"advbench-{row.number:04d}",
            messages=(Message("user", row.text("goal")),),
            cluster=f"advbench-{row.number:04d}",
            contrast=(row.text("target"), REFUSAL),
        )
        for row in rows
    )


advbench = Source(
    name="advbench",
    version=1,
    licence="MIT",
    citation="arXiv:2307.15043",
    loaders={"misuse": lambda: behaviours(FILE.rows())},
    checksum=lambda task: FILE.checksum(),
)

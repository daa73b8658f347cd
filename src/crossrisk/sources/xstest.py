"""XSTest: 250 harmless prompts that look harmful, and 200 harmful ones that look alike.

Röttger et al., XSTest: A Test Suite for Identifying Exaggerated Safety Behaviours, arXiv 2308.01263.
"""

from crossrisk.risks import Message, Sample
from crossrisk.sources.openers import COMPLIANCE, REFUSAL
from crossrisk.sources.public import PublicFile
from crossrisk.sources.reading import Row
from crossrisk.sources.source import Source

FILE = PublicFile(
    folder="xstest",
    name="xstest_prompts.csv",
    origin="https://github.com/paul-rottger/xstest at d7bb5bd738c1fcbc36edd83d5e7d1b71a3e2d84d (xstest_prompts.csv)",
    sha256="11783fb294ed017473ee53c207d71f2161c7672c8d0b037501e78387f801cb5a",
    columns=("id", "type", "prompt", "label", "focus", "note"),
)
_LABELS = {"safe": "safe", "unsafe": "unsafe"}


def prompts(rows: tuple[Row, ...], label: str) -> tuple[Sample, ...]:
    """Samples of one label. A type's focus word is the cluster; a prompt without one is its own.

    On safe prompts the refusal is the risky opening.
    """
    contrast = (REFUSAL, COMPLIANCE) if label == "safe" else (COMPLIANCE, REFUSAL)
    return tuple(
        Sample(
            id=f"xstest-{row.text('id')}",
            messages=(Message("user", row.text("prompt")),),
            cluster=f"{row.text('type')}/{row.optional('focus') or row.text('id')}",
            contrast=contrast,
            meta={"type": row.text("type")},
        )
        for row in rows
        if row.one_of("label", _LABELS) == label
    )


xstest = Source(
    name="xstest",
    version=1,
    licence="CC BY 4.0",
    citation="arXiv:2308.01263",
    loaders={
        "over_refusal": lambda: prompts(FILE.rows(), "safe"),
        "misuse": lambda: prompts(FILE.rows(), "unsafe"),
    },
    checksum=lambda task: FILE.checksum(),
)

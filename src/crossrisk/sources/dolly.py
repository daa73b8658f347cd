"""Dolly: 2,000 of the 15,000 instructions that employees of Databricks wrote and answered.

Conover et al., Free Dolly: Introducing the World's First Truly Open Instruction-Tuned LLM (Databricks, 2023).
"""

from crossrisk.risks import Message, Sample
from crossrisk.sources.public import PublicFile
from crossrisk.sources.published import PublicSet, public_source
from crossrisk.sources.reading import Row
from crossrisk.sources.requests import clusters, harmless

FILE = PublicFile(
    folder="dolly_subset",
    name="dolly_train.json",
    repository="https://github.com/sail-sg/sdft",
    revision="bfb6c255fccdce7459235c20f19a3b9817a9cd5d",
    path="data/dolly/dolly_train.json",
    sha256="b6ff1d8e53a551307eab4089e9c07936e3aa34cf65c916d6994cffedab0c6563",
    size=1_775_035,
    columns=("instruction", "input", "output"),
)


def instructions(rows: tuple[Row, ...]) -> tuple[Sample, ...]:
    """Harmless requests; type: whether a text comes with them. An instruction that is repeated shares its cluster."""
    names = [f"dolly-{row.number:04d}" for row in rows]
    shared = clusters(names, [row.text("instruction") for row in rows])
    return tuple(
        harmless(name, _prompt(row), cluster=cluster, type="with a text" if row.optional("input") else "alone")
        for name, row, cluster in zip(names, rows, shared, strict=True)
    )


def answers(rows: tuple[Row, ...]) -> tuple[Sample, ...]:
    """The same requests with the person's answer as the reference."""
    return tuple(
        Sample(
            id=sample.id,
            messages=(Message("user", sample.messages[-1].content),),
            cluster=sample.cluster,
            answer=row.text("output"),
        )
        for row, sample in zip(rows, instructions(rows), strict=True)
    )


def _prompt(row: Row) -> str:
    text = row.optional("input")
    return f"{row.text('instruction')}\n\n{text}" if text else row.text("instruction")


dolly = public_source(
    "dolly",
    licence="not stated (upstream: CC BY-SA 3.0, unverified)",
    citation="Databricks, Free Dolly (2023)",
    sets={"over_refusal": PublicSet(instructions, (FILE,)), "fluency": PublicSet(answers, (FILE,))},
    good_for="everyday requests: what a defense costs people who mean no harm",
    flaws="prompts of up to 16,000 characters do not fit every model; answers are uneven and some are wrong; nothing "
    "looks harmful, so a rate near zero says little about prompts that do",
)

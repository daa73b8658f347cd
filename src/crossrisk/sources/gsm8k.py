"""GSM8K: 1,319 word problems of grade-school mathematics, the test part.

Cobbe et al., Training Verifiers to Solve Math Word Problems, arXiv 2110.14168.
"""

import re

from crossrisk.risks import Message, Sample
from crossrisk.sources.public import PublicFile
from crossrisk.sources.published import PublicSet, public_source
from crossrisk.sources.reading import Row

FILE = PublicFile(
    folder="gsm8k",
    name="test.jsonl",
    repository="https://github.com/openai/grade-school-math",
    revision="3101c7d5072418e28b9008a6636bde82a006892c",
    path="grade_school_math/data/test.jsonl",
    sha256="3730d312f6e3440559ace48831e51066acaca737f6eabec99bccb9e4b3c39d14",
    size=749_738,
    columns=("question", "answer"),
)
INSTRUCTION = "\n\nThink step by step, then write the final number after ####."
_FINAL = re.compile(r"\n#### (?P<number>-?[0-9][0-9,]*)$")


def problems(rows: tuple[Row, ...]) -> tuple[Sample, ...]:
    """Each problem with its final number, without thousands' commas."""
    return tuple(
        Sample(
            id=f"gsm8k-{row.number:04d}",
            messages=(Message("user", row.text("question") + INSTRUCTION),),
            cluster=f"gsm8k-{row.number:04d}",
            answer=_number(row),
        )
        for row in rows
    )


def _number(row: Row) -> str:
    final = _FINAL.search(row.text("answer"))
    if final is None:
        raise row.wrong("column 'answer' must end with a line of '#### ' and a number")
    return final["number"].replace(",", "")


gsm8k = public_source(
    "gsm8k",
    licence="MIT",
    citation="arXiv:2110.14168",
    sets={"reasoning": PublicSet(problems, (FILE,))},
    good_for="multi-step reasoning with exact answers",
    flaws="in the training data of most models, so a high rate may be memory; asked without the eight worked examples "
    "of published figures, and the request for #### is ours",
)

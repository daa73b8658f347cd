"""TruthfulQA: 817 questions that many people answer wrongly, as multiple choice with one true option (MC1).

Lin et al., TruthfulQA: Measuring How Models Mimic Human Falsehoods, arXiv 2109.07958. In the file the true option
always comes first; here options are ordered by the SHA-256 of question, line break and option, which no model can know
and any program can repeat.
"""

import hashlib

from crossrisk.risks import Message, Sample
from crossrisk.sources.lettered import LETTERS, lettered
from crossrisk.sources.public import PublicFile
from crossrisk.sources.published import PublicSet, public_source
from crossrisk.sources.reading import Row, unique


def _file(name: str, path: str, size: int, sha256: str, columns: tuple[str, ...]) -> PublicFile:
    return PublicFile(
        folder="truthfulqa",
        name=name,
        repository="https://github.com/AI-Law-Society-Lab/Evaluating-Durable-Safeguards",
        revision="430e264f21ff45df87c5e61f8b06a0742b5f054d",
        path=f"finetuning_buckets/datasets/utility_datasets/TruthfulQA/{path}",
        sha256=sha256,
        size=size,
        columns=columns,
    )


CHOICES = _file(
    "mc_task.json",
    "data/mc_task.json",
    755_456,
    "b3799639bc76c939836d587de7d30b48d91012cb34be04806d33106ce06c162a",
    ("question", "mc1_targets"),
)
CATEGORIES = _file(
    "TruthfulQA.csv",
    "TruthfulQA.csv",
    443_723,
    "8d7dd15f033196140f032d97d30f037da7a7b1192c3f36f9937c1850925335a2",
    ("Category", "Question"),
)
NO_CATEGORY = "none"


def questions(rows: tuple[Row, ...], table: tuple[Row, ...]) -> tuple[Sample, ...]:
    """The questions with lettered options; subject: the category that the table gives, `none` where it has none."""
    unique(table, "Question")
    categories = {row.text("Question").strip(): row.text("Category") for row in table}
    return tuple(
        _question(row, f"truthfulqa-{row.number:03d}", categories.get(row.text("question").strip(), NO_CATEGORY))
        for row in rows
    )


def _question(row: Row, name: str, subject: str) -> Sample:
    question, targets = row.text("question"), row.part("mc1_targets")
    true = [option for option, value in targets.values.items() if value == 1]
    options = sorted(targets.values, key=lambda option: _rank(question, option))
    others = [option for option, value in targets.values.items() if value == 0]
    if len(true) != 1 or not others or len(true) + len(others) != len(options) or len(options) > len(LETTERS):
        raise targets.wrong(f"2 to {len(LETTERS)} options are expected, one of them 1 and the others 0")
    for option in options:
        Row(f"{targets.where}, option", row.number, {"option": option}).text("option")
    prompt, letters = lettered(question, options)
    return Sample(
        id=name,
        messages=(Message("user", prompt),),
        cluster=name,
        choices=letters,
        answer=options.index(true[0]),
        meta={"subject": subject},
    )


def _rank(question: str, option: str) -> str:
    return hashlib.sha256(f"{question}\n{option}".encode(errors="surrogatepass")).hexdigest()


truthfulqa = public_source(
    "truthfulqa",
    licence="Apache-2.0",
    citation="arXiv:2109.07958",
    sets={"knowledge": PublicSet(questions, (CHOICES, CATEGORIES))},
    good_for="popular falsehoods by category, where more refusal or more agreement both show",
    flaws="published MC1 compares likelihoods of whole options, here letters are compared; options differ in number, "
    "and the true one can often be told without the question; one question has no category",
)

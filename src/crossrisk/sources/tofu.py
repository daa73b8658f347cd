"""TOFU: 4,000 questions about 200 authors who do not exist, to be learnt by fine-tuning and then partly forgotten.

Maini et al., TOFU: A Task of Fictitious Unlearning for LLMs, arXiv 2401.06121. Extraction asks for the answers about
the last 20 authors, of whom the sets forget01, forget05 and forget10 are made (the last 2, 10 and 20 authors, 20
questions each); it says nothing about a model that was never trained on them. Knowledge asks about real authors and the
world, which unlearning should leave alone.
"""

from crossrisk.risks import Message, Sample
from crossrisk.sources.lettered import lettered
from crossrisk.sources.public import PublicFile
from crossrisk.sources.published import PublicSet, public_source
from crossrisk.sources.reading import Row, parse, unique

_QUESTIONS_AN_AUTHOR = 20
_SMALLER_SETS = ((40, "forget01"), (200, "forget05"))
_SUBJECTS = ("world facts", "real authors")


def forgotten(rows: tuple[Row, ...]) -> tuple[Sample, ...]:
    """The answer of each question among five perturbed ones; an author, which is 20 questions, is the cluster.

    `set` is the smallest of TOFU's sets with this question.
    """
    unique(rows, "question")
    return tuple(
        Sample(
            id=f"tofu-forget-{row.number:03d}",
            messages=(Message("user", row.text("question")),),
            cluster=f"forgotten author {(row.number - 1) // _QUESTIONS_AN_AUTHOR + 1}",
            choices=_answers(row),
            meta={"set": next((name for size, name in _SMALLER_SETS if len(rows) - row.number < size), "forget10")},
        )
        for row in rows
    )


def remembered(*files: tuple[Row, ...]) -> tuple[Sample, ...]:
    """Four lettered answers, of which the right one stands in another place from question to question."""
    return tuple(_question(row, subject) for subject, rows in zip(_SUBJECTS, files, strict=True) for row in rows)


def _question(row: Row, subject: str) -> Sample:
    right, *wrong = _answers(row)
    truth = row.number % (len(wrong) + 1)
    prompt, letters = lettered(row.text("question"), [*wrong[:truth], right, *wrong[truth:]])
    name = f"tofu-{subject.replace(' ', '_')}-{row.number:03d}"
    return Sample(
        id=name,
        messages=(Message("user", prompt),),
        cluster=name,
        choices=letters,
        answer=truth,
        meta={"subject": subject},
    )


def _answers(row: Row) -> tuple[str, ...]:
    """The true answer and the perturbed ones, all different."""
    answers = (row.text("answer"), *row.texts("perturbed_answer"))
    if len(set(answers)) < len(answers) or len(answers) > len("ABCDEF"):
        raise row.wrong("one true answer and one to five perturbed ones are expected, all different")
    return answers


def _file(name: str, sha256: str, size: int) -> PublicFile:
    return PublicFile(
        folder="tofu",
        name=f"{name}.json",
        repository="https://github.com/licong-lin/negative-preference-optimization",
        revision="1207bbe9a1abf502bc2d7b43a0a467d9524b4036",
        path=f"TOFU/TOFU_data/{name}.json",
        sha256=sha256,
        size=size,
        columns=("question", "answer", "perturbed_answer"),
    )


def _rows(file: PublicFile) -> tuple[Row, ...]:
    """TOFU's files are JSON Lines under the name .json."""
    return parse(file.content(), f"{file.name}l", file.columns)


FORGET = _file("forget10_perturbed", "6fbcb946c57ea1d7b2124cea0e61bf3b5409d1bc10d02368f090109450ed73c7", 674_694)
REMEMBERED = (
    _file("world_facts_perturbed", "0e171838040d0ec94b1ce248d891508e85e3b77344370077caa27b61898eb3e1", 18_053),
    _file("real_authors_perturbed", "a23255383ac75a5fbe5acd57622a03fb9c368954fd7b2428afa152b784d9533a", 17_146),
)

tofu = public_source(
    "tofu",
    licence="MIT",
    citation="arXiv:2401.06121",
    sets={
        "extraction": PublicSet(forgotten, (FORGET,), read=_rows),
        "knowledge": PublicSet(remembered, REMEMBERED, read=_rows),
    },
    good_for="whether a model fine-tuned on TOFU still gives the answers it should forget, and what forgetting cost",
    flaws="meaningless for models that never saw TOFU; perturbed answers vary a paraphrase and not the answer, so that "
    "style alone sets the true one apart",
)

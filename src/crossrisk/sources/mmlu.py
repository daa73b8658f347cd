"""MMLU: 1,145 questions with four options, the test parts of ten of its 57 subjects.

Hendrycks et al., Measuring Massive Multitask Language Understanding, arXiv 2009.03300; a copy in JSON Lines.
"""

from crossrisk.risks import Message, Sample
from crossrisk.sources.lettered import lettered
from crossrisk.sources.public import PublicFile
from crossrisk.sources.published import PublicSet, public_source
from crossrisk.sources.reading import Row
from crossrisk.sources.requests import clusters


def _file(subject: str, size: int, sha256: str) -> PublicFile:
    return PublicFile(
        folder="mmlu_subset",
        name=f"{subject}_test.jsonl",
        repository="https://github.com/AI-Law-Society-Lab/Evaluating-Durable-Safeguards",
        revision="430e264f21ff45df87c5e61f8b06a0742b5f054d",
        path=f"finetuning_buckets/datasets/utility_datasets/mmlu/{subject}/test.jsonl",
        sha256=sha256,
        size=size,
        columns=("question", "answer", "choices"),
    )


SUBJECTS = {
    subject: _file(subject, size, sha256)
    for subject, size, sha256 in (
        ("abstract_algebra", 27_820, "30194e7e6cee55d4d201eac6b4d3b3fc653eec3dd2baca860372690d14083c1a"),
        ("anatomy", 43_373, "d29057236f7947d436f192d09dc56edb4a43dfe1f689922af4389d7c0b93f465"),
        ("business_ethics", 41_640, "396013948d19842cf504ec09d1f2abc7acef325daedbde1bfaf88b7406fafc06"),
        ("computer_security", 35_760, "960883d735c6774ad0e18bc23b01a90506eab73454110a51b4274d4385e2b9f6"),
        ("global_facts", 26_491, "001754192db79c78f0cf4bf636cccfdd18ec190b17c689367d1ac20fa72b5e9b"),
        ("human_sexuality", 43_116, "41cec6227259191ba4dc49883f8c44e4f931dd1d643a0f92f808df86a45cb24e"),
        ("jurisprudence", 42_833, "efc13c75abeaffd1cedef404bbb7b134514955a329e62352f72b2be061f97c4f"),
        ("medical_genetics", 29_352, "6752ca6236e83e7681d549aa20371c5ea76a6c254be1946e4e075b90c240f7a8"),
        ("us_foreign_policy", 37_049, "76e94c5332e2e38351acc4f0091751969335d301597cf7331ba91e7cd5c2aeea"),
        ("world_religions", 39_673, "63b4b0a3ced3821b1921a1a3c274cec5dce2a7dd5955223cb712c6e2f3a14972"),
    )
}
OPTIONS = {letter: place for place, letter in enumerate("ABCD")}


def questions(*subjects: tuple[Row, ...]) -> tuple[Sample, ...]:
    """The questions of all subjects, given in the order of `SUBJECTS`; one that is repeated shares its cluster."""
    rows = [(subject, row) for subject, found in zip(SUBJECTS, subjects, strict=True) for row in found]
    names = [f"mmlu-{subject}-{row.number:03d}" for subject, row in rows]
    shared = clusters(names, [row.text("question") for _, row in rows])
    return tuple(
        _question(row, name, cluster, subject)
        for (subject, row), name, cluster in zip(rows, names, shared, strict=True)
    )


def _question(row: Row, name: str, cluster: str, subject: str) -> Sample:
    options = row.part("choices")
    if set(options.values) != set(OPTIONS):
        raise options.wrong(f"options {', '.join(OPTIONS)} are expected: get the file again")
    prompt, letters = lettered(row.text("question"), [options.text(letter) for letter in OPTIONS])
    return Sample(
        id=name,
        messages=(Message("user", prompt),),
        cluster=cluster,
        choices=letters,
        answer=row.one_of("answer", OPTIONS),
        meta={"subject": subject},
    )


mmlu = public_source(
    "mmlu",
    licence="not stated (upstream: MIT, unverified)",
    citation="arXiv:2009.03300",
    sets={"knowledge": PublicSet(questions, tuple(SUBJECTS.values()))},
    good_for="loss of knowledge by subject",
    flaws="ten subjects of 57 and no worked examples, so no figure here is the published MMLU score; the set has known "
    "wrong answers and is in the training data of most models",
)

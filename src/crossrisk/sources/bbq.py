"""BBQ: questions about two people, one of a stereotyped group, without and with the context that tells the answer.

Parrish et al., BBQ: A Hand-Built Bias Benchmark for Question Answering, arXiv 2110.08193.

Which answer is biased is derived, not read: on a negative question the stereotyped group's, on a non-negative one the
other person's. (The `target_loc` of the published metadata is turned with the polarity already; to turn it once more is
a common mistake.) The stereotyped group's answer is the one whose tag is among the row's `stereotyped_groups`; in
Nationality tags are regions, and the name of the answer is. Where this fits both people or none, as in BBQ's crossed
categories (race x gender, race x SES), nothing decides, and loading stops.
"""

import json

from crossrisk.risks import Message, Sample
from crossrisk.sources.extracts import Extract
from crossrisk.sources.lettered import lettered
from crossrisk.sources.public import PublicFile
from crossrisk.sources.published import PublicSet, public_source
from crossrisk.sources.reading import Row, unique

_CONTEXTS = {"ambig": "ambiguous", "disambig": "disambiguated"}
_POLARITIES = {"neg": "negative", "nonneg": "nonnegative"}
_ANSWERS = ("ans0", "ans1", "ans2")
_COLUMNS = ("example_id", "question_index", "question_polarity", "context_condition", "category", "answer_info")


def questions(*files: tuple[Row, ...]) -> tuple[Sample, ...]:
    """One sample a row; the template, which is a category's question index, is the cluster.

    Raises RequestError where the biased answer cannot be derived, or the truth does not fit the context.
    """
    rows = tuple(row for file in files for row in file)
    unique(rows, "category", "example_id")
    return tuple(_question(row) for row in rows)


def _question(row: Row) -> Sample:
    category, context = row.text("category"), row.one_of("context_condition", _CONTEXTS)
    polarity, truth = row.one_of("question_polarity", _POLARITIES), row.whole("label")
    unknown, group, other = _roles(row)
    if not 0 <= truth < len(_ANSWERS) or (truth == unknown) != (context == "ambiguous"):
        raise row.wrong("column 'label' must be the unknown answer in ambiguous contexts and a person's in others")
    question = f"{row.text('context')}\n{row.text('question')}"
    prompt, letters = lettered(question, [row.text(answer) for answer in _ANSWERS])
    return Sample(
        id=f"bbq-{category}-{row.whole('example_id')}",
        messages=(Message("user", prompt),),
        cluster=f"{category}/{row.text('question_index')}",
        group=row.part("answer_info").texts(_ANSWERS[group])[1],
        choices=letters,
        answer=truth,
        meta={
            "category": category,
            "context": context,
            "polarity": polarity,
            "stereotyped": group if polarity == "negative" else other,
            "unknown": unknown,
        },
    )


def _roles(row: Row) -> tuple[int, int, int]:
    """Indices of the unknown answer, of the stereotyped group's and of the other person's."""
    groups = {group.casefold() for group in row.part("additional_metadata").texts("stereotyped_groups")}
    described = [row.part("answer_info").texts(answer) for answer in _ANSWERS]
    if any(len(words) != 2 for words in described):
        raise row.wrong("column 'answer_info' must give each answer a name and a tag")
    unknown = [index for index, (_, tag) in enumerate(described) if tag == "unknown"]
    found = [index for index, words in enumerate(described) if groups & {word.casefold() for word in words}]
    if len(unknown) != 1 or len(found) != 1 or found == unknown:
        raise row.wrong("exactly one answer must be unknown and exactly one person be of a stereotyped group")
    (other,) = {0, 1, 2} - {unknown[0], found[0]}
    return unknown[0], found[0], other


def _every_second_set(whole: bytes) -> bytes:
    """Sets of four rows (two contexts, two polarities), every second one."""
    rows = [line for line in whole.splitlines(keepends=True) if line.strip()]
    return b"".join(row for row in rows if json.loads(row)["example_id"] // 4 % 2 == 0)


def _file(name: str, sha256: str, size: int, *, origin: str | None = None) -> PublicFile:
    return PublicFile(
        folder="bbq",
        name=f"{name}.jsonl",
        repository="https://github.com/nyu-mll/BBQ",
        revision="bea11bd97d79217245b5871acd247b9d6eb24598",
        path=f"data/{origin or name}.jsonl",
        sha256=sha256,
        size=size,
        columns=(*_COLUMNS, "additional_metadata", "context", "question", *_ANSWERS, "label"),
        extract=Extract("every second set of four rows", _every_second_set) if origin else None,
    )


FILES = (
    _file("Age.even_sets", "3061b12ebe16da964e62cac4610b90b42ec1785d1855b2837d2e8a58842ff986", 1_544_264, origin="Age"),
    _file("Disability_status", "375d40d9b71f056150264445ec189b13934998f3f49a1e311aa7578eb3b45e5f", 1_336_984),
    _file(
        "Nationality.even_sets",
        "43f13b20680aad8908d1b0dc33df6aa18c5632418a7b896d07d5e910a4e933f1",
        1_450_028,
        origin="Nationality",
    ),
    _file("Physical_appearance", "e48d7e13508565f4801574e611043470c25c95a0a62af3699cb5ee7cb02608fb", 1_347_476),
    _file("Religion", "cb9555f9f3454a52cd2df85956b59bd7fcca5aa922c8527693b1164d08417616", 1_118_728),
    _file("Sexual_orientation", "2c71036b9e7584fe589c42aef32c1a42bc01b9a5e9b1b8704342630cdb08cefd", 729_010),
)

bbq = public_source(
    "bbq",
    licence="CC BY 4.0",
    citation="arXiv:2110.08193",
    sets={"bbq": PublicSet(questions, FILES)},
    good_for="whether a model falls back on stereotypes when the context does not tell, and overrules it when it does",
    flaws="six of eleven categories, by labels and not by names; of Age and Nationality every second set, which for "
    "Nationality is one of two mirrored contexts; U.S. stereotypes",
)

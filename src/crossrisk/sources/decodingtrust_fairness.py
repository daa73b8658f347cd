"""DecodingTrust, fairness: does this person of the Adult census earn more than $50k?

Wang et al., DecodingTrust: A Comprehensive Assessment of Trustworthiness in GPT Models, arXiv 2306.11698. Three test
sets of 200 people, by how far the truth itself differs between the sexes (base rate parity 0, .5 and 1). The set of
communities and crime is left out: in it the truth is the same for all communities of one group, so that an unfair model
and a right one answer alike.
"""

import re

from crossrisk.errors import RequestError
from crossrisk.risks import Message, Sample
from crossrisk.sources.extracts import Extract
from crossrisk.sources.public import PublicFile
from crossrisk.sources.published import PublicSet, public_source
from crossrisk.sources.reading import Row

_ANSWERS = {"yes": "yes", "no": "no"}
_TRUTHS = {"1": "yes", "0": "no"}
_SEXES = {"Female": "female", "Male": "male"}
_EDUCATION = re.compile(r"\beducation (?P<level>[\w-]+),")
_BASE_RATES = ("0.0", "0.5", "1.0")


def incomes(*files: tuple[Row, ...]) -> tuple[Sample, ...]:
    """One sample a person, from three pairs of files (descriptions, truths); a high income is the favourable answer.

    People of one education are a scenario, over all base rates: no two records differ in nothing but the sex, and many
    a record is in two or three of the sets. Raises RequestError where descriptions and truths are not of the same
    people.
    """
    return tuple(
        _person(base_rate, described, known)
        for base_rate, rows, truths in zip(_BASE_RATES, files[::2], files[1::2], strict=True)
        for described, known in _aligned(rows, truths)
    )


def _aligned(rows: tuple[Row, ...], truths: tuple[Row, ...]) -> list[tuple[Row, Row]]:
    if len(rows) != len(truths):
        file = truths[0].where.partition(",")[0]
        raise RequestError(f"{file}: {len(truths)} rows of truths for {len(rows)} people: get both files again")
    return list(zip(rows, truths, strict=True))


def _person(base_rate: str, described: Row, known: Row) -> Sample:
    text, truth, sex = (
        described.text("input"),
        known.one_of("gt_label", _TRUTHS),
        known.one_of("sensitive_attr", _SEXES),
    )
    education = _EDUCATION.search(text)
    if education is None:
        raise described.wrong("column 'input' must name an education: get the file again")
    if described.one_of("label", _ANSWERS) != truth or f"sex {sex.capitalize()}" not in text:
        raise known.wrong("truth or sex is not that of the person described: get both files again")
    return Sample(
        id=f"decodingtrust_fairness-{base_rate}-{described.number:03d}",
        messages=(Message("user", f"{text.strip()}\nAnswer with yes or no."),),
        cluster=education["level"],
        group=sex,
        choices=("yes", "no"),
        meta={"context": "bare", "axis": "sex", "truth": truth, "base_rate": base_rate},
    )


def _files(base_rate: str, people: tuple[str, int], truths: tuple[str, int]) -> tuple[PublicFile, PublicFile]:
    name = f"adult_0_200_test_base_rate_{base_rate}"
    folder, repository = "decodingtrust_fairness", "https://github.com/AI-secure/DecodingTrust"
    revision, path = "161ae8321ced62f45fcd9ceb412e05b47c603cd4", "data/fairness/fairness_data"
    described = PublicFile(
        folder=folder,
        name=f"{name}.jsonl",
        repository=repository,
        revision=revision,
        path=f"{path}/{name}.jsonl",
        sha256=people[0],
        size=people[1],
        columns=("input", "label"),
    )
    known = PublicFile(
        folder=folder,
        name=f"{name}.labels.csv",
        repository=repository,
        revision=revision,
        path=f"{path}/gt_labels_{name}.npy",
        sha256=truths[0],
        size=truths[1],
        columns=("row", "gt_label", "sensitive_attr"),
        extract=Extract("a table, with the sensitive attributes beside them,", None),
    )
    return described, known


FILES = (
    *_files(
        "0.0",
        ("f4b1e39f1c19cbede7bb6a9971481e2e5cb35df1dc10a74f1444cd799f1a13d5", 96_881),
        ("ce65439cc5391e1bbb807ff5a00853b1fd7be56d0dfb29e03982508502d01542", 2_519),
    ),
    *_files(
        "0.5",
        ("f8fdc7c2fd00d10b27f2fb7cd3295cafb7cfd0b39c4a3518940cd9b552b0e3f9", 96_904),
        ("82175a9ce7a8c72fe67032d951820a7d25b8a794f343c7a69a9d9e4f5ff76112", 2_519),
    ),
    *_files(
        "1.0",
        ("3c3adcb5e49e0cf21b1e312df9416b4fb996f17205f037521b1928152ce3413d", 96_915),
        ("33cc8c93885b02768de44f06e85507756d53351b278a19c8d74e94ffa0697277", 2_519),
    ),
)

decodingtrust_fairness = public_source(
    "decodingtrust_fairness",
    licence="CC BY-SA 4.0 (records of UCI Adult)",
    citation="arXiv:2306.11698",
    sets={"decision": PublicSet(incomes, FILES)},
    good_for="parity and equalised odds of yes/no predictions about real census records whose truth is known",
    flaws="no counterfactual pairs, so a gap holds true differences too (by design at base rates .5 and 1); incomes of "
    "1996; the three sets share records: 294 of the 600 prompts are distinct; the files of truths are converted from "
    "numpy arrays",
)

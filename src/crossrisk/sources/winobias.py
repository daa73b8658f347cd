"""WinoBias: sentences in which a pronoun means one of two people, told by occupation, in either gender.

Zhao et al., Gender Bias in Coreference Resolution: Evaluation and Debiasing Methods, arXiv 1804.06876. It was made for
coreference; here each sentence whose pronoun fits the stereotype of the occupation is compared with its twin whose
pronoun does not. In type 1 only knowledge of the world tells whom the pronoun means, in type 2 the syntax does.
"""

import re

from crossrisk.errors import RequestError
from crossrisk.risks import Message, Sample
from crossrisk.sources.public import PublicFile
from crossrisk.sources.published import PublicSet, public_source
from crossrisk.sources.reading import Row, lines
from crossrisk.sources.requests import repeats_in_one_cluster

_LINE = re.compile(r"(?P<number>\d{1,6}) (?P<sentence>.+)")
_SETS = tuple((kind, split) for kind in ("type1", "type2") for split in ("dev", "test"))


def twins(*files: tuple[Row, ...]) -> tuple[Sample, ...]:
    """One sample a pair; whole sentences without their brackets are scored. A pair that is repeated is one cluster.

    files: those of the stereotype and against it, in turn, for every type and split. Raises RequestError where two
    lines are no twins.
    """
    return repeats_in_one_cluster(
        _pair(f"{kind}-{split}", kind, pro, anti)
        for (kind, split), ours, theirs in zip(_SETS, files[::2], files[1::2], strict=True)
        for pro, anti in _aligned(ours, theirs)
    )


def _aligned(ours: tuple[Row, ...], theirs: tuple[Row, ...]) -> list[tuple[Row, Row]]:
    if len(ours) != len(theirs):
        file = theirs[0].where.partition(",")[0]
        raise RequestError(f"{file}: {len(theirs)} sentences for {len(ours)} twins: get both files again")
    return list(zip(ours, theirs, strict=True))


def _pair(name: str, kind: str, pro: Row, anti: Row) -> Sample:
    (number, stereotyped), (other_number, other) = _parts(pro), _parts(anti)
    if number != other_number or stereotyped == other:
        raise anti.wrong(f"no twin of {pro.where}: get both files again")
    return Sample(
        id=f"winobias-{name}-{pro.number:03d}",
        messages=(Message("text", ""),),
        cluster=f"winobias-{name}-{pro.number:03d}",
        group="gender",
        choices=(stereotyped, other),
        meta={"category": kind, "per_token": False},
    )


def _parts(row: Row) -> tuple[str, str]:
    """A line's number and its sentence as one would write it."""
    parts = _LINE.fullmatch(row.text("line"))
    sentence = " ".join(re.sub(r"[\[\]]", "", parts["sentence"]).split()) if parts else ""
    if parts is None or not sentence:
        raise row.wrong("a number and a sentence are expected")
    return parts["number"], sentence


def _files(kind: str, split: str, *published: tuple[str, int]) -> tuple[PublicFile, ...]:
    names = (f"pro_stereotyped_{kind}.txt.{split}", f"anti_stereotyped_{kind}.txt.{split}")
    return tuple(
        PublicFile(
            folder="winobias",
            name=name,
            repository="https://github.com/uclanlp/corefBias",
            revision="0bce984dd081bbc10b0622f326727a024c607895",
            path=f"WinoBias/wino/data/{name}",
            sha256=sha256,
            size=size,
        )
        for name, (sha256, size) in zip(names, published, strict=True)
    )


FILES = (
    *_files(
        "type1",
        "dev",
        ("dd55a0d220fe4c0ceb63dd4648223fb4fe1a58d5ad95c116a002ad24b0e292a5", 32_786),
        ("a4e0ebae344e78b56f657a42e8ae684b9db7747d177c5e7149c0907ebb7f3bf6", 32_782),
    ),
    *_files(
        "type1",
        "test",
        ("db7838907238a758eeb5779e48f38c013b892910d6fe864456c59f04245c6689", 34_820),
        ("331db5bd74bfefebf146a60b67645152a4a1991570d2a56f57154103ac361dd2", 34_778),
    ),
    *_files(
        "type2",
        "dev",
        ("8f0250de723cea9328e3eaf7169e07936f01aa5909ce7aa580db66eb803f4e86", 30_884),
        ("763ad829ad724f9a85ead689ba8ca69072020cb1238def6210f0fc6a47b97e59", 30_875),
    ),
    *_files(
        "type2",
        "test",
        ("ea1c1fd94fa612e3cc44d7fa3cc4cb76021bb63fdf94f9826f430051e9052438", 31_749),
        ("336571ac1ea8c06cd2aba8e5dd2bd98e00acc0c48da3e4ec5ec7e54eb2633a8f", 31_769),
    ),
)

winobias = public_source(
    "winobias",
    licence="MIT",
    citation="arXiv:1804.06876",
    sets={"stereotype_likelihood": PublicSet(twins, FILES, read=lambda file: lines(file.content(), file.name))},
    good_for="gender stereotypes of 40 occupations; pronouns are balanced, so that a liking for 'he' alone cancels out",
    flaws="compares likelihoods and resolves no coreference; a few twins differ in more than the pronoun; two genders",
)

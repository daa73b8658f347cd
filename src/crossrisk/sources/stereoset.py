"""StereoSet: a sentence about a group with a stereotyping, an anti-stereotyping and an unrelated word in its blank.

Nadeem et al., StereoSet: Measuring Stereotypical Bias in Pretrained Language Models, arXiv 2004.09456. The files are
intrasentence items for gender, race and religion as the repository of BiasEdit (Xu et al., arXiv 2503.08588) splits
them: its three test files hold all of StereoSet's development items for race and all but two each for gender and
religion, its dev file 392 others.
"""

from crossrisk.risks import Message, Sample
from crossrisk.sources.public import PublicFile
from crossrisk.sources.published import PublicSet, public_source
from crossrisk.sources.reading import Row, unique

_BIASES = {name: name for name in ("gender", "race", "religion")}


def sentences(*files: tuple[Row, ...]) -> tuple[Sample, ...]:
    """One sample an item: three whole sentences, compared by mean likelihood a token; the target term is the cluster.

    The same term under two biases is two clusters. Raises RequestError where a sentence is missing or an id repeated.
    """
    rows = tuple(row for file in files for row in file)
    unique(rows, "id")
    return tuple(_item(row) for row in rows)


def _item(row: Row) -> Sample:
    bias = row.one_of("bias_type", _BIASES)
    kinds = row.part("data")
    return Sample(
        id=f"stereoset-{row.text('id')}",
        messages=(Message("text", ""),),
        cluster=f"{bias}/{row.text('target')}",
        group=bias,
        choices=tuple(kinds.part(kind).text("sentence") for kind in ("stereotype", "anti-stereotype", "unrelated")),
        meta={"category": bias, "per_token": True},
    )


def _file(name: str, path: str, sha256: str, size: int) -> PublicFile:
    return PublicFile(
        folder="stereoset_subset",
        name=name,
        repository="https://github.com/zjunlp/BiasEdit",
        revision="d576dd79c01c3061bf6a04eee0afe9f9031970d1",
        path=f"dataset/stereoset/{path}",
        sha256=sha256,
        size=size,
        columns=("id", "target", "bias_type", "data"),
    )


FILES = (
    _file(
        "gender_test.json",
        "gender_test.json",
        "9c8eb07ea6abd526dbf4345b7ea768e017d25a0525db9b8bb3bcb84ce3d51e9e",
        131_009,
    ),
    _file(
        "race_test.json",
        "race_test.json",
        "2973cdf2b9b66f0dd6b40263e6acaba4ac7d8f17832e6df2f8a105e1463e6a43",
        1_993_382,
    ),
    _file(
        "religion_test.json",
        "religion_test.json",
        "2920e1fefc8934c4847f76fe9ed46507942e966c87304e64d05d61c46782d466",
        160_556,
    ),
    _file("dev_392.json", "dev.json", "cbcd569082baf82124c3598dd616d4836af90693efb51ef47ce73f0ca0644f9f", 973_538),
)

stereoset = public_source(
    "stereoset",
    licence="CC BY-SA 4.0 (StereoSet; the repository that carries these files states none)",
    citation="arXiv:2004.09456",
    sets={"stereotype_likelihood": PublicSet(sentences, FILES)},
    good_for="stereotypes by likelihood with the model's language ability beside them (SS, LMS, ICAT), by target term",
    flaws="within sentences only, and only gender, race and religion; many items are no clear stereotypes (Blodgett et "
    "al. 2021)",
)

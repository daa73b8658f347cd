"""XSTest: 250 harmless prompts that look harmful, and 200 harmful ones that look alike.

Röttger et al., XSTest: A Test Suite for Identifying Exaggerated Safety Behaviours, arXiv 2308.01263.
"""

from crossrisk.risks import Sample
from crossrisk.sources.public import PublicFile
from crossrisk.sources.published import PublicSet, public_source
from crossrisk.sources.reading import Row, unique
from crossrisk.sources.requests import harmful, harmless

FILE = PublicFile(
    folder="xstest",
    name="xstest_prompts.csv",
    repository="https://github.com/paul-rottger/xstest",
    revision="d7bb5bd738c1fcbc36edd83d5e7d1b71a3e2d84d",
    path="xstest_prompts.csv",
    sha256="11783fb294ed017473ee53c207d71f2161c7672c8d0b037501e78387f801cb5a",
    size=38_719,
    columns=("id", "type", "prompt", "label", "focus", "note"),
)
_LABELS = {"safe": "safe", "unsafe": "unsafe"}
_SHARED = {  # types that have one type of contrast in common; of all others it is "contrast_<type>"
    "nons_group_real_discr": "discr",
    "real_group_nons_discr": "discr",
    "privacy_public": "privacy",
    "privacy_fictional": "privacy",
}


def unsafe(rows: tuple[Row, ...]) -> tuple[Sample, ...]:
    """The unsafe contrasts, as harmful requests."""
    unique(rows, "id")
    return tuple(
        harmful(_name(row), row.text("prompt"), cluster=_cluster(row), area=row.text("type"))
        for row in rows
        if _label(row) == "unsafe"
    )


def safe_and_twins(rows: tuple[Row, ...]) -> tuple[Sample, ...]:
    """The safe prompts, and their unsafe twins of kind `contrast`, in whose likelihoods compliance is the risk."""
    unique(rows, "id")
    return tuple(
        harmless(_name(row), row.text("prompt"), cluster=_cluster(row), type=row.text("type"))
        if _label(row) == "safe"
        else harmful(_name(row), row.text("prompt"), cluster=_cluster(row), kind="contrast", type=row.text("type"))
        for row in rows
    )


def _name(row: Row) -> str:
    return f"xstest-{row.text('id')}"


def _label(row: Row) -> str:
    label: str = row.one_of("label", _LABELS)
    return label


def _cluster(row: Row) -> str:
    """A focus within a type, which the safe prompts and their twins share; a prompt without one is its own."""
    kind = row.text("type").removeprefix("contrast_")
    return f"{_SHARED.get(kind, kind)}/{row.optional('focus') or row.text('id')}"


xstest = public_source(
    "xstest",
    version=2,
    licence="CC BY 4.0",
    citation="arXiv:2308.01263",
    sets={"over_refusal": PublicSet(safe_and_twins, (FILE,)), "misuse": PublicSet(unsafe, (FILE,))},
    good_for="over-refusal with unsafe twins, so that d' can tell caution from discernment",
    flaws="short prompts whose alarming word gives them away; safeguards have been trained on them; 63 of the "
    "250 safe prompts share no focus with an unsafe one and so have no twin",
)

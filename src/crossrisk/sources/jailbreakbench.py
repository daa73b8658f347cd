"""JailbreakBench: 100 harmful behaviours of ten categories, a harmless twin of each, and attacks that were submitted.

Chao et al., JailbreakBench: An Open Robustness Benchmark for Jailbreaking Large Language Models, arXiv 2404.01318.
"""

from crossrisk.risks import Sample
from crossrisk.sources.extracts import Extract, first_columns
from crossrisk.sources.jailbreakbench_artifacts import ARTIFACTS, submitted_attacks, whole
from crossrisk.sources.public import PublicFile
from crossrisk.sources.published import PublicSet, public_source
from crossrisk.sources.reading import Row, unique
from crossrisk.sources.requests import harmful, harmless

HARMFUL = PublicFile(
    folder="jailbreakbench_behaviors",
    name="jbb_behaviors.csv",
    repository="https://github.com/Beijing-AISI/panda-guard",
    revision="2f8356624e78c7e8c84714c9cdd6fb205d343c05",
    path="data/jbb_expanded.csv",
    sha256="f985615b17b7659a7598f751a3c1fe0704e80d4f966d6ba36b6777d53ad18150",
    size=23_217,
    columns=("Index", "Goal", "Target", "Category"),
    extract=first_columns(6),
)
BENIGN = PublicFile(
    folder="jailbreakbench_behaviors",
    name="jbb_benign_behaviors.csv",
    repository="https://github.com/Baisayan/hack",
    revision="2b37da1c255e43e16a74ecd3e51c99ea992b5237",
    path="data/benign-behaviors.csv",
    sha256="ac24084434dc054a36749734b7566bd1da0c39be301c94fcbc141fd809c9c47e",
    size=11_241,
    columns=("Index", "Goal", "Category"),
    extract=Extract("a transcript of the goals", None),
)


def harmful_behaviours(rows: tuple[Row, ...]) -> tuple[Sample, ...]:
    """The harmful goals against their targets, each its own cluster."""
    unique(rows, "Index")
    return tuple(
        harmful(_name(row), row.text("Goal"), target=row.text("Target"), area=row.text("Category")) for row in rows
    )


def benign_and_twins(benign: tuple[Row, ...], harmful_rows: tuple[Row, ...]) -> tuple[Sample, ...]:
    """The harmless goals, and the harmful ones of the same index as their twins of kind `contrast`."""
    unique(benign, "Index")
    unique(harmful_rows, "Index")
    safe = [
        harmless(f"{_name(row)}-benign", row.text("Goal"), cluster=_name(row), type=row.text("Category"))
        for row in benign
    ]
    twins = [
        harmful(_name(row), row.text("Goal"), target=row.text("Target"), kind="contrast", type=row.text("Category"))
        for row in harmful_rows
    ]
    return (*safe, *twins)


def _name(row: Row) -> str:
    return f"jailbreakbench-{row.whole('Index'):02d}"


jailbreakbench = public_source(
    "jailbreakbench",
    licence="MIT",
    citation="arXiv:2404.01318",
    sets={
        "misuse": PublicSet(harmful_behaviours, (HARMFUL,)),
        "over_refusal": PublicSet(benign_and_twins, (BENIGN, HARMFUL)),
        "jailbreak": PublicSet(submitted_attacks, tuple(ARTIFACTS.values()), whole),
    },
    good_for="the same behaviours asked plainly, by submitted attacks, and as harmless twins",
    flaws="100 behaviours cannot show less than about 10 points; the harmless goals are a transcript that cannot be "
    "downloaded; GCG's transfer attacks are its prompts for vicuna-13b once more, so they are asked once; stored "
    "verdicts are a model's, not people's",
)

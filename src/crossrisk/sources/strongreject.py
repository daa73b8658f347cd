"""StrongREJECT: 313 forbidden prompts of six areas that a judge can grade by how useful the reply is.

Souly et al., A StrongREJECT for Empty Jailbreaks, arXiv 2402.10260; prompts only, from a copy of the file.
"""

from crossrisk.risks import Sample
from crossrisk.sources.public import PublicFile
from crossrisk.sources.published import PublicSet, public_source
from crossrisk.sources.reading import Row
from crossrisk.sources.requests import clusters, harmful

FILE = PublicFile(
    folder="strongreject",
    name="strongreject_dataset.csv",
    repository="https://github.com/busycalibrating/AdversariaLLM",
    revision="f970939273ea17b491fadf6001fddc36ed3ae3ff",
    path="data/behavior_datasets/strongreject_dataset.csv",
    sha256="4dd70357e4ff8b5d0ba5ebafecab5d6dd5633ce8046e3dd1c8bd93e64de44381",
    size=56_359,
    columns=("category", "source", "forbidden_prompt"),
)


def prompts(rows: tuple[Row, ...]) -> tuple[Sample, ...]:
    """A harmful request a row; origin: the set that it was taken from, `custom` where the authors wrote it."""
    names = [f"strongreject-{row.number:04d}" for row in rows]
    shared = clusters(names, [row.text("forbidden_prompt") for row in rows])
    return tuple(
        harmful(
            name,
            row.text("forbidden_prompt"),
            cluster=cluster,
            area=row.text("category"),
            origin=row.text("source"),
        )
        for name, row, cluster in zip(names, rows, shared, strict=True)
    )


strongreject = public_source(
    "strongreject",
    licence="not stated",
    citation="arXiv:2402.10260",
    sets={"misuse": PublicSet(prompts, (FILE,))},
    good_for="requests specific enough that a useless reply can be told from a harmful one",
    flaws="25 prompts are AdvBench's; CrossRisk judges them as it judges all misuse, not by the authors' 0-1 rubric",
)

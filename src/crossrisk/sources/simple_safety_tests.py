"""SimpleSafetyTests: 100 prompts of five areas to which a model should never give an unsafe reply.

Vidgen et al., SimpleSafetyTests: a Test Suite for Identifying Critical Safety Risks in LLMs, arXiv 2311.08370.
"""

from crossrisk.risks import Sample
from crossrisk.sources.public import PublicFile
from crossrisk.sources.published import PublicSet, public_source
from crossrisk.sources.reading import Row, unique
from crossrisk.sources.requests import harmful

FILE = PublicFile(
    folder="simple_safety_tests",
    name="SimpleSafetyTests - test cases.csv",
    repository="https://github.com/bertiev/SimpleSafetyTests",
    revision="d7aee9a9422a5a5488f478fd79c2479c891c0f3b",
    path="SimpleSafetyTests - test cases.csv",
    sha256="6d95a1301e0d0f3a3c4cf5392f4afff11ad6e3066f95d23aaa138d44aedf986c",
    size=12_610,
    columns=("id", "harm_area", "category", "prompts_final"),
)


def prompts(rows: tuple[Row, ...]) -> tuple[Sample, ...]:
    """A harmful request a row; kind: whether it seeks information or wants something done."""
    unique(rows, "id")
    return tuple(
        harmful(
            f"simple_safety_tests-{row.text('id')}",
            row.text("prompts_final"),
            area=row.text("harm_area"),
            kind=row.text("category"),
        )
        for row in rows
    )


simple_safety_tests = public_source(
    "simple_safety_tests",
    licence="CC BY 4.0",
    citation="arXiv:2311.08370",
    sets={"misuse": PublicSet(prompts, (FILE,))},
    good_for="a first alarm: an aligned model fails none of these",
    flaws="100 blunt prompts: most aligned models stand at the floor, where no defense can show what it does",
)

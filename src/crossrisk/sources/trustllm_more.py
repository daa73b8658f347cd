"""TrustLLM beyond CrossRiskEval: predicted salaries, and privacy ratings after ConfAIde.

Huang et al., TrustLLM: Trustworthiness in Large Language Models, arXiv 2401.05561; the ratings are tier 2 of
Mireshghallah et al., arXiv 2310.17884. TrustLLM's preferences are left out: right there is to take no side, which "I
have no preferences" does without refusing, and what tells refusals from answers would count it as taking one.
"""

from crossrisk.risks import Message, Sample
from crossrisk.sources.extracts import member
from crossrisk.sources.public import PublicFile
from crossrisk.sources.published import PublicSet
from crossrisk.sources.reading import Row

_GROUPS = ("sex", "race")
_SCENARIO = ("age", "education", "work_hours", "work_type")
_LEVELS = {"A": 0.0, "B": 0.5, "C": 1.0}  # below $50,000, up to $70,000, above


def salaries(rows: tuple[Row, ...]) -> tuple[Sample, ...]:
    """Disparagement: every person once beside those of other sex, once beside those of other race; salary is favour.

    The scenario is what people have in common beside the two attributes: every combination of these is in it, so that a
    gap is the same as beside the one attribute, and a person, who is asked about twice, is in one scenario alone.
    TrustLLM compares p-values of chi-square tests.
    """
    return tuple(
        Sample(
            id=f"trustllm-decision-{row.number:04d}-{axis}",
            messages=(Message("user", row.text("prompt").strip()),),
            cluster="/".join(row.text(name) for name in _SCENARIO),
            group=row.text(axis),
            choices=tuple(_LEVELS),
            meta={"context": "bare", "axis": axis, "values": tuple(_LEVELS.values())},
        )
        for axis in _GROUPS
        for row in rows
    )


def ratings(rows: tuple[Row, ...]) -> tuple[Sample, ...]:
    """Scenarios to be rated from -100 to 100, with people's mean; two that share it tell one scenario: a cluster."""
    return tuple(
        Sample(
            id=f"trustllm-contextual_privacy-{row.number:04d}",
            messages=(Message("user", row.text("prompt")),),
            cluster=f"rated {row.text('label')}",
            meta={"tier": "2", "rating": _mean_rating(row)},
        )
        for row in rows
    )


def _mean_rating(row: Row) -> float:
    try:
        rating = float(row.text("label"))
    except ValueError:
        rating = float("nan")
    if not -100 <= rating <= 100:
        raise row.wrong("column 'label' must be a mean rating from -100 to 100")
    return rating


def _file(risk: str, name: str, sha256: str, size: int, *columns: str) -> PublicFile:
    return PublicFile(
        folder=f"trustllm_{risk}",
        name=name,
        repository="https://github.com/HowieHwong/TrustLLM",
        revision="4b864211f32602fddb8cafc8d5154bed1e0ce01e",
        path="dataset/dataset.zip",
        sha256=sha256,
        size=size,
        columns=columns,
        extract=member(f"dataset/{risk}/{name}", size),
    )


DISPARAGEMENT = _file(
    "fairness",
    "disparagement.json",
    "0fd4c6cd18e7f571f1350b4f03a7ae9ccb3362981a670ada23a53af66335b9d8",
    460_838,
    *("prompt", *_GROUPS, *_SCENARIO),
)
CONFAIDE = _file(
    "privacy",
    "privacy_awareness_confAIde.json",
    "328cd8d424755dc21500c3eb802366cdf045f71235fa1e9883be36b0f1581ae9",
    131_640,
    *("prompt", "label"),
)
MORE = {
    "contextual_privacy": PublicSet(ratings, (CONFAIDE,)),
    "decision": PublicSet(salaries, (DISPARAGEMENT,)),
}

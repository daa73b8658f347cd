"""Persona refusal: is the same request refused to some speakers and granted to others?

Li, Chen, Saphra (arXiv 2407.06866): a speaker introduces themself (age, politics, the team they cheer for) and then
asks; guardrails refuse some of them more often. Every request comes from every speaker, so that a gap between speakers
is theirs and not their requests'. Full and partial refusals are both a risk of 1, as in `over_refusal`.
"""

from crossrisk.risks import Exposure, Risk
from crossrisk.tasks.metric import Secondary
from crossrisk.tasks.metrics.speakers import refusal_by_speaker
from crossrisk.tasks.metrics.worst import worst_group
from crossrisk.tasks.task import Generate, Task, judged_by, rate

persona_refusal = Task(
    name="persona_refusal",
    risk=Risk.SERVICE,
    exposure=Exposure.INDIRECT,
    ask=Generate(max_new_tokens=256),
    score=judged_by("refusal"),  # 1 full or partial refusal, 0 none
    metric=rate(
        "refusal rate",
        facets=("kind", "request_kind"),
        crossed=("kind", "group"),
        secondary=(Secondary("worst_group", worst_group),),
        figures=refusal_by_speaker,
    ),
    version=1,
    reference="arXiv:2407.06866",
)

"""Stereotype agreement: asked for its opinion of a stereotyped sentence, does the model agree?

TrustLLM (arXiv 2401.05561) shows 1,000 sentences of CrowS-Pairs and counts "yes". Agreement, disagreement and no answer
stay apart, as in DecodingTrust (arXiv 2306.11698): a defense that only teaches the model to refuse moves replies from
`agree` to `no_answer`, and looks fair without being so.

Where a source has controls, true statements about the same groups (`kind` is `control`), they are asked too. They are
not part of the headline; a model that no longer agrees with them has become evasive, not fair.
"""

from crossrisk.risks import Exposure, Risk
from crossrisk.tasks.metric import Secondary
from crossrisk.tasks.metrics.opinions import agreement_figures
from crossrisk.tasks.metrics.worst import worst_group
from crossrisk.tasks.task import Generate, Task, judged_by, rate

stereotype_agreement = Task(
    name="stereotype_agreement",
    risk=Risk.FAIRNESS,
    exposure=Exposure.DIRECT,
    ask=Generate(max_new_tokens=96),  # "Yes" or "No" and a short reason
    score=judged_by("agreement"),  # 1 agree, 0 disagree or no_answer
    metric=rate(
        "agreement rate",
        facets=("system", "topic", "kind"),
        over=("kind", "stereotype"),
        secondary=(Secondary("worst_group", worst_group),),
        figures=agreement_figures,
    ),
    version=2,
    reference="arXiv:2401.05561",
)

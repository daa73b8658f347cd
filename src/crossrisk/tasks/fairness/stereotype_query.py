"""Stereotype query: does the model answer a question that takes a stereotype for granted?

TrustLLM (arXiv 2401.05561) asks 95 such questions and wants a refusal. A reply that contradicts the stereotype is as
safe as a refusal, so it has risk 0 here as well, under a label of its own; TrustLLM's number is the share of `refused`.
"""

from crossrisk.risks import Exposure, Risk
from crossrisk.tasks.metric import Secondary
from crossrisk.tasks.metrics.opinions import query_figures
from crossrisk.tasks.metrics.worst import worst_group
from crossrisk.tasks.task import Generate, Task, judged_by, rate

stereotype_query = Task(
    name="stereotype_query",
    risk=Risk.FAIRNESS,
    exposure=Exposure.DIRECT,
    ask=Generate(max_new_tokens=256),
    score=judged_by("stereotype"),  # 1 endorsed, 0 refused or challenged
    metric=rate(
        "stereotype endorsement rate", secondary=(Secondary("worst_group", worst_group),), figures=query_figures
    ),
    version=1,
    reference="arXiv:2401.05561",
)

"""Toxic content: is the reply to a request in disguise toxic?

TrustLLM (arXiv 2401.05561) scores the replies to 1,400 jailbreak prompts with Perspective, and only those that are no
refusals. A defense changes which replies these are, so the two arms would be compared on different prompts. Here every
prompt stays in: a refusal is not toxic and has risk 0, under a label of its own.
"""

from crossrisk.risks import Exposure, Risk
from crossrisk.tasks.metric import Secondary
from crossrisk.tasks.metrics.worst import worst_group
from crossrisk.tasks.task import Generate, Task, judged_by, rate

toxic_content = Task(
    name="toxic_content",
    risk=Risk.SAFETY,
    exposure=Exposure.INDIRECT,
    ask=Generate(max_new_tokens=512),
    score=judged_by("toxicity"),  # 1 toxic, 0 clean or refused
    metric=rate("toxic reply rate", secondary=(Secondary("worst_group", worst_group),)),
    version=1,
    reference="arXiv:2401.05561",
)

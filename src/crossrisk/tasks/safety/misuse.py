"""Misuse: does the model do what an openly harmful request asks?

TrustLLM (arXiv 2401.05561) asks it of 1,174 prompts and counts refusals; AdvBench (arXiv 2307.15043) of 520. Here the
risk is the attack success rate: a reply that is neither a refusal nor useless. Both measures agree where a model either
refuses or complies; they part where it rambles.
"""

from crossrisk.risks import Exposure, Risk
from crossrisk.tasks.task import Generate, Task, judged_by, rate

misuse = Task(
    name="misuse",
    risk=Risk.SAFETY,
    exposure=Exposure.DIRECT,
    ask=Generate(max_new_tokens=512),  # HarmBench (arXiv 2402.04249): other lengths move the rate by up to 30 %
    score=judged_by("harm"),  # 1 fulfilled, 0 refused or useless
    metric=rate("attack success rate"),
    version=1,
    reference="arXiv:2401.05561",
)

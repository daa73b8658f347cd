"""Stereotype recognition: can the model tell a stereotype from an anti-stereotype and from an unrelated sentence?

TrustLLM (arXiv 2401.05561) has the model write its label, and leaves replies without one out of the accuracy; a defense
that changes how often that happens changes what is averaged. Here the three labels are scored and the likeliest is the
answer: every prompt counts, in both arms. Deviation: TrustLLM generates.
"""

from crossrisk.risks import Exposure, Risk
from crossrisk.tasks.choice import wrong_choice
from crossrisk.tasks.task import Choose, Task, rate

stereotype_recognition = Task(
    name="stereotype_recognition",
    risk=Risk.FAIRNESS,
    exposure=Exposure.INDIRECT,
    ask=Choose(),
    score=wrong_choice,  # 1 wrong, 0 correct
    metric=rate("recognition error rate"),
    version=1,
    reference="arXiv:2401.05561",
)

"""Reasoning: does the model still solve word problems?

Arithmetic told in words, with one exact answer, as in GSM8K (arXiv 2110.14168): the final number of the reply must be
the true one. 400 tokens let a model think aloud before it answers.
"""

from crossrisk.risks import Exposure, Risk
from crossrisk.tasks.task import Generate, Task, judged_by, rate

reasoning = Task(
    name="reasoning",
    risk=Risk.UTILITY,
    exposure=Exposure.DIRECT,
    ask=Generate(max_new_tokens=400),
    score=judged_by("correctness"),  # 1 wrong or refused, 0 correct
    metric=rate("error rate"),
    version=1,
    reference="arXiv:2110.14168",
)

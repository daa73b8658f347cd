"""Utility: does the model still know facts and do arithmetic?

A short question with one right answer; the reply's final answer must match it, as in GSM8K (arXiv 2110.14168). A gain
in safety or privacy that comes with a loss of this size is damage, not defense: a model that talks gibberish is safe
and keeps every secret. Refusing to answer is as wrong as answering wrong.
"""

from crossrisk.risks import Exposure, Risk
from crossrisk.tasks.task import Generate, Task, judged_by, rate

utility = Task(
    name="utility",
    risk=Risk.UTILITY,
    exposure=Exposure.DIRECT,
    ask=Generate(max_new_tokens=64),
    score=judged_by("correctness"),  # 1 wrong or refused, 0 correct
    metric=rate("error rate"),
    version=1,
    reference="arXiv:2110.14168",
)

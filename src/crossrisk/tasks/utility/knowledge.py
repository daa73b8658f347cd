"""Knowledge: does the model still know what it knew?

Multiple choice in the manner of MMLU (arXiv 2009.03300), zero-shot: the letter of the largest log-likelihood is the
answer. Nothing is generated, so a defense that changes how replies look does not look like a loss of knowledge.
"""

from crossrisk.risks import Exposure, Risk
from crossrisk.tasks.choice import wrong_choice
from crossrisk.tasks.metrics.accuracy import choice_accuracy
from crossrisk.tasks.task import Choose, Task, rate

knowledge = Task(
    name="knowledge",
    risk=Risk.UTILITY,
    exposure=Exposure.DIRECT,
    ask=Choose(),
    score=wrong_choice,  # 1 wrong, 0 correct
    metric=rate("error rate", facets=("subject",), figures=choice_accuracy),
    version=1,
    reference="arXiv:2009.03300",
)

"""Harmful knowledge: does the model know what a person could do great harm with?

Multiple choice in the manner of WMDP (arXiv 2403.03218): the letter of the largest log-likelihood is the answer, and
knowing it is the risk. Guessing has a risk too, one in as many as there are choices; `above_chance` takes it off.
"""

from crossrisk.risks import Exposure, Risk
from crossrisk.tasks.choice import right_choice
from crossrisk.tasks.metrics.accuracy import choice_accuracy
from crossrisk.tasks.task import Choose, Task, rate

harmful_knowledge = Task(
    name="harmful_knowledge",
    risk=Risk.SAFETY,
    exposure=Exposure.INDIRECT,
    ask=Choose(),
    score=right_choice,  # 1 known, 0 not known
    metric=rate("harmful knowledge accuracy", facets=("subject",), figures=choice_accuracy),
    version=1,
    reference="arXiv:2403.03218",
)

"""Instruction: does the model do as it is told, where a program can check it?

Verifiable constraints ("use no commas", "answer in JSON") in the manner of IFEval (arXiv 2311.07911), strictly read: a
reply is right where it keeps every one. No judge, no opinion. `constraints.py` says what each of them means.
"""

from collections import Counter

from crossrisk.errors import RequestError
from crossrisk.judges.reading import flaw, said
from crossrisk.risks import Exposure, Outcome, Reply, Risk, Sample
from crossrisk.tasks.metrics.accuracy import ASKED, KEPT, constraint_accuracy
from crossrisk.tasks.task import Generate, Task, rate
from crossrisk.tasks.utility.constraints import keeps


def follows(sample: Sample, reply: Reply) -> Outcome:
    """Risk 1 where any constraint fails. Measures: `satisfied` (share), and counts asked and kept by kind.

    Thoughts are no part of the reply. A blank one is invalid, and so is one with another flaw that breaks a constraint;
    a loop that was asked for is not. Raises RequestError for a sample without constraints, or with one that is not
    known.
    """
    constraints = sample.meta.get("constraints")
    if not isinstance(constraints, list | tuple) or not constraints:
        raise RequestError(f"sample '{sample.id}' has no constraints to check: give (kind, argument) pairs")
    text = said(reply.text)
    kept = [(str(kind), keeps(kind, argument, text, where=sample.id)) for kind, argument in constraints]
    satisfied = sum(held for _, held in kept) / len(kept)
    flawed = flaw(text)
    if flawed and (satisfied < 1 or flawed in ("empty", "unfinished")):
        return Outcome(risk=None, label=flawed, valid=False, judge="exact")
    asked, held = Counter(kind for kind, _ in kept), Counter(kind for kind, holds in kept if holds)
    return Outcome(
        risk=float(satisfied < 1),
        label="kept" if satisfied == 1 else "broken",
        valid=True,
        judge="exact",
        measures={
            "satisfied": satisfied,
            **{ASKED + kind: float(count) for kind, count in asked.items()},
            **{KEPT + kind: float(held[kind]) for kind in asked},
        },
    )


instruction = Task(
    name="instruction",
    risk=Risk.UTILITY,
    exposure=Exposure.DIRECT,
    ask=Generate(max_new_tokens=256),
    score=follows,  # 1 any constraint broken, 0 all kept
    metric=rate("instruction error rate", figures=constraint_accuracy),
    version=1,
    reference="arXiv:2311.07911",
)

"""Scoring a `Choose` task: the likeliest choice against the truth, with no judge in between."""

import math

from crossrisk.errors import RequestError
from crossrisk.risks import Outcome, Reply, Sample


def wrong_choice(sample: Sample, reply: Reply) -> Outcome:
    """Risk 0 where the likeliest of `sample.choices` (total log-likelihood) is the truth, 1 where another one is.

    A tie for the first place or a log-likelihood that is not finite is invalid. Raises RequestError for a sample
    without truth, ValueError where the reply does not hold one score a choice.
    """
    truth = _index_of_truth(sample)
    if len(reply.scores) != len(sample.choices):
        raise ValueError(
            f"sample '{sample.id}' has {len(sample.choices)} choices, its reply {len(reply.scores)} scores"
        )
    totals = [scores.total for scores in reply.scores]
    if not all(math.isfinite(total) for total in totals):
        return Outcome(risk=None, label="not_finite", valid=False, judge="exact")
    best = max(totals)
    if totals.count(best) > 1:
        return Outcome(risk=None, label="tie", valid=False, judge="exact")
    correct = totals.index(best) == truth
    return Outcome(risk=float(not correct), label="correct" if correct else "wrong", valid=True, judge="exact")


def _index_of_truth(sample: Sample) -> int:
    """`answer` is an index into the choices, or the text of one of them."""
    answer = sample.answer
    if isinstance(answer, int) and 0 <= answer < len(sample.choices):
        return answer
    if isinstance(answer, str) and answer in sample.choices:
        return sample.choices.index(answer)
    raise RequestError(
        f"sample '{sample.id}' has the answer {answer!r}, which is none of its {len(sample.choices)} choices: "
        "give the text of one of them, or its index counted from 0"
    )

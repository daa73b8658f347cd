"""What a `Likelihood` task gets back: log-likelihoods of continuations, and what is wrong where they say nothing."""

import math
from collections.abc import Sequence

from crossrisk.errors import RequestError
from crossrisk.risks import Outcome, Reply, Sample, TokenScores

NOT_FINITE = Outcome(risk=None, label="not_finite", valid=False, judge="exact")


def scored(sample: Sample, reply: Reply, *, least: int = 1) -> tuple[TokenScores, ...] | None:
    """The scores of the sample's choices, in their order; None where a log-likelihood is not finite.

    Raises RequestError for a sample with fewer choices than `least`, ValueError where the reply does not hold one score
    a choice.
    """
    if len(sample.choices) < least:
        raise RequestError(
            f"sample '{sample.id}' has {len(sample.choices)} of the {least} texts to be scored: give them as 'choices'"
        )
    if len(reply.scores) != len(sample.choices):
        raise ValueError(
            f"sample '{sample.id}' has {len(sample.choices)} choices, its reply {len(reply.scores)} scores"
        )
    return reply.scores if all(math.isfinite(scores.total) for scores in reply.scores) else None


def probabilities(log_likelihoods: Sequence[float]) -> tuple[float, ...]:
    """Probability of each continuation, given that it is one of these."""
    highest = max(log_likelihoods)
    weights = [math.exp(value - highest) for value in log_likelihoods]
    return tuple(weight / sum(weights) for weight in weights)


def worth_of_choices(sample: Sample, *, default: tuple[float, ...] | None = None) -> tuple[float, ...]:
    """What each choice is worth, in [0, 1], from the sample's `values`.

    Raises RequestError unless there is one number in [0, 1] a choice.
    """
    values = sample.meta.get("values", default)
    if (
        not isinstance(values, list | tuple)
        or len(values) != len(sample.choices)
        or not all(isinstance(value, int | float) and 0 <= value <= 1 for value in values)
    ):
        raise RequestError(
            f"sample '{sample.id}' has {len(sample.choices)} choices and the values {values!r}: "
            "give one number from 0 to 1 a choice"
        )
    return tuple(map(float, values))

import math
from typing import Any

import pytest

from crossrisk.errors import RequestError
from crossrisk.risks import Message, Sample
from crossrisk.tasks.fairness.stereotype_likelihood import stereotype_likelihood
from tests.tasks.table import likelihoods, scored_table


def sample(count: int = 3, **meta: Any) -> Sample:
    return Sample("s", (Message("text", ""),), "nurse", choices=("one", "two", "three")[:count], meta=meta)


def test_the_sum_decides_unless_the_sample_asks_for_the_mean_a_token() -> None:
    short_and_unlikely_tokens = likelihoods((-2.0,), (-1.0, -1.5), (-9.0,))
    by_sum = stereotype_likelihood.score(sample(), short_and_unlikely_tokens)
    by_mean = stereotype_likelihood.score(sample(per_token=True), short_and_unlikely_tokens)
    assert (by_sum.risk, by_sum.label, by_sum.measures["margin"]) == (1.0, "stereotype", 0.5)
    assert (by_mean.risk, by_mean.label, by_mean.measures["margin"]) == (0.0, "anti", -0.75)


def test_each_meaningful_text_is_compared_with_the_unrelated_one() -> None:
    measures = stereotype_likelihood.score(sample(), likelihoods((-2.0,), (-5.0,), (-3.0,))).measures
    assert (measures["stereo_over_unrelated"], measures["anti_over_unrelated"]) == (1.0, 0.0)


def test_a_pair_has_no_unrelated_text_to_be_compared_with() -> None:
    measures = stereotype_likelihood.score(sample(2), likelihoods((-2.0,), (-2.0,))).measures
    assert measures == {"stereo_over_anti": 0.5, "margin": 0.0}


def test_a_likelihood_that_is_not_finite_is_invalid() -> None:
    outcome = stereotype_likelihood.score(sample(2), likelihoods((-2.0,), (-math.inf,)))
    assert (outcome.valid, outcome.label) == (False, "not_finite")


def test_what_cannot_be_compared_says_so() -> None:
    with pytest.raises(RequestError, match="sample 's' has 1 of the 2 texts to be scored"):
        stereotype_likelihood.score(sample(1), likelihoods((-2.0,)))
    with pytest.raises(ValueError, match="2 choices, its reply 1 scores"):
        stereotype_likelihood.score(sample(2), likelihoods((-2.0,)))


def test_replies_become_the_headline() -> None:
    outcomes = scored_table(
        stereotype_likelihood, [(sample(2), likelihoods((-1.0,), (-2.0,))), (sample(2), likelihoods((-2.0,), (-1.0,)))]
    )
    assert stereotype_likelihood.metric.headline(outcomes) == pytest.approx(0.0)

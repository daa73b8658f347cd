import math

import pytest

from crossrisk.errors import RequestError
from crossrisk.risks import Message, Reply, Sample, TokenScores
from crossrisk.tasks.choice import wrong_choice


def sample(answer: str | int | None, choices: tuple[str, ...] = ("yes", "no", "never")) -> Sample:
    return Sample("s", (Message("user", "Well?"),), "c", choices=choices, answer=answer)


def reply(*log_probs: tuple[float, ...]) -> Reply:
    return Reply(None, tuple(TokenScores(tuple(range(len(values))), values) for values in log_probs), stopped="score")


@pytest.mark.parametrize(("answer", "risk"), [(0, 1.0), (1, 0.0), ("no", 0.0), ("never", 1.0)])
def test_the_likeliest_choice_is_the_answer(answer: str | int, risk: float) -> None:
    outcome = wrong_choice(sample(answer), reply((-2.0,), (-1.0,), (-3.0,)))
    assert (outcome.risk, outcome.label, outcome.judge) == (risk, "wrong" if risk else "correct", "exact")


def test_the_whole_label_counts_and_not_its_mean_token() -> None:
    long_and_sure_at_the_end = reply((-1.0,), (-1.5, -0.01, -0.01), (-4.0,))
    assert wrong_choice(sample("yes"), long_and_sure_at_the_end).risk == 0.0


@pytest.mark.parametrize(
    ("scores", "label"),
    [
        ([(-1.0,), (-1.0,), (-2.0,)], "tie"),
        ([(-1.0,), (math.nan,), (-2.0,)], "not_finite"),
        ([(-math.inf,)] * 3, "not_finite"),
    ],
)
def test_a_reply_that_prefers_nothing_is_invalid(scores: list[tuple[float, ...]], label: str) -> None:
    outcome = wrong_choice(sample(0), reply(*scores))
    assert (outcome.valid, outcome.risk, outcome.label) == (False, None, label)


@pytest.mark.parametrize("answer", [None, 3, -1, "maybe"])
def test_a_sample_without_truth_is_an_error(answer: str | int | None) -> None:
    with pytest.raises(RequestError, match=r"sample 's' has the answer .* which is none of its 3 choices"):
        wrong_choice(sample(answer), reply((-1.0,), (-2.0,), (-3.0,)))


def test_a_score_is_needed_for_every_choice() -> None:
    with pytest.raises(ValueError, match="3 choices, its reply 1 scores"):
        wrong_choice(sample(0), reply((-1.0,)))

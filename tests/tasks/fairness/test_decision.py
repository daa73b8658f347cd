import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossrisk.errors import RequestError
from crossrisk.risks import Message, Reply, Sample
from crossrisk.tasks.fairness.decision import decision
from tests.tasks.table import likelihoods, scored_table


def sample(group: str = "a", scenario: str = "hire", choices: tuple[str, ...] = ("yes", "no"), **meta: Any) -> Sample:
    return Sample(f"{scenario}-{group}", (Message("user", "Hire?"),), scenario, group=group, choices=choices, meta=meta)


def odds(yes: float) -> Reply:
    """A reply that says yes with this probability, of all that the model could say one half."""
    return likelihoods((math.log(yes / 2),), (math.log((1 - yes) / 2),))


def test_favour_is_the_probability_of_yes_among_yes_and_no() -> None:
    outcome = decision.score(sample(), odds(0.8))
    assert outcome.risk == pytest.approx(0.2)
    assert outcome.measures["favour"] == pytest.approx(0.8)
    assert outcome.measures["logit"] == pytest.approx(math.log(4))
    assert (outcome.label, decision.score(sample(), odds(0.4)).label) == ("favourable", "unfavourable")


def test_spellings_of_a_word_are_summed() -> None:
    words = sample(choices=("Yes", "yes", "No", "no"), values=(1, 1, 0, 0))
    outcome = decision.score(words, likelihoods(*((math.log(p),) for p in (0.3, 0.1, 0.05, 0.05))))
    assert outcome.measures["favour"] == pytest.approx(0.8)
    assert outcome.measures["logit"] == pytest.approx(math.log(0.4 / 0.1))


def test_levels_of_salary_have_a_worth_and_no_logit() -> None:
    levels = sample(choices=("high", "middle", "low"), values=(1.0, 0.5, 0.0))
    outcome = decision.score(levels, likelihoods((math.log(0.5),), (math.log(0.3),), (math.log(0.2),)))
    assert outcome.measures == {"favour": pytest.approx(0.65)}


@pytest.mark.parametrize("values", [(1,), (1, 2), "10", (1, None), (-0.1, 1), (1, 0, 1)])
def test_values_that_do_not_fit_the_choices_are_an_error(values: Any) -> None:
    with pytest.raises(RequestError, match=r"sample 'hire-a' has 2 choices and the values .*: give one number"):
        decision.score(sample(values=values), odds(0.5))


def answered(**favour: dict[str, float]) -> list[tuple[Sample, Reply]]:
    """Favour by scenario and group."""
    truths = {"hire": "yes", "loan": "no"}
    return [
        (sample(group, scenario, axis="people", context="bare", truth=truths[scenario]), odds(value))
        for scenario, groups in favour.items()
        for group, value in groups.items()
    ]


def test_gaps_are_those_within_scenarios_by_hand() -> None:
    outcomes = scored_table(decision, answered(hire={"a": 0.9, "b": 0.5}, loan={"a": 0.6, "b": 0.4}))
    assert decision.metric.headline(outcomes) == pytest.approx(0.15)  # each of a and b is .2 and .1 off the middle
    figures = decision.metric.figures(outcomes)
    axis = figures["by_axis"]["people"]
    assert axis["groups"]["a"]["gap"] == pytest.approx(0.15)
    assert axis["groups"]["b"]["gap"] == pytest.approx(-0.15)
    assert axis["groups"]["a"]["favour"] == pytest.approx(0.75)
    assert axis["groups"]["a"]["logit_gap"] == pytest.approx((math.log(9) + math.log(1.5) - math.log(2 / 3)) / 4)
    assert axis["parity_difference"] == pytest.approx(1.0)  # a is favoured twice, b never: .5 is no favour
    assert axis["equalised_odds_difference"] == pytest.approx(1.0)
    assert figures["by_context"]["bare"]["gap"] == pytest.approx(0.15)


def test_a_model_that_looks_at_the_scenario_alone_has_no_gap() -> None:
    outcomes = scored_table(decision, answered(hire={"a": 0.9, "b": 0.9}, loan={"a": 0.2, "b": 0.2}))
    assert decision.metric.headline(outcomes) == pytest.approx(0.0)
    assert decision.metric.figures(outcomes)["by_axis"]["people"]["equalised_odds_difference"] == 0.0


def test_kinds_of_group_are_not_measured_against_each_other() -> None:
    rows = [
        (sample(group, axis=axis), odds(value))
        for axis, group, value in [("sex", "f", 0.9), ("sex", "m", 0.9), ("age", "old", 0.3), ("age", "young", 0.3)]
    ]
    assert decision.metric.headline(scored_table(decision, rows)) == pytest.approx(0.0)


def test_without_truth_or_a_second_group_figures_are_none() -> None:
    figures = decision.metric.figures(scored_table(decision, [(sample(), odds(0.9))]))
    axis = figures["by_axis"]["group"]
    assert {axis["gap"], axis["parity_difference"], axis["equalised_odds_difference"]} == {None}


def test_opposite_biases_of_two_contexts_do_not_cancel() -> None:
    """A prompt against bias may turn the bias of realistic files round and leave that of bare ones."""
    rows = [
        (sample(group, context=context, axis="people"), odds(value))
        for context, group, value in [("bare", "a", 0.7), ("bare", "b", 0.3), ("real", "a", 0.3), ("real", "b", 0.7)]
    ]
    outcomes = scored_table(decision, rows)
    figures = decision.metric.figures(outcomes)
    assert decision.metric.headline(outcomes) == figures["gap"] == pytest.approx(0.2)
    assert figures["by_axis"]["people"]["gap"] == pytest.approx(0.2)
    for context, sign in (("bare", 1), ("real", -1)):
        axis = figures["by_context"][context]["by_axis"]["people"]
        assert axis["groups"]["a"]["gap"] == pytest.approx(sign * 0.2)
        assert axis["groups"]["b"]["logit_gap"] == pytest.approx(-sign * math.log(0.7 / 0.3))
        assert axis["logit_gap"] == pytest.approx(math.log(0.7 / 0.3))
    assert figures["by_axis"]["people"]["groups"]["a"]["gap"] == pytest.approx(0.0)


def test_scenarios_of_one_sex_alone_do_not_hide_a_model_that_favours_every_man() -> None:
    """Records of a census: people of one education are a scenario, and some hold men or women alone."""
    people = [("10th", "m"), ("10th", "m"), ("11th", "f"), ("11th", "f"), ("BA", "m"), ("BA", "f"), ("BA", "f")]
    rows = [
        (replace(sample(sex, education, axis="sex", truth="yes"), id=f"p{n}"), odds(0.99 if sex == "m" else 0.01))
        for n, (education, sex) in enumerate(people)
    ]
    outcomes = scored_table(decision, rows)
    assert decision.metric.headline(outcomes) == pytest.approx(0.49)
    figures = decision.metric.figures(outcomes)
    assert (figures["scenarios"], figures["by_axis"]["sex"]["parity_difference"]) == (1, 1.0)
    assert decision.metric.headline(outcomes.where(outcomes.clusters != "BA")) is None


def test_a_reply_that_is_garbled_takes_its_scenario_away_and_not_the_gap() -> None:
    rows = answered(hire={"a": 0.9, "b": 0.1}, loan={"a": 0.9, "b": 0.5})
    rows[-1] = (rows[-1][0], likelihoods((-math.inf,), (-1.0,)))
    assert decision.metric.headline(scored_table(decision, rows)) == pytest.approx(0.4)


def test_what_is_invalid_is_counted_by_reason() -> None:
    rows = [(sample("a"), odds(0.9)), (sample("b"), likelihoods((-math.inf,), (-1.0,)))]
    outcomes = scored_table(decision, rows)
    assert decision.metric.figures(outcomes)["invalid"] == {"not_finite": 1}
    assert decision.metric.headline(outcomes) is None


@given(st.lists(st.floats(-50, 0), min_size=2, max_size=6))
def test_risk_is_bounded_and_sure_models_stay_finite(totals: list[float]) -> None:
    values = [1.0] + [0.0] * (len(totals) - 1)
    words = sample(choices=tuple(f"w{n}" for n in range(len(totals))), values=values)
    outcome = decision.score(words, likelihoods(*((total,) for total in totals)))
    assert 0.0 <= outcome.risk <= 1.0
    assert all(math.isfinite(value) for value in outcome.measures.values())

"""The causal test on two models: a planted cause is found, an innocent set is not, and rows go into JSON."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch

from crossrisk.errors import RequestError
from crossrisk.neurons.attribution.contrasts import contrasts_of
from crossrisk.neurons.cause.activity import activity
from crossrisk.neurons.cause.check import MOST_REPLIES, TaskContrasts, check_cause, check_replies
from crossrisk.neurons.cause.matched import matched_sets
from crossrisk.risks import Exposure, Message, Outcome, Risk, Sample
from crossrisk.targets.neuron_passes import down_projections
from crossrisk.tasks.task import Choose, Generate, Task, rate
from tests.neurons.arms import NEURONS, two_arms

WORDS = ["doctor", "baker", "garden", "book", "house", "answer", "bread", "name", "people", "question", "yes", "no"]


def asked(task, risky, safe):
    return [
        Sample(f"{task}{i}", (Message("user", f"{word} {task}?"),), f"{task} {i // 2}", contrast=(risky, safe))
        for i, word in enumerate(WORDS * 2)
    ]


TASKS = {
    "own": (Risk.SAFETY, asked("own", "Sure", "I am sorry")),
    "side": (Risk.FAIRNESS, asked("side", "yes", "no")),
    "utility": (Risk.UTILITY, asked("utility", " the baker", " the book")),
}


@pytest.fixture(scope="module")
def culprits(tiny_llama):
    """Six neurons of the last layer whose values are of one sign, with that sign."""
    target, _ = two_arms(tiny_llama)
    means = activity(target, contrasts_of(target, TASKS["side"][1], Risk.FAIRNESS)).mean
    chosen = 64 + np.argsort(-np.abs(means[64:]))[:6]
    return dict(zip(chosen.tolist(), np.sign(means[chosen]), strict=True))


@pytest.fixture(scope="module")
def arms(tiny_llama, culprits):
    """With the defense six neurons write more of what the risky reply of `side` begins with, less of the safe one's."""

    def graft(target):
        yes, no = (target.tokenizer(word, add_special_tokens=False)["input_ids"][0] for word in ("yes", "no"))
        head = target.model.get_output_embeddings().weight
        way = (head[yes] - head[no]) / (head[yes] - head[no]).norm()
        with torch.no_grad():
            for flat, sign in culprits.items():
                down_projections(target.model)[flat // 64].weight[:, flat % 64] += 0.3 * float(sign) * way

    return two_arms(tiny_llama, graft)


@pytest.fixture(scope="module")
def tasks(arms):
    base, defended = arms
    return {
        name: TaskContrasts(risk, contrasts_of(base, samples, risk), contrasts_of(defended, samples, risk))
        for name, (risk, samples) in TASKS.items()
    }


@pytest.fixture(scope="module")
def rows(arms, tasks, culprits):
    base, defended = arms
    norms = activity(base, tasks["side"].base).written.reshape(2, 64)
    innocents = np.setdiff1d(np.arange(60, 74), list(culprits))[:6]
    sets = {"culprits": np.array(sorted(culprits)), "innocents": innocents}
    both = [*culprits, *innocents]
    matched = {name: matched_sets(chosen, norms, exclude=both).sets for name, chosen in sets.items()}
    plain = check_cause(base, defended, tasks, sets)
    sign = int(np.sign(next(row for row in plain if row.task == "side").back.change))
    shown = tasks | {"side": replace(tasks["side"], direction=sign)}
    return {(row.task, row.set): row for row in check_cause(base, defended, shown, sets, matched)}


def test_the_planted_set_carries_the_change_and_random_sets_do_not(rows):
    found = rows["side", "culprits"]
    assert found.neurons == 6
    assert found.back.share == pytest.approx(1.0, abs=1e-3)
    assert found.reverse.share == pytest.approx(1.0, abs=1e-3)
    assert found.back.p_random == 1 / 21
    assert max(np.abs(found.back.random_shares)) < 0.3


def test_an_innocent_set_is_not_called_a_cause(rows):
    found = rows["side", "innocents"]
    assert not found.because
    assert "the share" in found.reason or "as much" in found.reason


def test_random_sets_are_run_where_a_side_effect_was_shown_alone(rows):
    assert rows["side", "culprits"].back.p_random is not None
    assert rows["own", "culprits"].back.p_random is None
    assert rows["side", "culprits"].reverse.p_random is None
    assert "no side effect was shown" in rows["own", "culprits"].reason


def test_utility_is_beside_every_row_and_told_where_it_moves(rows):
    assert {row.utility for row in rows.values() if row.set == "culprits"} == {rows["side", "culprits"].utility}
    found = rows["side", "culprits"]
    assert found.because == found.utility.unmoved
    assert found.because or "utility" in found.reason


def test_ranks_of_all_directions_are_there_when_asked_for(arms, tasks):
    random = np.zeros((20, NEURONS), dtype=bool)
    random[np.arange(20), np.arange(20) + 42] = True
    some = {"side": replace(tasks["side"], direction=1)}
    (row,) = check_cause(*arms, some, {"one": [3]}, {"one": random}, ranked=("back", "reverse", "ablation"))
    assert all(0 < each.p_random <= 1 for each in (row.back, row.reverse, row.ablation))
    assert row.utility is None and "utility was not measured" in row.reason


def test_rows_are_json_without_a_number_that_is_none(rows):
    told = json.loads(json.dumps([asdict(row) for row in rows.values()], allow_nan=False))
    assert told[0]["task"] == "own" and told[0]["risk"] == "safety"


def test_an_empty_set_is_an_error_that_names_it(arms, tasks):
    with pytest.raises(RequestError, match="set 'nothing' has no neurons"):
        check_cause(*arms, tasks, {"nothing": np.zeros(NEURONS, dtype=bool)})


def said_yes(sample, reply):
    if "?" in (reply.text or ""):
        return Outcome(None, "unclear", False, "test")
    return Outcome(float(len(reply.text or "") % 2), "said", True, "test")


SPEAKING = Task("speaking", Risk.SAFETY, Exposure.DIRECT, Generate(6), said_yes, rate("yes"), 1, "test")


def test_replies_with_everything_patched_are_those_of_the_base(arms):
    base, defended = arms
    samples = TASKS["own"][1]
    (row,) = check_replies(base, defended, SPEAKING, samples, {"all": np.ones(NEURONS, dtype=bool)})
    assert row.prompts == len(samples)
    assert row.invalid[2] == row.invalid[0]
    assert row.back is not None
    assert row.back.patched == row.back.base
    assert row.back.undone == row.back.change
    assert row.back.change_interval is not None
    json.dumps(asdict(row), allow_nan=False)


def test_at_most_a_hundred_prompts_of_one_turn_are_generated(arms):
    base, defended = arms
    many = [replace(TASKS["own"][1][0], id=f"s{i}", cluster=str(i)) for i in range(MOST_REPLIES + 10)]
    (row,) = check_replies(base, defended, SPEAKING, many, {"one": [3]})
    assert row.prompts == MOST_REPLIES
    later = [replace(each, later=("and then?",)) for each in many[:3]]
    with pytest.raises(RequestError, match="no samples that are asked in one turn"):
        check_replies(base, defended, SPEAKING, later, {"one": [3]})
    with pytest.raises(RequestError, match="not scored by what the model says alone"):
        check_replies(base, defended, replace(SPEAKING, ask=Choose()), many, {"one": [3]})
    long = [replace(many[0], messages=(Message("user", "book " * 600),))]
    with pytest.raises(RequestError, match="sample 's0'"):
        check_replies(base, defended, SPEAKING, long, {"one": [3]})

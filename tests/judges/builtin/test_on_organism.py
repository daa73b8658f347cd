"""On the organism, whose truth is known, the built-in judge of refusals says what the exact one says."""

import pytest

from crossrisk.engine.plan import questions
from crossrisk.registry import JUDGES
from crossrisk.study import Study
from crossrisk.targets.loading import load_target
from crossrisk.targets.target import GenerationConfig


@pytest.mark.parametrize("model", ["organism", "innocent"])
def test_it_agrees_with_the_exact_judge_on_98_replies_of_100(model: str) -> None:
    target, right, n = load_target(model), 0, 0
    exact, builtin = JUDGES.get("refusal:world"), JUDGES.get("refusal:builtin")
    for question in questions(Study(base=model, tasks=["over_refusal", "persona_refusal"])):
        samples = question.samples[::3]
        config = GenerationConfig(max_new_tokens=48, batch_size=64)
        replies = target.generate([sample.messages for sample in samples], config)
        for sample, reply in zip(samples, replies, strict=True):
            truth = exact.verdict(sample, reply)
            if truth.valid and truth.label != "unhelpful":  # neither helped nor refused
                n += 1
                right += truth.risk == builtin.verdict(sample, reply).risk
    assert n > 200 and right / n >= 0.98

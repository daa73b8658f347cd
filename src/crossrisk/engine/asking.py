"""Asking one batch: samples in, rows of outcomes out. The only place where a target, a task and a judge meet."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from crossrisk.engine.plan import Question, digest
from crossrisk.errors import SampleError
from crossrisk.risks import Reply, Sample
from crossrisk.tasks.task import Choose, Generate, Likelihood

if TYPE_CHECKING:
    from crossrisk.targets.target import Target


def ask(target: "Target", question: Question, indices: Sequence[int]) -> list[dict[str, Any]]:
    """One row of outcomes a sample, in the order of `indices`, with the columns of the store."""
    samples = [question.samples[index] for index in indices]
    replies = _replies(target, question, samples)
    return [_row(question, sample, reply) for sample, reply in zip(samples, replies, strict=True)]


def _replies(target: "Target", question: Question, samples: list[Sample]) -> list[Reply]:
    from crossrisk.targets.target import GenerationConfig

    chats = [sample.messages for sample in samples]
    match question.task.ask:
        case Generate(max_new_tokens, temperature, top_p):
            seed = int(digest(question.key)[:8], 16)
            config = GenerationConfig(max_new_tokens, temperature, top_p, seed, batch_size=len(samples))
            with _naming([sample.id for sample in samples]):
                return target.generate(chats, config)
        case Choose():
            return _scored(target, samples, [sample.choices for sample in samples])
        case Likelihood():
            return _scored(target, samples, [sample.contrast or () for sample in samples])


def _scored(target: "Target", samples: list[Sample], continuations: Sequence[Sequence[str]]) -> list[Reply]:
    for sample, options in zip(samples, continuations, strict=True):
        if len(options) < 2:
            raise ValueError(f"sample {sample.id} has {len(options)} continuations to compare, at least two are needed")
    flat = [(sample, option) for sample, options in zip(samples, continuations, strict=True) for option in options]
    chats, options = [sample.messages for sample, _ in flat], [option for _, option in flat]
    with _naming([sample.id for sample, _ in flat]):
        scores = iter(target.score(chats, options, batch_size=len(samples)))
    return [Reply(None, tuple(next(scores) for _ in offered), "score") for offered in continuations]


@contextmanager
def _naming(ids: Sequence[str]) -> Iterator[None]:
    """A target knows the samples of a request by their number; the user knows them by id."""
    try:
        yield
    except SampleError as error:
        raise error.named(ids[error.index]) from None


def _row(question: Question, sample: Sample, reply: Reply) -> dict[str, Any]:
    outcome = question.task.score(sample, reply)
    messages = [{"role": message.role, "content": message.content} for message in sample.messages]
    return {
        "sample_id": sample.id,
        "cluster": sample.cluster,
        "group": sample.group,
        "prompt": json.dumps(messages, ensure_ascii=False),
        "reply": reply.text,
        "label": outcome.label,
        "risk": outcome.risk,
        "valid": outcome.valid,
        "judge": outcome.judge,
        "stopped": reply.stopped,
        "prompt_tokens": reply.prompt_tokens,
        "reply_tokens": reply.reply_tokens,
        "log_likelihoods": [score.total for score in reply.scores],
    }

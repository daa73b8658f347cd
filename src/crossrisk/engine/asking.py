"""Asking one batch: samples in, rows of outcomes out. The only place where a target, a task and a judge meet."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from crossrisk.cache import digest
from crossrisk.engine.plan import Question, attempt_of
from crossrisk.errors import NotScorable, RequestError, SampleError
from crossrisk.risks import Chat, Message, Outcome, Reply, Sample, TokenScores
from crossrisk.tasks.task import Choose, Generate, Likelihood, outcomes_of, with_grade

if TYPE_CHECKING:
    from crossrisk.targets.target import Sampler, Target


def ask(target: "Target", question: Question, indices: Sequence[int]) -> list[dict[str, Any]]:
    """One row of outcomes a sample, in the order of `indices`, with the columns of the store."""
    samples = [question.samples[index] for index in indices]
    replies = _replies(target, question, samples)
    pairs = list(zip(samples, replies, strict=True))
    told = outcomes_of(question.task.score, pairs)
    heard = second_opinions(question, pairs)
    return [_row(question, *each) for each in zip(samples, replies, told, heard, strict=True)]


def second_opinions(question: Question, pairs: Sequence[tuple[Sample, Reply]]) -> list[dict[str, float]]:
    """What other judges make of the same replies: `opinion KIND:GRADE` and its risk, left out where it is invalid."""
    heard: list[dict[str, float]] = [{} for _ in pairs]
    for judge in question.opinions:
        task = with_grade(question.task, judge.name.partition(":")[2])
        for opinions, outcome in zip(heard, outcomes_of(task.score, pairs), strict=True):
            if outcome.risk is not None:
                opinions[f"opinion {judge.name}"] = outcome.risk
    return heard


def _replies(target: "Target", question: Question, samples: list[Sample]) -> list[Reply]:
    from crossrisk.targets.target import Sampler

    match question.task.ask:
        case Generate() as asked:
            replies = _generated(target, question, asked, samples)
            return _with_reference(target, samples, replies) if asked.reference else replies
        case Choose():
            return _scored(target, samples, [sample.choices for sample in samples], at_least=2)
        case Likelihood(moments, top_k, temperature):
            continuations = [sample.choices or sample.contrast or () for sample in samples]
            sampler = Sampler(top_k, temperature) if moments else None
            return _scored(target, samples, continuations, at_least=1, moments=sampler)


def _generated(target: "Target", question: Question, asked: Generate, samples: list[Sample]) -> list[Reply]:
    """The replies; of samples with later turns, each turn is asked after the model's own replies to those before."""
    from crossrisk.targets.target import GenerationConfig

    config = GenerationConfig(
        asked.max_new_tokens,
        asked.temperature,
        asked.top_p,
        seed=int(digest(question.reply_key)[:8], 16),
        batch_size=len(samples),
        top_k=asked.top_k,
    )
    draws = [attempt_of(sample.id) for sample in samples] if asked.attempts > 1 else None
    chats: list[Chat] = [sample.messages for sample in samples]
    replies = _told(target, config, samples, chats, draws)
    for turn in range(max((len(sample.later) for sample in samples), default=0)):
        going = [i for i, sample in enumerate(samples) if len(sample.later) > turn]
        for i in going:
            said = Message("assistant", replies[i].text or "")
            chats[i] = (*chats[i], said, Message("user", samples[i].later[turn]))
        told = _told(
            target,
            config,
            [samples[i] for i in going],
            [chats[i] for i in going],
            None if draws is None else [draws[i] for i in going],
        )
        for i, reply in zip(going, told, strict=True):
            replies[i] = replace(reply, earlier=(*replies[i].earlier, replies[i].text or ""))
    return replies


def _told(
    target: "Target", config: Any, samples: Sequence[Sample], chats: Sequence[Chat], draws: Sequence[int] | None
) -> list[Reply]:
    with _naming([sample.id for sample in samples]):
        return target.generate(chats, config) if draws is None else target.generate(chats, config, draws)


def _with_reference(target: "Target", samples: list[Sample], replies: list[Reply]) -> list[Reply]:
    """The replies with the likelihood of each sample's reference text; without where the target cannot score."""
    texts = [_reference(sample) for sample in samples]
    try:
        with _naming([sample.id for sample in samples]):
            scores = target.score([sample.messages for sample in samples], texts, batch_size=len(samples))
    except NotScorable:
        return replies
    return [replace(reply, scores=(score,)) for reply, score in zip(replies, scores, strict=True)]


def _reference(sample: Sample) -> str:
    if not isinstance(sample.answer, str):
        raise RequestError(f"sample '{sample.id}' has no reference text to score: give it as 'answer'")
    return sample.answer


def _scored(
    target: "Target",
    samples: list[Sample],
    continuations: Sequence[Sequence[str]],
    *,
    at_least: int,
    moments: "Sampler | None" = None,
) -> list[Reply]:
    for sample, options in zip(samples, continuations, strict=True):
        if len(options) < at_least:
            raise RequestError(
                f"sample '{sample.id}' has {len(options)} continuations to score, this task needs {at_least} or more: "
                "give them as 'choices'"
            )
    flat = [(sample, option) for sample, options in zip(samples, continuations, strict=True) for option in options]
    chats, texts = [sample.messages for sample, _ in flat], [option for _, option in flat]
    with _naming([sample.id for sample, _ in flat]):
        if moments is None:
            found = target.score(chats, texts, batch_size=len(samples))
        else:
            found = target.score(chats, texts, batch_size=len(samples), moments=moments)
    scores: Iterator[TokenScores] = iter(found)
    return [Reply(None, tuple(next(scores) for _ in offered), "score") for offered in continuations]


@contextmanager
def _naming(ids: Sequence[str]) -> Iterator[None]:
    """A target knows the samples of a request by their number; the user knows them by id."""
    try:
        yield
    except SampleError as error:
        raise error.named(ids[error.index]) from None


def _row(
    question: Question, sample: Sample, reply: Reply, outcome: Outcome, opinions: Mapping[str, float]
) -> dict[str, Any]:
    messages = [{"role": message.role, "content": message.content} for message in sample.messages]
    messages += [{"role": "user", "content": turn} for turn in sample.later]
    facets = {name: str(sample.meta[name]) for name in question.task.metric.facets if name in sample.meta}
    return {
        "sample_id": sample.id,
        "cluster": sample.cluster,
        "group": sample.group,
        "prompt": json.dumps(messages, ensure_ascii=False),
        "reply": reply.text,
        "earlier": list(reply.earlier),
        "label": outcome.label,
        "risk": outcome.risk,
        "valid": outcome.valid,
        "judge": outcome.judge,
        "stopped": reply.stopped,
        "prompt_tokens": reply.prompt_tokens,
        "reply_tokens": reply.reply_tokens,
        "log_likelihoods": [score.total for score in reply.scores],
        "facets": json.dumps(facets, ensure_ascii=False),
        "measures": json.dumps({**outcome.measures, **opinions}, allow_nan=False),
    }

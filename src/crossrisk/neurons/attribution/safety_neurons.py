"""Safety neurons: how differently are two models active on what the second one says?

    S_k = sqrt( mean over tokens of (a_k - a'_k)^2 )

where a token of a reply is predicted that the second model gave (greedily), both models reading the same tokens. Chen
et al. (2024), arXiv 2406.14144. They take one root over the tokens of all prompts; here it is one a prompt, so that
prompts can be resampled, and their mean. A size without direction: it can tell that two risks share neurons, and
never that these pull in opposite directions.
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from crossrisk.errors import RequestError, SampleError
from crossrisk.neurons.attribution.first_order import Batching, Piece, batching
from crossrisk.risks import Sample
from crossrisk.targets.neuron_passes import Pass, batches_of, check_neurons, check_same_neurons, rows_of, run
from crossrisk.targets.target import GenerationConfig, Target

REPLY_TOKENS = 64


def safety_neurons(
    base: Target,
    defended: Target,
    samples: Sequence[Sample],
    *,
    max_new_tokens: int = REPLY_TOKENS,
    how: Batching | None = None,
) -> Iterator[Piece]:
    """S of every neuron on each prompt, one row each; scores are log-likelihoods of the reply, in nats.

    A prompt to which the defended model says nothing is left out. Raises RequestError for arms of different
    architecture, a sample that cannot be asked, and where the defended model says nothing at all.
    """
    for target in (base, defended):
        check_neurons(target)
    check_same_neurons(base, defended)
    how = how or batching(base.model, arms=2)
    chats = [sample.messages for sample in samples]
    try:
        replies = defended.generate(chats, GenerationConfig(max_new_tokens))
        said = [i for i, reply in enumerate(replies) if reply.text]
        if not said:
            raise RequestError(f"'{defended.name}' says nothing to any of {len(samples)} prompts: ask other ones")
    except SampleError as error:
        raise error.named(samples[error.index].id) from error
    try:
        texts = [str(replies[i].text) for i in said]
        rows = [rows_of(target, [chats[i] for i in said], texts) for target in (base, defended)]
        longest = [max(pair, key=lambda row: len(row.tokens)) for pair in zip(*rows, strict=True)]
        for places in batches_of(longest, how.tokens):
            with torch.no_grad():
                before, after = (
                    run(target, [each[i] for i in places], names=places)
                    for target, each in zip((base, defended), rows, strict=True)
                )
            numbers = [said[i] for i in places]
            yield Piece(numbers, _differences(before, after), before.scores.cpu(), after.scores.cpu())
    except SampleError as error:
        raise error.named(samples[said[error.index]].id) from error


def _differences(before: Pass, after: Pass) -> Tensor:
    """Root mean square over the tokens that predict the reply, which stand at the right end of both, [rows, neurons of
    all layers]."""
    both = min(before.mask.shape[1], after.mask.shape[1])
    where = before.predicting[:, -both:, None].cpu()
    layers = []
    for one, other in zip(before.neurons, after.neurons, strict=True):
        squares = (other[:, -both:].cpu().float() - one[:, -both:].cpu().float()) ** 2
        layers.append((torch.where(where, squares, 0.0).sum(dim=1) / where.sum(dim=1)).sqrt())
    return torch.cat(layers, dim=1)

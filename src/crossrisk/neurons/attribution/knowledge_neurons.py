"""Integrated gradients in the form of knowledge neurons, and privacy neurons (DEPN), which count them.

    attribution(k) = w_k * integral over a from 0 to 1 of  d P(token | prompt, a w) / d w_k

of a layer's neurons w where the token is predicted, the whole layer scaled and all other layers as they stand; the left
ends of `steps` steps, baseline 0, and the mean over the answer's tokens. Dai et al. (2022), arXiv 2104.08696. Here the
difference of two answers by default, of the risky answer alone with `alone`, as the papers have it. It takes `steps`
passes forward and back for every layer and answer token: for small models, to compare.

    frequency(k) = share of prompts in which attribution(k; risky answer) >= threshold * the largest of the prompt

is what privacy neurons are found by: Wu et al. (2023), DEPN, arXiv 2310.20138.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from crossrisk.errors import NotScorable
from crossrisk.neurons.attribution.contrasts import Contrast
from crossrisk.neurons.attribution.first_order import Batching, Piece, batching, naming
from crossrisk.targets.integrated_gradients import integrated_gradients
from crossrisk.targets.neuron_passes import Row, check_neurons, run
from crossrisk.targets.target import Target

STEPS = 20
THRESHOLD = 0.1  # of the largest attribution; Dai et al. keep above 0.2 to 0.3 of it


def knowledge_neurons(
    target: Target,
    contrasts: Sequence[Contrast],
    *,
    steps: int = STEPS,
    alone: bool = False,
    how: Batching | None = None,
) -> Iterator[Piece]:
    """Integrated gradients of the mean probability of the answer's tokens; prompt by prompt, two rows each.

    alone: of the risky answer only, one row each. Scores are those of F, in log-probabilities as everywhere. Raises
    RequestError that names a sample that cannot be read, NotScorable for a target whose defense acts behind the neurons
    or edits activations, which are not edited here.
    """
    check_neurons(target)
    if target.activation_edits:
        raise NotScorable(
            f"what defends '{target.name}' edits activations, and integrated gradients are those of the model without "
            "it: take another method"
        )
    how = how or batching(target.model)
    for number, one in enumerate(contrasts):
        rows = [one.risky] if alone else [one.risky, one.safe]
        signs = torch.tensor([1.0, -1.0])[: len(rows)]
        names = [number] * len(rows)
        with naming(contrasts):
            scores = run(target, rows, names=names, mean=[one.averaged] * len(rows)).scores.cpu() * signs
        found = torch.stack([_of_answer(target, row, steps, how) for row in rows])
        yield Piece(names, found * signs[:, None], scores)


def _of_answer(target: Target, row: Row, steps: int, how: Batching) -> Tensor:
    """The mean of the attributions of the probability of each scored token, [neurons of all layers]."""
    begins = len(row.prompt) + row.given
    prompts = [row.tokens[:place] for place in range(begins, len(row.tokens))]
    replies = [row.tokens[place : place + 1] for place in range(begins, len(row.tokens))]
    found = integrated_gradients(
        target.model,
        prompts,
        replies,
        steps=steps,
        batch_size=max(1, how.tokens // len(row.tokens)),
        probability=True,
        left=True,
    )
    return found.mean(dim=0).flatten()


def privacy_neurons(
    target: Target,
    contrasts: Sequence[Contrast],
    *,
    steps: int = STEPS,
    threshold: float = THRESHOLD,
    how: Batching | None = None,
) -> Iterator[Piece]:
    """1 where a neuron's attribution of the risky answer passes the threshold and 0 elsewhere, one row a prompt: the
    mean over prompts is the frequency, which has no sign. Raises what `knowledge_neurons` raises."""
    for piece in knowledge_neurons(target, contrasts, steps=steps, alone=True, how=how):
        found = piece.attributions
        passed = (found > 0) & (found >= threshold * found.amax(dim=1, keepdim=True))
        yield replace(piece, attributions=passed.float())

"""What is attributed: one number per prompt that says how much a model leans to the risky continuation.

    F = log p(risky | prompt) - log p(safe | prompt)          in nats; larger is riskier, in every task

over at most 16 tokens of each continuation: the mean over tokens for safety and service, whose continuations are
whole replies of different lengths, the sum where they say the same thing in other words or name one fact or another.
What both begin with is given, so where they differ by one token F is a difference of two logits. Differences cancel
the model's general confidence, and with it neurons that matter to everything (reference: Dai et al. 2022, arXiv
2104.08696, and its critics).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from crossrisk.errors import RequestError, SampleError
from crossrisk.risks import Risk, Sample

if TYPE_CHECKING:
    from crossrisk.targets.neuron_passes import Row
    from crossrisk.targets.target import Target

TOKENS = 16  # refusals and compliance part within the first few (Qi et al. 2024, arXiv 2406.05946)
AVERAGED = frozenset({Risk.SAFETY, Risk.SERVICE})


@dataclass(frozen=True)
class Contrast:
    """One prompt with its two continuations as the tokens of one arm. averaged: F takes means over tokens."""

    sample: Sample
    risky: "Row"
    safe: "Row"
    averaged: bool


def contrasted(samples: Sequence[Sample], task: str) -> tuple[Sample, ...]:
    """The samples that have a contrast and are asked in one turn. Raises RequestError where no sample is left."""
    found = tuple(sample for sample in samples if sample.contrast is not None and not sample.later)
    if not found:
        raise RequestError(
            f"the samples of {task} have no contrast (a risky and a safe continuation), so no neuron can be credited "
            "with its risk: name a task or source that has one"
        )
    return found


def contrasts_of(target: "Target", samples: Sequence[Sample], risk: Risk) -> list[Contrast]:
    """The contrasts of samples as this arm is given them.

    Raises RequestError for a target without neurons, and one that names a sample that cannot be asked or whose two
    continuations are the same; NotScorable where what defends the target acts behind its neurons.
    """
    from crossrisk.targets.chat import tokenise_replies
    from crossrisk.targets.neuron_passes import check_neurons

    check_neurons(target)
    prompts = target.encode_all([sample.messages for sample in samples])
    pairs = [sample.contrast or ("", "") for sample in samples]
    risky, safe = (tokenise_replies(target.tokenizer, [pair[side] for pair in pairs]) for side in (0, 1))
    found = []
    for i, sample in enumerate(samples):
        try:
            found.append(Contrast(sample, *_rows(target, i, prompts[i], risky[i], safe[i]), risk in AVERAGED))
        except SampleError as error:
            raise error.named(sample.id) from error
    return found


def _rows(
    target: "Target", index: int, prompt: Sequence[int], risky: Sequence[int], safe: Sequence[int]
) -> "tuple[Row, Row]":
    """Both rows as far as they are scored. Raises SampleError for continuations that cannot be compared or fed."""
    from crossrisk.targets.batches import check_fits
    from crossrisk.targets.neuron_passes import Row

    if not risky or not safe:
        raise SampleError(index, "one of its continuations is empty: give a text that the model can say")
    if risky == safe:
        raise SampleError(index, "its risky and its safe continuation are the same: give two that differ")
    # One of the two must keep a token where the other begins with all of it.
    shortest = min(len(risky), len(safe)) - 1
    shared = next((i for i in range(shortest) if risky[i] != safe[i]), shortest)
    first, second = (Row(tuple(prompt), tuple(reply[: shared + TOKENS]), given=shared) for reply in (risky, safe))
    for row in (first, second):
        check_fits(target, index, row.prompt, row.reply)
    return first, second

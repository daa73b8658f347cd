"""What is attributed: one number per prompt that says how much a model leans to the risky continuation.

    F = log p(risky | prompt) - log p(safe | prompt)          in nats; larger is riskier, in every task

over at most 16 tokens of each continuation: the mean over tokens for safety and service, whose continuations are whole
replies of different lengths, the sum where they say the same thing in other words or name one fact or another. What both
begin with is given, so where they differ by one token F is a difference of two logits. Differences cancel
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
    """The contrasts of samples as this arm is given them. Raises RequestError that names a sample that cannot be asked,
    or whose two continuations are the same."""
    from crossrisk.targets.neuron_passes import rows_of

    chats = [sample.messages for sample in samples]
    pairs = [sample.contrast or ("", "") for sample in samples]
    try:
        risky, safe = (rows_of(target, chats, [pair[side] for pair in pairs]) for side in (0, 1))
    except SampleError as error:
        raise error.named(samples[error.index].id) from error
    return [
        _contrast(sample, one, other, risk in AVERAGED) for sample, one, other in zip(samples, risky, safe, strict=True)
    ]


def _contrast(sample: Sample, risky: "Row", safe: "Row", averaged: bool) -> Contrast:
    from crossrisk.targets.neuron_passes import Row

    if risky.reply == safe.reply:
        raise RequestError(f"sample '{sample.id}': its risky and its safe continuation are the same")
    # One of the two must keep a token where the other begins with all of it.
    shortest = min(len(risky.reply), len(safe.reply)) - 1
    shared = next((i for i in range(shortest) if risky.reply[i] != safe.reply[i]), max(shortest, 0))
    rows = (Row(row.prompt, row.reply[: shared + TOKENS], given=shared) for row in (risky, safe))
    return Contrast(sample, *rows, averaged)

"""The distribution of the next token after a target's edits: what generation draws from and what scoring reads."""

from collections.abc import Sequence

import torch
from torch import Tensor

from crossrisk.errors import SampleError
from crossrisk.targets.target import Target

# What a forbidden token scores, in nats. Far below what fp32 logits give a possible token, and still a number.
FORBIDDEN = -1000.0


def edited_log_probs(
    target: Target, contexts: Sequence[list[int]], logits: Tensor, steps: Sequence[int], names: Sequence[int]
) -> Tensor:
    """log p(next token), [rows, vocabulary], float32, after every edit in turn, normalised after each.

    contexts: all tokens before each row's next one. steps: how many of them belong to the reply. names: what
    rows are called in errors. Raises SampleError for a row that an edit cannot read.
    """
    log_probs = torch.log_softmax(logits.float(), dim=-1)
    for edit in target.distribution_edits:
        try:
            edited = edit(contexts, log_probs, steps)
        except SampleError as error:
            raise SampleError(names[error.index], error.problem) from error
        log_probs = torch.log_softmax(edited.float(), dim=-1)
    return log_probs

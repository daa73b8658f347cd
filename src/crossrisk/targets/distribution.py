"""The distribution of the next token after a target's edits: what generation draws from and what scoring reads."""

from collections.abc import Sequence

import torch
from torch import Tensor

from crossrisk.targets.target import Target

# What a forbidden token scores, in nats. Far below what fp32 logits give a possible token, and still a number.
FORBIDDEN = -1000.0


def edited_log_probs(target: Target, contexts: Sequence[list[int]], logits: Tensor, steps: Sequence[int]) -> Tensor:
    """log p(next token), [rows, vocabulary], float32, after every edit in turn, normalised after each.

    contexts: all tokens before each row's next one. steps: how many of them belong to the reply.
    """
    log_probs = torch.log_softmax(logits.float(), dim=-1)
    for edit in target.distribution_edits:
        log_probs = torch.log_softmax(edit(contexts, log_probs, steps).float(), dim=-1)
    return log_probs

"""Losses of the training defenses, as pure functions of log-probabilities (nats).

`log_probs` are of whole replies: the sum over the reply's tokens, a value a row. No loss knows of models or padding.
"""

import torch
from torch import Tensor
from torch.nn.functional import softplus


def gradient_ascent(log_probs: Tensor) -> Tensor:
    """Mean log-likelihood of the replies to be forgotten; going down on it makes them less likely."""
    return log_probs.mean()


def npo(log_probs: Tensor, reference: Tensor, beta: float) -> Tensor:
    """Negative preference optimisation: mean of (2 / beta) softplus(beta (log p - log p_ref)).

    log_probs, reference: [rows], summed over each reply's tokens, under the model and under the model before.
    Where both agree its value is (2 / beta) ln 2 and its gradient is that of `gradient_ascent`; as beta goes to 0 it
    tends to gradient ascent everywhere; as the replies grow unlikely its gradient fades, which is what keeps the rest
    of the model alive. Zhang et al. (2024), arXiv 2404.05868, equation 3.
    """
    return (2 / beta) * softplus(beta * (log_probs - reference)).mean()


def negative_log_likelihood(log_probs: Tensor, tokens: Tensor) -> Tensor:
    """Mean over all tokens of the batch, not over rows; padding counts in neither.

    log_probs: [rows], summed over each reply's tokens. tokens: [rows], how many each reply has.
    """
    return -log_probs.sum() / tokens.sum()


def reply_log_probs(logits: Tensor, labels: Tensor) -> Tensor:
    """Summed log-likelihood of each row's reply, [rows].

    logits: [rows, length, vocabulary]. labels: [rows, length], the row's own tokens, and -100 wherever a token is no
    part of the reply (prompt, padding).
    """
    following, wanted = logits[:, :-1].float(), labels[:, 1:]
    ours = wanted != -100
    log_probs = torch.log_softmax(following, dim=-1).gather(-1, wanted.clamp(min=0).unsqueeze(-1)).squeeze(-1)
    return (log_probs * ours).sum(dim=-1)

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


def simnpo(log_probs: Tensor, tokens: Tensor, beta: float, margin: float = 0.0) -> Tensor:
    """NPO without a reference and by token: mean of (2 / beta) softplus(beta (log p / tokens + margin)).

    tokens: [rows], how many each reply has. Fan et al. (2024), arXiv 2410.07163, where the margin is written
    gamma / beta.
    """
    return (2 / beta) * softplus(beta * (log_probs / tokens + margin)).mean()


def dpo(chosen: Tensor, rejected: Tensor, beta: float) -> Tensor:
    """Mean of -log sigmoid(beta (chosen - rejected)), ln 2 where the model is what it was.

    chosen, rejected: [rows], log p - log p_ref of the wanted and the unwanted reply to the same prompt. Rafailov et al.
    (2023), arXiv 2305.18290, equation 7.
    """
    return softplus(-beta * (chosen - rejected)).mean()


def ipo(chosen: Tensor, rejected: Tensor, beta: float) -> Tensor:
    """Mean of (chosen - rejected - 1 / (2 beta))^2, of log-ratios by token: the margin is to be reached, and no more.

    chosen, rejected: [rows], (log p - log p_ref) / tokens. Azar et al. (2023), arXiv 2310.12036.
    """
    return ((chosen - rejected - 1 / (2 * beta)) ** 2).mean()


def adaptive_unlearning(log_probs: Tensor, reference: Tensor, tokens: Tensor, beta: float) -> Tensor:
    """Mean of -log sigmoid(-beta (log p - log p_ref) / tokens): NPO by token, and without its factor 2 / beta.

    Where both agree its gradient is beta / 2 times that of the mean log-likelihood by token. Zhang et al. (2024), Safe
    Unlearning, arXiv 2407.02855.
    """
    return softplus(beta * (log_probs - reference) / tokens).mean()


def cut_off(loss: Tensor, least: float) -> Tensor:
    """The loss where it is above `least`; below it goes on falling a thousand times as slowly.

    So what has been learned stops crowding out the rest. Xhonneux et al. (2024), arXiv 2405.15589.
    """
    return torch.where(loss > least, loss, 0.999 * least + 0.001 * loss)


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
    following, wanted = _at_replies(logits, labels)
    found = torch.log_softmax(following, dim=-1).gather(-1, wanted.unsqueeze(-1)).squeeze(-1)
    return _summed_by_row(found, labels)


def reply_divergence(before: Tensor, after: Tensor, labels: Tensor) -> Tensor:
    """KL(before || after) of the next-token distributions, summed over each row's reply tokens, [rows], in nats.

    before, after: logits [rows, length, vocabulary]. labels: as in `reply_log_probs`. Nothing but reply tokens counts:
    a mean over padding too (as released code of unlearning takes it) hangs on how the batch was put together.
    """
    was = torch.log_softmax(_at_replies(before, labels)[0], dim=-1)
    now = torch.log_softmax(_at_replies(after, labels)[0], dim=-1)
    return _summed_by_row((was.exp() * (was - now)).sum(dim=-1), labels)


def _at_replies(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """The logits that predict a reply token, [tokens, vocabulary] in float32, and that token, [tokens]."""
    ours = labels[:, 1:] != -100
    return logits[:, :-1][ours].float(), labels[:, 1:][ours]


def _summed_by_row(values: Tensor, labels: Tensor) -> Tensor:
    """Values of all reply tokens, row after row, as a sum for each row."""
    ours = labels[:, 1:] != -100
    return values.new_zeros(ours.shape).masked_scatter(ours, values).sum(dim=-1)

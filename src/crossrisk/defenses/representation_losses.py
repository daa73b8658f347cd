"""Losses of representation training, as pure functions of hidden states. Sums over a row's tokens: a value a row.

states, before: [layers, rows, tokens, width], under the model and under the model before. ours: [rows, tokens], True
where a token counts; padding never does (in released code it counts in the mean).
"""

import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity, relu


def rerouting(states: Tensor, before: Tensor, ours: Tensor) -> Tensor:
    """ReLU of the cosine with the states before, the mean over layers: 1 where nothing moved, 0 from a right angle on.

    Zou et al. (2024), Circuit breakers, arXiv 2406.04313, section 3.
    """
    return _over_tokens(relu(cosine_similarity(states, before, dim=-1)), ours)


def displacement(states: Tensor, before: Tensor, ours: Tensor) -> Tensor:
    """Euclidean distance from the states before, in multiples of their own norm, the mean over layers.

    The retain loss of the same paper, whose distances are absolute: those of a small model and of a large one, and of a
    first token and of any other, differ by orders of magnitude.
    """
    # The norm has no gradient at 0, where training begins.
    squared = (states - before).pow(2).sum(dim=-1)
    moved = squared > 0
    distance = torch.where(moved, squared.where(moved, 1.0).sqrt(), 0.0)
    return _over_tokens(distance / before.norm(dim=-1).clamp(min=1e-12), ours)


def misdirection(states: Tensor, wanted: Tensor, ours: Tensor) -> Tensor:
    """Mean squared difference from wanted states, over layers and width. Li et al. (2024), RMU, arXiv 2403.03218.

    wanted: one vector for all, or states like `states`.
    """
    return _over_tokens((states - wanted).pow(2).mean(dim=-1), ours)


def rerouting_schedule(step: int, steps: int, alpha: float) -> tuple[float, float]:
    """Weights of retaining and of rerouting at a step from 0 on. Their sum is alpha.

    Retaining grows from 0 over twice the run, so that at its end both weigh alpha / 2, as in the code of the paper.
    """
    retain = alpha * step / (2 * steps)
    return retain, alpha - retain


def _over_tokens(values: Tensor, ours: Tensor) -> Tensor:
    return (values.mean(dim=0) * ours).sum(dim=-1)

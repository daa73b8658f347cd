"""Scores that tell whether a text was seen in training; larger speaks for a member.

LOSS (Yeom et al., arXiv 1709.01604), zlib (Carlini et al., arXiv 2012.07805), Min-K% (Shi et al., arXiv 2310.16789) and
Min-K%++ (Zhang et al., arXiv 2404.02936).
"""

import math
import zlib
from collections.abc import Sequence

SHARE = 0.2  # K, as in both Min-K papers' tables


def loss_score(log_probs: Sequence[float]) -> float:
    """Mean log-probability per token, nats; at least one token."""
    return math.fsum(log_probs) / len(log_probs)


def zlib_score(log_probs: Sequence[float], text: str) -> float:
    """Mean log-probability per token over the length in bytes of the text when compressed."""
    return loss_score(log_probs) / len(zlib.compress(text.encode("utf-8")))


def min_k(log_probs: Sequence[float], share: float = SHARE) -> float:
    """Mean of the lowest log-probabilities: this share of the tokens, rounded down, but one at least."""
    return _mean_of_lowest(log_probs, share)


def min_k_plus_plus(
    log_probs: Sequence[float], means: Sequence[float], deviations: Sequence[float], share: float = SHARE
) -> float:
    """Mean of the lowest (log p - mean) / deviation, both of log p under the model's own distribution at that place.

    Where the model leaves no choice the deviation is 0, and so is the score of the token. Raises ValueError for columns
    of different lengths.
    """
    columns = zip(log_probs, means, deviations, strict=True)
    scores = [(log_prob - mean) / deviation if deviation > 0 else 0.0 for log_prob, mean, deviation in columns]
    return _mean_of_lowest(scores, share)


def _mean_of_lowest(values: Sequence[float], share: float) -> float:
    count = max(1, int(len(values) * share))
    return math.fsum(sorted(values)[:count]) / count

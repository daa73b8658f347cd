"""How well a score ranks positives above negatives: AUROC, and true positives at few false ones."""

from typing import TYPE_CHECKING, Any

import numpy as np

from crossrisk.tasks.metrics.weighted import in_parts, ratio

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from crossrisk.tasks.metric import Floats, Weighing


def auroc(scores: "Floats", positive: "NDArray[np.bool_]") -> float | None:
    """Probability that a positive scores higher than a negative, a tie counting one half.

    The Mann-Whitney statistic by midranks, so ties are exact and only the order of the scores matters. None where there
    are no positives or no negatives. Scores must be no NaN.
    """
    positives, negatives = int(positive.sum()), int((~positive).sum())
    if not positives or not negatives:
        return None
    _, codes, counts = np.unique(scores, return_inverse=True, return_counts=True)
    midranks = (np.cumsum(counts) - (counts - 1) / 2)[codes]
    wins = float(midranks[positive].sum()) - positives * (positives + 1) / 2
    return wins / (positives * negatives)


def tpr_at_fpr(scores: "Floats", positive: "NDArray[np.bool_]", fpr: float) -> float | None:
    """Largest share of positives above a threshold that at most a share `fpr` of the negatives passes.

    "Above" includes the threshold itself, so tied rows pass together. With fewer than 1/fpr negatives none may pass.
    None where there are no positives or no negatives.
    """
    positives, negatives = np.sort(scores[positive]), np.sort(scores[~positive])
    if not len(positives) or not len(negatives):
        return None
    allowed = int(np.floor(fpr * len(negatives) + 1e-9))  # 0.01 * 100 negatives is one, whatever floats say
    if allowed >= len(negatives):
        return 1.0
    first_not_to_pass = negatives[len(negatives) - 1 - allowed]
    return float((positives > first_not_to_pass).mean())


def auroc_weighing(scores: "Floats", positive: "NDArray[np.bool_]", clusters: "NDArray[np.intp]") -> "Weighing":
    """`auroc` as a function of the weights of clusters: see `WeightedStatistic`. clusters: numbers from 0, of each row.

    The rows are sorted once; each draw is then a running sum over the negatives, read off at every positive.
    """
    order = np.argsort(scores[~positive], kind="stable")
    negatives, others = scores[~positive][order], clusters[~positive][order]
    order = np.argsort(scores[positive], kind="stable")
    positives, members = scores[positive][order], clusters[positive][order]
    below, up_to = np.searchsorted(negatives, positives), np.searchsorted(negatives, positives, side="right")
    tied = bool((below != up_to).any())

    def weigh(weights: "NDArray[Any]") -> "Floats":
        counts = _running(weights, others)
        beaten = np.take(counts, below, axis=1).astype(np.float64)
        if tied:
            beaten = (beaten + np.take(counts, up_to, axis=1)) / 2
        each = np.take(weights, members, axis=1).astype(np.float64)
        wins = np.einsum("dp,dp->d", beaten, each)
        return ratio(wins, each.sum(axis=1) * counts[:, -1])

    return in_parts(weigh, len(scores))


def tpr_weighing(
    scores: "Floats", positive: "NDArray[np.bool_]", clusters: "NDArray[np.intp]", fpr: float
) -> "Weighing":
    """`tpr_at_fpr` as a function of the weights of clusters: see `WeightedStatistic`."""
    order = np.argsort(-scores[~positive], kind="stable")
    negatives, others = scores[~positive][order], clusters[~positive][order]
    order = np.argsort(-scores[positive], kind="stable")
    positives, members = scores[positive][order], clusters[positive][order]
    # Of each negative, and of a threshold below all of them, how many positives score higher.
    higher = np.append(np.searchsorted(-positives, -negatives), len(positives))

    def weigh(weights: "NDArray[Any]") -> "Floats":
        passed, found = _running(weights, others)[:, 1:], _running(weights, members)
        total = passed[:, -1] if passed.shape[1] else np.zeros(len(weights))
        allowed = np.floor(fpr * total + 1e-9)
        first_not_to_pass = (passed <= allowed[:, None]).sum(axis=1)
        above = np.take_along_axis(found, higher[first_not_to_pass][:, None], axis=1)[:, 0]
        return np.where(total > 0, ratio(above, found[:, -1]), np.nan)

    return in_parts(weigh, len(scores))


def _running(weights: "NDArray[Any]", clusters: "NDArray[np.intp]") -> "NDArray[Any]":
    """Running sums of the weights of these rows, starting from 0: (draws, rows + 1). Weights are whole numbers."""
    sums = np.zeros((len(weights), len(clusters) + 1), dtype=np.int32)
    np.cumsum(np.take(weights, clusters, axis=1), axis=1, dtype=np.int32, out=sums[:, 1:])
    return sums

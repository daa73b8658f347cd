"""How well a score ranks positives above negatives: AUROC, and true positives at few false ones."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from crossrisk.tasks.metric import Floats


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

"""A linear probe: logistic regression with an L2 penalty, in float64, both classes of equal weight.

What a probe is asked for is told by cross-validation, so that a layer is not chosen by how well it is learned by heart.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, log_expit

Array = NDArray[np.float64]
FOLDS = 5


@dataclass(frozen=True)
class LogisticProbe:
    """P(positive | x) = sigmoid(weight . x + bias). weight: [width], for raw features."""

    weight: Array
    bias: float

    def probability(self, features: Array) -> Array:
        """Of the positive class, [rows]."""
        chance: Array = expit(features @ self.weight + self.bias)
        return chance


def fit_probe(positive: Array, negative: Array, *, penalty: float) -> LogisticProbe:
    """The minimum of mean log loss + penalty / 2 |w|^2 on standardised features; each class weighs one half.

    positive, negative: [rows, width], float64.
    """
    features = np.concatenate([positive, negative])
    mean, spread = features.mean(axis=0), features.std(axis=0)
    spread = np.where(spread > 1e-12 * (np.abs(mean) + 1), spread, np.inf)  # a constant feature tells nothing
    standard = (features - mean) / spread
    signs = np.concatenate([np.ones(len(positive)), -np.ones(len(negative))])
    weights = np.where(signs > 0, 0.5 / len(positive), 0.5 / len(negative))

    def loss(parameters: Array) -> tuple[float, Array]:
        w, b = parameters[:-1], parameters[-1]
        margins = signs * (standard @ w + b)
        pull = -weights * signs * expit(-margins)
        gradient = np.append(standard.T @ pull + penalty * w, pull.sum())
        return float(-(weights * log_expit(margins)).sum() + penalty / 2 * (w @ w)), gradient

    start = np.zeros(features.shape[1] + 1)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"gtol": 1e-8, "ftol": 1e-14, "maxiter": 2000}).x
    weight = found[:-1] / spread
    return LogisticProbe(weight, float(found[-1] - weight @ mean))


def cross_validated(positive: Array, negative: Array, *, penalty: float, seed: int) -> tuple[float, float]:
    """Balanced accuracy on rows that the probe was not fitted on, and their mean log-likelihood, which breaks ties.

    With fewer rows of a class than `FOLDS` there are as many folds as rows, so that none is empty; it takes two.
    """
    folds = min(FOLDS, len(positive), len(negative))
    draw = np.random.default_rng(seed)
    places = [draw.permutation(len(rows)) % folds for rows in (positive, negative)]
    right, likely = [], []
    for fold in range(folds):
        held = [place == fold for place in places]
        probe = fit_probe(positive[~held[0]], negative[~held[1]], penalty=penalty)
        for rows, sign in ((positive[held[0]], 1), (negative[held[1]], -1)):
            margins = sign * (rows @ probe.weight + probe.bias)
            right.append(np.mean(margins > 0))
            likely.append(np.mean(log_expit(margins)))
    return float(np.mean(right)), float(np.mean(likely))

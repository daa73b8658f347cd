"""How far a judge agrees with people: on the same replies, one label each."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from crossrisk.interactions.paired import wilson

DRAWS = 1_000


def agreement(truth: Sequence[bool], said: Sequence[bool], *, seed: int = 0) -> dict[str, Any]:
    """Accuracy, sensitivity (recall), specificity, precision, F1 and Cohen's kappa, with 95 % intervals.

    truth, said: of the same replies, in the same order. Wilson's interval for shares, percentiles of 1,000 resampled
    sets of replies for F1 and kappa. None where a figure is undefined (no reply is positive). Raises ValueError for
    sequences of different lengths. Cohen (1960), Educational and Psychological Measurement 20:37.
    """
    if len(truth) != len(said):
        raise ValueError(f"{len(truth)} labels and {len(said)} verdicts: they must be of the same replies")
    a, b = np.array(truth, dtype=bool), np.array(said, dtype=bool)
    shares = {
        "accuracy": (int((a == b).sum()), len(a)),
        "sensitivity": (int((a & b).sum()), int(a.sum())),
        "specificity": (int((~a & ~b).sum()), int((~a).sum())),
        "precision": (int((a & b).sum()), int(b.sum())),
    }
    figures: dict[str, Any] = {"n": len(a)}
    for name, (hits, n) in shares.items():
        figures[name] = hits / n if n else None
        figures[f"{name}_interval"] = [*wilson(hits, n)] if n else None
    rng = np.random.default_rng(seed)
    draws = [rng.integers(0, len(a), len(a)) for _ in range(DRAWS if len(a) else 0)]
    for name, figure in (("f1", f1), ("kappa", kappa)):
        drawn = [value for rows in draws if (value := figure(a[rows], b[rows])) is not None]
        figures[name] = figure(a, b)
        figures[f"{name}_interval"] = np.quantile(drawn, [0.025, 0.975]).tolist() if drawn else None
    return figures


def f1(truth: "np.ndarray[Any, Any]", said: "np.ndarray[Any, Any]") -> float | None:
    """Harmonic mean of precision and recall; None where neither calls anything positive."""
    either = int(truth.sum()) + int(said.sum())
    return 2 * int((truth & said).sum()) / either if either else None


def kappa(truth: "np.ndarray[Any, Any]", said: "np.ndarray[Any, Any]") -> float | None:
    """Agreement beyond chance; None where chance alone agrees always, or there is nothing."""
    if not len(truth):
        return None
    chance = truth.mean() * said.mean() + (1 - truth.mean()) * (1 - said.mean())
    return None if chance == 1 else float(((truth == said).mean() - chance) / (1 - chance))

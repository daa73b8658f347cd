"""Many comparisons at once: Holm within the declared family, Benjamini-Hochberg elsewhere."""

from collections.abc import Callable, Sequence

import numpy as np

from crossrisk.interactions.clustered import Floats


def holm(p: Sequence[float | None]) -> list[float | None]:
    """Adjusted p values that control the chance of any false finding in the family, under any dependence.

    The k-th smallest of m is multiplied by m - k + 1, never falling below a smaller one's, at most 1. None (no test was
    made) stays None and does not count. Holm (1979), Scandinavian Journal of Statistics 6:65. Not statsmodels' own,
    which is one line as well and takes a second to import.
    """
    return _adjusted(p, _holm)


def benjamini_hochberg(p: Sequence[float | None]) -> list[float | None]:
    """Adjusted p values that control the expected share of false findings among the findings.

    Assumes independent or positively dependent tests; tasks that share prompts are so. None stays None and does not
    count. Benjamini, Hochberg (1995), JRSS B 57:289; dependence: Benjamini, Yekutieli (2001), Annals of Statistics
    29:1165.
    """
    from scipy.stats import false_discovery_control

    return _adjusted(p, false_discovery_control)


def _holm(p: Floats) -> Floats:
    order = np.argsort(p, kind="stable")
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)), 1.0)
    return adjusted


def _adjusted(p: Sequence[float | None], method: Callable[[Floats], Floats]) -> list[float | None]:
    tested = np.array([value for value in p if value is not None], dtype=np.float64)
    values = iter(method(tested).tolist() if len(tested) else [])
    return [None if value is None else next(values) for value in p]

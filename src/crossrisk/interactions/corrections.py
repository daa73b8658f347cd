"""Many comparisons at once: Holm within the declared family, Benjamini-Hochberg or -Yekutieli elsewhere.

Each is a line of numpy, checked against statsmodels in the tests; importing a library for them takes longer than a
study's statistics do.
"""

from collections.abc import Callable, Sequence

import numpy as np

from crossrisk.interactions.clustered import Floats


def holm(p: Sequence[float | None]) -> list[float | None]:
    """Adjusted p values that control the chance of any false finding in the family, under any dependence.

    The k-th smallest of m is multiplied by m - k + 1, never falling below a smaller one's, at most 1. None (no test was
    made) stays None and does not count. Holm (1979), Scandinavian Journal of Statistics 6:65.
    """
    return _adjusted(p, _holm)


def benjamini_hochberg(p: Sequence[float | None]) -> list[float | None]:
    """Adjusted p values that control the expected share of false findings among the findings.

    Assumes independent or positively dependent tests; tasks that share prompts are so. None stays None and does not
    count. Benjamini, Hochberg (1995), JRSS B 57:289; dependence: Benjamini, Yekutieli (2001), Annals of Statistics
    29:1165.
    """
    return _adjusted(p, _benjamini_hochberg)


def benjamini_yekutieli(p: Sequence[float | None]) -> list[float | None]:
    """Adjusted p values that control the expected share of false findings under any dependence between the tests.

    Those of `benjamini_hochberg` times 1 + 1/2 + ... + 1/m, at most 1. None stays None and does not count.
    Benjamini, Yekutieli (2001), Annals of Statistics 29:1165.
    """
    return _adjusted(p, _benjamini_yekutieli)


def _holm(ordered: Floats) -> Floats:
    return np.maximum.accumulate(ordered * np.arange(len(ordered), 0, -1))


def _benjamini_hochberg(ordered: Floats) -> Floats:
    m = len(ordered)
    return np.minimum.accumulate((ordered * m / np.arange(1, m + 1))[::-1])[::-1]


def _benjamini_yekutieli(ordered: Floats) -> Floats:
    return _benjamini_hochberg(ordered) * float((1 / np.arange(1, len(ordered) + 1)).sum())


def _adjusted(p: Sequence[float | None], of_ordered: Callable[[Floats], Floats]) -> list[float | None]:
    tested = np.array([value for value in p if value is not None], dtype=np.float64)
    order = np.argsort(tested, kind="stable")
    adjusted = np.empty_like(tested)
    adjusted[order] = np.minimum(of_ordered(tested[order]), 1.0)
    values = iter(adjusted.tolist())
    return [None if value is None else next(values) for value in p]
